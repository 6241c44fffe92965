module.exports = (RED) => {
  const bridge = RED.settings.gatehouse;

  function Equipment(config) {
    RED.nodes.createNode(this, config);
    this.equipment = config.equipment || "";
  }
  RED.nodes.registerType("equipment", Equipment);

  /** What the dialogs' pickers offer: what really exists on this site. */
  const pick = (what) => (request, response) => {
    bridge.order(undefined, "pick", { what, equipment: String(request.query.equipment || "") }).then(
      (list) => response.json(list),
      (error) => response.status(503).json({ code: error.code, message: error.message }),
    );
  };
  for (const what of ["equipment", "metrics", "checks", "channels"])
    RED.httpAdmin.get(`/gatehouse/${what}`, RED.auth.needsPermission("nodes.read"), pick(what));
};

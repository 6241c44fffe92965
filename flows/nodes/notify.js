module.exports = (RED) => {
  const bridge = RED.settings.gatehouse;

  function Notify(config) {
    RED.nodes.createNode(this, config);
    this.on("input", (msg, _send, done) => {
      const order = {
        channel: config.channel || "noc",
        title: bridge.render(config.title || msg.topic || "notice", msg),
        text: bridge.render(config.text || (typeof msg.payload === "string" ? msg.payload : ""), msg),
        severity: config.severity || "warning",
      };
      bridge.order(this, "notify", order).then(
        () => {
          this.status({});
          done();
        },
        (error) => {
          this.status({ fill: "yellow", shape: "ring", text: error.code || "failed" });
          done(error.code === "E_RATE" ? undefined : error);
        },
      );
    });
  }
  RED.nodes.registerType("notify", Notify);
};

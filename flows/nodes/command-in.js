module.exports = (RED) => {
  function CommandIn(config) {
    RED.nodes.createNode(this, config);
    try {
      const end = RED.settings.gatehouse.onCommand(this, config.operation, (args, command) => this.send({ payload: args, command }));
      this.on("close", end);
    } catch (error) {
      this.status({ fill: "red", shape: "ring", text: error.code });
      this.error(error.message);
    }
  }
  RED.nodes.registerType("command in", CommandIn);
};

const { equipmentOf } = require("./lib/node.js");

module.exports = (RED) => {
  function EventIn(config) {
    RED.nodes.createNode(this, config);
    const filter = { kind: config.kind || "event", equipment: equipmentOf(RED, config), match: config.match || "" };
    const end = RED.settings.gatehouse.subscribe(this, filter, (msg) => this.send(msg));
    this.on("close", end);
  }
  RED.nodes.registerType("event in", EventIn);
};

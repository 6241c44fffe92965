const { ask, equipmentOf, lines, number } = require("./lib/node.js");

module.exports = (RED) => {
  function SnmpGet(config) {
    RED.nodes.createNode(this, config);
    this.on("input", (msg, send, done) => {
      const order = {
        equipment: equipmentOf(RED, config, msg),
        oids: lines(config.oids).length > 0 ? lines(config.oids) : lines(msg.oids),
        timeoutMs: number(config.timeoutMs, 5000),
      };
      ask(this, send, done, msg, RED.settings.gatehouse.order(this, "snmp.get", order), (value) => {
        msg.payload = value;
      });
    });
  }
  RED.nodes.registerType("snmp get", SnmpGet);
};

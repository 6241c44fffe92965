const { ask, equipmentOf } = require("./lib/node.js");

module.exports = (RED) => {
  function SnmpSet(config) {
    RED.nodes.createNode(this, config);
    this.on("input", (msg, send, done) => {
      const type = config.valueType || "integer";
      const value = config.value === "" || config.value === undefined ? msg.payload : config.value;
      const isText = type === "octet-string" || type === "oid" || type === "ip-address";
      const order = {
        equipment: equipmentOf(RED, config, msg),
        oid: config.oid || msg.oid || "",
        type,
        value: isText ? String(value) : Number(value),
      };
      ask(this, send, done, msg, RED.settings.gatehouse.order(this, "snmp.set", order), (result) => {
        msg.payload = result;
      });
    });
  }
  RED.nodes.registerType("snmp set", SnmpSet);
};

const { equipmentOf, number } = require("./lib/node.js");

module.exports = (RED) => {
  function MetricIn(config) {
    RED.nodes.createNode(this, config);
    if (!config.metric) {
      this.status({ fill: "red", shape: "ring", text: "no metric chosen" });
      return;
    }
    const filter = {
      kind: "metric",
      equipment: equipmentOf(RED, config),
      metric: config.metric,
      table: config.table || "",
      row: config.row || "",
      send: config.send || "every",
      deadband: number(config.deadband, 0),
      minIntervalS: number(config.minIntervalS, 0),
      aggregate: config.aggregate || "none",
      windowS: number(config.windowS, 60),
      counter: config.counter || "rate",
    };
    const end = RED.settings.gatehouse.subscribe(this, filter, (msg) => this.send(msg));
    this.on("close", end);
  }
  RED.nodes.registerType("metric in", MetricIn);
};

const { equipmentOf } = require("./lib/node.js");

module.exports = (RED) => {
  function MetricOut(config) {
    RED.nodes.createNode(this, config);
    this.on("input", (msg, _send, done) => {
      const row = config.row || (typeof msg.row === "string" ? msg.row : "");
      const equipment = config.device || config.equipment ? equipmentOf(RED, config, msg) : "";
      const unit = config.unit || "";
      const values =
        typeof msg.payload === "object" && msg.payload !== null
          ? Object.entries(msg.payload).map(([metric, value]) => ({ metric, value, unit, row, equipment }))
          : [{ metric: config.metric || msg.metric, value: Number(msg.payload), unit, row, equipment }];
      const usable = values.filter(({ value }) => typeof value === "number" && Number.isFinite(value));
      if (usable.length === 0) {
        done(new Error("payload is no number and no object of numbers"));
        return;
      }
      RED.settings.gatehouse.order(this, "metric.put", { values: usable }).then(
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
  RED.nodes.registerType("metric out", MetricOut);
};

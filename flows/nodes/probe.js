const { ask, number, object } = require("./lib/node.js");

module.exports = (RED) => {
  const bridge = RED.settings.gatehouse;

  function Probe(config) {
    RED.nodes.createNode(this, config);
    const run = (msg, send, done) => {
      const target = config.target || (typeof msg.target === "string" ? msg.target : "");
      const order = {
        type: config.check || "icmp",
        target,
        timeoutMs: number(config.timeoutMs, 5000),
        settings: object(config.settings),
        checkId: config.checkId || "",
      };
      ask(this, send, done, msg, bridge.order(this, "probe", order), (result) => {
        msg.payload = { ...result, target };
        msg.topic = target || config.checkId;
        if (config.equipment) msg.equipment = config.equipment;
        this.status(
          result.ok ? { fill: "green", shape: "dot", text: "answers" } : { fill: "yellow", shape: "dot", text: "does not answer" },
        );
      });
    };
    this.on("input", run);
    const everyS = number(config.everyS, 0);
    if (everyS <= 0) return;
    const fire = () => this.receive({});
    fire();
    this.on("close", bridge.every(Math.max(5, everyS) * 1000, fire));
  }
  RED.nodes.registerType("probe", Probe);
};

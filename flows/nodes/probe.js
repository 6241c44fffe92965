const { ask, number, object } = require("./lib/node.js");

/** First run after the deploy, and the range over which first runs are spread, ms. */
const firstMs = 200;
const spreadMs = 1_500;
/** A run that the gateway did not make (too many at once) is made up for after this time, where the next one would be much later. */
const againMs = 30_000;

module.exports = (RED) => {
  const bridge = RED.settings.gatehouse;

  function Probe(config) {
    RED.nodes.createNode(this, config);
    let stopAgain = () => undefined;
    const everyS = number(config.everyS, 0);
    const runAgain = () => {
      stopAgain();
      stopAgain = bridge.every(againMs, () => {
        stopAgain();
        fire();
      });
    };
    const run = (msg, send, done) => {
      const target = config.target || (typeof msg.target === "string" ? msg.target : "");
      const order = {
        type: config.check || "icmp",
        target,
        timeoutMs: number(config.timeoutMs, 5000),
        settings: object(config.settings),
        checkId: config.checkId || "",
      };
      const asked = bridge.order(this, "probe", order);
      if (everyS * 1000 > 2 * againMs) asked.catch((error) => error.code === "E_BUSY" && runAgain());
      ask(this, send, done, msg, asked, (result) => {
        msg.payload = { ...result, target };
        msg.topic = target || config.checkId;
        if (config.equipment) msg.equipment = config.equipment;
        this.status(
          result.ok ? { fill: "green", shape: "dot", text: "answers" } : { fill: "yellow", shape: "dot", text: "does not answer" },
        );
      });
    };
    this.on("input", run);
    const fire = () => this.receive({});
    if (everyS <= 0) return;
    // Not at once: what it is wired to is made after it, and a deploy of many must not fire all of them together.
    const stopFirst = bridge.every(firstMs + Math.random() * spreadMs, () => {
      stopFirst();
      fire();
    });
    const stop = bridge.every(Math.max(5, everyS) * 1000, fire);
    this.on("close", () => {
      stopFirst();
      stopAgain();
      stop();
    });
  }
  RED.nodes.registerType("probe", Probe);
};

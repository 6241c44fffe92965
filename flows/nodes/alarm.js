const { equipmentOf } = require("./lib/node.js");

module.exports = (RED) => {
  const bridge = RED.settings.gatehouse;

  /** Alarms whose last order is remembered, so that what has not changed is not ordered again at every poll. */
  const maxRemembered = 1024;
  /** The same is said again after one to two of this time, should it have been put aside in between; spread, so that services do not all speak at one poll. */
  const sayAgainMs = 60_000;

  function Alarm(config) {
    RED.nodes.createNode(this, config);
    const last = new Map();
    this.on("input", (msg, send, done) => {
      const given = typeof msg.payload === "object" && msg.payload !== null ? msg.payload : {};
      const raise = "raise" in given ? Boolean(given.raise) : Boolean(msg.payload);
      const text = (value) => bridge.render(String(value || ""), msg);
      const order = {
        type: config.alarm,
        equipment: given.equipment || (config.device || config.equipment ? equipmentOf(RED, config, msg) : ""),
        path: text(given.path || config.path),
        qualifier: text(given.qualifier || config.qualifier),
      };
      if (raise) {
        order.severity = given.severity || config.severity || "major";
        order.text = text(given.text || config.text || (typeof msg.payload === "string" ? msg.payload : ""));
        order.cause = config.cause || "";
        order.repair = config.repair || "";
      }
      const which = `${order.equipment}|${order.path}|${order.qualifier}`;
      const what = raise ? `${order.severity}|${order.text}` : "";
      const before = last.get(which);
      const now = bridge.pauseMs();
      if (before !== undefined && before.what === what && now < before.againMs) {
        msg.alarm = raise;
        send(msg);
        done();
        return;
      }
      bridge.order(this, raise ? "alarm.set" : "alarm.clear", order).then(
        () => {
          if (last.size < maxRemembered || last.has(which)) last.set(which, { what, againMs: now + sayAgainMs * (1 + Math.random()) });
          this.status(raise ? { fill: "yellow", shape: "dot", text: "raised" } : { fill: "green", shape: "dot", text: "clear" });
          msg.alarm = raise;
          send(msg);
          done();
        },
        (error) => {
          this.status({ fill: "red", shape: "ring", text: error.code || "failed" });
          done(error);
        },
      );
    });
  }
  RED.nodes.registerType("alarm", Alarm);
};

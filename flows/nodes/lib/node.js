/** What the nodes of this palette share. `RED.settings.gatehouse` is the bridge to the telemetry process; it decides, the nodes ask. */

/** @returns the equipment a node is about: its configuration node, its own property, the message's */
function equipmentOf(RED, config, msg) {
  const chosen = config.device ? RED.nodes.getNode(config.device) : undefined;
  const asked = msg && typeof msg.equipment === "string" ? msg.equipment : "";
  return (chosen && chosen.equipment) || config.equipment || asked || "";
}

function number(value, standard) {
  const given = Number(value);
  return value === "" || value === undefined || !Number.isFinite(given) ? standard : given;
}

/** JSON text of a dialog, or an object of a template. */
function object(value) {
  if (typeof value !== "string") return value || {};
  return value.trim() === "" ? {} : JSON.parse(value);
}

function lines(value) {
  return (Array.isArray(value) ? value : String(value || "").split(/[\s,]+/)).map(String).filter((one) => one !== "");
}

/** Asks and sends on: the answer to output 1, a refusal with its code to output 2 and to the node's status. */
function ask(node, send, done, msg, asking, onAnswer) {
  node.status({ fill: "blue", shape: "dot", text: "asking" });
  asking.then(
    (value) => {
      node.status({});
      onAnswer(value);
      send([msg, null]);
      done();
    },
    (error) => {
      node.status({ fill: "yellow", shape: "ring", text: error.code || "failed" });
      msg.error = { code: error.code || "E_INTERNAL", message: error.message };
      send([null, msg]);
      done();
    },
  );
}

module.exports = { equipmentOf, number, object, lines, ask };

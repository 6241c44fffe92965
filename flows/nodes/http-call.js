const { ask, lines, number, object } = require("./lib/node.js");

module.exports = (RED) => {
  const bridge = RED.settings.gatehouse;

  function HttpCall(config) {
    RED.nodes.createNode(this, config);
    this.on("input", (msg, send, done) => {
      const method = config.method || "GET";
      const withBody = method === "POST" || method === "PUT" || method === "PATCH";
      const order = {
        method,
        url: bridge.render(config.url || "", msg),
        hosts: lines(config.hosts),
        headers: object(config.headers),
        secret: config.secret || "",
        timeoutMs: number(config.timeoutMs, 10000),
        maxBytes: number(config.maxBytes, 65536),
        redirects: number(config.redirects, 0),
        ...(withBody ? { body: config.body ? bridge.render(config.body, msg) : msg.payload } : {}),
      };
      ask(this, send, done, msg, bridge.order(this, "http", order), (answer) => {
        msg.statusCode = answer.status;
        msg.headers = answer.headers;
        msg.payload = /\bjson\b/.test(answer.headers["content-type"] || "") ? parsed(answer.body) : answer.body;
      });
    });
  }
  RED.nodes.registerType("http call", HttpCall);

  /** JSON if it is; else the text as it came. */
  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
};

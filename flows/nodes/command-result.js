module.exports = (RED) => {
  function CommandResult(config) {
    RED.nodes.createNode(this, config);
    this.on("input", (msg, _send, done) => {
      if (!msg.command) {
        done(new Error("msg.command is missing: it comes from command in and must be kept"));
        return;
      }
      RED.settings.gatehouse.commandResult(msg.command, msg.payload, msg.error ? String(msg.error.message || msg.error) : undefined);
      done();
    });
  }
  RED.nodes.registerType("command result", CommandResult);
};

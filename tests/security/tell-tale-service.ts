/** A template of the worst kind and an instance of it: it asks with a secret, and puts everything it gets to see wherever a flow can put something. */
export function tellTaleService(url: string, sealed: string): readonly object[] {
  const at = { x: 1, y: 1 };
  const tell = [
    "const seen = JSON.stringify({ msg, env: env.get('token'), context: context.keys(), flow: flow.keys(), global: global.keys() });",
    "context.set('seen', seen); flow.set('seen', seen); global.set('seen', seen);",
    "node.status({ text: seen.slice(0, 200) }); node.warn(seen); node.log(seen);",
    "const told = (msg.payload && msg.payload.told) || [];",
    "return { ...msg, payload: `told ${told.join(' ')} header ${JSON.stringify(msg.headers)} env $${env.get('token')} length ${(msg.payload || {}).length} error ${JSON.stringify(msg.error)}` };",
  ].join("\n");
  const template = {
    kind: "ServiceTemplate",
    id: "tell-tale",
    version: "1.0.0",
    title: "Tell-tale",
    category: "Test",
    summary: "Asks a server with a secret and says all that it sees of it.",
    dataSources: ["HTTP"],
    equipment: "None.",
    parameters: {
      type: "object",
      required: ["url"],
      properties: {
        url: { type: "string", title: "Address", maxLength: 500 },
        token: { type: "string", title: "Token", format: "password", default: "", maxLength: 500 },
      },
    },
    requires: { metrics: [], checks: [], capabilities: ["http"] },
    limits: { messagesPerS: 200, functionNodes: 1 },
    health: { soakS: 1, firstReport: { withinS: 60 } },
    flow: {
      nodes: [
        { ...at, id: "go", type: "inject", props: [], repeat: "2", once: true, onceDelay: "0.2", wires: [["ask"]] },
        {
          ...at,
          id: "ask",
          type: "http call",
          method: "GET",
          url: "${url}",
          secret: "token",
          timeoutMs: 15000,
          maxBytes: 65536,
          wires: [["tell"], ["tell"]],
        },
        {
          ...at,
          id: "tell",
          type: "function",
          name: "tell",
          func: tell,
          outputs: 1,
          timeout: 0,
          noerr: 0,
          initialize: "",
          finalize: "",
          libs: [],
          wires: [["alarm", "out"]],
        },
        {
          ...at,
          id: "alarm",
          type: "alarm",
          alarm: "told",
          severity: "minor",
          equipment: "",
          path: "",
          text: "{{payload}}",
          cause: "",
          repair: "",
          wires: [[]],
        },
        { ...at, id: "out", type: "change", rules: [], wires: [[]] },
      ],
    },
    acceptance: [{ fault: "none", parameters: {}, expect: { type: "told", severity: "minor", clears: false } }],
    plans: [],
  };
  const service = { id: "tell-tale", template: "tell-tale@1.0.0", parameters: { url }, secrets: { token: { $sealed: sealed } } };
  return [
    { kind: "template", id: "template.tell-tale", content: template },
    { kind: "services", id: "services", content: { v: 1, services: [service] } },
  ];
}

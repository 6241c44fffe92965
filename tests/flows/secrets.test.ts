import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lint } from "../../flows/compile/lint.ts";
import { KnownSecrets } from "../../flows/known-secrets.ts";
import type { FlowNode, FromHost } from "../../flows/protocol.ts";
import { maskedNodes } from "../../flows/secret-mask.ts";
import { UnitStore } from "../../flows/unit-store.ts";
import { CredentialVault } from "../../runtime/config/credential-vault.ts";
import { secretsIn } from "../../runtime/config/secrets-in.ts";
import { atRestOf } from "../../runtime/host/identity-folder.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { Secret } from "../../runtime/model/secret.ts";
import { TestGround } from "./ground.ts";

const node = (more: object): FlowNode => ({ id: "n", type: "function", ...more });
const shown = (more: object) => JSON.stringify(maskedNodes([node(more)]).nodes);

describe("what looks like a secret in a technician's flow", () => {
  it.each([
    ["an assignment", { func: 'const password = "hunter2!";' }, "hunter2!"],
    ["a header in code", { func: "h['x-api-key'] = 'k3yk3y';" }, "k3yk3y"],
    ["a call", { func: 'flow.set("token", "t0kt0k")' }, "t0kt0k"],
    ["a comment", { func: "// password: hunter22\nreturn msg;" }, "hunter22"],
    ["a long random word without a name", { func: 'return { payload: "f3a94bb1c7Qz8812xxLk" };' }, "f3a94bb1c7Qz8812xxLk"],
    ["any header of http call", { type: "http call", headers: '{"X-Mine":"abcd"}' }, "abcd"],
    ["a password in an address", { type: "http call", url: "https://box:pw12@host/" }, "pw12"],
    ["a query", { type: "http call", url: "https://host/?api_key=qq11&x=1" }, "qq11"],
    ["an environment", { type: "subflow", env: [{ name: "DB_PASSWORD", type: "str", value: "short" }] }, "short"],
    ["a rule of change", { type: "change", rules: [{ t: "set", p: "auth.password", to: "pppp", tot: "str" }] }, "pppp"],
    ["JSON in a template", { type: "template", template: '{"community":"c0mm"}' }, "c0mm"],
    ["a field for credentials", { credentials: { pass: "typed-in" } }, "typed-in"],
    ["a private key", { func: "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----" }, "MHcCAQ"],
  ])("is masked: %s", (_what, more, secret) => {
    expect(JSON.stringify(more)).toContain(secret.slice(0, 4));
    expect(shown(more)).not.toContain(secret);
  });

  it("leaves alone what is none: code, references, addresses, ids", () => {
    const plain = [
      node({ func: "const token = msg.payload.token; const n = env.get('PASSWORD'); return token;" }),
      node({
        id: "0123456789abcdef0123456789abcdef",
        type: "http call",
        url: "https://host/api/v1/devices/123456/state",
        headers: '{"accept":"a/b"}',
      }),
      node({ type: "http call", headers: '{ "authorization": "{{secret}}" }', wires: [["0123456789abcdef01234567"]] }),
      node({ type: "alarm", text: "the token expired: basic settings of 1.3.6.1.2.1.31.1.1.1.6" }),
    ];
    expect(maskedNodes(plain)).toEqual({ nodes: plain, places: [], secrets: [] });
  });

  it("takes no long time over hostile text", () => {
    const long = " ".repeat(250_000);
    const began = process.cpuUsage();
    shown({
      func: `token${long}`,
      a: `password="${long}`,
      b: "https://".repeat(30_000),
      c: `${"token,".repeat(40_000)}`,
      d: "-----BEGIN PRIVATE KEY-----".repeat(9_000),
    });
    // Seconds against minutes: what is quadratic here does not end.
    expect(process.cpuUsage(began).user).toBeLessThan(30_000_000);
  });

  it("makes no flow of the NOC once it is masked: the push is refused with the reason", () => {
    const [masked = node({})] = maskedNodes([node({ func: 'const password = "hunter2!"; return msg;' })]).nodes;
    const rules = { pathOf: String, registry: undefined, capabilities: [], maxFunctionNodes: 9 };
    expect(lint([masked], { ...rules, mayCarryCredentials: false })).toMatchObject([{ code: "E_CREDENTIALS" }]);
    expect(lint([masked], { ...rules, mayCarryCredentials: true })).toEqual([]);
  });
});

describe("what the flow host says", () => {
  const secrets = new KnownSecrets();
  secrets.ofNodes([node({ credentials: { pass: "typed-in-a-field" }, func: 'const password = "hunter2!";' })]);
  const log = (text: string): FromHost => ({ t: "log", level: 20, unit: "local/t", node: "n", text });
  const taken = (message: FromHost) => JSON.stringify(secrets.takenOf(message));

  it("is freed of secrets in every writing, of a beginning where it was cut, and in what is told", () => {
    for (const text of ["typed-in-a-field", Buffer.from("xtyped-in-a-field!").toString("base64"), Buffer.from("hunter2!").toString("hex")])
      expect(taken(log(`it is ${text}.`))).toContain("[secret]");
    expect(taken(log(`${"x".repeat(200)} typed-in-a-f`))).not.toContain("typed");
    const order = (operation: string) =>
      ({ t: "order", n: 1, service: "local/t", node: "n", operation, arguments: { a: [{ "hunter2!": "hunter2!" }] } }) as const;
    for (const telling of ["alarm.set", "notify", "metric.put"]) expect(taken(order(telling))).not.toContain("hunter2");
    // A request needs what it sends.
    expect(taken(order("http"))).toContain("hunter2!");
    expect(taken({ t: "result", n: 1, value: { deep: ["hunter2!"] }, error: "hunter2!" })).not.toContain("hunter2");
  });
});

describe("what the gateway itself keeps secret", () => {
  const before = ["Gl4ss-Harbour", "public", "monitoring"];
  let list: readonly string[] = before;
  const secrets = new KnownSecrets(() => list);
  const say = (text: string) => secrets.taken(text);

  it("is found by value, under any name and in every writing, as soon as it changes; ordinary words are left alone", () => {
    const base64 = Buffer.from("xGl4ss-Harbour!").toString("base64");
    const nodes = [node({ name: "see Gl4ss-Harbour", func: `return { colour: "${base64}" };`, info: "public monitoring" })];
    const { nodes: masked, places } = maskedNodes(nodes, before);
    expect(JSON.stringify(masked)).not.toContain("Harbour");
    expect(JSON.stringify(masked)).not.toContain(base64.slice(4, -4));
    expect(masked[0]).toMatchObject({ info: "public monitoring" });
    expect(places).toEqual(["n/name", "n/func"]);
    expect(say(`it is Gl4ss-Harbour, ${Buffer.from("Gl4ss-Harbour").toString("hex")}, public`)).toBe("it is [secret], [secret], public");
    list = ["Other-Harb0ur"];
    expect(say("Other-Harb0ur")).toBe("[secret]");
    expect(maskedNodes(nodes, list).places).toEqual([]);
  });

  it("is every secret of the configuration, and of the next one once it is adopted", () => {
    const vault = (community: string) => new CredentialVault({ a: { snmp: { version: "2c", community: new Secret(community) } } } as never);
    const credentials = vault("c0mmunity");
    const first = credentials.secrets;
    expect(first).toEqual(["c0mmunity"]);
    expect(credentials.secrets).toBe(first);
    credentials.adopt(vault("an0ther"));
    expect(credentials.secrets).toEqual(["an0ther"]);
    expect(secretsIn({ uplink: { password: new Secret("p") }, notify: { mail: [{ password: new Secret("q") }] }, credentials })).toEqual([
      "p",
      "q",
    ]);
  });
});

describe("what flows keep", () => {
  const nodes = [node({ func: `const password = "${"plain-text-".repeat(3)}";` })];

  it("lies encrypted in the state, under a key that is not there", () => {
    const ground = new TestGround();
    const store = new UnitStore(ground.state, ground.atRest);
    store.saveLocal(nodes);
    store.saveContexts({ local: '"remembered"' });
    const secret = store.credentialSecret(() => new Uint8Array(32).fill(7));
    expect(ground.state.keys("flows/", 99)).toEqual(["flows/sealed/contexts", "flows/sealed/credential-secret", "flows/sealed/local"]);
    const bytes = ["state.db", "state.db-wal"].map((name) => readFileSync(join(ground.folder, name), "latin1")).join("");
    expect(bytes).not.toContain(secret);
    // gzip, as it would lie there unsealed.
    expect(bytes).not.toContain("\u001f\u008b");
    expect(new UnitStore(ground.state, ground.atRest).local()).toEqual(nodes);
    ground.remove();
  });

  it("is sealed at the start where a version before kept it in clear", () => {
    const ground = new TestGround();
    ground.state.put({ "flows/credential-secret": "abcdef" });
    const store = new UnitStore(ground.state, ground.atRest);
    expect(store.sealAll()).toEqual([]);
    expect(ground.state.getText("flows/credential-secret")).toBeUndefined();
    expect(store.credentialSecret(() => new Uint8Array(32))).toBe("abcdef");
    ground.remove();
  });

  it("does not open on another board, and that is no reason not to start", () => {
    const ground = new TestGround();
    new UnitStore(ground.state, ground.atRest).saveLocal(nodes);
    const elsewhere = new UnitStore(ground.state, atRestOf(join(ground.folder, "other"), systemEntropy));
    expect(elsewhere.local()).toEqual([]);
    expect(elsewhere.sealAll()).toEqual(["local"]);
    ground.remove();
  });
});

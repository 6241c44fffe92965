import { type IncomingMessage, request } from "node:http";
import { type Duplex, duplexPair } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EditorPerson } from "#ports/editor.ts";
import { editorFrameCodec } from "../../cloud-bridge/protocol/editor-frames.ts";
import { flowDocument, functionFlow, RunningWing } from "../flows/ground.ts";

const ana: EditorPerson = { person: "technician:ana", scope: "flows.write" };
const ben: EditorPerson = { person: "technician:ben", scope: "flows.read" };

interface Answer {
  readonly status: number;
  readonly body: string;
}

const tab = { id: "aaaa1111bbbb2222", type: "tab", label: "Mine", disabled: false, info: "", env: [] };
const mine = [
  tab,
  {
    id: "cccc1111dddd2222",
    type: "inject",
    z: tab.id,
    name: "now",
    props: [{ p: "payload" }],
    repeat: "",
    once: false,
    onceDelay: 0.1,
    topic: "",
    payload: "true",
    payloadType: "bool",
    x: 100,
    y: 100,
    wires: [["eeee1111ffff2222"]],
  },
  {
    id: "eeee1111ffff2222",
    type: "alarm",
    z: tab.id,
    name: "",
    alarm: "doorOpen",
    severity: "minor",
    text: "the door is open",
    x: 300,
    y: 100,
    wires: [[]],
  },
];

describe("the editor", () => {
  let wing: RunningWing;
  let token = "";
  let readToken = "";

  beforeAll(async () => {
    wing = new RunningWing();
    await wing.running();
    await wing.apply([flowDocument("wan", functionFlow("return msg;"))]);
    ({ token } = await wing.wing.editor.open(ana, new AbortController().signal));
    ({ token: readToken } = await wing.wing.editor.open(ben, new AbortController().signal));
  });
  afterAll(() => wing.stop());

  /** One request as the console passes it on: a stream, and what was read from it already (nothing). */
  async function ask(
    method: string,
    path: string,
    options: { readonly bearer?: string; readonly body?: unknown; readonly headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const [browser, gateway] = duplexPair() as unknown as [Duplex, Duplex];
    wing.wing.editor.handOver(gateway, new Uint8Array(0), ana);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        host: "gw",
        connection: "close",
        ...(options.bearer === undefined ? {} : { authorization: `Bearer ${options.bearer}` }),
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      };
      const asking = request({ method, path, headers, createConnection: () => browser as never }, resolve);
      asking.on("error", reject);
      asking.end(options.body === undefined ? undefined : JSON.stringify(options.body));
    });
    let body = "";
    for await (const piece of answer) body += String(piece);
    return { status: answer.statusCode ?? 0, body };
  }

  const flows = async () => JSON.parse((await ask("GET", "/editor/flows", { bearer: token })).body) as Record<string, unknown>[];
  const deploy = (nodes: readonly object[], bearer = token) =>
    ask("POST", "/editor/flows", { bearer, body: nodes, headers: { "node-red-deployment-type": "full" } });

  it("shows its page, with our palette and without the palette manager", async () => {
    const page = await ask("GET", "/editor/");
    expect(page.status).toBe(200);
    expect(page.body).toContain("Gatehouse flows");
    const nodes = await ask("GET", "/editor/nodes", { bearer: token, headers: { accept: "text/html" } });
    for (const type of [
      "metric in",
      "metric out",
      "alarm",
      "snmp get",
      "snmp set",
      "probe",
      "command in",
      "notify",
      "http call",
      "equipment",
    ])
      expect(nodes.body).toContain(`registerType("${type}"`);
    expect((await ask("POST", "/editor/nodes", { bearer: token, body: { module: "x" } })).status).not.toBe(200);
    expect((await ask("GET", "/editor/resources/@gatehouse/nodes/dialogs.js")).status).toBe(200);
  });

  it("answers nobody without a token, and changes nothing for one who may only look", async () => {
    expect((await ask("GET", "/editor/flows")).status).toBe(401);
    expect((await ask("GET", "/editor/flows", { bearer: "made-up" })).status).toBe(401);
    expect((await ask("GET", "/editor/flows", { bearer: readToken })).status).toBe(200);
    expect((await deploy(await flows(), readToken)).status).toBe(401);
  });

  it("serves nothing but the editor", async () => {
    expect((await ask("GET", "/console", { bearer: token })).status).toBe(421);
  });

  it("offers what exists on the site in its pickers", async () => {
    const list = await ask("GET", "/editor/gatehouse/equipment", { bearer: token });
    expect(JSON.parse(list.body)).toEqual([{ id: "sw-1", label: "sw-1" }]);
    expect((await ask("GET", "/editor/gatehouse/equipment")).status).toBe(401);
  });

  it("has examples for the import menu", async () => {
    expect((await ask("GET", "/editor/library/examples/flows/", { bearer: token })).body).toContain("@gatehouse/nodes");
  });

  it("deploys a technician's tab beside the services, without restarting them though it asks for a full deploy", async () => {
    const before = wing.wing.status().nodesCreated;
    const answer = await deploy([...(await flows()), ...mine]);
    expect(answer).toMatchObject({ status: 204 });
    expect(wing.wing.status().nodesCreated - before).toBe(2);
    expect(wing.wing.status().localTabs).toMatchObject([{ id: tab.id, label: "Mine", nodes: 2 }]);
    // The NOC hears of it in the next report.
    expect(wing.wing.documents.drift?.()).toMatchObject([{ id: "flows.local", path: `/${tab.id}`, local: { label: "Mine", nodes: 2 } }]);
    // The button of the inject node: through the flow, over the pipe, an alarm.
    expect((await ask("POST", "/editor/inject/cccc1111dddd2222", { bearer: token, body: {} })).status).toBe(200);
    await wing.until("the alarm is there", () => wing.ground.active.get("||doorOpen|local")?.text === "the door is open");
  });

  it("refuses a change of a service of the NOC and says why", async () => {
    const changed = (await flows()).map((node) => (node["id"] === "s_wan__fn" ? { ...node, func: "return null;" } : node));
    const answer = await deploy(changed);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain("belongs to a service of the NOC");
    const without = (await flows()).filter((node) => node["id"] !== "s_wan__out");
    expect((await deploy(without)).status).toBe(403);
    const added = [...(await flows()), { id: "9999", type: "debug", z: "s_wan", x: 1, y: 1, wires: [] }];
    expect((await deploy(added)).status).toBe(403);
  });

  it("refuses a technician's flow that cannot run, names the node, and leaves what runs", async () => {
    const before = await flows();
    const answer = await deploy([...before, { id: "9999", type: "http in", name: "my server", z: tab.id, x: 1, y: 1, wires: [] }]);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("my server");
    expect(await flows()).toEqual(before);
  });

  it("keeps a technician's tab byte-identical through 100 pushes of the NOC", async () => {
    const own = async () => JSON.stringify((await flows()).filter((node) => node["id"] === tab.id || node["z"] === tab.id));
    const before = await own();
    const [sha] = wing.wing.status().localTabs.map(({ sha256 }) => sha256);
    for (let push = 0; push < 100; push += 1)
      await wing.apply([flowDocument("wan", functionFlow(`return msg; // ${push}`), { health: { soakS: 0 } })]);
    expect(await own()).toBe(before);
    expect(wing.wing.status().localTabs[0]?.sha256).toBe(sha);
    expect(wing.wing.status().restarts).toBe(0);
  });

  it("gives a tab to the NOC as an export, and takes it away when the NOC retires it", async () => {
    const operation = (name: string) => wing.wing.operations.find((one) => one.name === name);
    const run = (name: string, args: object) =>
      operation(name)?.execute(
        { id: "x", operation: name, risk: "read", arguments: { ...args } },
        { report: () => undefined },
        new AbortController().signal,
      );
    const { flow } = (await run("flows.local", { tab: tab.id })) as { readonly flow: readonly object[] };
    expect(flow).toHaveLength(3);
    const [outcome] = await wing.apply([flowDocument("adopted", flow), flowDocument("wan", functionFlow("return msg;"))]);
    expect(outcome).toMatchObject({ status: "applied" });
    await run("flows.local.retire", { tab: tab.id });
    expect(wing.wing.status().localTabs).toEqual([]);
    expect((await flows()).some((node) => node["id"] === tab.id)).toBe(false);
    expect((await flows()).some((node) => node["id"] === "s_adopted")).toBe(true);
  });

  it("is there for the NOC, too: frames in, frames out, within one window", async () => {
    const { tunnel } = wing.wing;
    const session = "session-0001";
    const opened = await tunnel.openSession(
      { id: session, who: { person: "noc:eve", scope: "flows.read" }, ttlMs: 60_000 },
      new AbortController().signal,
    );
    const send = (sequence: number, frame: object) =>
      tunnel.receive(editorFrameCodec.encode({ session, connection: 1, sequence, ...frame } as never));
    let text = "";
    let unacknowledged = 0;
    let worst = 0;
    const pump = () => {
      for (let bytes = tunnel.next(); bytes !== undefined; bytes = tunnel.next()) {
        const frame = editorFrameCodec.decode(bytes);
        if (frame.type !== "data" || frame.bytes === undefined) continue;
        text += Buffer.from(frame.bytes).toString("latin1");
        unacknowledged += frame.bytes.length;
        worst = Math.max(worst, unacknowledged);
        const credit = frame.bytes.length;
        // The NOC takes its time.
        setTimeout(() => {
          unacknowledged -= credit;
          tunnel.receive(editorFrameCodec.encode({ session, connection: 0, sequence: 0, type: "window", credit }));
        }, 5);
      }
    };
    const stop = tunnel.onReady(pump);
    send(1, { type: "open" });
    send(2, {
      type: "data",
      bytes: new TextEncoder().encode(
        `GET /editor/nodes HTTP/1.1\r\nhost: gw\r\naccept: text/html\r\nauthorization: Bearer ${opened.token}\r\nconnection: close\r\n\r\n`,
      ),
    });
    const whole = () => Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.POSITIVE_INFINITY) + text.indexOf("\r\n\r\n") + 4;
    await wing.until("the whole answer is there", () => text.length >= whole());
    expect(text).toContain("HTTP/1.1 200");
    expect(worst).toBeLessThanOrEqual(128 * 1024);
    tunnel.receive(editorFrameCodec.encode({ session: "somebody-else", connection: 1, sequence: 1, type: "open" }));
    expect(tunnel.next()).toBeUndefined();
    stop();
    tunnel.closeSession(session);
  });

  it("closes when nobody is left and opens again without restarting flows", async () => {
    const before = wing.wing.status().nodesCreated;
    wing.wing.editor.close();
    await wing.until("it is closed", () => wing.wing.status().editor === "closed");
    ({ token } = await wing.wing.editor.open(ana, new AbortController().signal));
    expect((await ask("GET", "/editor/flows", { bearer: token })).status).toBe(200);
    expect(wing.wing.status().nodesCreated).toBe(before);
  });
});

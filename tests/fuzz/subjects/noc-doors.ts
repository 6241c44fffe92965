import { Agent, createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { LiveFeed } from "../../../cloud-bridge/noc/api/live-feed.ts";
import { createApi } from "../../../cloud-bridge/noc/api/server.ts";
import { AuthorityStore } from "../../../cloud-bridge/noc/authority/authority-store.ts";
import { NocAuthority } from "../../../cloud-bridge/noc/authority/noc-authority.ts";
import { SigningKeys } from "../../../cloud-bridge/noc/authority/signing-keys.ts";
import { Connectors } from "../../../cloud-bridge/noc/connectors/connectors.ts";
import { EditorServer } from "../../../cloud-bridge/noc/editor/editor-server.ts";
import { RemoteEditors } from "../../../cloud-bridge/noc/editor/remote-editors.ts";
import { CertificateAuthority } from "../../../cloud-bridge/noc/enrolment/certificate-authority.ts";
import { EnrolmentDesk } from "../../../cloud-bridge/noc/enrolment/enrolment-desk.ts";
import { EnrolmentServer } from "../../../cloud-bridge/noc/enrolment/enrolment-server.ts";
import { Roster } from "../../../cloud-bridge/noc/enrolment/roster.ts";
import { Rollouts } from "../../../cloud-bridge/noc/releases/rollouts.ts";
import { ServiceDesk } from "../../../cloud-bridge/noc/services/service-desk.ts";
import { parseHello } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { openServiceDirectory } from "../../../runtime/parts-noc-services.ts";
import { IngestKit } from "../../cloud-bridge/noc/ingest-kit.ts";
import { ManualClock } from "../../store/manual-clock.ts";
import { ReleaseKit } from "../../update/release-kit.ts";
import { type FuzzSubject, text } from "../subject.ts";
import { folderFor } from "./documents.ts";
import { exchange, request, watching } from "./http.ts";

const clock = new SystemClock(() => true);
const site = "/api/gateways/gw-one";
const hello = {
  ...{ v: 1, gw: "gw-one", agent: "1", boot: "b", run: "aaaaaaaa", conn: 1, proto: { min: 1, max: 1 }, caps: [], streams: {} },
  ...{ ops: { "poll.now": "read", "gateway.restart": "disruptive" }, auth: { keys: 1 } },
};

/** A NOC that orders, without a broker: authority, services, rollouts, editors. */
async function ordering() {
  const { logger, clean } = watching();
  const folder = folderFor("noc-orders");
  const kit = new IngestKit();
  const releases = new ReleaseKit();
  releases.release("1.0.0", Buffer.from("#!/bin/sh\n"));
  const keys = await SigningKeys.open(join(folder.path, "keys"), () => clock.now().wallMs / 1_000);
  const store = new AuthorityStore(folder.path);
  const parts = { clock, entropy: systemEntropy, logger: { ...logger, child: () => logger } as never };
  const authority = new NocAuthority({ brokerUrl: "mqtt://127.0.0.1:1", tenants: ["acme"], store, keys, ...parts });
  const view = authority.sites.of("acme", "gw-one");
  if (view === undefined) throw new Error("no site");
  authority.sites.hello(view, parseHello(text(hello)), false);
  await kit.online();
  // Seen, and not there now: what is ordered waits.
  Object.assign(view, { online: false });
  const editors = new RemoteEditors({ authority, ...parts });
  const editor = { editors, server: new EditorServer({ listen: { host: "127.0.0.1", port: 0 }, allowedHosts: [], editors, ...parts }) };
  const services = new ServiceDesk({ directory: openServiceDirectory(), authority, ...parts });
  const rollouts = new Rollouts({ authority, releases: releases.path("repository"), ...parts });
  const more = { authority, services, rollouts, editor, releases: releases.path("repository") };
  const end = async () => {
    store.close();
    await kit.close();
    await releases.end();
    folder.end();
  };
  return { more, kit, clean, parts, authority, end };
}

async function openOrders(hasToken: boolean) {
  const { more, kit, clean, parts, authority, end } = await ordering();
  const stop = new AbortController();
  const token = "0123456789abcdef".repeat(4);
  const api = createApi({
    ...{ listen: { host: "127.0.0.1", port: 0 }, token, store: kit.store, decoder: kit.decoder, feed: new LiveFeed(), version: "1.2.3" },
    connectors: new Connectors([], { store: kit.store.outgoing, ...parts }),
    pages: async () => ({ html: "<!doctype html>", script: "let a", style: "a{}" }),
    status: () => ({ brokerConnected: true, acksSent: 0, ingest: {} }) as never,
    ...{ ...parts, ...more },
  });
  const running = api.run(stop.signal).catch(() => undefined);
  const port = Number(new URL(await api.url).port);
  const { id } = authority.order("acme", "gw-one", { op: "gateway.restart", ttl: 600_000 }, "ana");
  const head = { authorization: `Bearer ${hasToken ? token : token.replace("f", "0")}` };
  const ask = (line: string, body?: object) => request(line, head, body);
  const service = { template: "ups-guardian", parameters: { equipment: "ups-1", runtimeMin: 7 } };
  const documents = [{ kind: "config", id: "config", content: { alarms: { defaults: true } }, must: true }];
  const valid = [
    ...[ask(`GET ${site}/desired?tenant=acme`), ask(`GET ${site}/desired/config`), ask(`PUT ${site}/desired`, { documents })],
    ...[ask(`GET ${site}/operations`), ask(`GET ${site}/commands?limit=5`), ask(`GET /api/commands/${id}?after=0`)],
    ask(`POST ${site}/commands`, { op: "poll.now", args: { equipment: "sw-1" }, ttl: 1, risk: "read" }),
    ...[ask(`POST /api/commands/${id}/approve`), ask("GET /api/authority"), ask("GET /api/authority/audit")],
    ...[
      ask("POST /api/authority/rotate", { newEpoch: false }),
      ask("POST /api/authority/operators/ana"),
      ask("DELETE /api/authority/operators/ana"),
    ],
    ...[ask(`POST ${site}/editor?tenant=acme`), ask("GET /api/services"), ask(`GET ${site}/services`)],
    ...[ask(`POST ${site}/services/one/check`, service), ask(`PUT ${site}/services/one`, service), ask(`DELETE ${site}/services/one`)],
    ...[ask("GET /api/releases"), ask("GET /api/rollouts"), ask("GET /api/rollouts/1"), ask("POST /api/rollouts/pause")],
    ask("POST /api/rollouts", { version: "1.0.0", waves: ["1", "100%"], haltAfter: 1, soakMs: 0, tenant: "acme", gateways: ["gw-one"] }),
    ...[ask("POST /api/rollouts/resume"), ask("POST /api/rollouts/halt"), ask("POST /api/connectors/desk/retry")],
    ...[ask("GET /api/connectors"), ask("GET /api/connectors/desk/dead-letters?limit=5"), ask("POST /api/sign-in-links")],
    request("GET /releases/metadata/timestamp.json", { range: "bytes=5-20" }),
  ];
  let count = 0;
  const read = async (bytes: Uint8Array) => {
    const said = await exchange(port, bytes);
    clean();
    count += 1;
    if (count % 200 === 0) authority.commands.expire();
    return !hasToken && /^HTTP\/1\.1 2\d\d/.test(said) && /application\/json/.test(said);
  };
  const close = async () => {
    stop.abort(new Error("done"));
    await running;
    await end();
  };
  return { valid, form: "text" as const, read, close };
}

/** TLS as the gateway's client does it. */
function exchangeTls(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, minVersion: "TLSv1.3" });
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("secureConnect", () => socket.end(bytes));
    socket.on("data", (piece) => {
      answer += piece;
      if (answer.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

async function openEnrolmentDoor() {
  const { logger, clean } = watching();
  const folder = folderFor("enrol-door");
  const hand = new ManualClock();
  hand.wallOffsetMs = Date.now();
  const authority = await CertificateAuthority.open(await CertificateAuthority.create("Fuzz", hand, systemEntropy), hand, systemEntropy);
  const roster = new Roster(join(folder.path, "enrolment.db"));
  const serial = "GH-FUZZ-01";
  const device = { serial, tenant: "acme", site: "x", gateway: "gw-fuzz-01", claimDigest: "ab".repeat(32), claimUntilMs: Date.now() * 2 };
  roster.put({ ...device, state: "shipped" });
  const desk = new EnrolmentDesk({ authority, roster, broker: "mqtts://b:8883", clock: hand, entropy: systemEntropy, unlistedWait: true });
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const server = new EnrolmentServer({
    ...{ desk, listen: { host: "127.0.0.1", port: 0 }, tls: await authority.issueServer(["127.0.0.1"], 30), logger: logger as never },
    onListening: listening.resolve,
  });
  const running = server.run(stop.signal);
  const port = await listening.promise;
  const sealingKey = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "B".repeat(43) };
  const evidenceKey = { kty: "OKP", crv: "Ed25519", x: "A".repeat(43) };
  const valid = [
    request("POST /enrol/start", {}, { serial }),
    request("POST /enrol/finish", {}, { serial, nonce: "n".repeat(43), csr: "x", proof: "y", sealingKey, evidenceKey }),
    request("POST /enrol/renew", {}, { token: "a.b.c" }),
    request("GET /", {}),
  ];
  const read = async (bytes: Uint8Array) => {
    // Tries are counted by the hour.
    hand.step(900_000);
    const said = await exchangeTls(port, bytes);
    clean();
    return /"status":"enrolled"|BEGIN CERTIFICATE/.test(said);
  };
  const close = async () => {
    stop.abort(new Error("done"));
    await running;
    roster.close();
    folder.end();
  };
  return { valid, form: "text" as const, read, close };
}

/** Goes to a server here instead of into a tunnel. */
class ShortCut extends Agent {
  readonly #port: number;

  constructor(port: number) {
    super({ keepAlive: false });
    this.#port = port;
  }

  override createConnection = () => connect(this.#port, "127.0.0.1");
}

async function openEditorDoor(isSignedIn: boolean) {
  const { logger, clean } = watching();
  const gateway = createServer((_, response) => response.end("{}"));
  gateway.on("upgrade", (_, socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  const { port: inner } = gateway.address() as AddressInfo;
  const [cookie, ticket] = ["c".repeat(43), "t".repeat(43)];
  const session = {
    ...{
      tenant: "acme",
      gateway: "gw-one",
      person: "ana",
      token: "x",
      version: "",
      cookie,
      key: "",
      untilMs: 1e15,
      usedMs: 0,
      connection: 1,
    },
    ...{ tunnel: { connect: () => connect(inner, "127.0.0.1").on("error", () => undefined) }, agent: new ShortCut(inner) },
  };
  const editors = {
    of: (given: string) => (given === cookie ? session : undefined),
    admit: (given: string) => (given === ticket ? session : undefined),
  };
  const stop = new AbortController();
  const listen = { host: "127.0.0.1", port: 0 };
  const server = new EditorServer({ listen, allowedHosts: [], editors: editors as never, clock, logger: logger as never });
  const running = server.run(stop.signal);
  const link = () => server.linkFor({ tenant: "acme", gateway: "gw-one" }, ticket);
  for (let url = ""; url === ""; await new Promise((resolve) => setImmediate(resolve))) {
    try {
      url = link();
    } catch {
      // Not yet.
    }
  }
  const port = Number(new URL(link()).port);
  const base = "/gateways/acme/gw-one/editor/";
  const head = { host: `127.0.0.1:${port}`, cookie: `gatehouse_editor=${isSignedIn ? cookie : "d".repeat(43)}` };
  const upgrade = {
    ...head,
    origin: `http://127.0.0.1:${port}`,
    upgrade: "websocket",
    "sec-websocket-key": "AAAA",
    "sec-websocket-version": "13",
  };
  const socket = text(
    `GET ${base}comms HTTP/1.1\r\n${Object.entries({ ...upgrade, connection: "Upgrade" })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("")}\r\n`,
  );
  const valid = [
    request(`GET ${base}settings`, { ...head, accept: "application/json" }),
    request(`POST ${base}flows`, { ...head, origin: `http://127.0.0.1:${port}` }, { flows: [], rev: "x" }),
    socket,
    request(`GET ${base}?ticket=${isSignedIn ? ticket : "u".repeat(43)}`, { host: head.host }),
  ];
  const read = async (bytes: Uint8Array) => {
    const said = await exchange(port, bytes);
    clean();
    return !isSignedIn && /^HTTP\/1\.1 ([12]\d\d|303)/.test(said);
  };
  const close = async () => {
    stop.abort(new Error("done"));
    await running;
    gateway.closeAllConnections();
    gateway.close();
  };
  return { valid, form: "text" as const, read, close };
}

const routes = ["authority", "service", "editor", "rollout", "release", "connector"].map(
  (name) => `cloud-bridge/noc/api/${name}-routes.ts`,
);
const door = ["cloud-bridge/noc/editor/editor-server.ts", "cloud-bridge/noc/editor/forward.ts"];

/** Doors of a NOC that orders: of somebody signed in no request may be called a bug, of nobody none may be answered. */
export const nocDoorSubjects: readonly FuzzSubject[] = [
  { name: "NOC orders API, requests with the token", share: 0.2, files: routes, open: () => openOrders(true) },
  { name: "NOC orders API, requests without", share: 0.2, files: routes, open: () => openOrders(false) },
  { name: "enrolment door", share: 0.1, files: ["cloud-bridge/noc/enrolment/enrolment-server.ts"], open: openEnrolmentDoor },
  { name: "editor's door, a signed-in person", share: 0.2, files: door, open: () => openEditorDoor(true) },
  { name: "editor's door, nobody", share: 0.2, files: door, open: () => openEditorDoor(false) },
];

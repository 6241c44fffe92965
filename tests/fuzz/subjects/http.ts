import { connect } from "node:net";
import { LiveFeed } from "../../../cloud-bridge/noc/api/live-feed.ts";
import { createApi } from "../../../cloud-bridge/noc/api/server.ts";
import { Connectors } from "../../../cloud-bridge/noc/connectors/connectors.ts";
import { Console } from "../../../runtime/console/console.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { IngestKit } from "../../cloud-bridge/noc/ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "../../cloud-bridge/noc/small-gateway.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { ManualClock } from "../../store/manual-clock.ts";
import { type FuzzSubject, text } from "../subject.ts";

/** One connection: bytes in, the answer until the server or half a second of silence ends it. */
export function exchange(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (piece) => {
      answer += piece;
      // What a broken request is told, and a whole answer, is enough.
      if (answer.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
    socket.end(bytes);
  });
}

export function request(line: string, headers: Readonly<Record<string, string>>, body?: object): Uint8Array {
  const content = body === undefined ? "" : JSON.stringify(body);
  const all = {
    host: "127.0.0.1",
    ...headers,
    ...(body === undefined ? {} : { "content-type": "application/json", "content-length": String(content.length) }),
    connection: "close",
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return text(`${line} HTTP/1.1\r\n${lines.join("")}\r\n${content}`);
}

/** A server that counts what it calls a bug of its own. */
export function watching() {
  const bugs: unknown[] = [];
  const logger = { ...silentLogger, error: (fields: unknown) => void bugs.push(fields) };
  const clean = () => {
    const [bug] = bugs.splice(0);
    if (bug !== undefined) throw new Error(`answered 500: ${JSON.stringify(bug)}`);
  };
  return { logger, clean };
}

async function openConsole(isSignedIn: boolean) {
  const { logger, clean } = watching();
  const stop = new AbortController();
  const site = new Console({
    listen: { host: "127.0.0.1", port: 0 },
    allowedHosts: [],
    gateway: { id: "gw-1", site: "lisbon", tenant: "acme", version: "1" },
    source: {
      status: async () => ({ equipment: [] }),
      command: async () => "done",
      history: { series: async () => [], read: async () => ({ resolutionMs: 1, points: [] }), undated: async () => undefined },
    },
    pages: async () => ({ html: "<p>page</p>", script: "1", style: "a{}" }),
    ...{ clock: new ManualClock(), entropy: systemEntropy, logger: { ...logger, warn: () => undefined } as never },
  });
  const running = site.run(stop.signal);
  while (site.url === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  const port = Number(new URL(site.url).port);
  const host = `127.0.0.1:${port}`;
  const post = { host, "x-gatehouse": "1" };
  const answer = await exchange(port, request("POST /api/session", post, { secret: site.codes.issue().code }));
  const cookie = isSignedIn ? { cookie: /gatehouse_console=[^;]+/.exec(answer)?.[0] ?? "" } : { cookie: "gatehouse_console=AAAA" };
  const valid = [
    request("GET /api/overview", { host, ...cookie }),
    request("GET /api/history/series?equipment=sw-1", { host, ...cookie }),
    request("GET /api/history/points?equipment=sw-1&table=t&row=1&metric=m&from=1&to=2", { host, ...cookie }),
    request("POST /api/command", { ...post, ...cookie }, { operation: "poll.now", args: { equipment: "sw-1" } }),
    request("GET /", { host }),
    // No URL to the parser of Node: it was once answered as a bug of ours.
    request("GET /\\", { host }),
    ...(isSignedIn ? [] : [request("POST /api/session", post, { secret: "WRONG-CODE" }), request("POST /api/challenge", post, {})]),
  ];
  const read = async (bytes: Uint8Array) => {
    const said = await exchange(port, bytes);
    clean();
    // Signed out: pages and the challenge are for everybody, nothing else.
    const isOpenToAll = Buffer.from(bytes).includes("/api/challenge");
    return !isSignedIn && !isOpenToAll && /^HTTP\/1\.1 200/.test(said) && said.includes("application/json");
  };
  const close = async () => {
    stop.abort(new Error("done"));
    await running;
  };
  return { valid, form: "text" as const, read, close };
}

async function openApi(hasToken: boolean) {
  const { logger, clean } = watching();
  const kit = new IngestKit();
  const stop = new AbortController();
  const token = "fedcba9876543210".repeat(4);
  const gateway = new SmallGateway("gw-one");
  const moment = { wallMs: kit.clock.wall, monotonicMs: 1_000_000 };
  await kit.receive("tm", ...gateway.poll(switchReport(switchShape("sw-1", 3, 60_000), moment, 0)).map((chunk) => chunk.bytes));
  const api = createApi({
    ...{ listen: { host: "127.0.0.1", port: 0 }, token, store: kit.store, decoder: kit.decoder, feed: new LiveFeed() },
    connectors: new Connectors([], { store: kit.store.outgoing, clock: kit.clock, entropy: systemEntropy, logger: silentLogger }),
    ...{ clock: new SystemClock(() => true), entropy: systemEntropy, logger: logger as never, version: "1.2.3" },
    pages: async () => ({ html: "<!doctype html>", script: "let a", style: "a{}" }),
    status: () => ({ brokerConnected: true, acksSent: 0, ingest: {} }) as never,
  });
  const running = api.run(stop.signal).catch(() => undefined);
  const port = Number(new URL(await api.url).port);
  const authorization = `Bearer ${hasToken ? token : token.replace("f", "0")}`;
  const valid = [
    request("GET /api/gateways", { authorization }),
    request("GET /api/alarms?state=active&severity=major&limit=5&incidents=true&search=x", { authorization }),
    request("GET /api/gateways/gw-one/points?series=1,2&last=60000&maxPoints=10", { authorization }),
    request("GET /api/gateways/gw-one/events?before=5&limit=10", { authorization }),
    request("GET /api/gateways/gw-one/ledger?recount=true&metric=x", { authorization }),
    request("POST /api/gateways/gw-one/alarms/abc/comment?tenant=acme", { authorization }, { by: "ana", text: "hello" }),
    request("POST /api/alarm-shelves", { authorization }, { tenant: "acme", gateway: "gw-one", type: "x", forMs: 60_000, reason: "x" }),
    request("POST /api/session", {}, { token: "x" }),
    request("DELETE /api/alarm-shelves/x", { authorization }),
    request("GET /\\", { authorization }),
  ];
  const read = async (bytes: Uint8Array) => {
    const said = await exchange(port, bytes);
    clean();
    return !hasToken && /^HTTP\/1\.1 2\d\d/.test(said) && /application\/json/.test(said);
  };
  const close = async () => {
    stop.abort(new Error("done"));
    await running;
    await kit.close();
  };
  return { valid, form: "text" as const, read, close };
}

const own = ["runtime/console/console.ts", "runtime/console/api.ts", "runtime/console/answers.ts", "runtime/console/front-door.ts"];
const noc = [
  "cloud-bridge/noc/api/server.ts",
  "cloud-bridge/noc/api/alarm-routes.ts",
  "cloud-bridge/noc/api/data-routes.ts",
  "cloud-bridge/noc/api/auth.ts",
];

/** Requests over TCP to real servers: of somebody signed in (no request may be called a bug), and of nobody (none may be answered). */
export const httpSubjects: readonly FuzzSubject[] = [
  { name: "console, requests of a signed-in person", share: 0.2, files: own, open: () => openConsole(true) },
  { name: "console, requests of nobody", share: 0.2, files: own, open: () => openConsole(false) },
  { name: "NOC API, requests with the token", share: 0.2, files: noc, open: () => openApi(true) },
  { name: "NOC API, requests without", share: 0.2, files: noc, open: () => openApi(false) },
];

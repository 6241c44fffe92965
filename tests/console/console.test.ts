import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Console } from "../../runtime/console/console.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { until } from "../integration/noc-peers.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { ManualClock } from "../store/manual-clock.ts";

/** Bytes to the console, everything that comes back. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (piece) => {
      answer += piece;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(text);
  });
}

describe("the console", () => {
  const stop = new AbortController();
  const clock = new ManualClock();
  const handedOver: { person: string; scope: string; head: string }[] = [];
  const signIns: { ok: boolean; method: string }[] = [];
  const commands: unknown[] = [];
  let running: Promise<void>;
  let site: Console;
  let base = "";
  let port = 0;

  beforeAll(async () => {
    site = new Console({
      listen: { host: "127.0.0.1", port: 0 },
      allowedHosts: ["box.office.example"],
      gateway: { id: "gw-1", site: "lisbon", tenant: "acme", version: "1" },
      source: {
        status: async () => ({ equipment: [] }),
        command: async (operation, args, person) => {
          commands.push({ operation, args, person });
          return "done";
        },
        history: {
          series: async () => [],
          read: async () => ({ resolutionMs: 1, points: [] }),
          undated: async (isEmpty) => (isEmpty ? { reports: 5, text: "5 reports wait for a date" } : undefined),
        },
      },
      pages: async () => ({ html: "<p>page</p>", script: "1", style: "a{}" }),
      editor: {
        state: () => ({ state: "open", connections: 0, people: [] }),
        open: async () => ({ path: "/editor/?access_token=t", token: "t", expiresInMs: 1_000 }),
        close: () => undefined,
        handOver: (connection, head, who) => {
          handedOver.push({ person: who.person, scope: who.scope, head: Buffer.from(head).toString("latin1") });
          connection.write(Buffer.from("HTTP/1.1 204 No Content\r\n\r\n"));
          connection.end();
          connection.resume();
        },
      },
      onSignIn: (event) => signIns.push(event),
      clock,
      entropy: systemEntropy,
      logger: silentLogger,
    });
    running = site.run(stop.signal);
    await until("the console is open", () => site.url !== undefined);
    base = site.url ?? "";
    port = Number(new URL(base).port);
  });

  afterAll(async () => {
    stop.abort(new Error("done"));
    await running;
  });

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${base}${path}`, { method: "POST", headers: { "x-gatehouse": "1", ...headers }, body: JSON.stringify(body) });

  async function signedIn(): Promise<string> {
    const response = await post("/api/session", { secret: site.codes.issue().code });
    expect(response.status).toBe(200);
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    return cookie.split(";")[0] ?? "";
  }

  it("shows the page to anybody and data to nobody who has not signed in", async () => {
    expect(await (await fetch(base)).text()).toBe("<p>page</p>");
    expect((await fetch(`${base}/api/overview`)).status).toBe(401);
    const overview = await fetch(`${base}/api/overview`, { headers: { cookie: await signedIn() } });
    expect(await overview.json()).toMatchObject({ gateway: { id: "gw-1" }, hasEditor: true });
  });

  it("says with an empty list of series what has no place in a plot for want of a date", async () => {
    const answer = await fetch(`${base}/api/history/series?equipment=sw-1`, { headers: { cookie: await signedIn() } });
    expect(await answer.json()).toEqual({ series: [], more: 0, undated: { reports: 5, text: "5 reports wait for a date" } });
  });

  it("takes a code once, in any spelling, and not after ten minutes", async () => {
    const { code } = site.codes.issue();
    expect((await post("/api/session", { secret: code.toLowerCase().replace("-", " ") })).status).toBe(200);
    expect((await post("/api/session", { secret: code })).status).toBe(401);
    const late = site.codes.issue().code;
    await clock.advance(10 * 60_000 + 1);
    expect((await post("/api/session", { secret: late })).status).toBe(401);
  });

  it("ends a session that idles for an hour, and any session after eight", async () => {
    const cookie = await signedIn();
    await clock.advance(59 * 60_000);
    expect((await fetch(`${base}/api/overview`, { headers: { cookie } })).status).toBe(200);
    await clock.advance(60 * 60_000);
    expect((await fetch(`${base}/api/overview`, { headers: { cookie } })).status).toBe(401);
    const busy = await signedIn();
    for (let quarter = 0; quarter < 31; quarter++) {
      await clock.advance(15 * 60_000);
      expect((await fetch(`${base}/api/overview`, { headers: { cookie: busy } })).status).toBe(200);
    }
    await clock.advance(15 * 60_000);
    expect((await fetch(`${base}/api/overview`, { headers: { cookie: busy } })).status).toBe(401);
  });

  it("signs out", async () => {
    const cookie = await signedIn();
    await fetch(`${base}/api/session`, { method: "DELETE", headers: { cookie, "x-gatehouse": "1" } });
    expect((await fetch(`${base}/api/overview`, { headers: { cookie } })).status).toBe(401);
  });

  it("refuses host names that are not its own, and pages of other sites", async () => {
    const get = (host: string, more = "") => exchange(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`);
    expect(await get("evil.example")).toMatch(/^HTTP\/1.1 403/);
    expect(await get("box.office.example")).toMatch(/^HTTP\/1.1 200/);
    expect(await get("127.0.0.1:1", "Origin: http://evil.example\r\n")).toMatch(/^HTTP\/1.1 403/);
    const cookie = await signedIn();
    expect((await fetch(`${base}/api/session`, { method: "DELETE", headers: { cookie } })).status).toBe(403);
  });

  it("hands the editor's connections over only to those who may, with the bytes already read", async () => {
    const get = (more: string) => exchange(port, `GET /editor/x?y HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}\r\nbody`);
    expect(await get("")).toMatch(/^HTTP\/1.1 401/);
    expect(handedOver).toEqual([]);
    const cookie = await signedIn();
    expect(await get(`Cookie: ${cookie}\r\n`)).toMatch(/^HTTP\/1.1 204/);
    expect(handedOver).toEqual([
      {
        person: "one-time code",
        scope: "flows.write",
        head: `GET /editor/x?y HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\n\r\nbody`,
      },
    ]);
  });

  it("answers one request a connection, whatever else is sent behind it", async () => {
    const two = `GET /app.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /editor/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    const answer = await exchange(port, two);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(answer).toMatch(/connection: close/i);
  });

  it.each([
    ["no HTTP at all", "SSH-2.0-x\r\n\r\n"],
    ["a head beyond 16 KiB", `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"a".repeat(17_000)}`],
    ["too many headers", `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(200)}\r\n`],
    ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
  ])("refuses %s", async (_what, text) => {
    expect(await exchange(port, text)).toMatch(/^HTTP\/1.1 400/);
  });

  it("runs commands of the desk for those who may operate, in their name", async () => {
    const cookie = await signedIn();
    const answer = await post("/api/command", { operation: "poll.now", args: { equipment: "sw-1" } }, { cookie });
    expect(await answer.json()).toEqual({ output: "done" });
    expect(commands).toEqual([{ operation: "poll.now", args: { equipment: "sw-1" }, person: "one-time code" }]);
  });

  it("shuts an address out for an hour after five wrong codes, right ones included, and says so", async () => {
    await clock.advance(3_600_000);
    signIns.length = 0;
    for (let wrong = 0; wrong < 5; wrong++) expect((await post("/api/session", { secret: "AAAA-AAAA" })).status).toBe(401);
    const right = site.codes.issue().code;
    const refused = await post("/api/session", { secret: right });
    expect(refused.status).toBe(429);
    expect(await refused.text()).toMatch(/60 minutes/);
    await clock.advance(3_600_001);
    expect((await post("/api/session", { secret: site.codes.issue().code })).status).toBe(200);
    expect(signIns.map(({ ok }) => ok)).toEqual([false, false, false, false, false, true]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LiveFeed } from "../../../cloud-bridge/noc/api/live-feed.ts";
import { type ApiServer, createApi } from "../../../cloud-bridge/noc/api/server.ts";
import { Connectors } from "../../../cloud-bridge/noc/connectors/connectors.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { IngestKit } from "./ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const token = "fedcba9876543210".repeat(4);
const bearer = { authorization: `Bearer ${token}` };

describe("the NOC's API", () => {
  let kit: IngestKit;
  let stop: AbortController;
  let feed: LiveFeed;
  let api: ApiServer;
  let running: Promise<void>;
  let url: string;
  let warnings: string[];

  beforeEach(async () => {
    kit = new IngestKit();
    stop = new AbortController();
    feed = new LiveFeed();
    warnings = [];
    api = createApi({
      ...{ listen: { host: "127.0.0.1", port: 0 }, token, store: kit.store, decoder: kit.decoder, feed },
      connectors: new Connectors([], { store: kit.store.outgoing, clock: kit.clock, entropy: systemEntropy, logger: silentLogger }),
      ...{
        clock: new SystemClock(() => true),
        entropy: systemEntropy,
        logger: { ...silentLogger, warn: (_fields, sentence) => void warnings.push(sentence) },
        version: "1.2.3",
      },
      pages: async () => ({ html: "<!doctype html>", script: "let a", style: "a{}" }),
      status: () => {
        throw new Error("a bug, for the test");
      },
    });
    running = api.run(stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    url = await api.url;
  });

  afterEach(async () => {
    stop.abort(new Error("test over"));
    await running;
    await kit.close();
  });

  const status = async (path: string, init: RequestInit = {}) => (await fetch(`${url}${path}`, init)).status;

  async function someData(): Promise<void> {
    const gateway = new SmallGateway("gw-one");
    const shape = switchShape("sw-1", 3, 60_000);
    for (const poll of [0, 1, 2]) {
      const moment = { wallMs: kit.clock.wall + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 };
      await kit.receive("tm", ...gateway.poll(switchReport(shape, moment, poll)).map((chunk) => chunk.bytes));
    }
  }

  it("answers nobody without a token or a session", async () => {
    for (const path of ["/api/gateways", "/api/status", "/api/live", "/api/gateways/gw-one/ledger", "/api/nonsense"]) {
      expect(await status(path)).toBe(401);
      expect(await status(path, { headers: { authorization: `Bearer ${token.slice(1)}0` } })).toBe(401);
      expect(await status(path, { headers: { authorization: "Basic eDp5" } })).toBe(401);
      expect(await status(path, { headers: { cookie: "gatehouse_noc=9999999999999.AAAA" } })).toBe(401);
    }
    expect(await status("/api/gateways", { headers: bearer })).toBe(200);
  });

  it("lets the right token in however many wrong ones came, and says that they came", async () => {
    for (let guess = 0; guess < 25; guess++) await status("/api/gateways", { headers: { authorization: `Bearer wrong${guess}` } });
    expect(await status("/api/gateways", { headers: bearer })).toBe(200);
    expect(warnings).toEqual(["somebody came with a wrong token or a used link"]);
  });

  it("signs a browser in with a link, once, by a cookie that scripts cannot read", async () => {
    const link = new URL(await api.signInLink());
    expect(link.pathname + link.search).toBe("/");
    const code = new URLSearchParams(link.hash.slice(1)).get("sign-in");
    const post = () =>
      fetch(`${url}/api/session`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ link: code }),
      });
    const first = await post();
    const cookie = first.headers.get("set-cookie") ?? "";
    expect(first.status).toBe(204);
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict/);
    expect(await status("/api/gateways", { headers: { cookie: cookie.split(";")[0] ?? "" } })).toBe(200);
    expect((await post()).status).toBe(401);
  });

  it("answers to its own names only", async () => {
    const { request } = await import("node:http");
    const answer = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${url}/api/gateways`, { headers: { ...bearer, host } }, (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end();
      });
    expect(await answer("evil.example")).toBe(401);
    expect(await answer("localhost:1234")).toBe(200);
  });

  it("refuses changes asked for by other sites", async () => {
    const headers = { ...bearer, origin: "http://evil.example" };
    expect(await status("/api/sign-in-links", { method: "POST", headers })).toBe(401);
    expect(await status("/api/sign-in-links", { method: "POST", headers: { ...bearer, origin: url } })).toBe(200);
  });

  it("serves its page under a policy that allows nothing from elsewhere", async () => {
    const page = await fetch(`${url}/`);
    expect(page.headers.get("content-security-policy")).toMatch(/default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    const script = await fetch(`${url}/app.js`);
    expect(await status("/app.js", { headers: { "if-none-match": script.headers.get("etag") ?? "" } })).toBe(304);
  });

  it("says what is wrong with a question", async () => {
    await someData();
    const wrong = [
      "/api/gateways/gw-none/ledger",
      "/api/gateways/gw-one/points?series=1;drop",
      "/api/gateways/gw-one/points?series=99999",
      "/api/gateways/gw-one/points?series=1&from=5&to=5",
      "/api/gateways/gw-one/points?series=1&maxPoints=100000",
      "/api/gateways/gw-one/values?limit=1000000",
      "/api/gateways/gw-one/values?limit=1e999",
      `/api/gateways/gw-one/values?search=${"x".repeat(5_000)}`,
    ];
    for (const path of wrong) {
      const answer = await fetch(`${url}${path}`, { headers: bearer });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: { code: "noc.invalid" } });
    }
  });

  it("says nothing about a bug but that there is one", async () => {
    const answer = await fetch(`${url}/api/status`, { headers: bearer });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("a bug, for the test");
  });

  it("finds series by words, whatever their place", async () => {
    await someData();
    const search = async (words: string) => {
      const answer = await fetch(`${url}/api/gateways/gw-one/values?search=${encodeURIComponent(words)}`, { headers: bearer });
      const { values } = (await answer.json()) as { values: { metric: string; rowKey: string }[] };
      return values.map((value) => `${value.rowKey} ${value.metric}`);
    };
    expect(await search("octets GI1/0/2")).toEqual(["port2 ifHCInOctets", "port2 ifHCOutOctets"]);
    expect(await search("port1 100%")).toEqual([]);
    expect(await search("")).toHaveLength(15);
  });

  it("recounts from the stored chunks, and per equipment for one metric", async () => {
    await someData();
    const answer = await fetch(`${url}/api/gateways/gw-one/ledger?recount=true&metric=temperature`, { headers: bearer });
    expect(await answer.json()).toMatchObject({
      delivered: 45,
      recount: { samples: 45, chunks: 3, unreadable: 0, byEquipment: { "sw-1": 9 } },
    });
  });

  it("tells pages which gateways changed, and refuses one page too many", async () => {
    const answer = await fetch(`${url}/api/live`, { headers: bearer, signal: stop.signal });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain("event: hello");
    feed.announce(["acme/gw-one", "acme/gw-one", "acme/gw-two"]);
    expect((await reader?.read())?.value).toBe('event: changed\ndata: ["acme/gw-one","acme/gw-two"]\n\n');
    const more = await Promise.all(Array.from({ length: 32 }, () => fetch(`${url}/api/live`, { headers: bearer, signal: stop.signal })));
    expect(more.filter((one) => one.status === 401)).toHaveLength(1);
  });
});

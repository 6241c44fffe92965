import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseAck } from "../../cloud-bridge/protocol/messages/ack.ts";
import { parseNocState } from "../../cloud-bridge/protocol/messages/presence.ts";
import { createMqttUplink } from "../../cloud-bridge/uplink/mqtt-uplink.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { isStreamId, type StreamId } from "../../runtime/model/chunk.ts";
import { Link } from "../../runtime/northbound/link.ts";
import { type InlineBuffer, openBufferInline } from "../../runtime/store/buffer-inline.ts";
import { NodeDisk } from "../../runtime/store/node-disk.ts";
import { memoryState } from "../cloud-bridge/uplink/fixture.ts";
import { peer } from "../peers.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";
import { alarmFrame, groupFrame, plainAssembler, slotOf } from "../store/frames.ts";
import { until } from "./noc-peers.ts";
import { ConfiguredMosquitto, RemoteNoc } from "./uplink-peers.ts";

const missing = peer("mosquitto").reason;
const outageMs = Number(process.env["GATEHOUSE_UPLINK_OUTAGE_S"] ?? 3) * 1_000;
const gateway = "gw-1";

/** Reads the head that the plain assembler wrote. */
function identify(payload: Uint8Array): { stream: StreamId; seq: number } | undefined {
  const match = /^\["([0-9a-f]{12})",(\d+),/.exec(Buffer.from(payload.subarray(0, 64)).toString("latin1"));
  const stream = match?.[1] ?? "";
  return isStreamId(stream) ? { stream, seq: Number(match?.[2]) } : undefined;
}

/** Real link, real uplink, real store, real broker; the measurements and the NOC's end are the test's. */
class Site {
  readonly clock = new SystemClock(() => true);
  readonly logger = new CollectingLogger();
  readonly folder = mkdtempSync(join(tmpdir(), "uplink-site-"));
  readonly buffer: InlineBuffer;
  readonly link: Link;
  readonly noc: RemoteNoc;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #slots = 0;

  constructor(broker: ConfiguredMosquitto) {
    const { clock, logger } = this;
    this.buffer = openBufferInline({ disk: new NodeDisk(this.folder), clock, entropy: systemEntropy, logger, assembler: plainAssembler });
    this.noc = RemoteNoc.connect(broker.url, gateway, identify);
    this.link = new Link({
      uplink: createMqttUplink({ url: broker.url, tenant: "acme", gateway, clock, logger, state: memoryState() }),
      buffer: this.buffer,
      encoder: { restartStream: () => undefined, fullDictionary: () => alarmFrame("dictionary") },
      messages: { parseAck, parseNocState },
      clock,
      entropy: { random: () => 0.3, bytes: systemEntropy.bytes },
      logger,
      hello: () => new TextEncoder().encode("{}"),
    });
    this.#running = this.link.run(this.#stop.signal);
  }

  /** One interval's worth of telemetry, sealed at once. */
  async measure(): Promise<void> {
    this.#slots += 1;
    await this.buffer.append([groupFrame(`slot ${this.#slots}`, slotOf(this.#slots, this.clock.monotonicMs() + 1))]);
    await this.buffer.sealNow();
  }

  async empty(): Promise<boolean> {
    const { streams } = await this.buffer.stats();
    return streams.every((stream) => stream.firstSeq === stream.nextSeq);
  }

  async end(): Promise<void> {
    this.#stop.abort(new Error("test over"));
    await this.#running;
    await this.buffer.close();
    await this.noc.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let site: Site | undefined;
let broker: ConfiguredMosquitto | undefined;

afterEach(async () => {
  await site?.end();
  await broker?.stop();
  site = undefined;
  broker = undefined;
});

async function open(config?: readonly string[]): Promise<{ site: Site; broker: ConfiguredMosquitto }> {
  broker = await ConfiguredMosquitto.start(config);
  site = new Site(broker);
  const { link, noc } = site;
  await until("the link is up", () => link.status().state === "connected" && noc.isListening);
  return { site, broker };
}

/** First arrivals of one stream, in order of arrival. */
function firstArrivals(noc: RemoteNoc["noc"]): ReadonlyMap<string, readonly number[]> {
  const byStream = new Map<string, number[]>();
  for (const { key, duplicate } of noc.arrivals) {
    const [stream = "", seq = ""] = key.split(":");
    if (duplicate) continue;
    const seqs = byStream.get(stream) ?? [];
    seqs.push(Number(seq));
    byStream.set(stream, seqs);
  }
  return byStream;
}

describe.skipIf(missing !== "")(`the link over mosquitto${missing === "" ? "" : ` (${missing})`}`, () => {
  it("delivers everything that was measured while the broker was dead, each chunk once, the present first", async () => {
    const { site: one, broker: dead } = await open();
    for (let i = 0; i < 10; i++) await one.measure();
    await until("the first chunks are through", () => one.empty());
    await dead.kill();
    const untilMs = performance.now() + outageMs;
    while (performance.now() < untilMs) {
      await one.measure();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { streams } = await one.buffer.stats();
    const outage = streams.find((stream) => stream.streamClass === "T" && stream.open);
    expect(outage?.nextSeq).toBeGreaterThan(21);
    await dead.start();
    await until("the noc is back", () => one.noc.isListening);
    one.link.routeChanged();
    await until("the backlog is through", () => one.empty(), 30_000);
    const arrivals = firstArrivals(one.noc.noc);
    const backlog = arrivals.get(outage?.stream ?? "") ?? [];
    expect([...backlog].sort((a, b) => a - b)).toEqual(Array.from({ length: (outage?.nextSeq ?? 1) - 1 }, (_, index) => index + 1));
    // The newest goes first; the rest follows in order.
    const late = backlog.slice(10);
    expect(late[0]).toBe((outage?.nextSeq ?? 0) - 1);
    expect(late.slice(1)).toEqual([...late.slice(1)].sort((a, b) => a - b));
    await one.measure();
    await until("the new live stream is through", () => one.empty());
    expect(firstArrivals(one.noc.noc).size).toBe(2);
    const { ledger } = await one.buffer.stats();
    expect(ledger.delivered).toBe(ledger.polled);
    expect(ledger.dropped).toBe(0);
  }, 120_000);

  it("keeps what the broker has acknowledged until the noc has, also when the broker forgets it", async () => {
    const { site: one, broker: forgetful } = await open();
    await one.noc.stop();
    for (let i = 0; i < 15; i++) await one.measure();
    await until("the broker has all", () => one.link.status().counters.sentChunks >= 15 && one.link.status().inFlight === 0);
    await forgetful.kill();
    await forgetful.start();
    const again = RemoteNoc.connect(forgetful.url, gateway, identify);
    try {
      await until("the noc is back", () => again.isListening);
      one.link.routeChanged();
      await until("everything arrives at last", () => one.empty());
      expect(again.noc.stored).toBe(15);
    } finally {
      await again.stop();
    }
  }, 120_000);

  it("stops only the lane that the broker's access list forbids", async () => {
    const { site: one, broker: strict } = await open();
    const acl = join(strict.dir, "acl");
    const { writeFileSync } = await import("node:fs");
    const allowed = ["state", "hello", "ev"].map((leaf) => `topic write gh/1/acme/g/${gateway}/${leaf}`);
    writeFileSync(acl, ["user noc", "topic readwrite #", `user ${gateway}`, ...allowed, "topic read #", ""].join("\n"), { mode: 0o600 });
    await strict.kill();
    strict.configure(["allow_anonymous true", `acl_file ${acl}`]);
    await strict.start();
    one.link.routeChanged();
    await until("the link is back", () => one.link.status().state === "connected");
    await one.measure();
    await one.buffer.durable(await one.buffer.append([alarmFrame("alarm")]));
    await until("telemetry is stopped", () => one.link.status().lanes.some((lane) => lane.paused === "not authorized"));
    await until("events pass", () => (one.link.status().lanes.find((lane) => lane.lane === "urgent")?.sentChunks ?? 0) > 0);
    expect(await one.empty()).toBe(false);
  }, 120_000);

  it("holds back what a misconfigured broker finds too large, and the rest passes", async () => {
    const { site: one, broker: narrow } = await open(["allow_anonymous true", "message_size_limit 20000"]);
    await one.buffer.append([groupFrame("x".repeat(30_000), slotOf(9_001, one.clock.monotonicMs() + 1))]);
    await one.buffer.sealNow();
    await one.measure();
    await until("the small chunk is through", () => one.noc.noc.stored === 1);
    expect(one.link.status().lanes.find((lane) => lane.lane === "live")?.heldBack).toBe(1);
    await narrow.kill();
    narrow.configure(["allow_anonymous true"]);
    await narrow.start();
    await until("the noc is back", () => one.noc.isListening);
    one.link.routeChanged();
    await until("the large chunk is through", () => one.empty());
    const { ledger } = await one.buffer.stats();
    expect(ledger.dropped).toBe(0);
  }, 120_000);

  it("does not heat up when two gateways fight over one identity", async () => {
    const { site: one, broker: shared } = await open();
    const twin = new Site(shared);
    try {
      await until("they have met", () => one.link.status().lastError !== undefined || twin.link.status().lastError !== undefined);
      const before = one.link.status().attempts + twin.link.status().attempts;
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      expect(one.link.status().attempts + twin.link.status().attempts - before).toBeLessThan(3);
    } finally {
      await twin.end();
    }
  }, 120_000);

  it("says that it is there and that it goes", async () => {
    const { site: one } = await open();
    await until("it is announced", () => one.noc.presence.length > 0);
    expect(one.noc.presence.at(-1)).toMatchObject({ on: true, why: "connect" });
    const { noc } = one;
    site = undefined;
    const stopNoc = noc.stop.bind(noc);
    noc.stop = () => Promise.resolve();
    await one.end();
    await until("its goodbye is here", () => noc.presence.length > 1);
    expect(noc.presence.at(-1)).toMatchObject({ on: false, why: "shutdown" });
    await stopNoc();
  }, 120_000);
});

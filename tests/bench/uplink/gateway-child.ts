/**
 * The gateway's northbound half in a process of its own, so that its memory is its own: real encoder, store (worker), link and uplink; the
 * measurements come from the generator as fast as they are asked for. Speaks over IPC. Arguments: broker URL, folder.
 */
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { parseAck } from "../../../cloud-bridge/protocol/messages/ack.ts";
import { parseNocState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { createMqttUplink } from "../../../cloud-bridge/uplink/mqtt-uplink.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { BufferedIntake } from "../../../runtime/intake.ts";
import { Link } from "../../../runtime/northbound/link.ts";
import type { Buffer } from "../../../runtime/ports/buffer.ts";
import { openBufferWorker } from "../../../runtime/store/buffer-worker.ts";
import { memoryState } from "../../cloud-bridge/uplink/fixture.ts";
import { silentLogger as logger } from "../../sim/silent-logger.ts";
import { Site } from "../codec/generator.ts";

export type Order = "feed" | "live" | "status" | "routeChanged" | "stop";
export interface Answer {
  readonly rssMiB: number;
  readonly state: string;
  readonly connectedSinceMs: number | undefined;
  readonly backlogChunks: number;
  readonly polled: number;
  readonly delivered: number;
  readonly dropped: number;
  /** From sealed to the NOC's acknowledgement, live chunks since the last answer, milliseconds. */
  readonly liveMs: readonly number[];
  /** Wall time at which the NOC acknowledged the newest chunk that there was at the last CONNACK. */
  readonly newestAckedAtMs: number | undefined;
  readonly sentChunks: number;
  readonly resentChunks: number;
}

const [url = "", folder = ""] = process.argv.slice(2);
const clock = new SystemClock(() => true);
const encoder = createFrameEncoder({ entropy: systemEntropy, streamSalt: "gw-1", intervalsPerChunk: () => 1 });
const real = await openBufferWorker({ folder, settings: { durabilityWindowMs: 1_000 }, logger });

/** Notes when chunks go out and come back, on the way to the real buffer. */
const sealedAt = new Map<string, number>();
let liveMs: number[] = [];
let newest: { readonly stream: string; readonly seq: number } | undefined;
let newestAckedAtMs: number | undefined;
const buffer: Buffer = new Proxy(real, {
  get(target, name) {
    if (name === "acknowledge") return acknowledge;
    if (name === "splitStream") return splitStream;
    const value: unknown = Reflect.get(target, name, target);
    return typeof value === "function" ? value.bind(target) : value;
  },
});

async function splitStream(streamClass: "T" | "E" | "I" | "S"): ReturnType<Buffer["splitStream"]> {
  const made = await real.splitStream(streamClass);
  const { streams } = await real.stats();
  const old = streams.filter((one) => one.streamClass === "T" && !one.open).at(-1);
  newest = old === undefined ? undefined : { stream: old.stream, seq: old.nextSeq - 1 };
  newestAckedAtMs = undefined;
  return made;
}

function acknowledge(ack: Parameters<Buffer["acknowledge"]>[0]): Promise<void> {
  const covers = (seq: number) => seq <= ack.upTo || ack.ranges.some(([from, to]) => seq >= from && seq <= to);
  if (newest?.stream === ack.stream && covers(newest.seq)) newestAckedAtMs ??= Date.now();
  for (const [key, atMs] of sealedAt) {
    const [stream = "", seq = ""] = key.split(":");
    if (stream !== ack.stream || !covers(Number(seq))) continue;
    sealedAt.delete(key);
    liveMs.push(performance.now() - atMs);
  }
  return real.acknowledge(ack);
}

const intake = new BufferedIntake({ encoder, buffer, logger });
const site = new Site({ seed: 1 });
const link = new Link({
  uplink: createMqttUplink({ url, tenant: "acme", gateway: "gw-1", clock, logger, state: memoryState() }),
  buffer,
  encoder,
  messages: { parseAck, parseNocState },
  clock,
  entropy: systemEntropy,
  logger,
  hello: () =>
    new TextEncoder().encode('{"v":1,"gw":"gw-1","agent":"0","boot":"b","conn":1,"proto":{"min":1,"max":1},"caps":[],"streams":{}}'),
});
const stop = new AbortController();
const running = link.run(stop.signal);

async function feed(intervals: number): Promise<void> {
  for (let i = 0; i < intervals; i++) for (const report of site.poll()) await intake.accept(report);
}

/** One interval, sealed and noted. */
async function live(): Promise<void> {
  await feed(1);
  await real.sealNow();
  const { streams } = await real.stats();
  const open = streams.find((one) => one.streamClass === "T" && one.open);
  if (open !== undefined && open.nextSeq > 1) sealedAt.set(`${open.stream}:${open.nextSeq - 1}`, performance.now());
}

async function answer(): Promise<Answer> {
  // The bench makes reports thousands of times faster than a site; their garbage is not what is measured.
  globalThis.gc?.();
  const { streams, ledger } = await real.stats();
  const status = link.status();
  const taken = liveMs;
  liveMs = [];
  return {
    rssMiB: process.memoryUsage().rss / 1_048_576,
    state: status.state,
    connectedSinceMs: status.connectedSinceMs,
    backlogChunks: streams.reduce((sum, one) => sum + (one.open ? 0 : one.nextSeq - one.firstSeq), 0),
    polled: ledger.polled,
    delivered: ledger.delivered,
    dropped: ledger.dropped,
    liveMs: taken,
    newestAckedAtMs,
    sentChunks: status.counters.sentChunks,
    resentChunks: status.counters.resentChunks,
  };
}

process.on("message", (message: { readonly order: Order; readonly count: number }) => {
  void (async () => {
    if (message.order === "feed") await feed(message.count);
    if (message.order === "live") await live();
    if (message.order === "routeChanged") link.routeChanged();
    const told = await answer();
    if (message.order === "stop") {
      stop.abort(new Error("bench over"));
      await running;
      await real.close();
    }
    process.send?.(told);
    if (message.order === "stop") setTimeout(() => process.exit(0), 100);
  })();
});

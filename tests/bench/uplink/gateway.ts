/**
 * The gateway's northern half under test: `node gateway.ts FOLDER BROKER_URL HOURS LIVE_SECONDS`. Real codec, store (in this thread, because of the
 * moved clock), link and uplink; the measurements are those of the codec's bench: 1,500 series every 60 s. Prints one JSON line.
 */
import type { Report } from "#model/report.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { parseAck } from "../../../cloud-bridge/protocol/messages/ack.ts";
import { parseNocState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { createMqttUplink } from "../../../cloud-bridge/uplink/mqtt-uplink.ts";
import { preferLittleMemory } from "../../../runtime/host/memory.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { monotonicMs, wallMs } from "../../../runtime/model/time.ts";
import { Link } from "../../../runtime/northbound/link.ts";
import { helloBody } from "../../../runtime/parts-hello.ts";
import type { Buffer } from "../../../runtime/ports/buffer.ts";
import { openBufferInline } from "../../../runtime/store/buffer-inline.ts";
import { NodeDisk } from "../../../runtime/store/node-disk.ts";
import { memoryState } from "../../cloud-bridge/uplink/fixture.ts";
import { silentLogger as logger } from "../../sim/silent-logger.ts";
import { intervalMs, Site } from "../codec/generator.ts";
import type { UplinkFigures } from "./figures.ts";
import { ShiftedClock } from "./shifted-clock.ts";

const [folder = "", url = "", hours = "72", liveSeconds = "90"] = process.argv.slice(2);
const liveEveryMs = 1_000;
const intervals = Number(hours) * 60;
const identity = { id: "gw-bench", tenant: "acme", site: "bench" };

preferLittleMemory();
const clock = new ShiftedClock(intervals * intervalMs);
const entropy = systemEntropy;
const encoder = createFrameEncoder({ entropy, streamSalt: identity.id });
const real = openBufferInline({ disk: new NodeDisk(folder), clock, entropy, logger, assembler: createChunkAssembler() });

/** When the NOC's acknowledgement of a chunk arrived; of live chunks only, so that it stays small. */
const watched = new Map<string, { readonly durableMs: number; ackedMs: number | undefined }>();
const buffer: Buffer = new Proxy<Buffer>(real, {
  get(target, name) {
    if (name === "acknowledge") {
      return async (ack: Parameters<Buffer["acknowledge"]>[0]) => {
        for (const [key, entry] of watched) {
          const [stream, seq] = key.split(" ");
          const has = ack.upTo >= Number(seq) || ack.ranges.some(([from, to]) => Number(seq) >= from && Number(seq) <= to);
          if (stream === ack.stream && has) entry.ackedMs ??= performance.now();
        }
        await target.acknowledge(ack);
      };
    }
    const member: unknown = Reflect.get(target, name);
    return typeof member === "function" ? member.bind(target) : member;
  },
});

const site = new Site({ seed: 1 });

/** The generator's report, dated now. */
function dated(report: Report): Report {
  const now = clock.now();
  const observedAt = { ...now, wallMs: wallMs(now.wallMs), monotonicMs: monotonicMs(now.monotonicMs) };
  return { ...report, observedAt, tables: report.tables.map((table) => ({ ...table, observedAt })) };
}

async function poll(): Promise<void> {
  for (const report of site.poll()) await real.append(encoder.encodeReport(dated(report)));
}

const openStream = async () => (await real.stats()).streams.find((stream) => stream.streamClass === "T" && stream.open);

/** Everything polled so far becomes durable and is sealed; its chunk is watched. */
async function sealAndWatch(): Promise<void> {
  await real.sealNow();
  const stream = await openStream();
  if (stream === undefined) return;
  watched.set(`${stream.stream} ${stream.nextSeq - 1}`, { durableMs: performance.now(), ackedMs: undefined });
}

const rss = { atStart: 0, max: 0 };
const lookAtMemory = () => {
  rss.max = Math.max(rss.max, process.memoryUsage.rss());
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function outage(): Promise<number> {
  const startedMs = performance.now();
  for (let interval = 0; interval < intervals; interval++) {
    await poll();
    // The last interval stays as it is in the field: measured, not sealed yet.
    if (interval < intervals - 1) await real.sealNow();
    clock.behindMs -= intervalMs;
    if (interval === Math.min(120, intervals >> 1)) rss.atStart = process.memoryUsage.rss();
    if (interval % 16 === 0) {
      lookAtMemory();
      await pause(0);
    }
  }
  return (performance.now() - startedMs) / 1_000;
}

const outageSeconds = await outage();
const backlog = await real.stats();
const backlogChunks = backlog.streams.reduce((sum, { firstSeq, nextSeq }) => sum + nextSeq - firstSeq, 0);
const oldStream = await openStream();
const newestBefore = oldStream?.nextSeq ?? 0;

const stop = new AbortController();
const link = new Link({
  uplink: createMqttUplink({ url, tenant: identity.tenant, gateway: identity.id, clock, logger, state: memoryState() }),
  ...{ buffer, encoder, clock, entropy, logger, messages: { parseAck, parseNocState } },
  hello: (connection, limits) =>
    helloBody({ gateway: identity, version: "bench", devices: 17, connection, limits, buffer, encoder, clock, entropy }),
});
// The newest value's chunk is sealed at CONNACK: still in the old stream, or as the first of a new one. Whichever it is has this key.
if (oldStream !== undefined) watched.set(`${oldStream.stream} ${newestBefore}`, { durableMs: Number.NaN, ackedMs: undefined });
const running = link.run(stop.signal);
while (link.status().state !== "connected") await pause(5);
const connackMs = performance.now();

let newestMs = Number.NaN;
let drainedMs = Number.NaN;
const old = new Set(backlog.streams.map(({ stream }) => stream));
const endMs = connackMs + Number(liveSeconds) * 1_000;
while (performance.now() < endMs || (Number.isNaN(drainedMs) && performance.now() < endMs + 300_000)) {
  const nextMs = performance.now() + liveEveryMs;
  await poll();
  await sealAndWatch();
  lookAtMemory();
  while (performance.now() < nextMs) {
    await pause(20);
    const acked = [...watched.values()].filter(({ ackedMs }) => ackedMs !== undefined);
    if (Number.isNaN(newestMs) && acked.length > 0) newestMs = Math.min(...acked.map(({ ackedMs }) => ackedMs ?? Number.NaN)) - connackMs;
    if (!Number.isNaN(drainedMs)) continue;
    const left = (await real.stats()).streams
      .filter(({ stream }) => old.has(stream))
      .reduce((sum, { firstSeq, nextSeq }) => sum + nextSeq - firstSeq, 0);
    if (left === 0) drainedMs = performance.now() - connackMs;
  }
}
const final = await real.stats();
const drainEndMs = connackMs + drainedMs;
const latencies = (during: boolean) =>
  [...watched.values()]
    .filter(({ durableMs, ackedMs }) => !Number.isNaN(durableMs) && ackedMs !== undefined && durableMs < drainEndMs === during)
    .map(({ durableMs, ackedMs }) => (ackedMs ?? 0) - durableMs)
    .sort((a, b) => a - b);
const quantile = (sorted: readonly number[], q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
const during = latencies(true);
const after = latencies(false);
const figures: UplinkFigures = {
  hours: Number(hours),
  outageSeconds,
  backlogChunks,
  backlogSamples: backlog.ledger.buffered,
  backlogBytes: backlog.streams.reduce((sum, { bytes }) => sum + bytes, 0),
  newestAtNocMs: newestMs,
  drainSeconds: drainedMs / 1_000,
  livePolls: watched.size,
  liveMsP95: quantile(
    [...during, ...after].sort((a, b) => a - b),
    0.95,
  ),
  liveMsP95DuringRefill: quantile(during, 0.95),
  liveMsP95Afterwards: quantile(after, 0.95),
  rssMiBAtStart: rss.atStart / 1_048_576,
  rssMiBMax: rss.max / 1_048_576,
  dropped: final.ledger.dropped,
};
console.log(JSON.stringify(figures));
stop.abort(new Error("the bench is over"));
await running;
await real.close();
process.exit(0);

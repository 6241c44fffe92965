/**
 * How fast the NOC's end takes in a backlog on real SQLite with synchronous=FULL: CHUNKS chunks of SERIES series each (default 1,440 and
 * 1,500: a day at one minute). First without a broker, in transactions of 128 messages; then, where mosquitto is installed, the way of a
 * gateway: over MQTT with 16 messages in flight, until the NOC's last acknowledgement. `node tests/bench/noc-ingest.ts`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNoc } from "../../cloud-bridge/noc/noc.ts";
import { SqliteStore } from "../../cloud-bridge/noc/store/sqlite/sqlite-store.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import type { Chunk } from "../../runtime/model/chunk.ts";
import { IngestKit } from "../cloud-bridge/noc/ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "../cloud-bridge/noc/small-gateway.ts";
import { hasProgram, Mosquitto, Publisher, until } from "../integration/noc-peers.ts";
import { silentLogger } from "../sim/silent-logger.ts";

const chunkCount = Number(process.env["CHUNKS"] ?? 1_440);
const seriesCount = Number(process.env["SERIES"] ?? 1_500);
const tables = 20;
const start = Date.now() - chunkCount * 60_000;

function backlog(): readonly Chunk[] {
  const gateway = new SmallGateway("gw-one");
  const shapes = Array.from({ length: tables }, (_, index) => switchShape(`sw-${index}`, Math.ceil(seriesCount / tables / 5), 60_000));
  return Array.from({ length: chunkCount }, (_, poll) => {
    const moment = { wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 };
    return gateway.pollTogether(shapes.map((shape) => switchReport(shape, moment, poll, 20 + (poll % 7))));
  }).flat();
}

function say(what: string, chunks: readonly Chunk[], seconds: number, bytes: number): void {
  const samples = chunks.reduce((sum, chunk) => sum + chunk.samples, 0);
  const rss = Math.round(process.memoryUsage().rss / 1_048_576);
  console.log(
    `${what}: ${chunks.length} chunks, ${samples} samples in ${seconds.toFixed(2)} s, ${Math.round(chunks.length / seconds)} chunks/s, ` +
      `${Math.round(samples / seconds)} samples/s; database ${(bytes / 1_048_576).toFixed(1)} MiB, RSS ${rss} MiB`,
  );
}

async function withoutBroker(chunks: readonly Chunk[]): Promise<void> {
  const kit = new IngestKit();
  const startedMs = performance.now();
  for (let at = 0; at < chunks.length; at += 128) await kit.receive("bf", ...chunks.slice(at, at + 128).map((chunk) => chunk.bytes));
  while ((await kit.settle(true)).more);
  say("without a broker", chunks, (performance.now() - startedMs) / 1_000, (await kit.store.stats()).bytes);
  await kit.close();
}

async function overMosquitto(chunks: readonly Chunk[]): Promise<void> {
  const broker = await Mosquitto.start();
  const dir = mkdtempSync(join(tmpdir(), "noc-bench-"));
  const stop = new AbortController();
  const store = new SqliteStore(dir);
  const noc = createNoc({
    ...{ brokerUrl: broker.url, tenants: ["acme"], listen: { host: "127.0.0.1", port: 0 }, token: "a".repeat(64), version: "bench", store },
    ...{ clock: new SystemClock(() => true), entropy: systemEntropy, logger: silentLogger },
    pages: async () => ({ html: "", script: "", style: "" }),
  });
  const running = noc.run(stop.signal);
  await until("the NOC is at the broker", () => noc.status().brokerConnected);
  const publisher = await Publisher.connect(broker.url, "gw-one");
  const startedMs = performance.now();
  let next = 0;
  const lane = async () => {
    for (let chunk = chunks[next++]; chunk !== undefined; chunk = chunks[next++]) await publisher.send([chunk], "bf");
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  await until("the last acknowledgement", () => publisher.acked("aaaaaaaaaaaa")?.upTo === chunks.length, 300_000);
  const seconds = (performance.now() - startedMs) / 1_000;
  say(
    `over mosquitto, longest transaction ${Math.round(noc.status().ingest.commitMsMax)} ms`,
    chunks,
    seconds,
    (await store.stats()).bytes,
  );
  await publisher.end();
  stop.abort(new Error("done"));
  await running;
  await broker.stop();
  rmSync(dir, { recursive: true, force: true });
}

const chunks = backlog();
await withoutBroker(chunks);
if (hasProgram("mosquitto")) await overMosquitto(chunks);

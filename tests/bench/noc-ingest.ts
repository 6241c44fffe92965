/**
 * How fast the NOC's end takes in a backlog, without a broker: CHUNKS chunks of SERIES series each (default 1,440 and 1,500: a day at one
 * minute), in transactions of 128 messages on real SQLite with synchronous=FULL. `node tests/bench/noc-ingest.ts`
 */
import { IngestKit } from "../cloud-bridge/noc/ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "../cloud-bridge/noc/small-gateway.ts";

const chunkCount = Number(process.env["CHUNKS"] ?? 1_440);
const seriesCount = Number(process.env["SERIES"] ?? 1_500);
const tables = 20;
const gateway = new SmallGateway("gw-one");
const kit = new IngestKit();
const start = 1_799_900_000_000;
const shapes = Array.from({ length: tables }, (_, index) => switchShape(`sw-${index}`, Math.ceil(seriesCount / tables / 5), 60_000));
const payloads: Uint8Array[] = [];
for (let poll = 0; poll < Math.ceil(chunkCount / tables) * tables; poll++) {
  // One table a chunk here; a real gateway puts the tables of one interval into one chunk, so the samples are what counts.
  for (const shape of shapes) {
    const moment = { wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 };
    payloads.push(...gateway.poll(switchReport(shape, moment, poll, 20 + (poll % 7))).map((chunk) => chunk.bytes));
  }
  if (payloads.length >= chunkCount * 4) break;
}
const startedMs = performance.now();
let samples = 0;
for (let at = 0; at < payloads.length; at += 128) {
  const result = await kit.receive("bf", ...payloads.slice(at, at + 128));
  samples += result.samples;
}
while ((await kit.settle(true)).more);
const seconds = (performance.now() - startedMs) / 1_000;
const bytes = (await kit.store.stats()).bytes;
console.log(
  `${payloads.length} chunks, ${samples} samples in ${seconds.toFixed(2)} s: ${Math.round(payloads.length / seconds)} chunks/s, ` +
    `${Math.round(samples / seconds)} samples/s; database ${(bytes / 1_048_576).toFixed(1)} MiB, RSS ${Math.round(process.memoryUsage().rss / 1_048_576)} MiB`,
);
await kit.close();

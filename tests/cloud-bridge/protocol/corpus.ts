import type { Column } from "#model/report.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { instant, MemoryStore, metric, reportOf, seededEntropy, shapeOf, tableReport } from "./site.ts";

const metrics = [metric("octets", "counter"), metric("temperature", "gauge", 10), metric("name", "text"), metric("oper", "state")];
const shape = shapeOf("sw-1", "t", metrics, 7);

function columns(poll: number): Column[] {
  const present = new Uint8Array(7).fill(1);
  if (poll === 2) present[3] = 0;
  const of = (value: (row: number) => number) => Float64Array.from({ length: 7 }, (_, row) => value(row));
  return [
    {
      kind: "counter",
      present,
      absolute: BigUint64Array.from({ length: 7 }, (_, row) => 2n ** 60n + BigInt(row * 1000 + poll * row * row)),
      increment: of((row) => (poll === 0 ? Number.NaN : row * row)),
    },
    { kind: "number", present, value: of((row) => 20 + row / 10 + (poll % 3) * 0.1 + (row === 5 ? Math.PI : 0)) },
    { kind: "text", present, value: Array.from({ length: 7 }, (_, row) => `port ${row} ${poll > 2 ? "umbenannt äöü" : ""}`) },
    { kind: "number", present, value: of((row) => (row === poll ? 2 : 1)) },
  ];
}

/** Valid payloads of every kind: chunks of one and of several intervals, both serialisations, dictionary, events. */
export function corpus(): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (const [intervals, serialisation] of [
    [1, "cbor"],
    [5, "cbor"],
    [1, "json"],
    [5, "json"],
  ] as const) {
    const encoder = createFrameEncoder({ entropy: seededEntropy(1), streamSalt: "gw-1", intervalsPerChunk: () => intervals });
    const store = new MemoryStore(createChunkAssembler({ serialisation, compression: "none" }));
    for (let poll = 0; poll < 6; poll++) {
      const at = instant(poll * 60_000, { quality: poll < 3 ? "unanchored" : "synced" });
      store.append(encoder.encodeReport(reportOf(at, [tableReport(shape, columns(poll), at)])));
      if (poll === 4) store.append(encoder.encodeReport(reportOf(at, [], [{ shape, reason: "timeout" }])));
    }
    store.sealNow();
    payloads.push(...store.chunks.map((chunk) => chunk.bytes));
  }
  const batch = JSON.stringify({ v: 1, s: "0123456789ab", q: 3, at: 0, e: [{ k: "event", text: 'quoted \\" [{' }] });
  return [...payloads, new TextEncoder().encode(batch)];
}

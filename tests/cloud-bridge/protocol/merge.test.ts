import { describe, expect, it } from "vitest";
import type { DecodedCell } from "#model/chunk.ts";
import type { Column } from "#model/report.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { instant, MemoryStore, metric, readAll, reportOf, seededEntropy, shapeOf, tableReport } from "./site.ts";

const polls = 4;
const choices = 5;
/** Row r goes through the digits of r in base 5: every sequence of four polls over five choices occurs. 0 = absent. */
const digit = (row: number, poll: number) => Math.floor(row / choices ** poll) % choices;
const rows = choices ** polls;
const increments = [Number.NaN, 0, 1, 2, Number.NaN];

/** 1..4 as a gauge of small steps, a text, and a counter that stands, moves by one or two, or is reset. */
function columnsAt(poll: number, absolutes: BigUint64Array): Column[] {
  const digits = Array.from({ length: rows }, (_, row) => digit(row, poll));
  const present = Uint8Array.from(digits, (value) => (value === 0 ? 0 : 1));
  const increment = Float64Array.from(digits, (value) => increments[value] ?? Number.NaN);
  for (const [row, value] of digits.entries())
    absolutes[row] = value === 4 ? 7n : (absolutes[row] ?? 0n) + BigInt(value === 0 ? 0 : value - 1);
  return [
    { kind: "number", present, value: Float64Array.from(digits) },
    { kind: "text", present, value: digits.map((value) => `text ${value}`) },
    { kind: "counter", present, absolute: absolutes.slice(), increment },
    { kind: "number", present, value: Float64Array.from(digits, (value) => (value === 2 ? Math.PI : value)) },
  ];
}

function cellOf(column: Column, row: number): DecodedCell {
  if (column.present[row] !== 1) return { state: "missing" };
  if (column.kind === "counter") return { state: "counter", increment: column.increment[row] ?? 0, absolute: column.absolute[row] };
  return { state: "value", value: column.value[row] ?? 0 };
}

describe("rows merged into one chunk", () => {
  it.each([1, 2, 4].flatMap((intervals) => (["cbor", "json"] as const).map((serialisation) => ({ intervals, serialisation }))))(
    "are exact for every sequence of four polls: $intervals intervals per chunk, $serialisation",
    ({ intervals, serialisation }) => {
      const encoder = createFrameEncoder({ entropy: seededEntropy(1), streamSalt: "gw-1", intervalsPerChunk: () => intervals });
      const store = new MemoryStore(createChunkAssembler({ serialisation }));
      const shape = shapeOf(
        "sw-1",
        "t",
        [metric("gauge", "gauge"), metric("text", "text"), metric("counter", "counter"), metric("float", "gauge")],
        rows,
      );
      const absolutes = new BigUint64Array(rows);
      const truth: DecodedCell[][] = [];
      for (let poll = 0; poll < polls; poll++) {
        const columns = columnsAt(poll, absolutes);
        truth.push(columns.flatMap((column) => Array.from({ length: rows }, (_, row) => cellOf(column, row))));
        const at = instant(poll * 60_000);
        store.append(encoder.encodeReport(reportOf(at, [tableReport(shape, columns, at)])));
      }
      store.sealNow();
      const seen = truth.map(() => new Array<DecodedCell>(rows * 4));
      const timeline = new Map<number, number>();
      for (const { groups } of readAll(createChunkDecoder(), store.chunks)) {
        for (const { group, rows: groupRows } of groups) {
          const width = group.series.length / 4;
          for (const row of groupRows) {
            const poll = timeline.get(row.at) ?? timeline.size;
            timeline.set(row.at, poll);
            for (const [index, cell] of row.cells.entries()) {
              const key = Number((group.series[index]?.rowKey ?? "r0").slice(1));
              (seen[poll] ?? [])[Math.floor(index / width) * rows + key] = cell;
            }
          }
        }
      }
      expect(seen).toEqual(truth);
    },
  );
});

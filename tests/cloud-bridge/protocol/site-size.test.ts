import { describe, expect, it } from "vitest";
import type { DecodedCell } from "#model/chunk.ts";
import type { Column, Report } from "#model/report.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { Site, siteSeries } from "../../bench/codec/generator.ts";
import { measureGenerator, measureSize } from "../../bench/codec/measure.ts";
import { MemoryStore, readAll, seededEntropy } from "./site.ts";

function expectedCell(column: Column, row: number): DecodedCell {
  if (column.kind === "counter") return { state: "counter", increment: column.increment[row] ?? 0, absolute: column.absolute[row] };
  return { state: "value", value: column.value[row] ?? 0 };
}

/** equipment, table and time of a row -> its cells. */
function truthOf(reports: readonly Report[]): Map<string, DecodedCell[]> {
  const tables = reports.flatMap((report) => report.tables);
  return new Map(
    tables.map((table) => [
      `${table.shape.equipment} ${table.shape.table} ${Math.round(table.observedAt.wallMs)}`,
      table.columns.flatMap((column) => table.shape.rows.map((_, row) => expectedCell(column, row))),
    ]),
  );
}

describe("the site of 1,500 series", () => {
  it("is the one the protocol's figures are quoted for", () => {
    const { naiveBytes, changedShare } = measureGenerator(1, 0.5, 20);
    expect(naiveBytes).toBeGreaterThan(9.55 * 0.9);
    expect(naiveBytes).toBeLessThan(9.55 * 1.1);
    expect(changedShare).toBeCloseTo(0.32, 1);
  });

  it("costs at most 1.3 bytes a sample at one interval per chunk and 1.0 at ten, key-frames included", () => {
    const size = (intervalsPerChunk: number) => measureSize({ seed: 1, busyShare: 0.5, intervalsPerChunk, hours: 2 }).chunkBytes;
    expect(size(1)).toBeLessThanOrEqual(1.3);
    expect(size(10)).toBeLessThanOrEqual(1.0);
  });

  it.each([1, 7])("arrives exactly, all 17 devices in common chunks of %i intervals, some of them sealed early", (intervals) => {
    const site = new Site({ seed: 3 });
    const { random } = seededEntropy(9);
    const encoder = createFrameEncoder({ entropy: seededEntropy(1), streamSalt: "gw-1", intervalsPerChunk: () => intervals });
    const store = new MemoryStore(createChunkAssembler());
    const reports: Report[] = [];
    for (let poll = 0; poll < 30; poll++) {
      for (const report of site.poll()) {
        reports.push(report);
        store.append(encoder.encodeReport(report));
        if (random() < 0.02) store.sealNow();
      }
    }
    store.sealNow();
    const truth = truthOf(reports);
    const decoded = readAll(createChunkDecoder(), store.chunks);
    for (const { groups } of decoded) {
      for (const { group, rows } of groups) {
        for (const row of rows) {
          const place = `${group.equipment} ${group.table} ${row.at}`;
          expect(row.cells, place).toEqual(truth.get(place));
          truth.delete(place);
        }
      }
    }
    expect(truth.size).toBe(0);
    expect(decoded.reduce((sum, chunk) => sum + chunk.samples, 0)).toBe(30 * siteSeries);
  });
});

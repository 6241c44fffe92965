import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecodedCell, DecodedChunk } from "#model/chunk.ts";
import { type Column, countSamples, type Report } from "#model/report.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { type CellStep, Device } from "./scripted-device.ts";
import { bootWallMs, instant, MemoryStore, metric, readAll, reportOf, seededEntropy } from "./site.ts";

const runs = Number(process.env.GATEHOUSE_CODEC_RUNS ?? 150);

const uint64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
// Small numbers above all: what is wrong with merged rows shows where values, differences and increments happen to be equal.
const gauge = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -2, max: 4 }) },
  fc.integer({ min: -1000, max: 1000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 2 ** 53, -(2 ** 53), 2 ** 53 - 1, 1 - 2 ** 53, 1e300, 5e-324, 0.1, 21.57, 2 ** 52, 4503599627370497),
);
const cellStep: fc.Arbitrary<CellStep> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: "keep" } as const) },
  { weight: 1, arbitrary: fc.constant({ do: "absent" } as const) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("number" as const), value: gauge }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("text" as const), value: fc.string({ unit: "binary", maxLength: 12 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("count" as const),
      by: fc.oneof(fc.bigInt(0n, 2n), fc.bigInt(0n, 5000n), fc.bigInt(0n, 2n ** 63n)),
      wrap32: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset" as const), to: uint64 }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("odd" as const),
      to: uint64,
      increment: fc.constantFrom(0, 1, -1, 0.5, 2 ** 53, 2 ** 63, Number.POSITIVE_INFINITY),
    }),
  },
);

type PollStep = {
  readonly waitMs: number;
  readonly seal: boolean;
  readonly event: "none" | "reshape" | "restart" | "wall-step" | "unanchored" | "gap" | "lost";
  readonly cells: readonly CellStep[];
};
const pollStep: fc.Arbitrary<PollStep> = fc.record({
  waitMs: fc.constantFrom(60_000, 60_003, 59_990, 1, 130_000, 3_700_000),
  seal: fc.boolean(),
  event: fc.oneof(
    { weight: 10, arbitrary: fc.constant<PollStep["event"]>("none") },
    { weight: 1, arbitrary: fc.constantFrom<PollStep["event"]>("reshape", "restart", "wall-step", "unanchored", "gap") },
    { weight: 1, arbitrary: fc.constant<PollStep["event"]>("lost") },
  ),
  cells: fc.array(cellStep, { minLength: 1, maxLength: 24 }),
});

const kinds = ["counter", "gauge", "text", "state", "counter"] as const;
/** Rows that all come into one chunk, of values that often are equal: what merging has to get right. */
const calmPoll: fc.Arbitrary<PollStep> = fc.record({
  waitMs: fc.constant(1),
  seal: fc.constant(false),
  event: fc.constant("none" as const),
  cells: fc.array(
    fc.oneof(
      fc.constantFrom({ do: "keep" } as const, { do: "absent" } as const),
      fc.record({ do: fc.constant("number" as const), value: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ do: fc.constant("count" as const), by: fc.bigInt(0n, 2n), wrap32: fc.constant(false) }),
    ),
    { minLength: 1, maxLength: 4 },
  ),
});

const site = fc.record({
  scales: fc.array(fc.constantFrom(1, 10, 1000, 0, 0.5), { minLength: 5, maxLength: 5 }),
  columns: fc.integer({ min: 1, max: 5 }),
  rows: fc.integer({ min: 1, max: 6 }),
  intervals: fc.constantFrom(1, 1, 2, 3, 10, 60),
  serialisation: fc.constantFrom("cbor" as const, "json" as const),
  compression: fc.constantFrom("zstd" as const, "gzip" as const, "none" as const),
  /** Whether reports say what was said before. */
  remembers: fc.boolean(),
  polls: fc.oneof(fc.array(pollStep, { minLength: 1, maxLength: 14 }), fc.array(calmPoll, { minLength: 2, maxLength: 4 })),
});

/** What a reader must see of a cell. */
function expected(column: Column, row: number): DecodedCell {
  if (column.present[row] !== 1) return { state: "missing" };
  if (column.kind === "text") return { state: "value", value: column.value[row] ?? "" };
  if (column.kind === "number") return { state: "value", value: column.value[row] ?? 0 };
  const step = column.increment[row] ?? Number.NaN;
  const valid = step >= 0 && Number.isInteger(step) && step < 2 ** 64;
  return { state: "counter", increment: valid ? step : Number.NaN, absolute: column.absolute[row] };
}

interface Run {
  readonly reports: readonly Report[];
  readonly chunks: MemoryStore["chunks"];
  readonly expectedGaps: number;
}

function play(script: typeof site extends fc.Arbitrary<infer T> ? T : never): Run {
  const metrics = Array.from({ length: script.columns }, (_, index) =>
    metric(`m${index}`, kinds[index] ?? "gauge", script.scales[index] ?? 1),
  );
  const device = new Device(metrics, script.rows, script.remembers);
  const encoder = createFrameEncoder({ entropy: seededEntropy(7), streamSalt: "gw-1", intervalsPerChunk: () => script.intervals });
  const store = new MemoryStore(createChunkAssembler(script));
  const reports: Report[] = [];
  let monotonic = 1000;
  let wall = bootWallMs;
  let quality: "synced" | "unanchored" = "synced";
  let expectedGaps = 0;
  for (const [index, poll] of script.polls.entries()) {
    monotonic += poll.waitMs;
    wall += poll.waitMs + (poll.event === "wall-step" ? -86_400_000 : 0);
    if (poll.event === "unanchored") quality = quality === "synced" ? "unanchored" : "synced";
    if (poll.event === "reshape") device.reshape();
    if (poll.event === "restart") {
      store.sealNow();
      encoder.restartStream();
    }
    const at = instant(monotonic, { wall, quality });
    if (poll.event === "gap") {
      store.append(encoder.encodeReport(reportOf(at, [], [{ shape: device.shape, reason: "timeout" }])));
      expectedGaps += 1;
      continue;
    }
    const report = reportOf(at, [device.poll(poll.cells, at, index === 0)]);
    // Nobody took it: what the next one says was said before was not.
    if (poll.event === "lost") continue;
    reports.push(report);
    store.append(encoder.encodeReport(report));
    if (poll.seal) store.sealNow();
  }
  store.sealNow();
  return { reports, chunks: store.chunks, expectedGaps };
}

interface Want {
  readonly at: number;
  readonly cells: readonly DecodedCell[];
  readonly unanchored: boolean;
}

/** What a reader that has everything must see, row by row. */
function wanted(reports: readonly Report[]): Want[] {
  return reports.map(({ observedAt, tables }) => {
    const unanchored = observedAt.quality === "unanchored";
    const cells = tables.flatMap((table) => table.columns.flatMap((column) => table.shape.rows.map((_, row) => expected(column, row))));
    return { at: unanchored ? observedAt.monotonicMs : observedAt.wallMs, cells, unanchored };
  });
}

/** What a reader may see that lost chunks: the truth, or that it does not know. Increments need no memory. */
function isHonest(seen: DecodedCell, truth: DecodedCell): boolean {
  if (seen.state === "unchanged") return truth.state === "value";
  if (seen.state === "counter" && truth.state === "counter") {
    return Object.is(seen.increment, truth.increment) && (seen.absolute === undefined || seen.absolute === truth.absolute);
  }
  return isDeepStrictEqual(seen, truth);
}

function rowsOf(chunks: readonly DecodedChunk[]) {
  return chunks.flatMap((chunk) => chunk.groups.flatMap((group) => group.rows.map((row) => ({ ...row, unanchored: chunk.unanchored }))));
}

describe("encode, assemble, decode and resolve", () => {
  it("give back every cell, time and gap exactly, whatever the mix", () => {
    fc.assert(
      fc.property(site, (script) => {
        const run = play(script);
        const decoded = readAll(createChunkDecoder(), run.chunks);
        const rows = rowsOf(decoded);
        expect(rows).toEqual(wanted(run.reports));
        const polled = run.reports.reduce((sum, report) => sum + report.tables.reduce((n, table) => n + countSamples(table), 0), 0);
        expect(decoded.reduce((sum, chunk) => sum + chunk.samples, 0)).toBe(polled);
        expect(run.chunks.reduce((sum, chunk) => sum + chunk.samples, 0)).toBe(polled);
        expect(decoded.reduce((sum, chunk) => sum + chunk.misses.length, 0)).toBe(run.expectedGaps);
      }),
      { numRuns: runs },
    );
  });

  it("make the same bytes of reports that say what was said before, as long as none is lost", () => {
    fc.assert(
      fc.property(site, (script) => {
        const polls = script.polls.filter(({ event }) => event !== "lost");
        const [remembered, forgotten] = [true, false].map((remembers) => play({ ...script, polls, remembers }).chunks);
        expect(remembered).toEqual(forgotten);
      }),
      { numRuns: runs },
    );
  });

  it("never show a wrong value after lost chunks, and show all again from the next key-frame on", () => {
    fc.assert(
      fc.property(site, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (script, lost) => {
        const run = play(script);
        const isDictionary = (slotId: number | undefined) => slotId === undefined;
        const kept = run.chunks.filter((chunk, index) => isDictionary(chunk.slotId) || lost[index % lost.length] !== true);
        const truth = new Map(wanted(run.reports).map((row) => [`${row.unanchored}/${row.at}`, row.cells]));
        const firstOfSlot = new Set([...Map.groupBy(run.chunks, (chunk) => chunk.slotId).values()].map((chunks) => chunks[0]?.seq));
        let whole = false;
        let before = 0;
        for (const chunk of readAll(createChunkDecoder(), kept)) {
          const skipped = run.chunks.some((one) => one.seq > before && one.seq < chunk.seq && !isDictionary(one.slotId));
          whole = (whole && !skipped) || (chunk.keyFrame && firstOfSlot.has(chunk.seq));
          before = chunk.seq;
          for (const row of rowsOf([chunk])) {
            const cells = truth.get(`${row.unanchored}/${row.at}`) ?? [];
            if (whole) expect(row.cells).toEqual(cells);
            else expect(row.cells.map((cell, index) => isHonest(cell, cells[index] ?? cell))).not.toContain(false);
          }
        }
      }),
      { numRuns: runs },
    );
  });
});

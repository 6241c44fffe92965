import { describe, expect, it } from "vitest";
import type { Frame, Slot } from "#model/chunk.ts";
import type { Column, TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { createFrameEncoder, type FrameEncoderOptions } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { bootWallMs, instant, MemoryStore, metric, readAll, reportOf, seededEntropy, shapeOf, tableReport } from "./site.ts";

const minute = 60_000;
const octets = metric("octets", "counter");
const encoderWith = (more: Partial<FrameEncoderOptions> = {}) =>
  createFrameEncoder({ entropy: seededEntropy(1), streamSalt: "gw-1", ...more });

function zeros(shape: TableShape): Column[] {
  const rows = shape.rows.length;
  const present = new Uint8Array(rows).fill(1);
  return shape.metrics.map((one): Column => {
    if (one.kind === "counter") return { kind: "counter", present, absolute: new BigUint64Array(rows), increment: new Float64Array(rows) };
    if (one.kind === "text") return { kind: "text", present, value: new Array<string>(rows).fill("same") };
    return { kind: "number", present, value: new Float64Array(rows) };
  });
}

const poll = (shape: TableShape, at: Instant) => reportOf(at, [tableReport(shape, zeros(shape), at)]);
const slotOf = (frames: readonly Frame[]): Slot => {
  const slot = frames.find((frame) => frame.slot !== undefined)?.slot;
  if (slot === undefined) throw new Error("no slot");
  return slot;
};
const kinds = (frames: readonly Frame[]) => frames.map((frame) => frame.kind);

describe("the frame encoder", () => {
  it("sends a table's dictionary once, before its first values", () => {
    const encoder = encoderWith();
    const shape = shapeOf("sw-1", "t", [octets], 3);
    expect(kinds(encoder.encodeReport(poll(shape, instant(0))))).toEqual(["dict", "group"]);
    expect(kinds(encoder.encodeReport(poll(shape, instant(minute))))).toEqual(["group"]);
    expect(encoder.seriesCount).toBe(3);
  });

  it("lends the same bytes that it would have given, in one block from report to report", () => {
    const [lending, giving] = [true, false].map((lendsPayloads) => encoderWith({ lendsPayloads }));
    const shapes = [shapeOf("sw-1", "t", [octets], 3), shapeOf("sw-1", "u", [octets], 2)];
    const blocks = [0, 1, 2].map((index) => {
      const at = instant(index * minute);
      const report = reportOf(
        at,
        shapes.flatMap((shape) => poll(shape, at).tables),
      );
      const lent = lending?.encodeReport(report) ?? [];
      expect(lent).toEqual(giving?.encodeReport(report));
      return lent.at(-1)?.payload.buffer;
    });
    expect(new Set(blocks).size).toBe(1);
  });

  it("gives a new shape a new group and takes the old one out of the dictionary", () => {
    const encoder = encoderWith();
    const store = new MemoryStore(createChunkAssembler());
    for (const [index, rows] of [2, 3].entries())
      store.append(encoder.encodeReport(poll(shapeOf("sw-1", "t", [octets], rows), instant(index * minute))));
    store.sealNow();
    const records = store.chunks.flatMap(({ bytes }) => {
      const payload = createChunkDecoder().decode(bytes);
      return payload.kind === "dict" ? [payload.record] : [];
    });
    expect(records.map(({ full, removed, groups }) => ({ full, removed, gids: groups.map((group) => group.groupId) }))).toEqual([
      { full: true, removed: [], gids: [1] },
      { full: false, removed: [1], gids: [2] },
    ]);
    expect(records[1]?.base).toBe(records[0]?.revision);
    expect(encoder.seriesCount).toBe(3);
  });

  it("keeps a group in the dictionary until the slot that holds rows of it is over, though its table changed meanwhile", () => {
    const encoder = encoderWith();
    const store = new MemoryStore(createChunkAssembler());
    const first = encoder.encodeReport(poll(shapeOf("sw-1", "t", [octets], 2), instant(0)));
    const { endsAtMs } = slotOf(first);
    const grown = shapeOf("sw-1", "t", [octets], 3);
    const middleMs = (instant(0).monotonicMs + endsAtMs) / 2 - instant(0).monotonicMs;
    store.append(first);
    store.append(encoder.encodeReport(poll(grown, instant(middleMs))));
    store.sealNow();
    store.append(encoder.encodeReport(poll(grown, instant(middleMs + 5 * minute))));
    store.sealNow();
    const live = new Map<number, ReadonlySet<number>>();
    const chunks: { readonly groupIds: readonly number[]; readonly dictionaryRevision: number }[] = [];
    for (const { bytes } of store.chunks) {
      const payload = createChunkDecoder().decode(bytes);
      if (payload.kind === "chunk") chunks.push(payload.chunk);
      if (payload.kind !== "dict") continue;
      const { full, base, removed, groups, revision } = payload.record;
      const kept = new Set(full ? [] : live.get(base));
      for (const gid of removed) kept.delete(gid);
      live.set(revision, new Set([...kept, ...groups.map(({ groupId }) => groupId)]));
    }
    expect(chunks.map(({ groupIds }) => groupIds)).toEqual([[1, 2], [2]]);
    for (const { groupIds, dictionaryRevision } of chunks)
      expect([...(live.get(dictionaryRevision) ?? [])]).toEqual(expect.arrayContaining([...groupIds]));
    expect([...(live.get(encoder.dictionaryRevision) ?? [])]).toEqual([2]);
  });

  it("says in the chunk's head the revision that its newest group needs", () => {
    const encoder = encoderWith();
    const store = new MemoryStore(createChunkAssembler());
    const span = slotOf(encoder.encodeReport(poll(shapeOf("first", "t", [octets], 1), instant(0)))).endsAtMs;
    for (const [index, name] of ["a", "b", "c"].entries())
      store.append(encoder.encodeReport(poll(shapeOf(name, "t", [octets], 1), instant(span + index))));
    store.sealNow();
    const payload = createChunkDecoder().decode(store.chunks.at(-1)?.bytes ?? new Uint8Array());
    expect(payload.kind === "chunk" && payload.chunk.groupIds).toEqual([2, 3, 4]);
    expect(payload.kind === "chunk" && payload.chunk.dictionaryRevision).toBe(encoder.dictionaryRevision);
  });

  it("never uses a revision of an earlier process run", () => {
    const revisions = [1, 2, 3].map((seed) => {
      const encoder = createFrameEncoder({ entropy: seededEntropy(seed), streamSalt: "gw-1" });
      encoder.encodeReport(poll(shapeOf("sw-1", "t", [octets], 1), instant(0)));
      return encoder.dictionaryRevision;
    });
    expect(new Set(revisions).size).toBe(3);
    expect(revisions.every(Number.isSafeInteger)).toBe(true);
  });

  it("makes one key-frame an hour per interval class, at another minute on another gateway", () => {
    const minutesOf = (salt: string) => {
      const encoder = createFrameEncoder({ entropy: seededEntropy(1), streamSalt: salt });
      const shape = shapeOf("sw-1", "t", [octets], 1);
      return Array.from({ length: 240 }, (_, index) => index).filter(
        (index) => (slotOf(encoder.encodeReport(poll(shape, instant(index * minute)))).flags & 1) !== 0,
      );
    };
    const first = minutesOf("gw-1");
    expect(first[0]).toBe(0);
    expect(first.slice(2).map((value, index) => value - (first[index + 1] ?? 0))).toEqual(first.slice(2).map(() => 60));
    expect(first.length).toBeLessThanOrEqual(5);
    expect(new Set(["gw-1", "gw-2", "gw-3", "gw-4", "gw-5"].map((salt) => minutesOf(salt)[1])).size).toBeGreaterThan(2);
  });

  it("begins again with a full dictionary and key-frames after restartStream", () => {
    const encoder = encoderWith();
    const shape = shapeOf("sw-1", "t", [octets], 2);
    const before = slotOf(encoder.encodeReport(poll(shape, instant(0))));
    encoder.restartStream();
    const frames = encoder.encodeReport(poll(shape, instant(1)));
    expect(kinds(frames)).toEqual(["dict", "group"]);
    expect(slotOf(frames).id).toBeGreaterThan(before.id);
    expect(slotOf(frames).flags & 1).toBe(1);
    expect(new TextDecoder().decode(frames[0]?.payload)).toContain('"full":true');
  });

  it("opens a new slot when the wall clock steps, when it is set for the first time, and with another boot", () => {
    const encoder = encoderWith({ intervalsPerChunk: () => 10 });
    const shape = shapeOf("sw-1", "t", [octets], 1);
    const slot = (at: Instant) => slotOf(encoder.encodeReport(poll(shape, at)));
    const first = slot(instant(1_000));
    expect(slot(instant(1_100, { wall: bootWallMs + 6_000 })).id).toBe(first.id);
    const stepped = slot(instant(1_200, { wall: bootWallMs - 100_000 }));
    expect(stepped.id).toBeGreaterThan(first.id);
    expect(stepped.t0).toBe(bootWallMs - 100_000);
    const unanchored = slot(instant(1_300, { quality: "unanchored" }));
    expect(unanchored).toMatchObject({ t0: 1_300, flags: 4 });
    expect(slot(instant(1_400)).id).toBeGreaterThan(unanchored.id);
    expect(slot(instant(10, { bootId: "b00t0002" })).flags & 1).toBe(1);
  });

  it("keeps a late poll in the slot that is open, never in one that is gone", () => {
    const encoder = encoderWith();
    const shape = shapeOf("sw-1", "t", [octets], 1);
    const current = slotOf(encoder.encodeReport(poll(shape, instant(10 * minute))));
    expect(slotOf(encoder.encodeReport(poll(shape, instant(8 * minute)))).id).toBe(current.id);
  });

  it("cuts a table of thousands of rows into groups whose frames stay small", () => {
    const encoder = encoderWith();
    const shape = shapeOf("sw-1", "big", [octets, metric("oper", "state"), metric("name", "text")], 5_000);
    const groups = encoder.encodeReport(poll(shape, instant(0))).filter((frame) => frame.kind === "group");
    expect(groups.length).toBeGreaterThan(10);
    expect(Math.max(...groups.map((frame) => frame.payload.length))).toBeLessThan(25_000);
    expect(groups.reduce((sum, frame) => sum + frame.samples, 0)).toBe(15_000);
  });

  it("refuses rows beyond maxSeries, counts them and says so once", () => {
    const encoder = encoderWith({ maxSeries: 10 });
    const shape = shapeOf("sw-1", "t", [octets, metric("oper", "state")], 8);
    const frames = encoder.encodeReport(poll(shape, instant(0)));
    expect(kinds(frames)).toEqual(["json", "dict", "group"]);
    expect(new TextDecoder().decode(frames[0]?.payload)).toContain("codec.series-limit");
    expect(frames.at(-1)?.samples).toBe(10);
    expect(kinds(encoder.encodeReport(poll(shape, instant(minute))))).toEqual(["group"]);
    expect(encoder.stats()).toMatchObject({ refusedSeries: 6, refusedSamples: 12 });
  });

  it("makes room for a new table by forgetting tables that have not been seen for hours", () => {
    const encoder = encoderWith({ maxSeries: 4 });
    encoder.encodeReport(poll(shapeOf("old", "t", [octets], 4), instant(0)));
    const frames = encoder.encodeReport(poll(shapeOf("new", "t", [octets], 4), instant(2 * 3_600_000)));
    expect(frames.at(-1)?.samples).toBe(4);
    expect(encoder.stats().refusedSeries).toBe(0);
  });

  it("bounds what a device can make of texts, and counts what it cut", () => {
    const encoder = encoderWith();
    const shape = shapeOf("sw-1", "t", [metric("name", "text")], 240);
    const at = instant(0);
    const column: Column = {
      kind: "text",
      present: new Uint8Array(240).fill(1),
      value: Array.from({ length: 240 }, (_, row) => `${row}`.padEnd(9_000, "ä")),
    };
    const frames = encoder.encodeReport(reportOf(at, [tableReport(shape, [column], at)])).filter((frame) => frame.kind === "group");
    expect(Math.max(...frames.map((frame) => frame.payload.length))).toBeLessThan(52_000);
    const { cutTexts, refusedTexts } = encoder.stats();
    expect(cutTexts).toBeGreaterThan(0);
    expect(cutTexts + refusedTexts).toBe(240);
    expect(frames.reduce((sum, frame) => sum + frame.samples, 0)).toBe(240 - refusedTexts);
  });

  it("says a miss of a whole poll for the tables of the equipment's shortest interval", () => {
    const encoder = encoderWith();
    const store = new MemoryStore(createChunkAssembler());
    const fast = shapeOf("sw-1", "fast", [octets], 1);
    const slow = shapeOf("sw-1", "slow", [octets], 1, 3_600_000);
    const other = shapeOf("sw-2", "fast", [octets], 1);
    for (const shape of [fast, slow, other]) store.append(encoder.encodeReport(poll(shape, instant(0))));
    store.append(encoder.encodeReport({ ...reportOf(instant(minute), [], [{ reason: "timeout" }]), equipment: fast.equipment }));
    store.sealNow();
    const misses = readAll(createChunkDecoder(), store.chunks).flatMap((chunk) => chunk.misses);
    expect(misses).toEqual([{ groupId: 1, at: bootWallMs + minute, reason: 1 }]);
  });

  it("answers a request for the dictionary with everything that lives", () => {
    const encoder = encoderWith();
    for (let index = 0; index < 5; index++) encoder.encodeReport(poll(shapeOf(`sw-${index}`, "t", [octets], 2), instant(index)));
    const frame = encoder.fullDictionary();
    const payload = createChunkDecoder().decode(createChunkAssembler().assemble({ stream: "0123456789ab" as never, seq: 9 }, [frame]));
    expect(payload).toMatchObject({ kind: "dict", seq: 9, record: { full: true, revision: encoder.dictionaryRevision } });
    expect(payload.kind === "dict" ? payload.record.groups.length : 0).toBe(5);
  });

  it("sends a dictionary that is too long for one record as several that build on each other", () => {
    const encoder = encoderWith();
    const store = new MemoryStore(createChunkAssembler());
    const tables = Array.from({ length: 8 }, (_, index) => shapeOf(`sw-${index}`, "t", [octets], 2_000));
    store.append(
      encoder.encodeReport(
        reportOf(
          instant(0),
          tables.map((shape) => tableReport(shape, zeros(shape), instant(0))),
        ),
      ),
    );
    store.sealNow();
    expect(store.chunks.filter((chunk) => chunk.slotId === undefined).length).toBeGreaterThan(1);
    expect(readAll(createChunkDecoder(), store.chunks).reduce((sum, chunk) => sum + chunk.samples, 0)).toBe(16_000);
  });

  it("keeps every dictionary record below the chunk's limit, whatever labels a device makes up", () => {
    const encoder = encoderWith();
    const assembler = createChunkAssembler();
    const noise = seededEntropy(4);
    const word = () => Array.from(noise.bytes(250), (byte) => String.fromCodePoint(0x4e00 + byte * 80)).join("");
    const shape = shapeOf("sw-1", "t", [metric("oper", "state")], 300);
    const rows = shape.rows.map((row) => ({ ...row, labels: { alias: word(), other: word() } }));
    const records = encoder.encodeReport(poll({ ...shape, rows }, instant(0))).filter((frame) => frame.kind === "dict");
    expect(records.length).toBeGreaterThan(3);
    for (const [index, frame] of records.entries()) {
      const bytes = assembler.assemble({ stream: "0123456789ab" as never, seq: index + 1 }, [frame]);
      expect(createChunkDecoder().decode(bytes).kind).toBe("dict");
    }
  });

  it("sends nothing of a table that one report names twice with different shapes, but the last", () => {
    const encoder = encoderWith();
    const store = new MemoryStore(createChunkAssembler());
    const at = instant(0);
    const twice = [2, 3].map((rows) => shapeOf("sw-1", "t", [octets], rows));
    store.append(
      encoder.encodeReport(
        reportOf(
          at,
          twice.map((shape) => tableReport(shape, zeros(shape), at)),
        ),
      ),
    );
    store.sealNow();
    expect(readAll(createChunkDecoder(), store.chunks).map((chunk) => chunk.samples)).toEqual([3]);
    expect(encoder.stats().refusedSamples).toBe(2);
  });
});

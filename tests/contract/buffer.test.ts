import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StreamClass } from "#model/chunk.ts";
import type { Buffer as BufferPort, StreamState } from "#ports/buffer.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { openBufferInline } from "../../runtime/store/buffer-inline.ts";
import { openBufferWorker } from "../../runtime/store/buffer-worker.ts";
import { NodeDisk } from "../../runtime/store/node-disk.ts";
import type { StoreSettings } from "../../runtime/store/settings.ts";
import { silentLogger } from "../store/doubles.ts";
import { alarmFrame, dictFrame, groupFrame, plainAssembler, slotOf, textsOf } from "../store/frames.ts";

const clock = new SystemClock(() => true);
const bootId = clock.now().bootId;
const small: Partial<StoreSettings> = {
  journalBytes: 2 * 1024 * 1024,
  ballastBytes: 64 * 1024,
  budgetBytes: 64 * 1024 * 1024,
  durabilityWindowMs: 50,
};

const implementations: { name: string; open: (folder: string) => Promise<BufferPort> }[] = [
  {
    name: "inline",
    open: async (folder) =>
      openBufferInline({
        disk: new NodeDisk(folder),
        clock,
        entropy: systemEntropy,
        logger: silentLogger,
        assembler: plainAssembler,
        settings: small,
      }),
  },
  {
    name: "worker",
    open: (folder) =>
      openBufferWorker({ folder, settings: small, logger: silentLogger, entry: new URL("../store/worker-entry.ts", import.meta.url) }),
  },
];

describe.each(implementations)("the buffer, $name", ({ open }) => {
  let folder: string;
  let buffer: BufferPort;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-buffer-"));
    buffer = await open(folder);
  });

  afterEach(async () => {
    await buffer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function openStream(streamClass: StreamClass): Promise<StreamState> {
    const found = (await buffer.stats()).streams.find((state) => state.open && state.streamClass === streamClass);
    if (found === undefined) throw new Error(`no open stream of class ${streamClass}`);
    return found;
  }

  async function readAll(state: StreamState) {
    return await buffer.read({ stream: state.stream, fromSeq: 1, maxChunks: 1000, maxBytes: 1e9 });
  }

  const longSlot = (id: number) => slotOf(id, clock.monotonicMs() + 3_600_000, { bootId });

  it("gives growing positions and makes each durable within the window", async () => {
    const first = await buffer.append([groupFrame("a", longSlot(1))]);
    const second = await buffer.append([groupFrame("b", longSlot(1)), groupFrame("c", longSlot(1))]);
    expect(second - first).toBe(2);
    await buffer.durable(second);
    expect((await buffer.stats()).openFrames).toBe(0);
  });

  it("seals the frames of one slot into one chunk, in order of admission", async () => {
    const slot = longSlot(1);
    await buffer.append([groupFrame("a", slot), groupFrame("b", slot)]);
    await buffer.append([groupFrame("c", slot)]);
    await buffer.sealNow();
    const chunks = await readAll(await openStream("T"));
    expect(chunks.map((chunk) => textsOf(chunk.bytes))).toEqual([["a", "b", "c"]]);
    expect(chunks[0]).toMatchObject({ seq: 1, samples: 30, streamClass: "T" });
  });

  it("seals a dictionary alone and before the groups admitted after it", async () => {
    const slot = longSlot(1);
    await buffer.append([dictFrame("dict"), groupFrame("a", slot)]);
    await buffer.sealNow();
    const chunks = await readAll(await openStream("T"));
    expect(chunks.map((chunk) => textsOf(chunk.bytes))).toEqual([["dict"], ["a"]]);
  });

  it("seals a slot when the next one of its interval class begins", async () => {
    await buffer.append([groupFrame("old", longSlot(1))]);
    const position = await buffer.append([groupFrame("new", longSlot(2))]);
    await buffer.durable(position);
    const chunks = await readAll(await openStream("T"));
    expect(chunks.map((chunk) => textsOf(chunk.bytes))).toEqual([["old"]]);
  });

  it("seals a slot after its end without being asked", async () => {
    const arrived = buffer.sealed(AbortSignal.timeout(10_000));
    await buffer.append([groupFrame("a", slotOf(1, clock.monotonicMs() - 2_000, { bootId }))]);
    await arrived;
    expect(await readAll(await openStream("T"))).toHaveLength(1);
  });

  it("makes an urgent frame durable and readable at once", async () => {
    const position = await buffer.append([alarmFrame("fire")]);
    await buffer.durable(position);
    const chunks = await readAll(await openStream("E"));
    expect(chunks.map((chunk) => textsOf(chunk.bytes))).toEqual([["fire"]]);
  });

  it("puts at most 50 messages into one chunk", async () => {
    const frames = Array.from({ length: 120 }, (_, index) => alarmFrame(`m${index}`));
    await buffer.durable(await buffer.append(frames));
    const chunks = await readAll(await openStream("E"));
    expect(chunks.map((chunk) => textsOf(chunk.bytes).length)).toEqual([50, 50, 20]);
    expect(chunks.flatMap((chunk) => textsOf(chunk.bytes))).toEqual(frames.map((_, index) => `m${index}`));
  });

  it("splits a slot whose frames exceed one chunk", async () => {
    const slot = longSlot(1);
    const big = "x".repeat(30_000);
    await buffer.append([groupFrame(`1${big}`, slot), groupFrame(`2${big}`, slot), groupFrame(`3${big}`, slot)]);
    await buffer.sealNow();
    const chunks = await readAll(await openStream("T"));
    expect(chunks.map((chunk) => textsOf(chunk.bytes).map((text) => text[0]))).toEqual([["1", "2"], ["3"]]);
  });

  it("forgets what was acknowledged, cumulative and in ranges, and counts it once", async () => {
    for (let id = 1; id <= 6; id += 1) {
      await buffer.append([groupFrame(`t${id}`, longSlot(id))]);
      await buffer.sealNow();
    }
    const { stream } = await openStream("T");
    await buffer.acknowledge({ stream, upTo: 2, ranges: [[4, 5]] });
    await buffer.acknowledge({ stream, upTo: 2, ranges: [[4, 5]] });
    expect((await readAll(await openStream("T"))).map((chunk) => chunk.seq)).toEqual([3, 6]);
    const { ledger } = await buffer.stats();
    expect(ledger).toMatchObject({ polled: 60, delivered: 40, buffered: 20, dropped: 0 });
    await buffer.acknowledge({ stream, upTo: 3, ranges: [] });
    expect((await openStream("T")).firstSeq).toBe(6);
  });

  it("ignores acknowledgements of unknown streams and of seqs it never gave", async () => {
    await buffer.append([groupFrame("a", longSlot(1))]);
    await buffer.sealNow();
    const { stream } = await openStream("T");
    await buffer.acknowledge({ stream: "ffffffffffff" as typeof stream, upTo: 10, ranges: [] });
    await buffer.acknowledge({ stream, upTo: 1_000_000, ranges: [[5, 2_000_000]] });
    expect(await openStream("T")).toMatchObject({ firstSeq: 2, nextSeq: 2 });
    await buffer.append([groupFrame("b", longSlot(2))]);
    await buffer.sealNow();
    expect((await readAll(await openStream("T"))).map((chunk) => chunk.seq)).toEqual([2]);
  });

  it("reads from a seq on, within bounds and without the ranges to skip", async () => {
    for (let id = 1; id <= 8; id += 1) {
      await buffer.append([groupFrame(`t${id}`, longSlot(id))]);
      await buffer.sealNow();
    }
    const { stream } = await openStream("T");
    const chunks = await buffer.read({ stream, fromSeq: 2, maxChunks: 3, maxBytes: 1e6, skip: [[3, 4]] });
    expect(chunks.map((chunk) => chunk.seq)).toEqual([2, 5, 6]);
    expect(await buffer.read({ stream, fromSeq: 1, maxChunks: 8, maxBytes: 1 })).toHaveLength(1);
  });

  it("opens a new stream on a split and keeps the old one until it is drained", async () => {
    await buffer.append([groupFrame("old", longSlot(1))]);
    const before = await openStream("T");
    const after = await buffer.splitStream("T");
    expect(after).not.toBe(before.stream);
    await buffer.append([groupFrame("new", longSlot(2))]);
    await buffer.sealNow();
    const { streams } = await buffer.stats();
    const old = streams.find((state) => state.stream === before.stream);
    expect(old).toMatchObject({ open: false, samples: 10 });
    expect((await readAll(await openStream("T"))).map((chunk) => textsOf(chunk.bytes))).toEqual([["new"]]);
    await buffer.acknowledge({ stream: before.stream, upTo: 1, ranges: [] });
    await buffer.sealNow();
    await expect.poll(async () => (await buffer.stats()).streams.some((state) => state.stream === before.stream)).toBe(false);
  });

  it("gives up a rejected chunk with a tombstone, a gap record and a dead letter", async () => {
    for (let id = 1; id <= 3; id += 1) {
      await buffer.append([groupFrame(`t${id}`, longSlot(id))]);
      await buffer.sealNow();
    }
    const { stream } = await openStream("T");
    await buffer.reject(stream, 2, "codec.malformed");
    expect((await readAll(await openStream("T"))).map((chunk) => chunk.seq)).toEqual([1, 3]);
    const stats = await buffer.stats();
    expect(stats.deadLetters).toBe(1);
    expect(stats.ledger).toMatchObject({ polled: 30, delivered: 0, buffered: 20, dropped: 10 });
    await expect.poll(() => buffer.takeGaps()).toMatchObject([{ reason: "poison", stream, fromSeq: 2, toSeq: 2, samples: 10 }]);
    expect(buffer.takeGaps()).toEqual([]);
  });

  it("continues after a clean stop with the same bytes, counts and seqs, and without a gap", async () => {
    await buffer.append([groupFrame("a", longSlot(1)), alarmFrame("alarm")]);
    await buffer.sealNow();
    const telemetry = await openStream("T");
    const events = await openStream("E");
    const before = await readAll(telemetry);
    await buffer.append([groupFrame("b", longSlot(2))]);
    await buffer.close();
    buffer = await open(folder);
    const after = await readAll(telemetry);
    expect(after.slice(0, 1)).toEqual(before);
    expect(after.map((chunk) => textsOf(chunk.bytes))).toEqual([["a"], ["b"]]);
    await buffer.durable(await buffer.append([alarmFrame("next")]));
    expect((await readAll(events)).map((chunk) => [chunk.seq, ...textsOf(chunk.bytes)])).toEqual([
      [1, "alarm"],
      [2, "next"],
    ]);
    const { ledger } = await buffer.stats();
    expect(ledger).toMatchObject({ polled: 20, delivered: 0, buffered: 20, dropped: 0, restarts: 0 });
    expect(buffer.takeGaps()).toEqual([]);
  });

  it("holds back frames beyond its bound and admits them in order once there is room", async () => {
    const slot = longSlot(1);
    const positions: number[] = [];
    const big = "x".repeat(60_000);
    for (let n = 0; n < 100; n += 1) positions.push(await buffer.append([groupFrame(`${n}.${big}`, slot)]));
    const stats = await buffer.stats();
    expect(stats.openBytes).toBeLessThanOrEqual(4 * 1024 * 1024 + 70_000);
    await buffer.durable(positions.at(-1) as Awaited<ReturnType<typeof buffer.append>>);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });

  it("refuses a second opener of the folder", async () => {
    await expect(open(folder)).rejects.toMatchObject({ code: "buffer.busy" });
  });

  it("refuses work after close and lets waiters go", async () => {
    const waiting = buffer.sealed(AbortSignal.timeout(10_000));
    waiting.catch(() => undefined);
    await buffer.close();
    await buffer.close();
    await expect(waiting).rejects.toMatchObject({ code: "buffer.closed" });
    expect(() => buffer.append([alarmFrame("late")])).toThrow(expect.objectContaining({ code: "buffer.closed" }));
    await expect(buffer.stats()).rejects.toMatchObject({ code: "buffer.closed" });
  });

  it("stops waiting for a seal when the signal aborts", async () => {
    const stop = new AbortController();
    const waiting = buffer.sealed(stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

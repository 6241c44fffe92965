import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { salvagedFlag } from "#model/chunk.ts";
import type { Clock } from "#ports/clock.ts";
import { openStore } from "../../runtime/store/open-store.ts";
import { defaultStoreSettings } from "../../runtime/store/settings.ts";
import type { StoreCore } from "../../runtime/store/store-core.ts";
import { seededEntropy, silentLogger } from "./doubles.ts";
import { alarmFrame, flagsOf, groupFrame, plainAssembler, slotOf, textsOf } from "./frames.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimDisk } from "./sim-disk.ts";

const settings = { ...defaultStoreSettings, journalBytes: 1024 * 1024, ballastBytes: 64 * 1024, budgetBytes: 8 * 1024 * 1024 };
const entropy = seededEntropy(7);

function open(disk: SimDisk, clock: Pick<Clock, "now" | "monotonicMs">): StoreCore {
  return openStore({ disk, clock, entropy, assembler: plainAssembler, log: silentLogger, settings }).core;
}

/** A store with sealed chunks in the journal and in the backlog, alarms, and frames that are not sealed. */
function filled(clean: boolean): {
  readonly disk: SimDisk;
  readonly clock: ManualClock;
  readonly published: Map<string, string>;
  readonly polled: number;
} {
  const disk = new SimDisk();
  const clock = new ManualClock();
  const core = open(disk, clock);
  for (let id = 1; id <= 40; id += 1) {
    const slot = slotOf(id, clock.monotonicMs() + 60_000);
    core.append(Array.from({ length: 3 }, (_, n) => groupFrame(`${id}.${n}.${"x".repeat(15_000)}`, slot)));
    core.append([alarmFrame(`alarm ${id}`)]);
    core.commit(false);
    clock.step(60_000);
  }
  expect(core.stats().databaseBytes).toBeGreaterThan(100_000);
  const published = publishedBy(core);
  const { polled } = core.stats().ledger;
  if (clean) core.close();
  else disk.cut(entropy);
  return { disk, clock, published, polled };
}

function publishedBy(core: StoreCore): Map<string, string> {
  const published = new Map<string, string>();
  for (const { stream } of core.stats().streams) {
    for (const chunk of core.read({ stream, fromSeq: 1, maxChunks: 1e6, maxBytes: 1e9 })) {
      published.set(`${stream}/${chunk.seq}`, Buffer.from(chunk.bytes).toString("latin1"));
    }
  }
  return published;
}

/** Opens, works on, and checks what must hold after any damage. */
function survive(
  disk: SimDisk,
  clock: ManualClock,
  published: ReadonlyMap<string, string>,
): { readonly core: StoreCore; readonly kept: number } {
  clock.step(5_000);
  const core = open(disk, clock);
  const slot = slotOf(1_000_000, clock.monotonicMs() + 60_000);
  core.append([groupFrame("after", slot), alarmFrame("after too")]);
  expect(core.commit(true)).toBe(true);
  const now = publishedBy(core);
  let kept = 0;
  for (const [key, bytes] of now) {
    const before = published.get(key);
    if (before === undefined) continue;
    expect(bytes === before, `${key} has other bytes than were published`).toBe(true);
    kept += 1;
  }
  expect([...now.values()].flatMap((bytes) => textsOf(Buffer.from(bytes, "latin1")))).toEqual(
    expect.arrayContaining(["after", "after too"]),
  );
  const { ledger } = core.stats();
  expect(ledger.polled).toBe(ledger.delivered + ledger.buffered + ledger.dropped);
  return { core, kept };
}

describe("a damaged store", () => {
  it("opens after bit flips anywhere in the journal, says what is lost and repeats no seq", { timeout: 120_000 }, () => {
    const origin = [filled(true), filled(false)];
    fc.assert(
      fc.property(fc.array(fc.nat(1024 * 1024 * 8 - 1), { minLength: 1, maxLength: 40 }), fc.nat(1), (bits, which) => {
        const from = origin[which];
        if (from === undefined) return;
        const disk = from.disk.clone();
        disk.damage("journal.ring", (bytes) => {
          for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        });
        const { core, kept } = survive(disk, from.clock, from.published);
        const { ledger } = core.stats();
        if (kept < from.published.size) expect(core.takeGaps().length).toBeGreaterThan(0);
        // The newest record, damaged, cannot be told from one that was never finished: then the gap is the restart's, without a number.
        expect(ledger.polled).toBeLessThanOrEqual(from.polled + 10);
        expect(ledger.polled).toBeGreaterThan(from.polled - 200);
      }),
      { numRuns: Number(process.env.GATEHOUSE_STORE_RUNS ?? 60) },
    );
  });

  it("opens after damage anywhere in the backlog, salvages rows and books the rest as lost", { timeout: 120_000 }, () => {
    const from = filled(false);
    fc.assert(
      fc.property(fc.array(fc.nat(600_000), { minLength: 1, maxLength: 6 }), (places) => {
        const disk = from.disk.clone();
        disk.damage("buffer.db", (bytes) => {
          for (const at of places) bytes.fill(0x5a, at % bytes.length, (at % bytes.length) + 700);
        });
        const { core } = survive(disk, from.clock, from.published);
        const { ledger } = core.stats();
        expect(ledger.polled).toBe(from.polled + 10);
        expect(ledger.drops.reduce((sum, gap) => sum + (gap.samples ?? 0), 0)).toBe(ledger.dropped);
      }),
      { numRuns: Number(process.env.GATEHOUSE_STORE_RUNS ?? 40) },
    );
  });

  it("gives its streams new names when the records that began to use them are lost", () => {
    const disk = new SimDisk();
    const clock = new ManualClock();
    const core = open(disk, clock);
    core.append([groupFrame("begun", slotOf(1, clock.monotonicMs() + 60_000))]);
    core.commit(false); // The newest record that will be left: it knows the streams, and that nothing was numbered in them.
    const lostFrom = core.stats().writtenBytes;
    core.append([alarmFrame("first of its stream")]);
    core.commit(true);
    const published = publishedBy(core);
    expect([...published.keys()].map((key) => key.split("/")[1])).toEqual(["1", "1"]);
    disk.cut(entropy);
    disk.damage("journal.ring", (bytes) => void bytes.fill(0xff, 2 * 4_096 + lostFrom + 200, 2 * 4_096 + lostFrom + 400));
    expect(survive(disk, clock, published).kept).toBe(0);
  });

  it("seals again what a lost record had sealed, marked as salvaged and in a stream of its own", () => {
    const disk = new SimDisk();
    const clock = new ManualClock();
    const core = open(disk, clock);
    const streams = core.stats().streams.map(({ stream }) => stream);
    let sealedIn = 0;
    for (let id = 1; id <= 6; id += 1) {
      const slot = slotOf(id, clock.monotonicMs() + 60_000);
      core.append([groupFrame(`slot ${id} begun`, slot)]);
      core.commit(false);
      core.append([groupFrame(`slot ${id} ended`, slot)]);
      clock.step(60_000 + settings.sealGraceMs);
      const before = core.stats().writtenBytes;
      core.commit(false);
      if (id === 3) sealedIn = before;
    }
    disk.cut(entropy);
    // The record with the chunk of slot 3, and nothing else.
    disk.damage("journal.ring", (bytes) => void bytes.fill(0xff, 2 * 4_096 + sealedIn + 200, 2 * 4_096 + sealedIn + 400));
    const after = open(disk, clock);
    const found = after
      .stats()
      .streams.filter(({ streamClass }) => streamClass === "T")
      .flatMap(({ stream }) => after.read({ stream, fromSeq: 1, maxChunks: 100, maxBytes: 1e9 }));
    const again = found.filter((chunk) => textsOf(chunk.bytes).includes("slot 3 begun"));
    expect(found).toHaveLength(6);
    expect(again).toHaveLength(1);
    expect(streams).not.toContain(again[0]?.stream);
    expect(found.filter((chunk) => chunk.stream === again[0]?.stream)).toHaveLength(1);
    expect(flagsOf(again[0]?.bytes)).toBe(salvagedFlag);
    expect(found.filter((chunk) => flagsOf(chunk.bytes) === 0)).toHaveLength(5);
    expect(after.takeGaps()).toMatchObject([{ reason: "corrupt", fromSeq: 3, toSeq: 3, samples: 10 }]);
  });

  it.each([
    ["empty", new Uint8Array(0)],
    ["another program's", Buffer.from("PK\u0003\u0004 something else entirely".repeat(5_000))],
  ])("sets a journal that is %s aside, keeps the backlog and goes on under new streams", (_, content) => {
    const from = filled(true);
    from.disk.replace("journal.ring", content);
    const { core, kept } = survive(from.disk, from.clock, from.published);
    expect(from.disk.list("corrupt")).toHaveLength(1);
    expect(kept).toBeGreaterThan(10);
    const open = core.stats().streams.filter((state) => state.open);
    for (const { stream } of open) expect([...from.published.keys()].some((key) => key.startsWith(stream))).toBe(false);
    expect(core.takeGaps().some((gap) => gap.reason === "corrupt" || gap.reason === "restart")).toBe(true);
  });

  it.each([
    ["was cut short before its first record", (whole: Uint8Array) => whole.slice(0, 7_227)],
    ["was zeroed behind its first blocks", (whole: Uint8Array) => whole.fill(0, 2 * 4_096)],
  ])("does not take a journal that %s for a new one: it says so, and repeats no seq", (_, change) => {
    const disk = new SimDisk();
    const clock = new ManualClock();
    const before = open(disk, clock);
    before.append([groupFrame("before", slotOf(1, clock.monotonicMs() + 60_000))]);
    expect(before.commit(true)).toBe(true);
    const published = publishedBy(before);
    before.close();
    disk.replace("journal.ring", change(Uint8Array.from(disk.readWhole("journal.ring") ?? [])));
    const { core } = survive(disk, clock, published);
    expect(core.takeGaps().map((gap) => gap.reason)).toContain("restart");
    expect(core.stats().ledger.restarts).toBe(1);
    for (const { stream } of core.stats().streams) expect([...published.keys()].some((key) => key.startsWith(stream))).toBe(false);
  });

  it("reads what is left of a journal that was cut short, and gives it its length back", () => {
    const from = filled(true);
    const whole = from.disk.readWhole("journal.ring") ?? new Uint8Array();
    from.disk.replace("journal.ring", whole.slice(0, 300_000));
    const { core, kept } = survive(from.disk, from.clock, from.published);
    expect(from.disk.size("journal.ring")).toBe(whole.length);
    expect(kept).toBeGreaterThan(10);
    expect(core.takeGaps().some((gap) => gap.reason === "corrupt")).toBe(true);
  });

  it.each([
    ["empty", () => new Uint8Array(0)],
    ["cut short", (bytes: Uint8Array) => bytes.slice(0, 50_000)],
    ["another program's", () => Buffer.from("nobody's data".repeat(5_000))],
  ])("goes on without a backlog that is %s and says exactly what was in it", (_, change) => {
    const from = filled(true);
    from.disk.damage("buffer.db", () => undefined);
    from.disk.replace("buffer.db", change(from.disk.image("buffer.db")));
    const { core } = survive(from.disk, from.clock, from.published);
    const { ledger } = core.stats();
    expect(ledger.polled).toBe(from.polled + 10);
    expect(ledger.dropped).toBeGreaterThan(0);
    const gaps = core.takeGaps().filter((gap) => gap.reason === "corrupt");
    expect(gaps.reduce((sum, gap) => sum + (gap.samples ?? 0), 0)).toBe(ledger.dropped);
    expect(gaps.every((gap) => gap.stream !== undefined && gap.fromSeq !== undefined && gap.toSeq !== undefined)).toBe(true);
  });

  it("sets a backlog aside in which a turned bit changed the name of a column, and salvages what it can", () => {
    const from = filled(false);
    from.disk.damage("buffer.db", (bytes) => replaceText(bytes, "sealed_at REAL", "seAled_at SEAL"));
    const { core } = survive(from.disk, from.clock, from.published);
    expect(from.disk.list("corrupt")).toHaveLength(1);
    expect(core.stats().state).toBe("ok");
    expect(core.stats().ledger.polled).toBe(from.polled + 10);
  });

  it("gives up a chunk whose bytes changed while it ran, with its range and samples", () => {
    const { disk, clock } = filled(true);
    const core = open(disk, clock);
    const { stream } = core.stats().streams.find((state) => state.streamClass === "T" && !state.open) ?? { stream: undefined };
    if (stream === undefined) throw new Error("no telemetry");
    const last = core.read({ stream, fromSeq: 1, maxChunks: 1e6, maxBytes: 1e9 }).at(-1);
    if (last === undefined) throw new Error("no chunk");
    const text = Buffer.from(last.bytes).subarray(20, 60);
    disk.damage("journal.ring", (bytes) => {
      for (let at = Buffer.from(bytes.buffer).indexOf(text); at >= 0; at = Buffer.from(bytes.buffer).indexOf(text, at + 1))
        bytes.fill(0, at, at + 5);
    });
    expect(core.read({ stream, fromSeq: last.seq, maxChunks: 1, maxBytes: 1e9 })).toEqual([]);
    // Told once it is written down.
    expect(core.takeGaps()).toEqual([]);
    core.commit(false);
    expect(core.takeGaps()).toMatchObject([{ reason: "corrupt", stream, fromSeq: last.seq, toSeq: last.seq, samples: last.samples }]);
    const { ledger } = core.stats();
    expect(ledger.polled).toBe(ledger.delivered + ledger.buffered + ledger.dropped);
  });
});

function replaceText(bytes: Uint8Array, from: string, to: string): void {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(from);
  if (at < 0) throw new Error(`no ${from}`);
  bytes.set(Buffer.from(to), at);
}

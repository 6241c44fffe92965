import { describe, expect, it } from "vitest";
import type { GapRecord } from "#model/observation.ts";
import { openStore } from "../../runtime/store/open-store.ts";
import { defaultStoreSettings, type StoreSettings } from "../../runtime/store/settings.ts";
import type { StoreCore } from "../../runtime/store/store-core.ts";
import { seededEntropy, silentLogger } from "./doubles.ts";
import { alarmFrame, groupFrame, plainAssembler, slotOf, textsOf } from "./frames.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimDisk } from "./sim-disk.ts";

const mebibyte = 1024 * 1024;
const small: StoreSettings = { ...defaultStoreSettings, journalBytes: mebibyte, ballastBytes: 64 * 1024, budgetBytes: 6 * mebibyte };

class Site {
  readonly disk = new SimDisk();
  readonly clock = new ManualClock();
  readonly gaps: GapRecord[] = [];
  core: StoreCore;
  alarms = 0;
  #slot = 0;

  constructor(settings: Partial<StoreSettings> = {}) {
    this.core = this.open(settings);
  }

  open(settings: Partial<StoreSettings> = {}): StoreCore {
    this.core = openStore({
      disk: this.disk,
      clock: this.clock,
      entropy: seededEntropy(this.#slot + 1),
      assembler: plainAssembler,
      log: silentLogger,
      settings: { ...small, ...settings },
    }).core;
    return this.core;
  }

  /** One minute of a site: about 50 KB of telemetry and an alarm. @returns whether the frames were admitted */
  minute(priority: 0 | 1 | 2 = 2): boolean {
    if (this.core.isFull) this.core.commit(false);
    if (this.core.isFull) return false;
    this.#slot += 1;
    const slot = slotOf(this.#slot, this.clock.monotonicMs() + 60_000);
    this.core.append([groupFrame(`${this.#slot}.${"x".repeat(50_000)}`, slot, { priority, samples: 10 })]);
    this.core.append([alarmFrame(`alarm ${++this.alarms}`)]);
    this.clock.step(61_000);
    this.core.commit(false);
    this.balance();
    return true;
  }

  balance(): void {
    const { ledger } = this.core.stats();
    expect(ledger.polled).toBe(ledger.delivered + ledger.buffered + ledger.dropped);
    this.gaps.push(...this.core.takeGaps());
  }

  texts(streamClass: "T" | "E"): string[] {
    const streams = this.core.stats().streams.filter((state) => state.streamClass === streamClass);
    return streams.flatMap(({ stream }) =>
      this.core.read({ stream, fromSeq: 1, maxChunks: 1e6, maxBytes: 1e9 }).flatMap((chunk) => textsOf(chunk.bytes)),
    );
  }

  get alarmNumbers(): number[] {
    return this.texts("E").map((text) => Number(text.slice("alarm ".length)));
  }

  get telemetryNumbers(): number[] {
    return this.texts("T").map((text) => Number.parseInt(text, 10));
  }
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe("the store at its bounds", () => {
  it("drops the oldest telemetry, keeps alarms, and says exactly what went, when over budget", () => {
    const site = new Site();
    for (let n = 0; n < 250; n += 1) site.minute();
    const stats = site.core.stats();
    expect(stats.state).toBe("ok");
    expect(stats.journalBytes + stats.databaseBytes).toBeLessThanOrEqual(small.budgetBytes);
    expect(site.alarmNumbers).toEqual(numbers(1, 250));
    const kept = site.telemetryNumbers;
    expect(kept).toEqual(numbers(251 - kept.length, 250));
    expect(stats.ledger.dropped).toBe((250 - kept.length) * 10);
    expect(kept.length).toBeGreaterThan(60);
    expect(site.gaps.every((gap) => gap.reason === "cap" && gap.stream !== undefined)).toBe(true);
    expect(site.gaps.reduce((sum, gap) => sum + (gap.samples ?? 0), 0)).toBe(stats.ledger.dropped);
    expect(Math.max(...site.gaps.map((gap) => gap.toSeq ?? 0))).toBe(250 - kept.length);
  });

  it("drops lower classes before higher ones, however young", () => {
    const site = new Site();
    for (let n = 0; n < 40; n += 1) site.minute(2);
    for (let n = 0; n < 100; n += 1) site.minute(0);
    const kept = site.telemetryNumbers;
    expect(kept.slice(0, 40)).toEqual(numbers(1, 40));
    expect(kept.length).toBeLessThan(140);
  });

  it("has the same books after a restart in the middle of evicting", () => {
    const site = new Site();
    for (let n = 0; n < 200; n += 1) {
      site.minute();
      if (n % 23 !== 22) continue;
      const before = site.core.stats().ledger;
      site.disk.cut(seededEntropy(n));
      site.open();
      site.balance();
      expect(site.core.stats().ledger).toMatchObject({ polled: before.polled, dropped: before.dropped });
    }
    expect(site.alarmNumbers).toEqual(numbers(1, 200));
    expect(new Set(site.gaps.map((gap) => gap.reason))).toEqual(new Set(["cap", "restart"]));
  });

  it("empties journal and backlog on acknowledgement, and the file's pages are used again", () => {
    const site = new Site();
    for (let n = 0; n < 80; n += 1) site.minute();
    for (const { stream, nextSeq } of site.core.stats().streams) site.core.acknowledge({ stream, upTo: nextSeq - 1, ranges: [] });
    site.core.commit(true);
    const { ledger, streams, databaseBytes } = site.core.stats();
    expect(ledger).toMatchObject({ polled: 800, delivered: 800, buffered: 0, dropped: 0 });
    expect(streams.every((state) => state.firstSeq === state.nextSeq && state.bytes === 0)).toBe(true);
    for (let n = 0; n < 80; n += 1) site.minute();
    expect(site.core.stats().databaseBytes).toBeLessThanOrEqual(databaseBytes * 1.2);
  });

  it("never touches the database while the NOC acknowledges within minutes", () => {
    const site = new Site();
    site.minute();
    const before = site.disk.image("buffer.db").length;
    for (let n = 0; n < 200; n += 1) {
      site.minute();
      for (const { stream, nextSeq } of site.core.stats().streams) site.core.acknowledge({ stream, upTo: nextSeq - 1, ranges: [] });
    }
    expect(site.disk.image("buffer.db").length).toBe(before);
    expect(site.core.stats().ledger.delivered).toBe(2010);
  });

  it("goes on when the backlog takes nothing: alarms are carried along, telemetry goes with a gap record; and recovers", () => {
    const site = new Site();
    for (let n = 0; n < 5; n += 1) site.minute();
    site.disk.databasesFull = true;
    for (let n = 0; n < 60; n += 1) expect(site.minute()).toBe(true);
    expect(site.core.stats().state).toBe("disk-full");
    expect(site.alarmNumbers).toEqual(numbers(1, 65));
    const lost = site.gaps.filter((gap) => gap.reason === "disk-full");
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.reduce((sum, gap) => sum + (gap.samples ?? 0), 0)).toBe(site.core.stats().ledger.dropped);
    // Found again out of order: carried along, they stand behind younger ones.
    site.core.close();
    site.open();
    expect(site.alarmNumbers).toEqual(numbers(1, 65));
    for (let n = 0; n < 20; n += 1) site.minute();
    expect(site.core.stats().state).toBe("ok");
    expect(site.core.stats().databaseBytes).toBeGreaterThan(200_000);
    expect(site.alarmNumbers).toEqual(numbers(1, 85));
    site.core.close();
    site.open();
    expect(site.alarmNumbers).toEqual(numbers(1, 85));
  });

  it.each(["SQLITE_IOERR_FSYNC", "SQLITE_CORRUPT"])("opens a backlog anew that fails with %s while it runs, and loses nothing", (code) => {
    const site = new Site();
    for (let n = 0; n < 60; n += 1) {
      site.minute();
      if (n % 10 === 9) site.disk.failTransaction("buffer.db", code);
    }
    for (let n = 0; n < 10; n += 1) site.minute();
    const { ledger, state } = site.core.stats();
    expect(state).toBe("ok");
    expect(ledger).toMatchObject({ polled: 700, dropped: 0 });
    expect(site.telemetryNumbers).toEqual(numbers(1, 70));
  });

  it("sets a backlog aside whose tables are gone, and books what was in it as lost", () => {
    const site = new Site();
    for (let n = 0; n < 60; n += 1) site.minute();
    site.core.close();
    const database = site.disk.openDatabase("buffer.db");
    database.exec("DROP TABLE chunk");
    database.close();
    site.open();
    site.minute();
    const { ledger } = site.core.stats();
    expect(ledger.polled).toBe(610);
    expect(ledger.dropped).toBeGreaterThan(0);
    expect(site.disk.list("corrupt")).toHaveLength(1);
  });

  it("shows nothing of a record that a failed sync may have left in the page cache only, until it is written again", () => {
    const site = new Site();
    site.core.append([alarmFrame("maybe")]);
    site.disk.failSyncs.push("EIO", "EIO", "EIO");
    expect(site.core.commit(false)).toBe(false);
    // Killed here; the next process finds the record, and its first sync fails as well.
    site.open();
    expect(site.texts("E")).toEqual([]);
    expect(site.core.stats().state).toBe("io");
    site.disk.failSyncs.length = 0;
    expect(site.core.commit(false)).toBe(true);
    expect(site.texts("E")).toEqual(["maybe"]);
    site.disk.cut(seededEntropy(1));
    site.open();
    expect(site.texts("E")).toEqual(["maybe"]);
  });

  it("keeps frames in memory while the file system is read-only, holds back beyond that, and loses nothing", () => {
    const site = new Site({ budgetBytes: 24 * mebibyte });
    site.minute();
    site.disk.failWrites = "EROFS";
    let admitted = 1;
    for (let n = 0; n < 240; n += 1) if (site.minute()) admitted += 1;
    expect(site.core.stats().state).toBe("read-only");
    expect(site.core.isFull).toBe(true);
    expect(site.core.stats().openBytes).toBeLessThan(9 * mebibyte);
    site.disk.failWrites = undefined;
    site.clock.step(120_000);
    expect(site.core.commit(true)).toBe(true);
    expect(site.core.stats().state).toBe("ok");
    expect(site.telemetryNumbers).toEqual(numbers(1, admitted));
  });

  it("makes do with a smaller journal on a disk that is nearly full at the start, and says so when there is no room at all", () => {
    const disk = new SimDisk();
    disk.freeBytes = 3 * mebibyte;
    const parts = { disk, clock: new ManualClock(), entropy: seededEntropy(1), assembler: plainAssembler, log: silentLogger };
    const opened = openStore({ ...parts, settings: { ...small, journalBytes: 8 * mebibyte, budgetBytes: 64 * mebibyte } });
    expect(disk.size("journal.ring")).toBe(2 * mebibyte);
    opened.core.close();
    opened.release();
    const full = new SimDisk();
    full.freeBytes = mebibyte / 2;
    expect(() => openStore({ ...parts, disk: full, settings: small })).toThrow(expect.objectContaining({ code: "buffer.disk-full" }));
  });

  it("takes no more than a quarter of the file system", () => {
    const disk = new SimDisk();
    disk.totalBytes = 40 * mebibyte;
    const { core } = openStore({
      disk,
      clock: new ManualClock(),
      entropy: seededEntropy(1),
      assembler: plainAssembler,
      log: silentLogger,
      settings: defaultStoreSettings,
    });
    expect(core.stats().budgetBytes).toBe(10 * mebibyte);
    expect(disk.size("journal.ring")).toBeLessThanOrEqual(2.5 * mebibyte);
  });

  it("reports frames that no chunk can be made of as lost, and what came with them travels", () => {
    const site = new Site();
    site.core.append([alarmFrame("one"), alarmFrame("poison", { samples: 0 }), alarmFrame("two")]);
    site.core.append([groupFrame("poison", slotOf(900, site.clock.monotonicMs() - 5_000), { samples: 7 })]);
    expect(site.core.commit(true)).toBe(true);
    expect(site.texts("E")).toEqual(["one", "two"]);
    expect(site.core.stats().ledger).toMatchObject({ polled: 7, dropped: 7, buffered: 0 });
    site.core.commit(false);
    expect(site.core.takeGaps().map((gap) => gap.reason)).toEqual(["poison", "poison"]);
  });
});

import type { Database, Statement } from "better-sqlite3";
import { isGatewayError } from "#model/errors.ts";
import type { Logger } from "#ports/logger.ts";
import { usedBytes } from "./database.ts";
import { atDisk } from "./disk-error.ts";
import { Bins, binsToSeries, pointsOf } from "./history-bins.ts";
import { type BlockSeries, decodeBlock, encodeBlock } from "./history-block.ts";
import { dayMs, fiveMinutesMs, historyFile, historyLevel, hourMs } from "./history-schema.ts";

/** Names of how far rolling up has come. */
export const rolledHours = "hours";
export const rolledDays = "days";

/** Hours and days rolled up at one go; what is left waits for the next flush. A damaged time must not hold the store's thread for as long as it names. */
const maxRolls = 200;

/** How long each level is kept, and how much there may be of all. */
export interface HistoryRetention {
  readonly rawDays: number;
  readonly fiveMinuteDays: number;
  readonly hourDays: number;
  readonly maxBytes: number;
}

interface RollUp {
  readonly from: number;
  readonly to: number;
  readonly name: string;
  readonly startMs: number;
  readonly spanMs: number;
  readonly binMs: number;
}

/** Blocks in `history.db`: writing, reading, rolling up, forgetting. */
export class HistoryBlocks {
  readonly #database: Database;
  readonly #log: Logger;

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  /** To be called in a transaction. */
  insert(level: number, equipment: string, series: readonly BlockSeries[]): void {
    if (series.length === 0) return;
    let fromMs = Number.POSITIVE_INFINITY;
    let toMs = Number.NEGATIVE_INFINITY;
    for (const { times } of series) {
      for (const time of times) {
        fromMs = Math.min(fromMs, time);
        toMs = Math.max(toMs, time);
      }
    }
    this.#database
      .prepare("INSERT INTO block (level, equipment, from_ms, to_ms, bytes) VALUES (?, ?, ?, ?, ?)")
      .run(level, equipment, fromMs, toMs, encodeBlock(series));
  }

  /** Series of every block that touches the stretch, whole. @param wanted ids; absent = all */
  *read(level: number, equipment: string, fromMs: number, toMs: number, wanted?: ReadonlySet<number>): Generator<BlockSeries> {
    const sql = "SELECT bytes FROM block WHERE level = ? AND equipment = ? AND from_ms <= ? AND to_ms >= ? ORDER BY from_ms";
    const rows = this.#run(() =>
      this.#database.prepare<[number, string, number, number], { bytes: Buffer }>(sql).all(level, equipment, toMs, fromMs),
    );
    for (const { bytes } of rows) yield* this.#decoded(bytes, wanted);
  }

  oldestMs(level: number): number {
    const value = this.#run(() => this.#database.prepare("SELECT min(from_ms) FROM block WHERE level = ?").pluck().get(level));
    return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
  }

  /** End of the last hour or day that was rolled up; 0 = none. */
  rolledToMs(name: string): number {
    const value = this.#run(() => this.#database.prepare("SELECT value FROM progress WHERE name = ?").pluck().get(name));
    return typeof value === "number" ? value : 0;
  }

  /** Every hour, and every day, that was over at `endMs` and is not rolled up yet; each in its own transaction. */
  rollUp(endMs: number): void {
    let left = maxRolls;
    const hour = { from: historyLevel.raw, to: historyLevel.fiveMinutes, name: rolledHours, spanMs: hourMs, binMs: fiveMinutesMs };
    for (let startMs = this.#next(hour); startMs + hourMs <= endMs && left-- > 0; startMs = this.#next(hour))
      this.#rollOne({ ...hour, startMs });
    const day = { from: historyLevel.fiveMinutes, to: historyLevel.hour, name: rolledDays, spanMs: dayMs, binMs: hourMs };
    for (let startMs = this.#next(day); startMs + dayMs <= this.rolledToMs(rolledHours) && left-- > 0; startMs = this.#next(day))
      this.#rollOne({ ...day, startMs });
  }

  forget(nowMs: number, retention: HistoryRetention): void {
    const { rawDays, fiveMinuteDays, hourDays, maxBytes } = retention;
    const byAge = this.#prepare("DELETE FROM block WHERE level = ? AND from_ms < ?");
    const old = this.#prepare("SELECT 1 FROM block WHERE level = ? AND from_ms < ? LIMIT 1").pluck();
    for (const [level, days] of [rawDays, fiveMinuteDays, hourDays].entries()) {
      // An hour's worth at a time: a transaction per flush just for this would double what is written.
      if (this.#run(() => old.get(level, nowMs - days * dayMs - hourMs)) !== undefined)
        this.#run(() => byAge.run(level, nowMs - days * dayMs));
    }
    const oldest = this.#prepare(
      "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE level = (SELECT min(level) FROM block) ORDER BY from_ms LIMIT 1 + (SELECT count(*) / 50 FROM block))",
    );
    for (let turn = 0; turn < 1000 && this.#run(() => usedBytes(this.#database)) > maxBytes * 0.9; turn += 1) {
      if (this.#run(() => oldest.run()).changes === 0) return;
    }
  }

  /** Where rolling goes on: after what is done, at the next block there is. Infinity = nowhere. */
  #next(roll: { readonly from: number; readonly name: string; readonly spanMs: number }): number {
    const doneMs = this.rolledToMs(roll.name);
    const select = this.#prepare("SELECT min(max(from_ms, ?)) FROM block WHERE level = ? AND to_ms >= ?").pluck();
    const next = this.#run(() => select.get(doneMs, roll.from, doneMs));
    return typeof next === "number" ? Math.floor(next / roll.spanMs) * roll.spanMs : Number.POSITIVE_INFINITY;
  }

  #rollOne({ from, to, name, startMs, spanMs, binMs }: RollUp): void {
    const endMs = startMs + spanMs;
    const sql = "SELECT DISTINCT equipment FROM block WHERE level = ? AND from_ms < ? AND to_ms >= ?";
    const names = this.#run(() => this.#database.prepare<[number, number, number], { equipment: string }>(sql).all(from, endMs, startMs));
    const times = Array.from({ length: spanMs / binMs }, (_, index) => startMs + index * binMs);
    this.#run(() =>
      this.#database
        .transaction(() => {
          for (const { equipment } of names) this.insert(to, equipment, this.#binned(from, equipment, { startMs, endMs, binMs, times }));
          this.#database
            .prepare("INSERT INTO progress (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
            .run(name, endMs);
        })
        .immediate(),
    );
  }

  #binned(
    level: number,
    equipment: string,
    span: { readonly startMs: number; readonly endMs: number; readonly binMs: number; readonly times: readonly number[] },
  ): readonly BlockSeries[] {
    const { startMs, endMs, binMs, times } = span;
    const bins = new Map<number, Bins>();
    for (const series of this.read(level, equipment, startMs, endMs - 1)) {
      const own = bins.get(series.id) ?? new Bins(binMs);
      bins.set(series.id, own);
      for (const point of pointsOf(series, level !== historyLevel.raw))
        if (point.atMs >= startMs && point.atMs < endMs) own.add(point.atMs, point);
    }
    return [...bins].filter(([, own]) => own.size > 0).map(([id, own]) => binsToSeries(id, own, times));
  }

  #decoded(bytes: Uint8Array, wanted: ReadonlySet<number> | undefined): readonly BlockSeries[] {
    try {
      return decodeBlock(bytes, wanted);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#log.warn({ code: error.code }, "a block of the history is damaged and skipped");
      return [];
    }
  }

  #prepare(sql: string): Statement {
    return this.#run(() => this.#database.prepare(sql));
  }

  #run<T>(work: () => T): T {
    return atDisk({ file: historyFile }, work);
  }
}

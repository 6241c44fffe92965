import type { Database } from "better-sqlite3";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { HistoryPoint, HistorySeries } from "#ports/history.ts";
import type { Logger } from "#ports/logger.ts";
import { usedBytes } from "./database.ts";
import { atDisk } from "./disk-error.ts";
import { Bins, pointsOf } from "./history-bins.ts";
import { HistoryBlocks, rolledDays, rolledHours } from "./history-blocks.ts";
import { HeldRows, type HeldTable } from "./history-held.ts";
import type { HistoryAnswer, HistoryQuery } from "./history-query.ts";
import { fiveMinutesMs, historyFile, historyLevel, hourMs } from "./history-schema.ts";
import { HistorySeriesBook } from "./history-series.ts";

export interface HistorySettings {
  /** Written this often, all equipment in one transaction. What is not written yet is lost in a power cut. */
  readonly flushMs: number;
  readonly rawDays: number;
  readonly fiveMinuteDays: number;
  readonly hourDays: number;
  /** Bound of the file; the oldest of the finest level go first. */
  readonly maxBytes: number;
}

export const defaultHistorySettings: HistorySettings = {
  flushMs: fiveMinutesMs,
  rawDays: 3,
  fiveMinuteDays: 30,
  hourDays: 400,
  maxBytes: 256 * 1024 * 1024,
};

export interface HistoryParts {
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  readonly log: Logger;
  readonly settings: HistorySettings;
}

/** Numbers held between two flushes (16 MiB); beyond it they are written early, or given up where the disk refuses. */
const maxHeldCells = 2 ** 21;

/** The site's memory: gathers, writes blocks, rolls them up, forgets. Synchronous; the caller looks at `dueAtMs`. */
export class HistoryCore {
  readonly #database: Database;
  readonly #clock: Pick<Clock, "now" | "monotonicMs">;
  readonly #log: Logger;
  readonly #settings: HistorySettings;
  readonly #blocks: HistoryBlocks;
  readonly #series: HistorySeriesBook;
  /** Values given up since the disk last took any; undefined = it takes them. */
  #lostValues: number | undefined;
  readonly #held = new HeldRows();
  #flushAtMs: number;

  /** @throws GatewayError buffer.* */
  constructor(database: Database, parts: HistoryParts) {
    this.#database = database;
    this.#blocks = new HistoryBlocks(database, parts.log);
    this.#series = new HistorySeriesBook(database);
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#settings = parts.settings;
    this.#flushAtMs = parts.clock.monotonicMs() + parts.settings.flushMs;
  }

  get dueAtMs(): number {
    const isCrowded = this.#held.cells >= maxHeldCells || (this.#series.isCrowded && this.#lostValues === undefined);
    return isCrowded ? Number.NEGATIVE_INFINITY : this.#flushAtMs;
  }

  /** The numbers that series are known by in blocks; new ones are written with the next flush. @throws GatewayError buffer.* */
  seriesIds(series: readonly HistorySeries[]): readonly number[] {
    return this.#series.idsOf(series);
  }

  /** @param values one for each of the table's ids, NaN = none; copied */
  add(table: HeldTable, atMs: number, values: Float64Array): void {
    this.#held.add(table, atMs, values);
  }

  /** Flushes, rolls up and forgets. While the disk refuses, what is held waits for the next time, up to its bound. */
  tick(): void {
    this.#flushAtMs = this.#clock.monotonicMs() + this.#settings.flushMs;
    this.#flushOrHold();
    this.#attempt(() => this.#blocks.rollUp(this.#clock.now().wallMs - this.#settings.flushMs - 60_000));
    this.#attempt(() => this.#blocks.forget(this.#clock.now().wallMs, this.#settings));
  }

  flush(): void {
    if (this.#held.isEmpty && !this.#series.isCrowded) return;
    this.#transaction(() => {
      this.#series.write();
      for (const equipment of this.#held.equipment()) this.#blocks.insert(historyLevel.raw, equipment, this.#held.series(equipment));
    });
    this.#series.written();
    this.#held.clear();
  }

  series(equipment: string | undefined): readonly HistorySeries[] {
    return this.#series.list(equipment);
  }

  /** The finest level that reaches back far enough and whose points are few enough; coarser bins of hours where even those are too many. */
  read({ series, fromMs, toMs, maxPoints }: HistoryQuery): HistoryAnswer {
    const id = this.#series.idOf(series);
    if (id === undefined) return { resolutionMs: 0, points: [] };
    const bound = Math.max(1, maxPoints);
    const rawFromMs = this.#blocks.oldestMs(historyLevel.raw);
    const fineFromMs = Math.min(rawFromMs, this.#blocks.oldestMs(historyLevel.fiveMinutes));
    // From before anything is known there is nothing to lose: then the finest level has all there is.
    if (fromMs >= rawFromMs || rawFromMs <= Math.min(fineFromMs, this.#blocks.oldestMs(historyLevel.hour))) {
      const points = [...this.#rawPoints(id, series.equipment, fromMs, toMs)].sort((a, b) => a.atMs - b.atMs);
      if (points.length <= bound) return { resolutionMs: medianStep(points), points };
    }
    const fineMs = fiveMinutesMs * Math.max(1, Math.ceil((toMs - fromMs) / fiveMinutesMs / bound));
    const isFine = fineMs < hourMs && (fromMs >= fineFromMs || fineFromMs <= this.#blocks.oldestMs(historyLevel.hour));
    const resolutionMs = isFine ? fineMs : hourMs * Math.max(1, Math.ceil((toMs - fromMs) / hourMs / bound));
    const bins = new Bins(resolutionMs);
    for (const point of this.#binned(id, series.equipment, { fromMs, toMs, isFine })) bins.add(point.atMs, point);
    return { resolutionMs, points: bins.points().filter((point) => point.atMs + resolutionMs > fromMs && point.atMs <= toMs) };
  }

  get bytes(): number {
    return this.#run(() => usedBytes(this.#database));
  }

  close(): void {
    this.#flushOrHold();
    if (this.#database.open) this.#attempt(() => this.#run(() => void this.#database.close()));
  }

  *#rawPoints(id: number, equipment: string, fromMs: number, toMs: number): Generator<HistoryPoint> {
    for (const series of this.#blocks.read(historyLevel.raw, equipment, fromMs, toMs, new Set([id]))) {
      for (const point of pointsOf(series, false)) if (point.atMs >= fromMs && point.atMs <= toMs) yield point;
    }
    for (const series of this.#held.series(equipment, id)) {
      for (const point of pointsOf(series, false)) if (point.atMs >= fromMs && point.atMs <= toMs) yield point;
    }
  }

  /** Rolled up as far as that is done, from the finer level after it. */
  *#binned(
    id: number,
    equipment: string,
    span: { readonly fromMs: number; readonly toMs: number; readonly isFine: boolean },
  ): Generator<HistoryPoint> {
    const { fromMs, toMs, isFine } = span;
    const hours = this.#blocks.rolledToMs(rolledHours);
    const days = isFine ? Number.NEGATIVE_INFINITY : this.#blocks.rolledToMs(rolledDays);
    const wanted = new Set([id]);
    if (!isFine) {
      for (const series of this.#blocks.read(historyLevel.hour, equipment, fromMs, Math.min(toMs, days - 1), wanted))
        yield* pointsOf(series, true);
    }
    for (const series of this.#blocks.read(
      historyLevel.fiveMinutes,
      equipment,
      Math.max(fromMs, days),
      Math.min(toMs, hours - 1),
      wanted,
    )) {
      for (const point of pointsOf(series, true)) if (point.atMs >= days) yield point;
    }
    yield* this.#rawPoints(id, equipment, Math.max(fromMs, hours), toMs);
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#log.warn({ code: error.code, ...error.fields }, "the history could not be written");
    }
  }

  /** Told when it begins and when it is over, with what it cost. */
  #flushOrHold(): void {
    try {
      this.flush();
      if (this.#lostValues !== undefined) this.#log.info({ lostValues: this.#lostValues }, "the history is written again");
      this.#lostValues = undefined;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (this.#lostValues === undefined)
        this.#log.warn({ code: error.code, ...error.fields, heldValues: this.#held.values }, "the history could not be written and waits");
      this.#lostValues ??= 0;
      if (this.#held.cells < maxHeldCells) return;
      this.#lostValues += this.#held.values;
      this.#log.error({ code: error.code, values: this.#held.values }, "values of the history were given up: the disk does not take them");
      this.#held.clear();
    }
  }

  #transaction(work: () => void): void {
    this.#run(() => this.#database.transaction(work).immediate());
  }

  #run<T>(work: () => T): T {
    return atDisk({ file: historyFile }, work);
  }
}

function medianStep(points: readonly HistoryPoint[]): number {
  const steps = points.slice(1).map((point, index) => point.atMs - (points[index]?.atMs ?? point.atMs));
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}

import type { Database } from "better-sqlite3";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { HistoryPoint, HistorySeries } from "#ports/history.ts";
import type { Logger } from "#ports/logger.ts";
import { usedBytes } from "./database.ts";
import { atDisk } from "./disk-error.ts";
import { Bins, pointsOf } from "./history-bins.ts";
import type { BlockSeries } from "./history-block.ts";
import { HistoryBlocks, rolledDays, rolledHours } from "./history-blocks.ts";
import type { HistoryAnswer, HistoryQuery } from "./history-query.ts";
import { fiveMinutesMs, historyFile, historyLevel, hourMs } from "./history-schema.ts";

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

/** Values of one table of one equipment at one time, in the order of `ids`. NaN = none. */
export interface HistoryRow {
  readonly equipment: string;
  readonly ids: readonly number[];
  readonly atMs: number;
  readonly values: Float64Array;
}

interface Gathered {
  readonly ids: readonly number[];
  readonly times: number[];
  readonly rows: Float64Array[];
}

/** Values held between two flushes; beyond it they are written early. */
const maxHeldValues = 1_000_000;

/** The site's memory: gathers, writes blocks, rolls them up, forgets. Synchronous; the caller looks at `dueAtMs`. */
export class HistoryCore {
  readonly #database: Database;
  readonly #clock: Pick<Clock, "now" | "monotonicMs">;
  readonly #log: Logger;
  readonly #settings: HistorySettings;
  readonly #blocks: HistoryBlocks;
  readonly #held = new Map<string, Gathered[]>();
  #heldValues = 0;
  #flushAtMs: number;

  constructor(database: Database, parts: HistoryParts) {
    this.#database = database;
    this.#blocks = new HistoryBlocks(database, parts.log);
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#settings = parts.settings;
    this.#flushAtMs = parts.clock.monotonicMs() + parts.settings.flushMs;
  }

  get dueAtMs(): number {
    return this.#heldValues >= maxHeldValues ? Number.NEGATIVE_INFINITY : this.#flushAtMs;
  }

  /** The numbers that series are known by in blocks; made where they are new, in one transaction. */
  seriesIds(series: readonly HistorySeries[]): readonly number[] {
    const known = series.map((one) => this.#idOf(one));
    if (known.includes(undefined)) {
      this.#transaction(() => {
        const insert = this.#database.prepare(
          `INSERT INTO series (equipment, tbl, row_key, metric, kind, unit) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET kind = excluded.kind, unit = excluded.unit`,
        );
        for (const [index, one] of series.entries()) {
          if (known[index] !== undefined) continue;
          insert.run(one.equipment, one.table, one.rowKey, one.metric, one.kind, one.unit);
          known[index] = this.#idOf(one);
        }
      });
    }
    return known.map((id) => id ?? 0);
  }

  #idOf({ equipment, table, rowKey, metric }: HistorySeries): number | undefined {
    const sql = "SELECT id FROM series WHERE equipment = ? AND tbl = ? AND row_key = ? AND metric = ?";
    const id = this.#run(() => this.#database.prepare(sql).pluck().get(equipment, table, rowKey, metric));
    return typeof id === "number" ? id : undefined;
  }

  add(row: HistoryRow): void {
    const tables = this.#held.get(row.equipment) ?? [];
    this.#held.set(row.equipment, tables);
    const gathered = tables.find((one) => one.ids === row.ids) ?? { ids: row.ids, times: [], rows: [] };
    if (gathered.times.length === 0) tables.push(gathered);
    gathered.times.push(row.atMs);
    gathered.rows.push(row.values);
    this.#heldValues += row.values.length;
  }

  /** Flushes, rolls up and forgets. A disk that refuses costs the history what was held, nothing else. */
  tick(): void {
    this.#flushAtMs = this.#clock.monotonicMs() + this.#settings.flushMs;
    this.#attempt(() => this.flush());
    this.#attempt(() => this.#blocks.rollUp(this.#clock.now().wallMs - this.#settings.flushMs - 60_000));
    this.#attempt(() => this.#blocks.forget(this.#clock.now().wallMs, this.#settings));
  }

  flush(): void {
    if (this.#held.size === 0) return;
    const held = [...this.#held];
    this.#held.clear();
    this.#heldValues = 0;
    this.#transaction(() => {
      for (const [equipment, tables] of held) this.#blocks.insert(historyLevel.raw, equipment, tables.flatMap(transposed));
    });
  }

  series(equipment: string | undefined): readonly HistorySeries[] {
    interface Row {
      readonly equipment: string;
      readonly tbl: string;
      readonly row_key: string;
      readonly metric: string;
      readonly kind: HistorySeries["kind"];
      readonly unit: string;
    }
    const rows = this.#run(() =>
      this.#database
        .prepare<[string | null], Row>(
          "SELECT * FROM series WHERE equipment = coalesce(?, equipment) ORDER BY equipment, tbl, row_key, metric",
        )
        .all(equipment ?? null),
    );
    return rows.map((row) => ({
      equipment: row.equipment,
      table: row.tbl,
      rowKey: row.row_key,
      metric: row.metric,
      kind: row.kind,
      unit: row.unit,
    }));
  }

  /** The finest level that reaches back far enough and whose points are few enough; coarser bins of hours where even those are too many. */
  read({ series, fromMs, toMs, maxPoints }: HistoryQuery): HistoryAnswer {
    const id = this.#idOf(series);
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
    this.#attempt(() => this.flush());
    if (this.#database.open) this.#attempt(() => this.#run(() => void this.#database.close()));
  }

  *#rawPoints(id: number, equipment: string, fromMs: number, toMs: number): Generator<HistoryPoint> {
    for (const series of this.#blocks.read(historyLevel.raw, equipment, fromMs, toMs, new Set([id]))) {
      for (const point of pointsOf(series, false)) if (point.atMs >= fromMs && point.atMs <= toMs) yield point;
    }
    for (const gathered of this.#held.get(equipment) ?? []) {
      for (const series of transposed(gathered)) {
        if (series.id !== id) continue;
        for (const point of pointsOf(series, false)) if (point.atMs >= fromMs && point.atMs <= toMs) yield point;
      }
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

  #transaction(work: () => void): void {
    this.#run(() => this.#database.transaction(work).immediate());
  }

  #run<T>(work: () => T): T {
    return atDisk({ file: historyFile }, work);
  }
}

function transposed(gathered: Gathered): BlockSeries[] {
  return gathered.ids.map((id, column) => ({
    id,
    times: gathered.times,
    values: Float64Array.from(gathered.rows, (row) => row[column] ?? Number.NaN),
  }));
}

function medianStep(points: readonly HistoryPoint[]): number {
  const steps = points.slice(1).map((point, index) => point.atMs - (points[index]?.atMs ?? point.atMs));
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}

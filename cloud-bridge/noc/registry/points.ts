import type { DecodedRow } from "#model/chunk.ts";
import type { Clock } from "#ports/clock.ts";
import type { ChunkDecoder } from "#ports/codec.ts";
import { firstAt } from "../ingest/chunk-time.ts";
import { measureOf, rollupStride } from "../ingest/derive.ts";
import { StreamMemories } from "../ingest/memories.ts";
import type { ChunkRow, RollupLevel, SeriesRow } from "../store/rows.ts";
import type { StoreQueries } from "../store/store.ts";
import { reasonName } from "./overview.ts";
import { type StateNames, stateNamesOf } from "./state-names.ts";

export interface PointsQuery {
  readonly gatewayRef: number;
  readonly series: readonly SeriesRow[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Per series; the finest resolution that keeps to it is chosen. */
  readonly maxPoints: number;
}

/** Columns of equal length, ascending time. `null` = nothing is known there: a gap, to be drawn as one. */
export interface Points {
  readonly atMs: readonly number[];
  readonly avg: readonly (number | null)[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
}

export interface PlotSeries {
  readonly series: number;
  readonly equipment: string;
  readonly table: string;
  readonly metric: string;
  readonly rowKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: "c" | "g" | "s";
  /** UCUM of a point; counters are given per second. */
  readonly unit: string;
  /** Names of its states, where it has some and the gateway said them. */
  readonly states?: StateNames;
  readonly points: Points;
  /** Failed polls in the range: why a gap is one. */
  readonly misses: readonly { readonly fromMs: number; readonly toMs: number; readonly reason: string; readonly count: number }[];
}

export interface Plot {
  readonly source: "chunks" | "5min" | "1h";
  readonly resolutionMs: number;
  readonly series: readonly PlotSeries[];
}

interface Point {
  readonly atMs: number;
  readonly avg: number;
  readonly min: number;
  readonly max: number;
  /** Distance at which the next point is expected. */
  readonly stepMs: number;
}

/** Raw chunks are read for spans up to this; beyond it rollups are finer than a screen anyway. */
const maxRawSpanMs = 6 * 3_600_000;
const maxRawChunks = 4_000;
/** Unchanged values hang on the last key frame, which is at most this far back. */
const lookBackMs = 61 * 60_000;
/** Chunks decoded between two breaths: a plot must not hold up ingest. */
const chunksPerTurn = 50;

/** Reads plots: gaps stay gaps, counters become rates per second, the answer is bounded. */
export class PlotReader {
  readonly #read: StoreQueries;
  readonly #decoder: ChunkDecoder;
  readonly #clock: Clock;
  readonly #dictionaries: StreamMemories;

  constructor(read: StoreQueries, decoder: ChunkDecoder, clock: Clock) {
    this.#read = read;
    this.#decoder = decoder;
    this.#clock = clock;
    this.#dictionaries = new StreamMemories(decoder, { maxMemories: 64, maxReplay: 0 });
  }

  async read(query: PointsQuery, signal: AbortSignal): Promise<Plot> {
    const spanMs = query.toMs - query.fromMs;
    const finestMs = Math.min(...query.series.flatMap((one) => one.places.map((place) => place.intervalMs)), 3_600_000);
    const fitsRaw = spanMs <= maxRawSpanMs && spanMs / Math.max(1, finestMs) <= query.maxPoints;
    const raw = fitsRaw ? await this.#readRaw(query, signal) : undefined;
    // A device polled more often than its group says, or one that lies about its interval.
    const isWithin = raw?.every((points) => points.length <= query.maxPoints) === true;
    if (raw !== undefined && isWithin) return this.#plot("chunks", finestMs, query, raw);
    const level: RollupLevel = spanMs / 300_000 <= query.maxPoints * 4 ? 300_000 : 3_600_000;
    const mergeMs = Math.max(1, Math.ceil(spanMs / level / query.maxPoints)) * level;
    const points = await Promise.all(query.series.map((one) => this.#readRollups(one, query, level, mergeMs)));
    return this.#plot(level === 300_000 ? "5min" : "1h", mergeMs, query, points);
  }

  async #plot(source: Plot["source"], resolutionMs: number, query: PointsQuery, points: readonly (readonly Point[])[]): Promise<Plot> {
    const series: PlotSeries[] = [];
    const names = await stateNamesOf(this.#read, query.gatewayRef, query.series);
    for (const [index, one] of query.series.entries()) {
      const groups = one.places.map((place) => place.groupRef);
      const misses = await this.#read.misses(groups, query.fromMs, query.toMs);
      const { equipment, table, metric, rowKey, labels, kind } = one;
      const states = names(one);
      series.push({
        ...{ series: one.ref, equipment, table, metric, rowKey, labels, kind },
        unit: kind === "c" ? `${one.unit === "" ? "1" : one.unit}/s` : one.unit,
        ...(states === undefined ? {} : { states }),
        points: withGaps(points[index] ?? []),
        misses: misses.map(({ fromMs, toMs, reason, count }) => ({ fromMs, toMs, count, reason: reasonName(reason) })),
      });
    }
    return { source, resolutionMs, series };
  }

  /** Undefined = more chunks than may be decoded for one plot. */
  async #readRaw(query: PointsQuery, signal: AbortSignal): Promise<readonly (readonly Point[])[] | undefined> {
    const intervalsMs = [...new Set(query.series.flatMap((one) => one.places.map((place) => place.intervalMs)))];
    const { gatewayRef, toMs } = query;
    const chunks = await this.#read.chunks({ gatewayRef, fromMs: query.fromMs - lookBackMs, toMs, intervalsMs, limit: maxRawChunks });
    if (chunks.length >= maxRawChunks) return undefined;
    const collector = new RawCollector(query);
    let streamRef = -1;
    let memory = this.#decoder.newMemory();
    for (const [index, chunk] of chunks.entries()) {
      if (index % chunksPerTurn === chunksPerTurn - 1) await this.#clock.sleep(0, signal);
      if (chunk.streamRef !== streamRef) {
        streamRef = chunk.streamRef;
        memory = this.#decoder.newMemory();
        collector.beginStream();
      }
      if (chunk.payload.byteLength === 0 || chunk.state === "dead" || chunk.fromMs === undefined) this.#decoder.passOver(memory, chunk.seq);
      else await this.#readChunk(chunk, memory, collector);
    }
    return collector.points();
  }

  async #readChunk(chunk: ChunkRow, memory: ReturnType<ChunkDecoder["newMemory"]>, collector: RawCollector): Promise<void> {
    const decoded = this.#decoder.decode(chunk.payload);
    if (decoded.kind !== "chunk") return;
    const dictionary = await this.#dictionaries.dictionary(
      this.#read,
      { ref: chunk.streamRef, gatewayRef: chunk.gatewayRef },
      decoded.chunk,
    );
    if (dictionary === undefined) return;
    const resolved = this.#decoder.resolve(decoded.chunk, dictionary.groups, memory);
    // What ingest found out about the date (re-stamped or not) is in the row.
    const shiftMs = resolved.unanchored ? (chunk.fromMs ?? 0) - firstAt(resolved) : 0;
    for (const { group, rows } of resolved.groups) {
      const groupRef = dictionary.refs.get(group.groupId);
      if (groupRef !== undefined) for (const row of rows) collector.addRow(groupRef, row, row.at + shiftMs);
    }
  }

  async #readRollups(series: SeriesRow, query: PointsQuery, level: RollupLevel, mergeMs: number): Promise<readonly Point[]> {
    const merged = new Map<number, { min: number; max: number; sum: number; weight: number; last: number; lastMs: number }>();
    for (const place of series.places) {
      for (const row of await this.#read.rollups(level, place.groupRef, query.fromMs, query.toMs)) {
        const at = place.column * rollupStride;
        const [count = 0, min = 0, max = 0, sum = 0, weight = 0, last = 0, lastMs = 0] = row.numbers.subarray(at, at + rollupStride);
        if (count === 0) continue;
        const bucketMs = Math.floor(row.bucketMs / mergeMs) * mergeMs;
        const into = merged.get(bucketMs) ?? { min, max, sum: 0, weight: 0, last, lastMs };
        into.min = Math.min(into.min, min);
        into.max = Math.max(into.max, max);
        into.sum += sum;
        into.weight += weight;
        if (lastMs >= into.lastMs) into.last = last;
        into.lastMs = Math.max(into.lastMs, lastMs);
        merged.set(bucketMs, into);
      }
    }
    // There is no mean of states: half way between up and down is nothing.
    const isState = series.unit.startsWith("enum:");
    return [...merged]
      .toSorted(([a], [b]) => a - b)
      .map(([bucketMs, { min, max, sum, weight, last }]) => ({
        atMs: bucketMs + mergeMs / 2,
        avg: isState ? last : sum / weight,
        min,
        max,
        stepMs: mergeMs,
      }));
  }
}

/** Picks the wanted columns out of decoded rows. */
class RawCollector {
  readonly #query: PointsQuery;
  readonly #wanted = new Map<number, { readonly index: number; readonly column: number; readonly intervalMs: number }[]>();
  readonly #points: Map<number, Point>[];
  #previousMs: number[] = [];

  constructor(query: PointsQuery) {
    this.#query = query;
    this.#points = query.series.map(() => new Map());
    for (const [index, series] of query.series.entries()) {
      for (const { groupRef, column, intervalMs } of series.places) {
        const list = this.#wanted.get(groupRef) ?? [];
        list.push({ index, column, intervalMs });
        this.#wanted.set(groupRef, list);
      }
    }
  }

  /** Elapsed times of counters do not reach over the border of two streams. */
  beginStream(): void {
    this.#previousMs = this.#query.series.map(() => 0);
  }

  addRow(groupRef: number, row: DecodedRow, atMs: number): void {
    for (const { index, column, intervalMs } of this.#wanted.get(groupRef) ?? []) {
      const cell = row.cells[column];
      if (cell === undefined) continue;
      const measure = measureOf(cell, atMs, this.#previousMs[index] ?? 0, intervalMs);
      if (cell.state === "counter") this.#previousMs[index] = atMs;
      if (measure === undefined || atMs < this.#query.fromMs || atMs > this.#query.toMs) continue;
      this.#points[index]?.set(atMs, { atMs, avg: measure.value, min: measure.value, max: measure.value, stepMs: intervalMs });
    }
  }

  points(): readonly (readonly Point[])[] {
    return this.#points.map((points) => [...points.values()].toSorted((a, b) => a.atMs - b.atMs));
  }
}

/** Points become columns; where the next one is missing, a null stands between. */
function withGaps(points: readonly Point[]): Points {
  const columns = { atMs: [] as number[], avg: [] as (number | null)[], min: [] as (number | null)[], max: [] as (number | null)[] };
  let expectedMs = Number.POSITIVE_INFINITY;
  for (const point of points) {
    // Polls jitter: only what is later than nearly two intervals was missed.
    if (point.atMs > expectedMs) {
      columns.atMs.push(expectedMs);
      columns.avg.push(null);
      columns.min.push(null);
      columns.max.push(null);
    }
    columns.atMs.push(point.atMs);
    columns.avg.push(point.avg);
    columns.min.push(point.min);
    columns.max.push(point.max);
    expectedMs = point.atMs + point.stepMs * 1.8;
  }
  return columns;
}

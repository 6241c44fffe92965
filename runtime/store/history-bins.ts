import type { HistoryPoint } from "#ports/history.ts";
import { type BlockSeries, binWidth } from "./history-block.ts";

/** Points of one series gathered into bins of one width; bins without points do not exist. */
export class Bins {
  readonly #widthMs: number;
  readonly #bins = new Map<number, { min: number; max: number; sum: number; last: number; lastMs: number; count: number }>();

  constructor(widthMs: number) {
    this.#widthMs = widthMs;
  }

  /** @param count how many values `point` stands for */
  add(atMs: number, point: Pick<HistoryPoint, "min" | "avg" | "max" | "last" | "count">): void {
    if (!(point.count > 0)) return;
    const start = Math.floor(atMs / this.#widthMs) * this.#widthMs;
    const bin = this.#bins.get(start);
    if (bin === undefined) {
      this.#bins.set(start, {
        min: point.min,
        max: point.max,
        sum: point.avg * point.count,
        last: point.last,
        lastMs: atMs,
        count: point.count,
      });
      return;
    }
    bin.min = Math.min(bin.min, point.min);
    bin.max = Math.max(bin.max, point.max);
    bin.sum += point.avg * point.count;
    bin.count += point.count;
    if (atMs < bin.lastMs) return;
    bin.last = point.last;
    bin.lastMs = atMs;
  }

  addValue(atMs: number, value: number): void {
    if (!Number.isNaN(value)) this.add(atMs, { min: value, avg: value, max: value, last: value, count: 1 });
  }

  get size(): number {
    return this.#bins.size;
  }

  /** Ascending; a point stands at the start of its bin. */
  points(): HistoryPoint[] {
    return [...this.#bins]
      .sort((a, b) => a[0] - b[0])
      .map(([atMs, { min, max, sum, last, count }]) => ({ atMs, min, avg: sum / count, max, last, count }));
  }
}

/** Bins of a series as a block has them. @param times shared by all series of the block */
export function binsToSeries(id: number, bins: Bins, times: readonly number[]): BlockSeries {
  const values = new Float64Array(times.length * binWidth).fill(Number.NaN);
  const n = times.length;
  const place = new Map(times.map((time, index) => [time, index]));
  for (const point of bins.points()) {
    const index = place.get(point.atMs);
    if (index === undefined) continue;
    for (const [column, value] of [point.min, point.avg, point.max, point.last, point.count].entries()) values[column * n + index] = value;
  }
  return { id, times, values };
}

/** What a block's series says, raw or binned, as points. */
export function* pointsOf(series: BlockSeries, isBinned: boolean): Generator<HistoryPoint> {
  const { times, values } = series;
  const n = times.length;
  for (const [index, atMs] of times.entries()) {
    const first = values[index] ?? Number.NaN;
    if (Number.isNaN(first)) continue;
    if (!isBinned) {
      yield { atMs, min: first, avg: first, max: first, last: first, count: 1 };
      continue;
    }
    const column = (which: number): number => values[which * n + index] ?? Number.NaN;
    yield { atMs, min: first, avg: column(1), max: column(2), last: column(3), count: column(4) };
  }
}

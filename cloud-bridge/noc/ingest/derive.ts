import type { DecodedCell, DecodedRow } from "#model/chunk.ts";

/**
 * Numbers of one series in a rollup bucket: samples, least, greatest, sum, weight, last, time of last.
 * Gauges: sum of values, weight = samples. Counters: sum of increments, weight = seconds they took, so that sum / weight is the mean
 * rate per second; least, greatest and last are rates too.
 */
export const rollupStride = 7;
export const rollupLevels = [300_000, 3_600_000] as const;

/** Numbers of one series in the last values: value (counters: rate per second; NaN = none) and Unix ms of its confirmation (0 = never). */
export const lastStride = 2;

export function emptyRollup(columns: number): Float64Array {
  const numbers = new Float64Array(columns * rollupStride);
  for (let column = 0; column < columns; column++) {
    numbers[column * rollupStride + 1] = Number.POSITIVE_INFINITY;
    numbers[column * rollupStride + 2] = Number.NEGATIVE_INFINITY;
    numbers[column * rollupStride + 5] = Number.NaN;
  }
  return numbers;
}

export function emptyLast(columns: number): Float64Array {
  const numbers = new Float64Array(columns * lastStride);
  for (let column = 0; column < columns; column++) numbers[column * lastStride] = Number.NaN;
  return numbers;
}

/** One plottable number of a row: `weight` and `sum` as in a rollup bucket. */
export interface Measure {
  readonly value: number;
  readonly sum: number;
  readonly weight: number;
}

/**
 * What a cell contributes to a plot. Counters become rates over the time since the previous valid sample of that series, or over
 * the nominal interval where that is not known (first row of a stream). `previousMs` 0 = not known.
 */
export function measureOf(cell: DecodedCell, atMs: number, previousMs: number, intervalMs: number): Measure | undefined {
  if (cell.state === "value") {
    return typeof cell.value === "number" && Number.isFinite(cell.value) ? { value: cell.value, sum: cell.value, weight: 1 } : undefined;
  }
  if (cell.state !== "counter" || !Number.isFinite(cell.increment)) return undefined;
  const elapsedMs = previousMs > 0 && previousMs < atMs ? atMs - previousMs : intervalMs;
  if (!(elapsedMs > 0)) return undefined;
  return { value: (cell.increment * 1000) / elapsedMs, sum: cell.increment, weight: elapsedMs / 1000 };
}

export function addToRollup(numbers: Float64Array, column: number, atMs: number, measure: Measure): void {
  const at = column * rollupStride;
  numbers[at] = (numbers[at] ?? 0) + 1;
  numbers[at + 1] = Math.min(numbers[at + 1] ?? measure.value, measure.value);
  numbers[at + 2] = Math.max(numbers[at + 2] ?? measure.value, measure.value);
  numbers[at + 3] = (numbers[at + 3] ?? 0) + measure.sum;
  numbers[at + 4] = (numbers[at + 4] ?? 0) + measure.weight;
  if (atMs < (numbers[at + 6] ?? 0)) return;
  numbers[at + 5] = measure.value;
  numbers[at + 6] = atMs;
}

/** Where the effects of one row go; drafts of one transaction. */
export interface DerivationTarget {
  readonly last: Float64Array;
  readonly texts: Record<string, string>;
  /** Per column: when the series' last valid counter sample of this stream was taken (0 = not known). Stays with the stream. */
  readonly counterMs: Float64Array;
  /** Columns that got their first value of all. */
  readonly seen: Set<number>;
  /** The row's bucket of each level. */
  readonly buckets: readonly Float64Array[];
}

/** Applies one decoded row to last values and rollups. @param atMs wall time of the row, already re-stamped */
export function deriveRow(row: DecodedRow, intervalMs: number, atMs: number, target: DerivationTarget): void {
  for (const [column, cell] of row.cells.entries()) {
    if (cell.state === "missing" || cell.state === "unchanged") continue;
    const measure = measureOf(cell, atMs, target.counterMs[column] ?? 0, intervalMs);
    if (cell.state === "counter") target.counterMs[column] = atMs;
    if (measure !== undefined) for (const bucket of target.buckets) addToRollup(bucket, column, atMs, measure);
    const lastMs = target.last[column * lastStride + 1] ?? 0;
    if (lastMs === 0) target.seen.add(column);
    if (atMs < lastMs) continue;
    target.last[column * lastStride] = measure?.value ?? Number.NaN;
    target.last[column * lastStride + 1] = atMs;
    if (cell.state === "value" && typeof cell.value === "string") target.texts[String(column)] = cell.value;
  }
}

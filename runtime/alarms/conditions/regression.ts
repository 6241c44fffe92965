/** One value of the past. */
export interface PastPoint {
  readonly atMs: number;
  readonly value: number;
}

/** A line through the past that single outliers do not move. */
export interface Trend {
  /** Per millisecond. */
  readonly slope: number;
  /** A cautious slope: three quarters of all pairs of points are steeper (for a rise) than this. */
  readonly cautious: number;
  /** The line's value at the newest point. */
  readonly value: number;
}

const maxPoints = 120;

/** Theil and Sen: the median slope over all pairs of points. undefined = too few points. */
export function robustTrend(points: readonly PastPoint[]): Trend | undefined {
  const used = thinned(points);
  const last = used.at(-1);
  if (used.length < 8 || last === undefined) return undefined;
  const slopes: number[] = [];
  for (let i = 0; i < used.length; i++) {
    for (let j = i + 1; j < used.length; j++) {
      const a = used[i];
      const b = used[j];
      if (a !== undefined && b !== undefined && b.atMs > a.atMs) slopes.push((b.value - a.value) / (b.atMs - a.atMs));
    }
  }
  slopes.sort((a, b) => a - b);
  const slope = quantile(slopes, 0.5);
  const cautious = slope >= 0 ? quantile(slopes, 0.25) : quantile(slopes, 0.75);
  const offsets = used.map(({ atMs, value }) => value - slope * (atMs - last.atMs)).sort((a, b) => a - b);
  return { slope, cautious, value: quantile(offsets, 0.5) };
}

/** @param sorted ascending, not empty */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

function thinned(points: readonly PastPoint[]): readonly PastPoint[] {
  if (points.length <= maxPoints) return points;
  const every = points.length / maxPoints;
  return Array.from({ length: maxPoints }, (_, index) => points[Math.min(points.length - 1, Math.floor((index + 1) * every) - 1)]).flatMap(
    (point) => (point === undefined ? [] : [point]),
  );
}

/**
 * Log-linear histogram of durations: 64 equal buckets between every two powers of two (milliseconds), so that a bucket's middle is at most
 * 1/128 = 0.8 % from anything in it. Merging adds counts: quantiles over any range come from the merged counts, never from averages of quantiles.
 */

/** As it travels: bucket numbers ascending, as differences to their predecessor, each followed by its count. */
export interface LatencyCounts {
  /** Milliseconds, exact. */
  readonly min: number;
  readonly max: number;
  /** `[first bucket, count, difference, count, ...]`; at most 2 x maxLatencyBuckets numbers. */
  readonly buckets: readonly number[];
}

/** Six bits of the mantissa: 64 buckets to the octave. */
const mantissaBits = 6;
const shift = 20 - mantissaBits;
/** 2^-10 ms (a microsecond) to 2^22 ms (70 minutes); what lies outside counts in the outermost bucket. */
const leastMs = 2 ** -10;
const mostMs = 2 ** 22 - 1;
const view = new DataView(new ArrayBuffer(8));
const firstBits = bitsOf(leastMs);

/** Buckets there can be at all. */
export const maxLatencyBuckets = bitsOf(mostMs) - firstBits + 1;
const maxCount = Number.MAX_SAFE_INTEGER;

/** Exponent and upper mantissa of a double are a log-linear scale by themselves. */
function bitsOf(ms: number): number {
  view.setFloat64(0, ms);
  return view.getUint32(0) >>> shift;
}

/** Number of the bucket a duration belongs to, 0 .. maxLatencyBuckets - 1. */
export function latencyBucket(ms: number): number {
  return bitsOf(Math.min(mostMs, Math.max(leastMs, ms))) - firstBits;
}

/** Middle of a bucket, milliseconds. */
export function latencyOfBucket(bucket: number): number {
  return (edge(bucket) + edge(bucket + 1)) / 2;
}

function edge(bucket: number): number {
  view.setUint32(0, (bucket + firstBits) << shift);
  view.setUint32(4, 0);
  return view.getFloat64(0);
}

/** Sparse: only buckets that hold something; at most maxLatencyBuckets of them. */
export class LatencyHistogram {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** @throws TypeError when the counts are not of this form; nothing of them is believed */
  static from(counts: LatencyCounts): LatencyHistogram {
    const histogram = new LatencyHistogram();
    const { buckets, min, max } = counts;
    if (buckets.length % 2 !== 0 || buckets.length > 2 * maxLatencyBuckets) throw new TypeError("not a latency histogram");
    let bucket = 0;
    for (let index = 0; index < buckets.length; index += 2) {
      const step = buckets[index] ?? Number.NaN;
      const count = buckets[index + 1] ?? Number.NaN;
      bucket += step;
      const isStep = Number.isSafeInteger(step) && step >= (index === 0 ? 0 : 1) && bucket < maxLatencyBuckets;
      if (!isStep || !Number.isSafeInteger(count) || count < 1) throw new TypeError("not a latency histogram");
      histogram.#counts.set(bucket, count);
      histogram.#count = Math.min(maxCount, histogram.#count + count);
    }
    if (histogram.#count === 0) return histogram;
    if (!(min >= 0 && min <= max && Number.isFinite(max))) throw new TypeError("not a latency histogram");
    histogram.#min = min;
    histogram.#max = max;
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  /** Milliseconds, exact; NaN when empty. */
  get min(): number {
    return this.#count === 0 ? Number.NaN : this.#min;
  }

  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max;
  }

  /** @param ms not negative; anything that is not a duration is left out, since a gap is not a value */
  record(ms: number): void {
    if (!(ms >= 0) || ms === Number.POSITIVE_INFINITY) return;
    this.#add(latencyBucket(ms), 1);
    this.#min = Math.min(this.#min, ms);
    this.#max = Math.max(this.#max, ms);
  }

  /** Adds another's counts to this. Order and grouping of merges make no difference. */
  merge(other: LatencyHistogram): void {
    for (const [bucket, count] of other.#counts) this.#add(bucket, count);
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** The duration that `share` (0..1) of the recorded ones do not exceed, within 1 %; NaN when empty. */
  quantile(share: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = Math.min(this.#count, Math.max(1, Math.ceil(share * this.#count)));
    if (rank === this.#count) return this.#max;
    let seen = 0;
    for (const [bucket, count] of this.#sorted()) {
      seen += count;
      if (seen >= rank) return Math.min(this.#max, Math.max(this.#min, latencyOfBucket(bucket)));
    }
    return this.#max;
  }

  counts(): LatencyCounts {
    const buckets: number[] = [];
    let before = 0;
    for (const [bucket, count] of this.#sorted()) {
      buckets.push(bucket - before, count);
      before = bucket;
    }
    return this.#count === 0 ? { min: 0, max: 0, buckets } : { min: this.#min, max: this.#max, buckets };
  }

  #add(bucket: number, count: number): void {
    this.#counts.set(bucket, Math.min(maxCount, (this.#counts.get(bucket) ?? 0) + count));
    this.#count = Math.min(maxCount, this.#count + count);
  }

  #sorted(): readonly (readonly [number, number])[] {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }
}

import type { Clock } from "#ports/clock.ts";

interface Bucket {
  tokens: number;
  atMs: number;
  perS: number;
  dropped: number;
}

const burstS = 5;
const maxBuckets = 512;
const defaultPerS = 200;

/** Deliveries per unit and second. A wire loop dies in it: a message that is dropped makes no further ones. */
export class MessageLimiter {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  setRate(unit: string, perS: number): void {
    const known = this.#buckets.get(unit);
    if (known !== undefined) known.perS = perS;
    else this.#make(unit, perS);
  }

  forget(unit: string): void {
    this.#buckets.delete(unit);
  }

  /** @returns whether one more delivery is within the unit's rate */
  admit(unit: string): boolean {
    const bucket = this.#buckets.get(unit) ?? this.#make(unit, defaultPerS);
    const nowMs = this.#clock.monotonicMs();
    bucket.tokens = Math.min(bucket.perS * burstS, bucket.tokens + ((nowMs - bucket.atMs) * bucket.perS) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) {
      bucket.dropped += 1;
      return false;
    }
    bucket.tokens -= 1;
    return true;
  }

  /** Dropped since the start, by unit; only those that dropped. */
  dropped(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.#buckets].filter(([, bucket]) => bucket.dropped > 0).map(([unit, bucket]) => [unit, bucket.dropped]),
    );
  }

  #make(unit: string, perS: number): Bucket {
    const bucket: Bucket = { tokens: perS * burstS, atMs: this.#clock.monotonicMs(), perS, dropped: 0 };
    // Units are bounded by what may be deployed; a stray one shares the last bucket's fate rather than growing the map.
    if (this.#buckets.size < maxBuckets) this.#buckets.set(unit, bucket);
    return bucket;
  }
}

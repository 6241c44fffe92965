import type { Clock } from "#ports/clock.ts";

const minuteMs = 60_000;
const maxBuckets = 2_000;

/** Orders per minute by service and operation: a token bucket that holds one minute's worth. */
export class OrderRates {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  readonly #refused = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns whether `cost` more are within the rate */
  admit(service: string, operation: string, perMin: number, cost = 1): boolean {
    const key = `${service} ${operation}`;
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(key) ?? { tokens: perMin, atMs: nowMs };
    bucket.tokens = Math.min(perMin, bucket.tokens + ((nowMs - bucket.atMs) * perMin) / minuteMs);
    bucket.atMs = nowMs;
    // Beyond the bound the oldest is forgotten: it begins anew with a full bucket, which is still bounded.
    if (!this.#buckets.has(key) && this.#buckets.size >= maxBuckets) this.#buckets.delete([...this.#buckets.keys()][0] ?? "");
    this.#buckets.set(key, bucket);
    if (bucket.tokens < cost) {
      this.#refused.set(operation, (this.#refused.get(operation) ?? 0) + 1);
      return false;
    }
    bucket.tokens -= cost;
    return true;
  }

  /** Refused for their rate, by operation. */
  refused(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#refused].map(([operation, count]) => [`rate:${operation}`, count]));
  }
}

/** This much longer than the quickest PUBACK is slow: something queues in the line. */
const slowMs = 2_000;
/** This little longer is quick. */
const quickMs = 700;
const growth = 1.25;

/**
 * How many bytes may be under way without PUBACK, learnt from how long PUBACKs take beyond the quickest one. What queues in a slow line
 * delays the next urgent message by as much, and beyond the PUBACK's deadline kills the connection that would have delivered it.
 */
export class AdaptiveLimit {
  bytes: number;
  readonly #leastBytes: number;
  readonly #mostBytes: number;
  #quickestMs = Number.POSITIVE_INFINITY;
  #shrunkAtMs = Number.NEGATIVE_INFINITY;

  constructor(limits: { readonly firstBytes: number; readonly leastBytes: number; readonly mostBytes: number }) {
    this.bytes = limits.firstBytes;
    this.#leastBytes = limits.leastBytes;
    this.#mostBytes = limits.mostBytes;
  }

  learn(sentAtMs: number, nowMs: number): void {
    const tookMs = nowMs - sentAtMs;
    this.#quickestMs = Math.min(this.#quickestMs, tookMs);
    if (tookMs <= this.#quickestMs + quickMs) {
      this.bytes = Math.min(this.#mostBytes, Math.ceil(this.bytes * growth));
      return;
    }
    // What was sent before the last cut says nothing about it.
    if (tookMs <= this.#quickestMs + slowMs || sentAtMs < this.#shrunkAtMs) return;
    this.bytes = Math.max(this.#leastBytes, Math.floor(this.bytes / 2));
    this.#shrunkAtMs = nowMs;
  }
}

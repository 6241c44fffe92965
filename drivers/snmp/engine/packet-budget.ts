import type { EngineLimits } from "./limits.ts";
import type { Peer } from "./peer.ts";

/** Times are sums of fractions. */
const roundingMs = 1e-3;

/** Token bucket on the caller's time. */
class Bucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs = 0;

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  isEmpty(nowMs: number): boolean {
    if (nowMs > this.#filledAtMs) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledAtMs) * this.#perMs);
      this.#filledAtMs = nowMs;
    }
    return this.#tokens < 1;
  }

  take(): void {
    this.#tokens -= 1;
  }
}

/**
 * How many requests may leave per second, over the whole site and to one equipment. What is over it waits its turn; it is never dropped. A
 * fifth of a second's worth may leave at once, one second's worth to one equipment: a poll is a burst by nature.
 */
export class PacketBudget {
  readonly #site: Bucket;
  /** Between two requests to one equipment in the long run. */
  readonly #spacingMs: number;
  /** As much of it as may be taken in advance. */
  readonly #advanceMs: number;

  /** undefined when the limits ask for none. */
  static of(limits: EngineLimits): PacketBudget | undefined {
    return Number.isFinite(limits.packetsPerSecond) || Number.isFinite(limits.packetsPerSecondPerEquipment)
      ? new PacketBudget(limits)
      : undefined;
  }

  private constructor(limits: EngineLimits) {
    this.#site = new Bucket(limits.packetsPerSecond, Math.max(8, limits.packetsPerSecond / 5));
    const perSecond = limits.packetsPerSecondPerEquipment;
    this.#spacingMs = 1_000 / perSecond;
    this.#advanceMs = Number.isFinite(perSecond) ? (Math.max(4, perSecond) - 1) * this.#spacingMs + roundingMs : Number.POSITIVE_INFINITY;
  }

  /** Takes one request's place, or says who is out of places: then nothing was taken. */
  take(peer: Peer, nowMs: number): "taken" | "site" | "equipment" {
    // A bucket as one number, the time when it will be full again: an object for each equipment would be six times as large.
    if (peer.fullAtMs - nowMs > this.#advanceMs) return "equipment";
    if (this.#site.isEmpty(nowMs)) return "site";
    peer.fullAtMs = Math.max(peer.fullAtMs, nowMs) + this.#spacingMs;
    this.#site.take();
    return "taken";
  }
}

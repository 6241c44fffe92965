import type { EngineLimits } from "./limits.ts";
import type { Peer } from "./peer.ts";

/** Of a token: times are sums of fractions. */
const rounding = 1e-6;

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
  readonly #perMs: number;
  /** Of one equipment. */
  readonly #burst: number;

  /** undefined when the limits ask for none. */
  static of(limits: EngineLimits): PacketBudget | undefined {
    return Number.isFinite(limits.packetsPerSecond) || Number.isFinite(limits.packetsPerSecondPerEquipment)
      ? new PacketBudget(limits)
      : undefined;
  }

  private constructor(limits: EngineLimits) {
    this.#site = new Bucket(limits.packetsPerSecond, Math.max(8, limits.packetsPerSecond / 5));
    this.#perMs = limits.packetsPerSecondPerEquipment / 1_000;
    this.#burst = Math.max(4, limits.packetsPerSecondPerEquipment);
  }

  /** Takes one request's place, or says who is out of places: then nothing was taken. */
  take(peer: Peer, nowMs: number): "taken" | "site" | "equipment" {
    // The bucket of one equipment as one number, when it will be full: a bucket of its own for each would be six times as large.
    const missing = Math.max(0, peer.fullAtMs - nowMs) * this.#perMs;
    if (this.#burst - missing < 1 - rounding) return "equipment";
    if (this.#site.isEmpty(nowMs)) return "site";
    peer.fullAtMs = Math.max(peer.fullAtMs, nowMs) + 1 / this.#perMs;
    this.#site.take();
    return "taken";
  }
}

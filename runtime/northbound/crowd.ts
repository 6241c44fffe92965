import type { Entropy } from "#ports/entropy.ts";

/** After a broker sent everybody away, or said that it is busy: nobody returns earlier than somewhere in here. */
const floorMs = { least: 30_000, most: 120_000 } as const;
/**
 * A long-lived connection that the other end closed: a broker died, and with it everybody's. First attempts spread over this time, and whoever comes too
 * early stands back this long and spreads again: of 500 gateways no more than 5 % return in any one second, however long it is away.
 */
const spreadMs = 60_000;
const retryMs = 30_000;

/** How long a gateway stands back for others that lost the same broker. */
export class Crowd {
  readonly #entropy: Entropy;
  readonly #maxMs: number;
  #isIn = false;

  /** @param maxMs no spreading beyond the configured longest pause */
  constructor(entropy: Entropy, maxMs: number) {
    this.#entropy = entropy;
    this.#maxMs = maxMs;
  }

  /** Connected, or another way out was found: whatever was lost is behind. */
  left(): void {
    this.#isIn = false;
  }

  /** A connection ended. @param withOthers as far as one can tell @returns ms to wait at least */
  lost(withOthers: boolean): number {
    this.#isIn = withOthers;
    return withOthers ? this.#spread(0) : 0;
  }

  /** @returns ms to wait at least */
  failed(): number {
    return this.#isIn ? this.#spread(retryMs) : 0;
  }

  /** @returns ms to wait at least */
  sentAway(): number {
    return floorMs.least + this.#entropy.random() * (floorMs.most - floorMs.least);
  }

  #spread(leastMs: number): number {
    return Math.min(this.#maxMs, leastMs + this.#entropy.random() * spreadMs);
  }
}

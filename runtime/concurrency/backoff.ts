import type { Entropy } from "#ports/entropy.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Exponential back-off with full jitter: uniform in [0, min(maxMs, firstMs x 2^n)], so that a fleet never returns in step. */
export class Backoff {
  #attempts = 0;
  readonly #options: BackoffOptions;
  readonly #entropy: Entropy;

  constructor(options: BackoffOptions, entropy: Entropy) {
    this.#options = options;
    this.#entropy = entropy;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** @param floorMs at least this long, e.g. after a broker sent everybody away */
  nextDelayMs(floorMs = 0): number {
    const ceilingMs = Math.min(this.#options.maxMs, this.#options.firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return Math.max(floorMs, this.#entropy.random() * ceilingMs);
  }

  reset(): void {
    this.#attempts = 0;
  }
}

/** When a unit that ended is started again, and when the process gives up on it. */
export interface RestartPolicy {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** This many crashes ... */
  readonly maxCrashes: number;
  /** ... within this time end the process, so that init starts it afresh. */
  readonly windowMs: number;
}

export const defaultRestartPolicy: RestartPolicy = { firstDelayMs: 200, maxDelayMs: 30_000, maxCrashes: 5, windowMs: 60_000 };

/** Counts the crashes of one unit. Times are monotonic milliseconds. */
export class CrashHistory {
  readonly #policy: RestartPolicy;
  readonly #crashesMs: number[] = [];

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** @returns the delay until the restart, or undefined when the process should give up */
  crashed(nowMs: number): number | undefined {
    const { windowMs, maxCrashes, firstDelayMs, maxDelayMs } = this.#policy;
    while ((this.#crashesMs[0] ?? nowMs) < nowMs - windowMs) this.#crashesMs.shift();
    this.#crashesMs.push(nowMs);
    if (this.#crashesMs.length >= maxCrashes) return undefined;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#crashesMs.length - 1));
  }
}

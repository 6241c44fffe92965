import type { BackoffOptions } from "../concurrency/backoff.ts";

/** How crashes of one unit are answered. */
export interface RestartPolicy {
  /** Pause before a restart: full jitter, doubling. */
  readonly backoff: BackoffOptions;
  /** So many crashes ... */
  readonly maxCrashes: number;
  /** ... within this time end the process, so that init starts it afresh. */
  readonly withinMs: number;
}

export const defaultRestartPolicy: RestartPolicy = { backoff: { firstMs: 200, maxMs: 10_000 }, maxCrashes: 5, withinMs: 60_000 };

/** Remembers the crashes of one unit, at most `maxCrashes` of them. */
export class CrashHistory {
  readonly #policy: RestartPolicy;
  #timesMs: readonly number[] = [];
  #total = 0;

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** Crashes since the start. */
  get total(): number {
    return this.#total;
  }

  /** Notes a crash. @returns whether the unit has crashed too often */
  add(nowMs: number): boolean {
    this.#total += 1;
    this.#timesMs = [...this.#timesMs, nowMs].filter((timeMs) => nowMs - timeMs < this.#policy.withinMs).slice(-this.#policy.maxCrashes);
    return this.#timesMs.length >= this.#policy.maxCrashes;
  }

  /** Whether the crash before the last was long ago: the unit had recovered, and its pauses begin small again. */
  hadRecovered(nowMs: number): boolean {
    const previousMs = this.#timesMs.at(-2);
    return previousMs === undefined || nowMs - previousMs >= this.#policy.withinMs;
  }
}

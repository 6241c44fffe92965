import type { Clock } from "#ports/clock.ts";

/** Whoever waits for something to change is woken; a wake-up says only: look again. */
export class News {
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #count = 0;

  /** Grows with each announcement. */
  get count(): number {
    return this.#count;
  }

  announce(): void {
    this.#count += 1;
    for (const wake of [...this.#waiters]) wake();
  }

  /** Resolves at the next news, or after `ms`, or with the signal; at once when there was news since the count that was seen. */
  next(ms: number, signal: AbortSignal, seen = this.#count): Promise<void> {
    if (this.#count > seen) return Promise.resolve();
    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    const woken = new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiters.delete(wake);
        resolve();
      };
      this.#waiters.add(wake);
      ended.addEventListener("abort", wake, { once: true });
      if (ended.aborted) wake();
    });
    const late = this.#clock.sleep(ms, ended).catch(() => undefined);
    return Promise.race([woken, late]).finally(() => over.abort(new Error("news")));
  }
}

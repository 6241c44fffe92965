import type { Clock } from "#ports/clock.ts";

/** Whoever waits for something to change is woken; a wake-up says only: look again. */
export class News {
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  announce(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** Resolves at the next news, or after `ms`, or with the signal. */
  next(ms: number, signal: AbortSignal): Promise<void> {
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

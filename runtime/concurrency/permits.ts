/** Counting semaphore, first come first served; waiters that abort leave the line. */
export class Permits {
  #free: number;
  #waiters: Waiter[] = [];
  readonly #watched = new WeakSet<AbortSignal>();

  constructor(count: number) {
    this.#free = count;
  }

  get free(): number {
    return this.#free;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Takes a permit if one is free; to be given back by `release`, once. */
  tryTake(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Takes a permit as soon as one is free; to be given back by `release`, once. Rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.tryTake()) await this.#wait(signal);
  }

  release(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#free += 1;
    else next.admitted();
  }

  /** Resolves with the release; calling that twice does nothing. Rejects with the signal's reason. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    await this.take(signal);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.release();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    this.#watch(signal);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ signal, admitted: resolve, gaveUp: () => reject(signal.reason) });
    });
  }

  /** One listener a signal, not one a waiter: hundreds wait with the same one, whose list of listeners is searched at every change. */
  #watch(signal: AbortSignal): void {
    if (this.#watched.has(signal)) return;
    this.#watched.add(signal);
    const leave = (): void => {
      const leaving = this.#waiters.filter((waiter) => waiter.signal === signal);
      this.#waiters = this.#waiters.filter((waiter) => waiter.signal !== signal);
      for (const { gaveUp } of leaving) gaveUp();
    };
    signal.addEventListener("abort", leave, { once: true });
  }
}

interface Waiter {
  readonly signal: AbortSignal;
  readonly admitted: () => void;
  readonly gaveUp: () => void;
}

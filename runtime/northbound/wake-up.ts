import type { Clock } from "#ports/clock.ts";

/** A sleep that anybody can cut short. A call of `wake` while nobody sleeps makes the next sleep end at once. */
export class WakeUp {
  readonly #clock: Clock;
  #woken = false;
  #sleeping: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bound: handed out as a callback. */
  readonly wake = (): void => {
    this.#woken = true;
    this.#sleeping?.abort();
  };

  /** Resolves after `ms`, or at the next `wake`. */
  async sleep(ms: number): Promise<void> {
    if (!this.#woken) {
      const sleeping = new AbortController();
      this.#sleeping = sleeping;
      try {
        await this.#clock.sleep(ms, sleeping.signal);
      } catch (reason) {
        if (!sleeping.signal.aborted) throw reason;
      }
      this.#sleeping = undefined;
    }
    this.#woken = false;
  }
}

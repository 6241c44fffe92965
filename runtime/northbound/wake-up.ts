import type { Clock } from "#ports/clock.ts";

/** One for all: a reason of its own for each would take a stack trace every time. */
const awake = new Error("awake");

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
    this.#sleeping?.abort(awake);
  };

  /** Resolves after `ms` with false, or at the next `wake` with true. */
  async sleep(ms: number): Promise<boolean> {
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
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }
}

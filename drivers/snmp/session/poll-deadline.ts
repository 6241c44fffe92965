import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";

/** A signal that aborts with the caller's own or with `driver.limit` at the deadline. `done` must be called. */
export interface PollDeadline {
  readonly signal: AbortSignal;
  done(): void;
}

/** One for all: taking a stack for each poll costs more than the poll's arithmetic. */
const earlier = new Error("an earlier deadline came");

/** The watch never sleeps longer than this, so that nothing is left behind for long when the last poll has ended. */
const longestSleepMs = 250;

/**
 * The open deadlines of one clock behind one timer: most polls end long before theirs, and a timer, two signals and an event a poll cost more than
 * its decoding. For the same reason the watch is not woken when the last poll under way has ended, as it does many times a second: it finds out by
 * itself. As many as there are polls and long tasks under way.
 */
class Deadlines {
  readonly #clock: Clock;
  readonly #open = new Map<AbortController, number>();
  #untilMs = Number.POSITIVE_INFINITY;
  #wake: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(controller: AbortController, deadlineMs: number): void {
    this.#open.set(controller, deadlineMs);
    if (this.#wake === undefined) void this.#watch();
    else if (deadlineMs < this.#untilMs) this.#wake.abort(earlier);
  }

  remove(controller: AbortController): void {
    this.#open.delete(controller);
  }

  async #watch(): Promise<void> {
    while (this.#open.size > 0) {
      if (this.#wake === undefined || this.#wake.signal.aborted) this.#wake = new AbortController();
      const { signal } = this.#wake;
      const startedMs = this.#clock.monotonicMs();
      this.#untilMs = Math.min(startedMs + longestSleepMs, ...this.#open.values());
      await this.#clock.sleep(Math.max(this.#untilMs - startedMs, 0), signal).catch((reason: unknown) => {
        if (!signal.aborted && !isGatewayError(reason)) throw reason;
      });
      this.#cutOff(this.#clock.monotonicMs());
    }
    this.#wake = undefined;
  }

  #cutOff(nowMs: number): void {
    for (const [controller, deadlineMs] of this.#open) {
      if (deadlineMs > nowMs) continue;
      this.#open.delete(controller);
      controller.abort(new GatewayError("driver.limit", { message: "the poll's deadline came first" }));
    }
  }
}

const deadlinesOf = new WeakMap<Clock, Deadlines>();

/** What ends with a signal. All polls end with the same one, whose own list of listeners is searched from its beginning at every change. */
const followers = new WeakMap<AbortSignal, Set<AbortController>>();

function followersOf(outer: AbortSignal): Set<AbortController> {
  const known = followers.get(outer);
  if (known !== undefined) return known;
  const made = new Set<AbortController>();
  followers.set(outer, made);
  const abort = (): void => {
    for (const controller of made) controller.abort(outer.reason);
  };
  outer.addEventListener("abort", abort, { once: true });
  return made;
}

export function pollDeadline(clock: Clock, deadlineMs: number, outer: AbortSignal): PollDeadline {
  const controller = new AbortController();
  const together = followersOf(outer);
  if (outer.aborted) controller.abort(outer.reason);
  else together.add(controller);
  const deadlines = deadlinesOf.get(clock) ?? new Deadlines(clock);
  deadlinesOf.set(clock, deadlines);
  deadlines.add(controller, deadlineMs);
  return {
    signal: controller.signal,
    done(): void {
      together.delete(controller);
      deadlines.remove(controller);
    },
  };
}

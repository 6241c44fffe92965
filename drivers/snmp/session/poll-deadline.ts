import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";

/** A signal that aborts with the caller's own or with `driver.limit` at the deadline. `done` must be called. */
export interface PollDeadline {
  readonly signal: AbortSignal;
  /** @param isForgotten nobody holds the signal any more: it may serve another poll */
  done(isForgotten?: boolean): void;
}

/** One for all: taking a stack for each poll costs more than the poll's arithmetic. */
const earlier = new Error("an earlier deadline came");

/** The watch never sleeps longer than this, so that nothing is left behind for long when the last poll has ended. */
const longestSleepMs = 250;
/** Deadlines that wait for their next use: about as many as there are polls under way at once. */
const maxIdle = 256;

/** One poll's deadline, and after it another's: a controller, its signal and places in maps made for each poll outlive it by half a minute. */
class OpenDeadline implements PollDeadline {
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  /** NaN at first, so that it is a number in place for good. */
  deadlineMs = Number.NaN;
  outer: AbortSignal | undefined;
  /** Among the open ones; -1 = it is not open. */
  place = -1;
  readonly #among: Deadlines;

  constructor(among: Deadlines) {
    this.#among = among;
  }

  done(isForgotten = false): void {
    this.#among.remove(this);
    this.outer = undefined;
    if (isForgotten && !this.signal.aborted) this.#among.giveBack(this);
  }
}

/**
 * The open deadlines of one clock behind one timer: most polls end long before theirs, and a timer, two signals and an event a poll cost more than
 * its decoding. For the same reason the watch is not woken when the last poll under way has ended, as it does many times a second: it finds out by
 * itself. As many as there are polls and long tasks under way.
 */
class Deadlines {
  readonly #clock: Clock;
  /** In no order: the last takes the place of one that goes. */
  readonly #open: OpenDeadline[] = [];
  readonly #idle: OpenDeadline[] = [];
  /** Whose end is listened for. All polls end with the same signal, whose own list of listeners is searched from its beginning at every change. */
  readonly #outers = new WeakSet<AbortSignal>();
  #untilMs = Number.POSITIVE_INFINITY;
  #wake: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(deadlineMs: number, outer: AbortSignal): PollDeadline {
    const deadline = this.#idle.pop() ?? new OpenDeadline(this);
    deadline.deadlineMs = deadlineMs;
    deadline.outer = outer;
    deadline.place = this.#open.length;
    this.#open.push(deadline);
    if (outer.aborted) deadline.controller.abort(outer.reason);
    else this.#follow(outer);
    if (this.#wake === undefined) void this.#watch();
    else if (deadlineMs < this.#untilMs) this.#wake.abort(earlier);
    return deadline;
  }

  remove(deadline: OpenDeadline): void {
    const { place } = deadline;
    const last = this.#open.at(-1);
    if (place < 0 || last === undefined) return;
    this.#open[place] = last;
    last.place = place;
    this.#open.pop();
    deadline.place = -1;
  }

  giveBack(deadline: OpenDeadline): void {
    if (this.#idle.length < maxIdle) this.#idle.push(deadline);
  }

  #follow(outer: AbortSignal): void {
    if (this.#outers.has(outer)) return;
    this.#outers.add(outer);
    const abort = (): void => {
      for (const deadline of [...this.#open]) if (deadline.outer === outer) deadline.controller.abort(outer.reason);
    };
    outer.addEventListener("abort", abort, { once: true });
  }

  async #watch(): Promise<void> {
    while (this.#open.length > 0) {
      if (this.#wake === undefined || this.#wake.signal.aborted) this.#wake = new AbortController();
      const { signal } = this.#wake;
      const startedMs = this.#clock.monotonicMs();
      this.#untilMs = startedMs + longestSleepMs;
      for (const { deadlineMs } of this.#open) if (deadlineMs < this.#untilMs) this.#untilMs = deadlineMs;
      await this.#clock.sleep(Math.max(this.#untilMs - startedMs, 0), signal).catch((reason: unknown) => {
        if (!signal.aborted && !isGatewayError(reason)) throw reason;
      });
      this.#cutOff(this.#clock.monotonicMs());
    }
    this.#wake = undefined;
  }

  #cutOff(nowMs: number): void {
    for (const deadline of this.#open.filter(({ deadlineMs }) => deadlineMs <= nowMs)) {
      this.remove(deadline);
      deadline.controller.abort(new GatewayError("driver.limit", { message: "the poll's deadline came first" }));
    }
  }
}

const deadlinesOf = new WeakMap<Clock, Deadlines>();

export function pollDeadline(clock: Clock, deadlineMs: number, outer: AbortSignal): PollDeadline {
  const known = deadlinesOf.get(clock);
  if (known !== undefined) return known.open(deadlineMs, outer);
  const made = new Deadlines(clock);
  deadlinesOf.set(clock, made);
  return made.open(deadlineMs, outer);
}

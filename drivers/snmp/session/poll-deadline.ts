import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";

/** One for all: taking a stack for each poll costs more than the poll's arithmetic. */
const finished = new Error("finished");

/** A signal that aborts with the caller's own or with `driver.limit` at the deadline. `done` must be called. */
export interface PollDeadline {
  readonly signal: AbortSignal;
  done(): void;
}

export function pollDeadline(clock: Clock, deadlineMs: number, outer: AbortSignal): PollDeadline {
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer.reason);
  if (outer.aborted) abort();
  else outer.addEventListener("abort", abort, { once: true });
  const timer = new AbortController();
  clock.sleep(Math.max(deadlineMs - clock.monotonicMs(), 0), timer.signal).then(
    () => controller.abort(new GatewayError("driver.limit", { message: "the poll's deadline came first" })),
    // The only way to get here is done() below.
    () => undefined,
  );
  return {
    signal: controller.signal,
    done(): void {
      outer.removeEventListener("abort", abort);
      timer.abort(finished);
    },
  };
}

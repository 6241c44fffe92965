import type { Clock } from "#ports/clock.ts";

/** Resolves after `ms`, or earlier when `done` aborts. Rejects with the signal's reason. */
export async function after(clock: Clock, ms: number, signal: AbortSignal, done: AbortSignal): Promise<void> {
  await clock.sleep(ms, AbortSignal.any([signal, done])).catch((reason: unknown) => {
    if (signal.aborted || !done.aborted) throw reason;
  });
}

import type { Clock } from "#ports/clock.ts";

/** How often it is looked whose time is over. */
const tickMs = 50;
/** A tick so late means that this process stood still: a sync of the disk, a machine that had no time for it. */
const stallMs = 100;

/**
 * Resolves with the time when it is to be looked whose time is over. After a stall one turn later: answers that came meanwhile are read before anybody is called
 * silent.
 */
export async function nextTick(clock: Clock, signal: AbortSignal): Promise<number> {
  for (let isLast = false; ; isLast = true) {
    const dueMs = clock.monotonicMs() + tickMs;
    await clock.sleep(tickMs, signal).catch(() => undefined);
    const nowMs = clock.monotonicMs();
    if (isLast || nowMs <= dueMs + stallMs) return nowMs;
  }
}

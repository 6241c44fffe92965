import type { Instant } from "#model/time.ts";
import type { State } from "#ports/state.ts";

const key = "clock.floor-ms";
/** Flash: what a boot without a battery may be wrong by at least, in exchange for 24 writes a day. */
const everyMs = 3_600_000;
/** This program did not exist before: the floor of a gateway that was never synchronised. */
export const programFloorMs = Date.UTC(2026, 0, 1);

/** The latest wall time that was known to be past when the state was last written. */
export function readWallFloor(state: Pick<State, "getText">): number {
  const kept = Number(state.getText(key));
  // A date that no clock of ours can have shown is damage, not time.
  return Number.isSafeInteger(kept) && kept < maxFloorMs ? Math.max(kept, programFloorMs) : programFloorMs;
}

const maxFloorMs = Date.UTC(2200, 0, 1);

/** Keeps the wall time in the state: hourly and at the end, and only what somebody vouched for. */
export class WallFloor {
  readonly #state: Pick<State, "put">;
  #keptMs = Number.NEGATIVE_INFINITY;

  constructor(state: Pick<State, "put">) {
    this.#state = state;
  }

  /** @param now may come at any rate; @param isLast at a clean stop, whenever the last one was */
  keep(now: Instant, isLast = false): void {
    if (now.quality === "unanchored" || (!isLast && now.monotonicMs - this.#keptMs < everyMs)) return;
    this.#state.put({ [key]: String(now.wallMs) });
    this.#keptMs = now.monotonicMs;
  }
}

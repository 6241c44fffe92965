import type { Frame } from "#model/chunk.ts";
import type { GapRecord } from "#model/observation.ts";
import type { Instant } from "#model/time.ts";

/** What is known of the process before this one. */
export interface PreviousTenure {
  readonly clean: boolean;
  /** Wall time and boot of its last durable poll. */
  readonly polledAtMs: number | undefined;
  readonly pollBootId: string | undefined;
}

/** This process's turn at the buffer, and the gap between it and the one before. */
export class Tenure {
  readonly polledAtMs: number | undefined;
  readonly pollBootId: string | undefined;
  #restartPending: boolean;

  constructor(previous: PreviousTenure) {
    this.polledAtMs = previous.polledAtMs;
    this.pollBootId = previous.pollBootId;
    this.#restartPending = !previous.clean;
  }

  /** The gap `restart`, once, with the first telemetry after an unclean start. Dates are left out rather than invented. */
  takeRestart(first: Frame, now: Instant): GapRecord | undefined {
    if (!this.#restartPending) return undefined;
    this.#restartPending = false;
    const isDated = now.quality !== "unanchored";
    return {
      kind: "gap",
      observedAt: now,
      reason: "restart",
      ...(isDated && this.polledAtMs !== undefined && this.polledAtMs <= first.wallMs ? { fromMs: this.polledAtMs } : {}),
      ...(isDated ? { toMs: first.wallMs } : {}),
    };
  }
}

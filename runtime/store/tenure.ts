import { type Frame, unanchoredFlag } from "#model/chunk.ts";
import type { GapRecord } from "#model/observation.ts";
import type { Instant } from "#model/time.ts";
import type { CommitPlan } from "./commit-plan.ts";
import type { HeldFrame } from "./held-frame.ts";
import type { Snapshot } from "./record.ts";

/** This process's turn at the buffer, and the gap between it and the one before. */
export class Tenure {
  #restartPending: boolean;
  #polledAtMs: number | undefined;
  #pollBootId: string | undefined;

  /** @param isClean the process before this one said good-bye */
  constructor(isClean: boolean, previous: Pick<Snapshot, "polledAtMs" | "pollBootId">) {
    this.#restartPending = !isClean;
    this.#polledAtMs = previous.polledAtMs;
    this.#pollBootId = previous.pollBootId;
  }

  /** The gap `restart`, once, with the first telemetry after an unclean start. Dates are left out rather than invented. */
  takeRestart(first: Pick<Frame, "wallMs">, now: Instant): GapRecord | undefined {
    if (!this.#restartPending) return undefined;
    this.#restartPending = false;
    const isDated = now.quality !== "unanchored";
    return {
      kind: "gap",
      observedAt: now,
      reason: "restart",
      ...(isDated && this.#polledAtMs !== undefined && this.#polledAtMs <= first.wallMs ? { fromMs: this.#polledAtMs } : {}),
      ...(isDated ? { toMs: first.wallMs } : {}),
    };
  }

  /** Remembers the newest telemetry that becomes durable with `plan`; without a date where nobody vouched for the clock. */
  notePolls(plan: CommitPlan): void {
    this.#note(plan.journal);
    for (const { frames } of plan.seals) this.#note(frames);
  }

  #note(frames: readonly HeldFrame[]): void {
    for (const held of frames) {
      if (held.kind !== "group" || held.recordSeq !== undefined) continue;
      // What an earlier boot's clock said is no bound: it may have run days ahead.
      const before = this.#pollBootId === held.bootId ? this.#polledAtMs : undefined;
      const isDated = ((held.slot?.flags ?? 0) & unanchoredFlag) === 0;
      this.#polledAtMs = isDated ? Math.max(before ?? 0, held.wallMs) : before;
      this.#pollBootId = held.bootId;
    }
  }

  get snapshot(): Pick<Snapshot, "polledAtMs" | "pollBootId"> {
    return {
      ...(this.#polledAtMs === undefined ? {} : { polledAtMs: this.#polledAtMs }),
      ...(this.#pollBootId === undefined ? {} : { pollBootId: this.#pollBootId }),
    };
  }
}

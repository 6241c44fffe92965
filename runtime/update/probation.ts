import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Running, Slots } from "./slots.ts";
import type { Outcome, UpdateMemory } from "./update-memory.ts";

export interface ProbationParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly slots: Slots;
  readonly memory: UpdateMemory;
  readonly self: { readonly version: string; readonly slot?: Running };
  readonly healthy: () => Promise<boolean>;
  readonly nocReached: () => boolean;
  readonly probationMs: number;
}

/** Longest pause between two looks; a short probation is looked at more often. */
const longestLookMs = 1_000;
/** Longest probation in times of the shortest: a NOC or a site may be slow, a broken version must not stay. */
const patience = 5;

/** The time after a switch in which the new version has to prove itself, and what is done when it does not. */
export class Probation {
  readonly #parts: ProbationParts;

  constructor(parts: ProbationParts) {
    this.#parts = parts;
  }

  /** Whether the program that runs is the one that waits to be confirmed. */
  isOn(): boolean {
    const { slots, self } = this.#parts;
    const { pending } = slots.boot();
    return pending !== undefined && pending === self.slot;
  }

  /** After a start of the old version: what was switched to did not stay. It is never tried again. */
  settleFailure(): Outcome | undefined {
    const { slots, memory, self, logger } = this.#parts;
    const failed = slots.takeFailure();
    const armed = memory.armed();
    if (armed === undefined) return undefined;
    const { pending, active } = slots.boot();
    // Armed in the state, but the power went before the slot was: nothing was tried, it is begun again.
    if (failed === undefined && (pending === armed.slot || active === armed.slot))
      return this.#confirmedBefore(armed.slot === active && self.slot === active);
    if (failed === undefined && self.version === armed.from && memory.wanted() !== undefined) return undefined;
    memory.blacklist(armed.target.version, armed.sha256);
    const message = `${armed.target.version} did not come up, or was not confirmed: back to ${self.version}`;
    logger.error({ version: armed.target.version }, message);
    return { phase: "rolled-back", target: armed.target, problem: { code: "update.refused", message } };
  }

  /** The power went between confirming the slot and noting it. */
  #confirmedBefore(isConfirmed: boolean): Outcome | undefined {
    const armed = this.#parts.memory.armed();
    return isConfirmed && armed !== undefined ? { phase: "confirmed", target: armed.target } : undefined;
  }

  /** Until it is confirmed or given up; undefined when the gateway stops before, the launcher goes on counting then. */
  async run(signal: AbortSignal): Promise<Outcome | undefined> {
    const { clock, logger, slots, memory, self, probationMs } = this.#parts;
    const armed = memory.armed();
    const target = armed?.target ?? { version: self.version };
    const startMs = clock.monotonicMs();
    const lookMs = Math.min(longestLookMs, probationMs / 4);
    let healthySinceMs: number | undefined;
    let problem = "";
    while (!signal.aborted) {
      await clock.sleep(lookMs, signal).catch(() => undefined);
      if (signal.aborted) return undefined;
      const nowMs = clock.monotonicMs();
      problem = await this.#missing(armed?.nocReached === true);
      healthySinceMs = problem === "" ? (healthySinceMs ?? nowMs) : undefined;
      if (healthySinceMs !== undefined && nowMs - healthySinceMs >= probationMs && (self.slot === "a" || self.slot === "b")) {
        slots.confirm(self.slot);
        logger.info({ version: self.version, slot: self.slot }, "the new version is confirmed");
        return { phase: "confirmed", target };
      }
      if (nowMs - startMs > patience * probationMs) break;
    }
    if (armed !== undefined) memory.blacklist(armed.target.version, armed.sha256);
    const message = `${self.version} did not prove itself within ${Math.round((patience * probationMs) / 1_000)} s: ${problem}`;
    logger.error({ version: self.version, problem }, "the new version is given up");
    memory.settle({ phase: "rolled-back", target, problem: { code: "update.refused", message } });
    slots.giveUp();
    return { phase: "rolled-back", target, problem: { code: "update.refused", message } };
  }

  async #missing(nocExpected: boolean): Promise<string> {
    if (!(await this.#parts.healthy())) return "polls do not finish, or commits do not succeed";
    return nocExpected && !this.#parts.nocReached() ? "the NOC is not reached, and was before" : "";
  }
}

import type { Observation } from "#model/observation.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";

/**
 * Observations that may wait for the disk before polling pauses: those that need to be durable, and, once the buffer's open group is full, all. Some
 * kilobytes each, as they wait encoded.
 */
const mostWaiting = 512;

/**
 * What polls found out, on its way into the buffer: handed over at once and in order, and waited for by no equipment's slot and no permit. All that
 * wait share the disk's next sync.
 */
export class Admission {
  readonly #intake: Intake;
  readonly #logger: Logger;
  readonly #onFailure: (error: unknown) => void;
  #waiting = 0;
  #wasFull = false;
  /** Slots that were not served since the pause began. */
  #heldBack = 0;
  #empty: (() => void) | undefined;

  /** @param onFailure told what the intake threw: a closed buffer, or a bug */
  constructor(parts: { readonly intake: Intake; readonly logger: Logger; readonly onFailure: (error: unknown) => void }) {
    this.#intake = parts.intake;
    this.#logger = parts.logger;
    this.#onFailure = parts.onFailure;
  }

  /** The intake has looked at it when this returns; its columns may be used again. */
  offer(observation: Observation): void {
    this.#waiting += 1;
    // One pair of functions for all: hundreds of observations a second come by here.
    this.#intake.accept(observation).then(this.#taken, this.#refused);
  }

  /** Whether the disk is so far behind that nobody should be asked for more: what they said would have no place. */
  get isFull(): boolean {
    return this.#waiting >= mostWaiting;
  }

  /** A slot was not served because of that. Told when it begins and when it is over. */
  heldBack(): void {
    this.#heldBack += 1;
    if (this.#wasFull) return;
    this.#wasFull = true;
    this.#logger.warn({ waiting: this.#waiting }, "polling pauses: the disk does not keep up with what was found");
  }

  /** Resolves once nothing waits any more; nothing may be offered meanwhile. */
  async settled(): Promise<void> {
    if (this.#waiting === 0) return;
    await new Promise<void>((resolve) => {
      this.#empty = resolve;
    });
  }

  readonly #taken = (): void => {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#empty?.();
    // Not before half of it is written, or it would be told at every sync.
    if (!this.#wasFull || this.#waiting > mostWaiting / 2) return;
    this.#logger.info({ slots: this.#heldBack }, "polling goes on: the disk has caught up");
    this.#wasFull = false;
    this.#heldBack = 0;
  };

  readonly #refused = (error: unknown): void => {
    this.#taken();
    this.#onFailure(error);
  };
}

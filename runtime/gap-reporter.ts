import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";

const lookEveryMs = 5_000;

/** What the buffer had to give up is told to the NOC like any other observation: nothing is lost in silence. */
export class GapReporter implements Unit {
  readonly name = "gap-reporter";
  readonly #buffer: Buffer;
  readonly #intake: Intake;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(parts: { readonly buffer: Buffer; readonly intake: Intake; readonly clock: Clock; readonly logger: Logger }) {
    this.#buffer = parts.buffer;
    this.#intake = parts.intake;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const told = this.#buffer.takeGaps().map((gap) => {
        const { reason, stream, fromSeq, toSeq, samples } = gap;
        this.#logger.warn({ reason, stream, fromSeq, toSeq, samples }, "measurements are missing");
        return this.#intake.accept(gap);
      });
      // One sync of the disk for all of them.
      await Promise.all(told);
      try {
        await this.#clock.sleep(lookEveryMs, signal);
      } catch (reason) {
        if (!signal.aborted) throw reason;
      }
    }
  }
}

import type { AnchorRecord } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";

const watchEveryMs = 10_000;

/** Sends each new clock anchor to the NOC, which re-stamps that boot's unanchored chunks with it, and says when the clock's quality changes. */
export class ClockWatch implements Unit {
  readonly name = "clock-watch";
  readonly #clock: Clock;
  readonly #intake: Intake;
  readonly #logger: Logger;
  /** Monotonic time of the newest anchor sent: survives the thinning of the clock's list. */
  #sentUpToMs = Number.NEGATIVE_INFINITY;
  #quality: string | undefined;

  constructor(parts: { readonly clock: Clock; readonly intake: Intake; readonly logger: Logger }) {
    this.#clock = parts.clock;
    this.#intake = parts.intake;
    this.#logger = parts.logger;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look();
      try {
        await this.#clock.sleep(watchEveryMs, signal);
      } catch (reason) {
        if (!signal.aborted) throw reason;
      }
    }
  }

  async #look(): Promise<void> {
    const observedAt = this.#clock.now();
    if (observedAt.quality !== this.#quality) {
      this.#quality = observedAt.quality;
      this.#logger.info({ quality: observedAt.quality }, "clock quality");
    }
    for (const anchor of this.#clock.anchors()) {
      if (anchor.monotonicMs <= this.#sentUpToMs) continue;
      this.#sentUpToMs = anchor.monotonicMs;
      const record: AnchorRecord = { kind: "anchor", observedAt, anchor };
      await this.#intake.accept(record);
    }
  }
}

import { isGatewayError } from "#model/errors.ts";
import type { AnchorRecord } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { WallFloor } from "./clock-floor.ts";

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
  readonly #floor: WallFloor;

  constructor(parts: { readonly clock: Clock; readonly intake: Intake; readonly logger: Logger; readonly state: Pick<State, "put"> }) {
    this.#clock = parts.clock;
    this.#intake = parts.intake;
    this.#logger = parts.logger;
    this.#floor = new WallFloor(parts.state);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look();
      this.#keepFloor(false);
      try {
        await this.#clock.sleep(watchEveryMs, signal);
      } catch (reason) {
        if (!signal.aborted) throw reason;
      }
    }
    this.#keepFloor(true);
  }

  #keepFloor(isLast: boolean): void {
    try {
      this.#floor.keep(this.#clock.now(), isLast);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      // A full disk: an older floor is still a floor. The store says what is wrong with the disk.
      this.#logger.debug({ code: error.code }, "the wall time could not be kept");
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

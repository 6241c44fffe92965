import { isGatewayError } from "#model/errors.ts";
import type { AnchorRecord } from "#model/observation.ts";
import type { ClockAnchor } from "#model/time.ts";
import type { Clock } from "#ports/clock.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { AnchorBook } from "./clock-anchors.ts";
import { WallFloor } from "./clock-floor.ts";

const watchEveryMs = 10_000;

export interface ClockWatchParts {
  readonly clock: Clock;
  readonly intake: Intake;
  readonly logger: Logger;
  /** Where the wall clock's floor and the anchors of earlier boots are kept. */
  readonly state: Pick<State, "getText" | "put">;
}

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
  readonly #book: AnchorBook;

  constructor(parts: ClockWatchParts) {
    this.#clock = parts.clock;
    this.#intake = parts.intake;
    this.#logger = parts.logger;
    this.#floor = new WallFloor(parts.state);
    this.#book = new AnchorBook(parts.state);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { bootId } = this.#clock.now();
    const earlier = this.#book.of((anchor) => anchor.bootId !== bootId);
    await Promise.all([...earlier.map((anchor) => this.#tell(anchor)), this.#look()]);
    while (!signal.aborted) {
      this.#keepFloor(false);
      try {
        await this.#clock.sleep(watchEveryMs, signal);
      } catch (reason) {
        if (!signal.aborted) throw reason;
      }
      if (!signal.aborted) await this.#look();
    }
    this.#keepFloor(true);
  }

  #keepFloor(isLast: boolean): void {
    this.#attempt("the wall time could not be kept", () => this.#floor.keep(this.#clock.now(), isLast));
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
      this.#attempt("the anchor could not be kept", () => this.#book.add(anchor));
      await this.#tell(anchor);
    }
  }

  async #tell(anchor: ClockAnchor): Promise<void> {
    const record: AnchorRecord = { kind: "anchor", observedAt: this.#clock.now(), anchor };
    await this.#intake.accept(record);
  }

  /** A full disk is no reason to stop; the store says what is wrong with it. */
  #attempt(failed: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#logger.debug({ code: error.code }, failed);
    }
  }
}

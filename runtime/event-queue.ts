import type { Event } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";

/** Events that wait for admission; a receiver never waits, so beyond it the newest are dropped and counted. */
const maxWaiting = 2_000;

/** Where receivers put events: a bounded queue that feeds the intake, and says in one event how many it had to drop. */
export class EventQueue implements EventSink, Unit {
  readonly name = "event-queue";
  readonly #clock: Clock;
  readonly #logger: Logger;
  #intake: Intake | undefined;
  readonly #waiting: Event[] = [];
  #dropped = 0;
  #droppedSinceReport = 0;
  /** Ends the pause of who waits for an event. */
  #wake: (() => void) | undefined;

  constructor(parts: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  /** The intake exists only after the sink: the assembly closes the circle before anything runs. */
  feeds(intake: Intake): this {
    this.#intake = intake;
    return this;
  }

  get dropped(): number {
    return this.#dropped;
  }

  offer(event: Event): void {
    if (this.#waiting.length < maxWaiting) {
      this.#waiting.push(event);
    } else {
      this.#dropped += 1;
      this.#droppedSinceReport += 1;
    }
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#flush();
      await this.#news(signal);
    }
    await this.#flush();
  }

  /** Until something was offered, or the end. Nothing ticks meanwhile: most sites have no event for minutes. */
  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const woken = (): void => {
        signal.removeEventListener("abort", woken);
        this.#wake = undefined;
        resolve();
      };
      if (signal.aborted || this.#waiting.length > 0 || this.#droppedSinceReport > 0) {
        resolve();
        return;
      }
      this.#wake = woken;
      signal.addEventListener("abort", woken, { once: true });
    });
  }

  async #flush(): Promise<void> {
    const intake = this.#intake;
    if (intake === undefined) return;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) await intake.accept(event);
    if (this.#droppedSinceReport === 0) return;
    const dropped = this.#droppedSinceReport;
    this.#droppedSinceReport = 0;
    this.#logger.warn({ dropped }, "events were dropped: they came faster than the buffer takes them");
    await intake.accept({
      kind: "event",
      type: "gateway.events-dropped",
      source: "gateway",
      severity: "warning",
      text: `${dropped} events were dropped: they came faster than the buffer takes them`,
      observedAt: this.#clock.now(),
      attributes: { dropped },
    });
  }
}

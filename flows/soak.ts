import type { Clock } from "#ports/clock.ts";
import type { CompiledUnit } from "./compile/unit.ts";
import type { FlowSet } from "./flow-set.ts";
import { broken, hasReported, type UnitTracker } from "./health.ts";

const lookEveryMs = 50;
/** A look that comes later than this was held up by the machine: only so much of it counts. */
const maxCountedMs = 2 * lookEveryMs;
/** A host whose last sign of life is older does not run its flows at present: it is asked once a second. */
const lateSignMs = 1_500;
/** The machine may be slow, a service may wait for answers: but not for ever. In windows of the first report. */
const maxPatience = 4;
const maxPollMs = 900_000;
const waitForSignMs = 90_000;

export interface SoakParts {
  readonly clock: Clock;
  readonly set: FlowSet;
  readonly tracker: UnitTracker;
  /** Asks the flow host for a sign of life, and when the last one came (monotonic milliseconds). */
  readonly life: { ping(): void; lastSignMs(): number };
  /** Orders of a unit that nobody has answered yet. */
  readonly openOrders: (unit: string) => number;
  /** undefined = not configured here. */
  readonly pollIntervalMs: (equipment: string) => number | undefined;
}

/** The time in which a deployed unit must prove itself. */
export class Soak {
  readonly #parts: SoakParts;

  constructor(parts: SoakParts) {
    this.#parts = parts;
  }

  /**
   * Ends when the rule has held long enough, or the trial has failed. The window of the first report counts only time in which the unit could
   * have reported: not while the flow host or this process is behind, not while an order of the unit waits for its answer, and from the first poll
   * on that it listens to.
   */
  async run(unit: CompiledUnit, signal: AbortSignal): Promise<void> {
    const { clock, set, tracker } = this.#parts;
    const { health } = unit;
    const soakMs = health.soakS * 1_000;
    const windowMs = Math.max(soakMs, (health.firstReport?.withinS ?? 0) * 1_000) + this.#firstPollMs(unit);
    const beganMs = clock.monotonicMs();
    let [lookedMs, countedMs] = [beganMs, 0];
    while (set.trials.get(unit.id)?.failure === undefined) {
      const nowMs = clock.monotonicMs();
      if (!this.#isHeldUp(unit.id, nowMs)) countedMs += Math.min(nowMs - lookedMs, maxCountedMs);
      lookedMs = nowMs;
      const facts = tracker.of(unit.id);
      const reason = broken(health, facts, unit.id);
      const reported = hasReported(health, facts);
      const isOver = countedMs >= windowMs || nowMs - beganMs >= maxPatience * windowMs;
      if (reason !== undefined) fail(set, unit.id, reason);
      else if (reported && nowMs - beganMs >= soakMs) break;
      else if (!reported && isOver) fail(set, unit.id, `no report within ${health.firstReport?.withinS} s`);
      else await clock.sleep(lookEveryMs, signal);
    }
    await this.#proveAlive(unit.id, signal);
  }

  #isHeldUp(unit: string, nowMs: number): boolean {
    const { life, openOrders } = this.#parts;
    return nowMs - life.lastSignMs() > lateSignMs || openOrders(unit) > 0;
  }

  /** What has no clock of its own can say nothing before the equipment it listens to was polled. */
  #firstPollMs({ health, nodes }: CompiledUnit): number {
    if (health.firstReport === undefined || nodes.some(({ type }) => type === "probe" || type === "inject")) return 0;
    const intervals = nodes
      .filter(({ type }) => type === "metric in")
      .map(({ equipment }) => (typeof equipment === "string" ? (this.#parts.pollIntervalMs(equipment) ?? 0) : 0));
    return Math.min(maxPollMs, Math.max(0, ...intervals));
  }

  /** A soak that nobody broke may be that of a host that hangs: only a sign of life from after it counts. A child that died must run again. */
  async #proveAlive(id: string, signal: AbortSignal): Promise<void> {
    const { clock, set, life } = this.#parts;
    const endMs = clock.monotonicMs();
    life.ping();
    while (set.trials.get(id)?.failure === undefined && life.lastSignMs() < endMs) {
      await clock.sleep(lookEveryMs / 5, signal);
      if (clock.monotonicMs() - endMs > waitForSignMs) fail(set, id, "the flow host gave no sign of life after the soak");
    }
  }
}

/** The first reason stays. */
export function fail(set: FlowSet, id: string, reason: string): void {
  const trial = set.trials.get(id);
  if (trial !== undefined) trial.failure ??= reason;
}

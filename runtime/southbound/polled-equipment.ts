import type { Command, CommandResult } from "#model/command.ts";
import type { Equipment } from "#model/equipment.ts";
import { type ErrorCode, GatewayError, isGatewayError } from "#model/errors.ts";
import type { Event } from "#model/observation.ts";
import { countSamples, type GapReason, type Report, type TableShape } from "#model/report.ts";
import type { Clock } from "#ports/clock.ts";
import type { DriverSession, PollResult, SessionAccount } from "#ports/driver.ts";
import type { Logger } from "#ports/logger.ts";
import type { Admission } from "./admission.ts";
import { PollStatistics } from "./poll-statistics.ts";
import { gapReasonOf, Reachability } from "./reachability.ts";
import { nextSlotMs, phaseMs } from "./schedule.ts";

const whatFailed: Partial<Record<ErrorCode, string>> = {
  "driver.auth": "equipment refuses the credential",
  "driver.bad-answer": "equipment answers what is not valid",
  "driver.limit": "equipment does not answer in time",
  "driver.refused": "equipment refuses what it is asked",
};

/** What one equipment needs of its surroundings. */
export interface PollSurroundings {
  readonly clock: Clock;
  /** Takes what polls find. */
  readonly admission: Admission;
  readonly logger: Logger;
}

/** Share of the interval a poll may take: the rest is air before the next slot. */
const deadlineShare = 0.9;
const maxDeadlineMs = 120_000;
const nothingToSay: SessionAccount = { upkeep: [], troubles: [] };
const notAnswering = new GatewayError("driver.timeout", { message: "no answer to a probe" });

/** One equipment on its grid: its session, its reachability, its statistics. Never polled by two at a time. */
export class PolledEquipment {
  readonly equipment: Equipment;
  readonly statistics = new PollStatistics();
  readonly reachability: Reachability;
  dueMs: number;
  running = false;
  /** Of the time it is `running`: the permit is there, the equipment is being asked. */
  isAsking = false;
  readonly #session: DriverSession;
  readonly #surroundings: PollSurroundings;
  #shapes: readonly TableShape[] = [];
  #skipped = 0;
  #onGrid = false;
  /** Of the last poll that was answered; NaN = there was none. */
  #lastPollMs = Number.NaN;
  #lastTables = 0;

  constructor(equipment: Equipment, session: DriverSession, surroundings: PollSurroundings) {
    this.equipment = equipment;
    this.#session = session;
    this.#surroundings = surroundings;
    const nowMs = surroundings.clock.monotonicMs();
    this.reachability = new Reachability(nowMs);
    // The first poll does not wait for its slot: a person who has just started the box wants to see something. Spread over two seconds at most.
    this.dueMs = nowMs + Math.min(this.#phase, (this.#phase / equipment.pollIntervalMs) * 2_000);
  }

  /** Worked out anew each time: kept it would be an object of its own. */
  get #phase(): number {
    return phaseMs(this.equipment.id, this.equipment.pollIntervalMs);
  }

  /** The last poll that was answered; not the report, whose columns serve the next equipment. */
  get lastPoll(): { readonly wallMs: number; readonly tables: number } | undefined {
    return Number.isNaN(this.#lastPollMs) ? undefined : { wallMs: this.#lastPollMs, tables: this.#lastTables };
  }

  /** Called when the slot came; sets the next one. Slots that passed unseen (a stopped process, a blocked loop) are counted. */
  advance(nowMs: number): void {
    const passed = Math.floor((nowMs - this.dueMs) / this.equipment.pollIntervalMs);
    this.statistics.missedSlots += passed;
    this.#skipped += passed;
    // The first poll was off the grid; a slot right behind it would find it still running or measure next to nothing.
    const earliestMs = this.#onGrid ? nowMs : nowMs + this.equipment.pollIntervalMs / 2;
    this.#onGrid = true;
    this.dueMs = nextSlotMs(earliestMs, this.#phase, this.equipment.pollIntervalMs);
  }

  /** The slot came while the previous poll still ran, or waited for a permit: counted as whose fault it is. */
  missed(): void {
    this.#skipped += 1;
    if (this.reachability.failures > 0) this.statistics.unreachableSlots += 1;
    else if (this.isAsking) this.statistics.slowSlots += 1;
    else this.statistics.missedSlots += 1;
    this.#surroundings.logger.debug({ equipment: this.equipment.id }, "poll slot missed: the previous poll still runs");
  }

  /** The slot came while what was found before has no place yet: nobody is asked for more. */
  heldBack(): void {
    this.#skipped += 1;
    this.statistics.missedSlots += 1;
    this.statistics.heldBackSlots += 1;
    this.#surroundings.admission.heldBack();
  }

  /** One slot: poll, or probe, or rest; whatever happens is handed over to be recorded. Throws only for bugs, or the abort. */
  async serve(plannedAtMs: number, signal: AbortSignal): Promise<void> {
    this.isAsking = true;
    try {
      const nowMs = this.#surroundings.clock.monotonicMs();
      this.statistics.lateness.add(Math.max(0, nowMs - plannedAtMs));
      if (this.#skipped > 0) {
        this.#skipped = 0;
        this.#recordGap(plannedAtMs, "skipped");
      }
      const plan = this.reachability.plan(nowMs);
      if (plan !== "poll") {
        this.statistics.unreachableSlots += 1;
        if (plan === "rest") return this.#recordGap(plannedAtMs, gapReasonOf(this.reachability.lastCode ?? "driver.timeout"));
        if (!(await this.#probe(plannedAtMs, signal))) return;
        this.statistics.unreachableSlots -= 1;
      }
      let result: PollResult;
      try {
        result = await this.#ask(plannedAtMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isGatewayError(error)) throw error;
        this.#failed(error, plannedAtMs);
        return;
      }
      this.#handOver(result);
    } finally {
      this.isAsking = false;
    }
  }

  /** Carries out an order on this equipment. @throws GatewayError driver.unsupported */
  execute(command: Command, signal: AbortSignal): Promise<CommandResult> {
    const run = this.#session.execute?.(command, signal);
    if (run !== undefined) return run;
    throw new GatewayError("driver.unsupported", { message: `the driver ${this.equipment.driver} takes no orders` });
  }

  /** What its driver has to say besides what polls cost. */
  account(): SessionAccount {
    return this.#session.account?.() ?? nothingToSay;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #probe(plannedAtMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#session.probe === undefined) return true;
    try {
      if (await this.#session.probe(signal)) return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!isGatewayError(error)) throw error;
      if (error.code === "driver.timeout") this.#silent(error, plannedAtMs);
      else this.#failed(error, plannedAtMs);
      return false;
    }
    this.#silent(notAnswering, plannedAtMs);
    return false;
  }

  #silent(error: GatewayError, plannedAtMs: number): void {
    this.reachability.failed(error, this.#surroundings.clock.monotonicMs(), this.equipment.pollIntervalMs);
    this.#recordGap(plannedAtMs, "timeout");
  }

  /** Not asynchronous itself, nor is what follows: each such function leaves half a kilobyte behind, hundreds of times a second. */
  #ask(plannedAtMs: number, signal: AbortSignal): Promise<PollResult> {
    const budgetMs = Math.min(maxDeadlineMs, this.equipment.pollIntervalMs * deadlineShare);
    this.statistics.polls += 1;
    return this.#session.poll({ plannedAtMs, deadlineMs: this.#surroundings.clock.monotonicMs() + budgetMs }, signal);
  }

  #handOver(result: PollResult): void {
    const { clock, admission } = this.#surroundings;
    const { report, cost, inventory, events } = result;
    this.statistics.add(cost, cost.values ?? valuesOf(report));
    this.#rememberShapes(report);
    this.#lastPollMs = report.observedAt.wallMs;
    this.#lastTables = report.tables.length;
    const first = this.reachability.state === "new";
    if (this.reachability.answered(clock.monotonicMs()) && !first) this.#transition("equipment.reachable", "equipment answers again");
    admission.offer(report);
    result.release?.();
    if (inventory !== undefined) admission.offer(inventory);
    for (const event of events) admission.offer(event);
  }

  #rememberShapes(report: Report): void {
    if (this.#knows(report)) return;
    const seen = new Map(this.#shapes.map((shape) => [shape.table, shape]));
    for (const { shape } of report.tables) seen.set(shape.table, shape);
    // Of its exact length: gathering values leaves room for sixteen more.
    this.#shapes = [...seen.values()].slice();
  }

  #knows({ tables }: Report): boolean {
    for (let place = 0; place < tables.length; place++) {
      const shape = tables[place]?.shape;
      if (shape !== undefined && !this.#shapes.includes(shape)) return false;
    }
    return true;
  }

  #failed(error: GatewayError, plannedAtMs: number): void {
    const { clock, logger } = this.#surroundings;
    this.statistics.failures += 1;
    const wentDown = this.reachability.failed(error, clock.monotonicMs(), this.equipment.pollIntervalMs);
    if (wentDown) {
      // It is there and says no: to look for a broken cable would be the wrong thing to do.
      const what = whatFailed[error.code] ?? "equipment does not answer";
      logger.warn({ equipment: this.equipment.id, address: this.equipment.address, code: error.code }, what);
      this.#transition("equipment.unreachable", `${what}: ${error.message}`);
    }
    this.#recordGap(plannedAtMs, gapReasonOf(error.code));
  }

  /** A failed poll is data: a gap with its reason for the live tables (slow tables were not due), never a zero. */
  #recordGap(plannedAtMs: number, reason: GapReason): void {
    const live = this.#shapes.filter((shape) => shape.intervalMs <= this.equipment.pollIntervalMs);
    this.#surroundings.admission.offer({
      kind: "report",
      equipment: this.equipment.id,
      observedAt: this.#surroundings.clock.now(),
      plannedAtMs,
      tables: [],
      gaps: live.length === 0 ? [{ reason }] : live.map((shape) => ({ shape, reason })),
    });
  }

  #transition(type: Event["type"], text: string): void {
    const { clock, admission, logger } = this.#surroundings;
    if (type === "equipment.reachable") logger.info({ equipment: this.equipment.id }, "equipment answers again");
    admission.offer({
      kind: "event",
      type,
      equipment: this.equipment.id,
      source: "poll",
      severity: type === "equipment.unreachable" ? "major" : "indeterminate",
      text,
      observedAt: clock.now(),
      attributes: { address: this.equipment.address, failures: this.reachability.failures },
    });
  }
}

function valuesOf(report: Report): number {
  return report.tables.reduce((sum, table) => sum + countSamples(table), 0);
}

import type { CheckDefinition, CheckId } from "#model/check.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { CheckResult, Event } from "#model/observation.ts";
import type { AdHocCheck, CheckStatus, Checks, CheckTraffic, ProbeOutcome, Prober } from "#ports/checks.ts";
import type { Clock } from "#ports/clock.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import { Permits } from "../../concurrency/permits.ts";
import { adHocDefinition } from "./ad-hoc.ts";
import { CheckBudget, type CheckBudgetLimits } from "./check-budget.ts";
import { resultOf, ScheduledCheck, type SkipReason } from "./scheduled-check.ts";

export interface CheckDeskOptions {
  readonly definitions: readonly CheckDefinition[];
  readonly prober: Prober;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: CheckBudgetLimits & {
    /** Runs on their way at the same time. */
    readonly concurrent: number;
    /** A result that did not change is sent this often. */
    readonly resultEveryMs: number;
  };
}

/** Services' checks; they take turns before they come here. */
const maxAdHoc = 16;
const maxTaps = 16;
/** Of the permits: a check of something dead holds one for as long as its timeout lasts. */
const failingShare = 0.5;
/** First runs use half of the packet budget. */
const startShare = 0.5;
const nothing: CheckTraffic = { bytes: 0, packets: 0 };

/** Runs checks within the budgets of all of them, and records whatever becomes of a run. When they are due is the schedule's affair. */
export class CheckDesk implements Checks {
  readonly checks: readonly ScheduledCheck[];
  readonly #options: CheckDeskOptions;
  readonly #budget: CheckBudget;
  readonly #permits: Permits;
  /** For checks that are down: the dead wait for each other, never the living for them. */
  readonly #permitsOfFailing: Permits;
  #intake: Intake | undefined;
  readonly #taps = new Set<(result: CheckResult) => void>();
  #adHoc = 0;

  constructor(options: CheckDeskOptions) {
    const { definitions, prober, clock, limits } = options;
    this.#options = options;
    this.#budget = new CheckBudget(limits);
    const failing = Math.max(1, Math.floor(limits.concurrent * failingShare));
    this.#permits = new Permits(Math.max(1, limits.concurrent - failing));
    this.#permitsOfFailing = new Permits(failing);
    const nowMs = clock.monotonicMs();
    let packets = 0;
    this.checks = definitions.map((definition) => {
      packets += prober.rules.estimate(definition).packets;
      const pacedMs = (packets / (limits.packetsPerSecond * startShare)) * 1_000;
      // Somebody is waiting to see the first results, and the line is not to feel them.
      return new ScheduledCheck(definition, prober, (phase) => nowMs + Math.min(phase, pacedMs));
    });
  }

  /** The intake exists only after whoever feeds it: the assembly closes the circle before anything runs. */
  feeds(intake: Intake): this {
    this.#intake = intake;
    return this;
  }

  onResult(tap: (result: CheckResult) => void): () => void {
    if (this.#taps.size >= maxTaps) throw new Error(`more than ${maxTaps} taps`);
    this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  list(): readonly CheckStatus[] {
    return this.checks.map((check) => check.status());
  }

  async run(check: CheckId | AdHocCheck, signal: AbortSignal): Promise<CheckResult> {
    if (typeof check !== "string") return this.#runAdHoc(check, signal);
    const found = this.checks.find(({ definition }) => definition.id === check);
    if (found === undefined)
      throw new GatewayError("command.refused", { message: `there is no check ${JSON.stringify(check.slice(0, 64))}` });
    try {
      return await (found.running ?? this.serve(found, this.#options.clock.monotonicMs(), signal));
    } catch (error) {
      signal.throwIfAborted();
      // The run was somebody else's, who gave it up; for us it is one that was not made.
      if (error === found.givenUp)
        throw new GatewayError("command.refused", { message: "the run was given up by who began it", cause: error });
      throw error;
    }
  }

  /**
   * One run of a configured check, recorded. Never two of the same at once: that is the caller's affair.
   * @throws GatewayError command.refused | driver.unsupported after the slot was recorded as not measured; what the intake throws
   */
  serve(check: ScheduledCheck, plannedAtMs: number, signal: AbortSignal): Promise<CheckResult> {
    const running = this.#serve(check, plannedAtMs, signal).finally(() => {
      check.running = undefined;
      if (signal.aborted) check.givenUp = signal.reason;
    });
    check.running = running;
    return running;
  }

  /** Records that slots passed without a run. */
  async missed(check: ScheduledCheck, plannedAtMs: number): Promise<void> {
    await this.#skip(check, plannedAtMs, "missed-slot", "the previous run had not ended");
  }

  /** Sends what every check's histogram gathered. */
  async sendLatencies(): Promise<void> {
    const at = this.#options.clock.now();
    for (const check of this.checks) {
      const latency = check.takeLatency(at);
      if (latency !== undefined) await this.#intake?.accept(latency);
    }
  }

  /** For `gatehouse status`. */
  status(): Readonly<Record<string, unknown>> {
    const { limits, clock } = this.#options;
    const all = this.list();
    const inState = (state: CheckStatus["state"]) => all.filter((one) => one.state === state).length;
    const skipped: Record<string, number> = {};
    for (const one of all) for (const [reason, count] of Object.entries(one.skipped)) skipped[reason] = (skipped[reason] ?? 0) + count;
    return {
      ...{
        configured: all.length,
        up: inState("up"),
        down: inState("down"),
        unmeasured: inState("unmeasured"),
        waiting: inState("waiting"),
      },
      runs: sum(all, (one) => one.runs),
      failures: sum(all, (one) => one.failures),
      skipped,
      budget: {
        bytesPerHour: limits.bytesPerHour,
        bytesLastHour: Math.round(this.#budget.usedBytes(clock.monotonicMs())),
        bytesPerHourAtMost: Math.round(
          sum(this.checks, ({ estimate, definition }) => (estimate.bytes * 3_600_000) / definition.intervalMs),
        ),
        packetsPerSecond: limits.packetsPerSecond,
        packetsPerSecondAtMost:
          Math.round(sum(this.checks, ({ estimate, definition }) => (estimate.packets * 10_000) / definition.intervalMs)) / 10,
        packets: sum(all, (one) => one.packets),
      },
    };
  }

  async #serve(check: ScheduledCheck, plannedAtMs: number, signal: AbortSignal): Promise<CheckResult> {
    const { definition } = check;
    try {
      const outcome = await this.#withPermit(check, signal);
      const result = resultOf(definition, outcome, this.#options.clock);
      await this.#record(check, outcome, result, plannedAtMs);
      return result;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      const reason = skipReasonOf(error);
      if (reason !== undefined) await this.#skip(check, plannedAtMs, reason, error.message);
      throw error;
    }
  }

  /** The permit is for the line and the far end: to record what was found may take as long as the disk takes, and holds nobody else up. */
  async #withPermit(check: ScheduledCheck, signal: AbortSignal): Promise<ProbeOutcome> {
    const release = await (check.isFailing ? this.#permitsOfFailing : this.#permits).acquire(signal);
    try {
      return await this.#withinBudget(check.definition, signal);
    } finally {
      release();
    }
  }

  async #withinBudget(definition: CheckDefinition, signal: AbortSignal): Promise<ProbeOutcome> {
    const { prober, clock } = this.#options;
    const estimate = prober.rules.estimate(definition);
    const over = this.#budget.reserve(estimate, clock.monotonicMs());
    if (over !== undefined) {
      throw new GatewayError("command.refused", {
        message: over === "bytes-budget" ? "the checks' bytes of this hour are used up" : "the checks' packets per second are used up",
        fields: { reason: over },
      });
    }
    let moved = nothing;
    try {
      const outcome = await prober.run(definition, signal);
      moved = outcome.traffic;
      return outcome;
    } finally {
      this.#budget.settle(estimate, moved, clock.monotonicMs());
    }
  }

  async #record(check: ScheduledCheck, outcome: ProbeOutcome, result: CheckResult, plannedAtMs: number): Promise<void> {
    const before = check.status().state;
    const isNews = check.record(outcome, result, this.#options.limits.resultEveryMs);
    const after = check.status().state;
    if (before !== after) this.#logTransition(result, before);
    for (const tap of this.#taps) tap(result);
    // Both are handed over before either is waited for: their order is that of the buffer, whatever the disk does.
    const measured = this.#intake?.accept(check.reporter.measured(outcome, plannedAtMs, result.observedAt));
    await Promise.all([measured, isNews ? this.#intake?.accept(result) : undefined]);
  }

  #logTransition({ check, failure }: CheckResult, before: string): void {
    const { logger } = this.#options;
    if (failure !== undefined) logger.warn({ check, stage: failure.stage, failure: failure.code }, "check fails");
    else if (before !== "waiting") logger.info({ check }, "check passes again");
  }

  /** Neither up nor down: a gap, and an event when it begins, so that nobody takes silence for good news. */
  async #skip(check: ScheduledCheck, plannedAtMs: number, reason: SkipReason, text: string): Promise<void> {
    const { clock, logger } = this.#options;
    const { id, equipment } = check.definition;
    const observedAt = clock.now();
    await this.#intake?.accept(check.reporter.unmeasured(plannedAtMs, observedAt));
    if (!check.skip(reason, observedAt)) return;
    logger.warn({ check: id, reason }, "check was not run");
    const event: Event = {
      kind: "event",
      type: "check.unmeasured",
      ...(equipment === undefined ? {} : { equipment }),
      source: "check",
      severity: "warning",
      text: `check ${id} was not run: ${text}`,
      observedAt,
      attributes: { check: id, reason },
    };
    await this.#intake?.accept(event);
  }

  async #runAdHoc(check: AdHocCheck, signal: AbortSignal): Promise<CheckResult> {
    const definition = adHocDefinition(check, this.#options.prober.rules);
    if (this.#adHoc >= maxAdHoc)
      throw new GatewayError("command.refused", { message: `${maxAdHoc} made-up checks run already; try again when one has ended` });
    this.#adHoc += 1;
    try {
      return resultOf(definition, await this.#withinBudget(definition, signal), this.#options.clock);
    } finally {
      this.#adHoc -= 1;
    }
  }
}

function skipReasonOf(error: GatewayError): SkipReason | undefined {
  if (error.code === "driver.unsupported" || error.code === "config.secret") return "unsupported";
  const { reason } = error.fields;
  return reason === "bytes-budget" || reason === "packet-budget" ? reason : undefined;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

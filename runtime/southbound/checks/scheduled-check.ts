import type { CheckDefinition } from "#model/check.ts";
import { LatencyHistogram } from "#model/latency-histogram.ts";
import type { CheckLatency, CheckResult } from "#model/observation.ts";
import type { Instant } from "#model/time.ts";
import type { CheckStatus, CheckTraffic, ProbeOutcome, Prober } from "#ports/checks.ts";
import type { Clock } from "#ports/clock.ts";
import { type Due, nextSlotMs, phaseMs } from "../schedule.ts";
import { CheckReporter } from "./check-report.ts";

export type SkipReason = "bytes-budget" | "packet-budget" | "missed-slot" | "unsupported";

/** One configured check on its grid, with its figures. */
export class ScheduledCheck implements Due {
  readonly definition: CheckDefinition;
  readonly estimate: CheckTraffic;
  readonly reporter: CheckReporter;
  dueMs: number;
  /** The run on its way: who wants a result meanwhile gets this one. */
  running: Promise<CheckResult> | undefined;
  /** With what the last run was given up, if it was. */
  givenUp: unknown;
  readonly #phase: number;
  #state: CheckStatus["state"] = "waiting";
  #since: Instant | undefined;
  #isOnGrid = false;
  #runs = 0;
  #failures = 0;
  #bytes = 0;
  #packets = 0;
  readonly #skipped: Partial<Record<SkipReason, number>> = {};
  #last: CheckResult | undefined;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #window: { readonly from: Instant; readonly histogram: LatencyHistogram; runs: number; failures: number } | undefined;

  constructor(definition: CheckDefinition, prober: Prober, firstDueMs: (phase: number) => number) {
    this.definition = definition;
    this.estimate = prober.rules.estimate(definition);
    this.reporter = new CheckReporter(definition, prober.metrics(definition));
    this.#phase = phaseMs(definition.id, definition.intervalMs);
    this.dueMs = firstDueMs(this.#phase);
  }

  get isFailing(): boolean {
    return this.#state === "down";
  }

  /** Sets the next slot; @returns slots that passed unseen (a stopped process, a blocked loop). */
  advance(nowMs: number): number {
    const { intervalMs } = this.definition;
    const passed = Math.floor((nowMs - this.dueMs) / intervalMs);
    // The first run was off the grid; a slot right behind it would measure the same twice.
    const earliestMs = this.#isOnGrid ? nowMs : nowMs + intervalMs / 2;
    this.#isOnGrid = true;
    this.dueMs = nextSlotMs(earliestMs, this.#phase, intervalMs);
    return passed;
  }

  /** Counts a run. @returns whether the result is worth sending: the outcome changed, or nothing was said for `everyMs` */
  record(outcome: ProbeOutcome, result: CheckResult, everyMs: number): boolean {
    const at = result.observedAt;
    this.#runs += 1;
    this.#failures += outcome.ok ? 0 : 1;
    this.#bytes += outcome.traffic.bytes;
    this.#packets += outcome.traffic.packets;
    this.#recordLatency(outcome, at);
    const reason = (one: CheckResult | undefined) => (one?.failure === undefined ? "" : `${one.failure.stage} ${one.failure.code}`);
    const changed = this.#enter(outcome.ok ? "up" : "down", at) || reason(this.#last) !== reason(result);
    this.#last = result;
    if (!changed && at.monotonicMs - this.#saidAtMs < everyMs) return false;
    this.#saidAtMs = at.monotonicMs;
    return true;
  }

  /** A slot without a run. @returns whether this is new */
  skip(reason: SkipReason, at: Instant): boolean {
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + 1;
    // A slot that its predecessor used up says nothing new; the run on its way will.
    return reason !== "missed-slot" && this.#enter("unmeasured", at);
  }

  /** Latencies since the last call, if there were runs. */
  takeLatency(at: Instant): CheckLatency | undefined {
    const window = this.#window;
    if (window === undefined) return undefined;
    this.#window = undefined;
    const { id, equipment } = this.definition;
    return {
      kind: "check-latency",
      check: id,
      ...(equipment === undefined ? {} : { equipment }),
      observedAt: at,
      lengthMs: Math.max(1, Math.round(at.monotonicMs - window.from.monotonicMs)),
      runs: window.runs,
      failures: window.failures,
      latency: window.histogram.counts(),
    };
  }

  status(): CheckStatus {
    return {
      definition: this.definition,
      state: this.#state,
      sinceMs: this.#since?.wallMs,
      runs: this.#runs,
      failures: this.#failures,
      skipped: { ...this.#skipped },
      bytes: this.#bytes,
      packets: this.#packets,
      last: this.#last,
    };
  }

  #recordLatency(outcome: ProbeOutcome, at: Instant): void {
    this.#window ??= { from: at, histogram: new LatencyHistogram(), runs: 0, failures: 0 };
    this.#window.runs += 1;
    this.#window.failures += outcome.ok ? 0 : 1;
    for (const latencyMs of outcome.latenciesMs) this.#window.histogram.record(latencyMs);
  }

  #enter(state: CheckStatus["state"], at: Instant): boolean {
    if (this.#state === state) return false;
    this.#state = state;
    this.#since = at;
    return true;
  }
}

/** The result of a run as it goes to the NOC. */
export function resultOf(definition: CheckDefinition, outcome: ProbeOutcome, clock: Clock): CheckResult {
  const { id, equipment, type } = definition;
  return Object.freeze({
    kind: "check",
    check: id,
    ...(equipment === undefined ? {} : { equipment }),
    observedAt: clock.now(),
    ok: outcome.ok,
    type,
    target: outcome.target,
    ...(outcome.failure === undefined ? {} : { failure: outcome.failure }),
    vantage: outcome.vantage,
    evidence: outcome.evidence,
  });
}

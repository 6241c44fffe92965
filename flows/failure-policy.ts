import type { Alarms } from "#ports/alarms.ts";
import type { Clock } from "#ports/clock.ts";
import type { HostFailure } from "./failure.ts";
import type { FlowSet } from "./flow-set.ts";
import type { UnitTracker } from "./health.ts";
import type { ServiceReports } from "./service-reports.ts";
import type { Thresholds } from "./settings.ts";

/** Pauses before a restart when nobody can be blamed, milliseconds. */
const pausesMs = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000];
const attributedPauseMs = 100;
const hostAlarm = { type: "flowHostFailing", path: "", qualifier: "flow-host" } as const;

export interface FailurePolicyParts {
  readonly clock: Clock;
  readonly set: FlowSet;
  readonly reports: ServiceReports;
  readonly tracker: UnitTracker;
  readonly alarms: Pick<Alarms, "set" | "clear">;
  readonly thresholds: Thresholds;
}

/** What follows when the flow host dies: the culprit alone is taken out; nobody to blame: last good set, then safe mode. */
export class FailurePolicy {
  readonly #parts: FailurePolicyParts;
  /** Monotonic times of failures without a culprit; at most `maxUnattributed`. */
  #times: readonly number[] = [];
  #hasReverted = false;
  #unattributed = 0;

  constructor(parts: FailurePolicyParts) {
    this.#parts = parts;
  }

  get unattributed(): number {
    return this.#unattributed;
  }

  /** @returns pause before the restart, milliseconds */
  failed(failure: HostFailure): number {
    const { set, reports, clock } = this.#parts;
    const { unit, reason } = failure;
    reports.host("flow-host.failed", "warning", `the flow host was restarted: ${reason}`, { cause: failure.kind, unit: unit ?? "" });
    if (unit !== undefined && set.trials.has(unit)) {
      const trial = set.trials.get(unit);
      if (trial !== undefined) trial.failure ??= reason;
      return attributedPauseMs;
    }
    if (unit !== undefined) {
      set.ban(unit, reason, clock.now().wallMs);
      this.#quarantined(unit, reason);
      return attributedPauseMs;
    }
    if (set.trials.size > 0) {
      // Whatever is being tried is the likeliest; it goes back, all of it.
      for (const trial of set.trials.values()) trial.failure ??= `${reason}, while it was being tried`;
      return attributedPauseMs;
    }
    return this.#nobody(reason);
  }

  running(): void {
    if (this.#parts.set.safe === undefined) this.#parts.alarms.clear(hostAlarm);
  }

  /** A person has looked at it: begin anew. */
  forgive(): void {
    this.#times = [];
    this.#hasReverted = false;
  }

  #nobody(reason: string): number {
    const { clock, set, thresholds, alarms } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#unattributed += 1;
    this.#times = [...this.#times, nowMs].filter((timeMs) => nowMs - timeMs < thresholds.withinMs).slice(-thresholds.maxUnattributed);
    if (this.#times.length < thresholds.maxUnattributed) return pausesMs[Math.min(this.#times.length - 1, pausesMs.length - 1)] ?? 1_000;
    this.#times = [];
    const reverted = this.#hasReverted ? undefined : set.revertNewest(clock.now().wallMs);
    if (reverted !== undefined) {
      this.#hasReverted = true;
      this.#quarantined(reverted, `${reason}; it failed ${thresholds.maxUnattributed} times and this was changed last`);
      return attributedPauseMs;
    }
    set.safe = `safe mode: ${reason}; nothing runs until a service changes or the flows are restarted`;
    alarms.set({ ...hostAlarm, severity: "major", text: `no service runs: ${set.safe}`, source: { kind: "flow", ref: "flow-host" } });
    return pausesMs[2] ?? 5_000;
  }

  #quarantined(unit: string, reason: string): void {
    const { set, reports, alarms } = this.#parts;
    const label = set.unit(unit)?.label ?? `a technician's tab (${unit})`;
    reports.quarantined(unit, label, reason);
    alarms.set({
      type: "serviceQuarantined",
      path: "",
      qualifier: unit,
      severity: "major",
      text: `${label} was switched off alone: ${reason}`.slice(0, 1_000),
      repair: "Change the service, or release it: gatehouse noc services release.",
      source: { kind: "flow", ref: `service:${unit}`.slice(0, 128) },
      attributes: { service: unit },
    });
  }
}

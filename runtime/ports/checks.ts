import type { CheckDefinition, CheckFailure, CheckId, CheckType } from "#model/check.ts";
import type { CheckResult } from "#model/observation.ts";
import type { Metric } from "#model/report.ts";

/** One configured check as it stands: for status, the console, flows and the command desk. */
export interface CheckStatus {
  readonly definition: CheckDefinition;
  /** `waiting`: not run yet; `unmeasured`: the last run could not be made (a missing facility, over budget): neither up nor down. */
  readonly state: "waiting" | "up" | "down" | "unmeasured";
  /** Unix ms since when; undefined while waiting. */
  readonly sinceMs: number | undefined;
  readonly runs: number;
  readonly failures: number;
  /** Runs that were not made, by reason: `bytes-budget`, `packet-budget`, `missed-slot`, `unsupported`. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Bytes and packets of all runs so far, both directions, headers included where they can be counted. */
  readonly bytes: number;
  readonly packets: number;
  readonly last: CheckResult | undefined;
}

/** A check to be made up for one run; everything else has its default. */
export interface AdHocCheck {
  readonly type: CheckType;
  readonly target: string;
  readonly timeoutMs?: number;
  readonly vantage?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The site's synthetic checks, for whoever wants one run now: flows, the command desk, the console. */
export interface Checks {
  /** Configured checks in the order of the configuration. */
  list(): readonly CheckStatus[];
  /**
   * Runs a configured check (by id) or one made up, now, within the budgets of all checks. A run of a configured check counts like one on its grid
   * (metrics, histogram, result); a made-up one leaves nothing behind but the returned result. A check that fails is a result, not an error.
   * @throws GatewayError command.refused: no such check, a definition that makes no sense (every problem in the message), over budget or too many at once
   * @throws GatewayError driver.unsupported: this machine lacks what the check needs; the message names it
   */
  run(check: CheckId | AdHocCheck, signal: AbortSignal): Promise<CheckResult>;
  /**
   * Every run's result of configured checks, also those that say nothing new and therefore do not go through the intake: who counts failures
   * in a row needs them all. A tap must return at once and never throw. Returns the removal.
   */
  onResult(tap: (result: CheckResult) => void): () => void;
}

/** Something in a definition that makes no sense. */
export interface CheckProblem {
  /** JSON pointer inside the definition: `/settings/expect/status`. */
  readonly pointer: string;
  readonly sentence: string;
}

/** What a run moves over the line, both directions, headers included. */
export interface CheckTraffic {
  readonly bytes: number;
  readonly packets: number;
}

/** What can be said of definitions without sending anything. Pure. */
export interface CheckRules {
  /** JSON Schema (draft 2020-12) of CheckDefinition.settings of a type, and its validator, which fills in defaults. */
  settings(type: CheckType): {
    readonly schema: Readonly<Record<string, unknown>>;
    readonly validate: { (data: unknown): boolean; errors?: readonly CheckSchemaViolation[] | null };
  };
  /** What is wrong with target and times, whatever the settings are. */
  basics(definition: CheckDefinition): readonly CheckProblem[];
  /** What the schema of the settings cannot say; only for definitions whose settings are valid. Every problem at once. */
  problems(definition: CheckDefinition): readonly CheckProblem[];
  /** The most that one run may reasonably cost, for the budget. */
  estimate(definition: CheckDefinition): CheckTraffic;
}

/** One thing that is wrong, as a generated validator says it. */
export interface CheckSchemaViolation {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** Names of the numbers a type of check yields. */
export interface CheckMetrics {
  /** Reported by every run, `up` first. */
  readonly state: readonly Metric[];
  /** Durations: reported by runs that measured them, a gap otherwise; `latency` first. */
  readonly timing: readonly Metric[];
  /** Rows of timing: "" for the whole run, and the steps of a transaction. A step's value is named `STEP/METRIC`. */
  readonly rows: readonly string[];
}

/** One run, raw. */
export interface ProbeOutcome {
  readonly ok: boolean;
  readonly failure?: CheckFailure;
  readonly vantage: string;
  readonly target: string;
  /** By metric name; what is absent was not measured. */
  readonly values: ReadonlyMap<string, number>;
  /** What goes into the histogram, milliseconds: one for most types, one per packet for echoes. */
  readonly latenciesMs: readonly number[];
  readonly traffic: CheckTraffic;
  /** JSON values, at most 16 KiB. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Sends the packets of checks. Grid, budgets, results are the runtime's. */
export interface Prober {
  readonly rules: CheckRules;
  metrics(definition: CheckDefinition): CheckMetrics;
  /**
   * Ends within the definition's timeout (and a second). A failing check is an outcome.
   * @throws GatewayError driver.unsupported when this machine lacks what it needs
   */
  run(definition: CheckDefinition, signal: AbortSignal): Promise<ProbeOutcome>;
}

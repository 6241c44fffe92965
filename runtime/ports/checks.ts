import type { CheckDefinition, CheckId, CheckType } from "#model/check.ts";
import type { CheckResult } from "#model/observation.ts";

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
}

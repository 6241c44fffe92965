import type { Clock } from "#ports/clock.ts";
import type { SnmpSession, TableAnswer, TablePlan } from "#ports/snmp.ts";
import type { SnmpSettings } from "../settings.ts";
import type { Notices } from "./notices.ts";
import type { ReportCellsPool } from "./report-cells.ts";

/** What one poll hands to everything that talks to the agent in it. */
export interface Exchange {
  readonly session: SnmpSession;
  readonly clock: Clock;
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
  /** Aborts at the deadline and with `outer`. */
  readonly signal: AbortSignal;
  /** The caller's own signal. */
  readonly outer: AbortSignal;
  readonly pollIntervalMs: number;
  readonly settings: SnmpSettings;
  readonly notices: Notices;
  /** Where the arrays of reports come from. */
  readonly cells: ReportCellsPool;
}

/** Reads a plan that will not be read again. @throws GatewayError driver.* */
export async function readPlanOnce(plan: TablePlan, { session, deadlineMs, signal }: Exchange): Promise<TableAnswer> {
  try {
    return await session.readTable(plan, deadlineMs, signal);
  } finally {
    session.forget?.(plan);
  }
}

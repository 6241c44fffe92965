import type { TableAnswer } from "#ports/snmp.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import type { Care } from "./table-care.ts";
import type { Opening } from "./table-opening.ts";
import type { CompiledPlan } from "./table-plan.ts";

/** Reads for which exact instances are asked after the agent showed rows that are not planned. */
export const exactReads = 20;
/** Reads after which cells that the agent lacked are asked for again; GETBULK notices them by itself when they come back. */
const holesForgottenAfter = { bulk: 128, exact: 10 } as const;
/** A read that meets trouble makes so many requests at most, besides two a cell. */
export const spareRequests = 64;

/** What one read of a plan is made of. */
export interface TableReadParts {
  readonly plan: CompiledPlan;
  readonly conversation: Conversation;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly nowMs: number;
  /** Single objects to be asked for along with it. */
  readonly opening: Opening | undefined;
  readonly resolve: (answer: TableAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Another read of a plan: what was learnt for a number of reads, or for a time, is forgotten when they are over. */
export function beginRead(plan: CompiledPlan, care: Care, nowMs: number): void {
  plan.reads += 1;
  if (plan.exactReads > 0 && --plan.exactReads === 0) plan.cutFor = -1;
  const forgottenAfter = care.requestType(plan) === tags.getBulk ? holesForgottenAfter.bulk : holesForgottenAfter.exact;
  if (plan.absent !== undefined && plan.reads % forgottenAfter === 0) {
    plan.absent = undefined;
    plan.cutFor = -1;
  }
  if (plan.quarantine?.begin(nowMs) === true) plan.cutFor = -1;
}

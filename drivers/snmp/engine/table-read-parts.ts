import type { TableAnswer } from "#ports/snmp.ts";
import type { Conversation } from "./conversation.ts";
import type { Opening } from "./table-opening.ts";
import type { CompiledPlan } from "./table-plan.ts";

/** Reads for which exact instances are asked after the agent showed rows that are not planned. */
export const exactReads = 20;
/** Reads after which cells that the agent lacked are asked for again; GETBULK notices them by itself when they come back. */
export const holesForgottenAfter = { bulk: 128, exact: 10 } as const;
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

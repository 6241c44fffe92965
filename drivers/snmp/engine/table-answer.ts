import type { TableAnswer } from "#ports/snmp.ts";
import type { Spent } from "./counters.ts";
import type { CompiledPlan } from "./table-plan.ts";

/** What a read came to, besides what stands in its plan. */
type Outcome = Required<Pick<TableAnswer, "changed" | "complete" | "durationMs" | "unfit">> & Pick<TableAnswer, "opening">;

/** The answer of a read that has ended. Spelled out: several hundred a second, and a spread takes an object apart property by property. */
export function tableAnswer(plan: CompiledPlan, { requests, retries, bytesIn, bytesOut }: Spent, outcome: Outcome): TableAnswer {
  const { changed, complete, durationMs, unfit, opening } = outcome;
  const vanished = complete && plan.absent !== undefined ? plan.countVanished() : 0;
  return { columns: plan.arena.settle(), vanished, changed, requests, retries, bytesIn, bytesOut, durationMs, complete, unfit, opening };
}

import type { Conversation } from "./conversation.ts";
import type { CarefulFindings } from "./table-careful.ts";
import type { CompiledPlan } from "./table-plan.ts";
import { fate, type Progress } from "./table-progress.ts";

/** Wrong OIDs of one column in one read after which it is left alone. */
const violationsBorne = 3;
const firstPauseMs = 900_000;
const longestPauseMs = 14_400_000;

/**
 * Columns of one plan whose OIDs go in circles or backwards: asked for cell by cell they would cost hundreds of requests in each poll. They are
 * left out for a quarter of an hour, then tried again, then left out twice as long.
 */
export class Quarantine {
  readonly #until = new Map<number, { readonly ms: number; readonly pauseMs: number }>();
  readonly #violations = new Map<number, number>();
  #isOver = false;

  /** A read begins. @returns whether some column is to be tried again */
  begin(nowMs: number): boolean {
    this.#violations.clear();
    this.#isOver = false;
    for (const [column, { ms }] of this.#until) if (ms <= nowMs && ms !== Number.NEGATIVE_INFINITY) this.#release(column);
    return this.#isOver;
  }

  /** What its next pause would be stays known. */
  #release(column: number): void {
    const known = this.#until.get(column);
    this.#until.set(column, { ms: Number.NEGATIVE_INFINITY, pauseMs: known?.pauseMs ?? firstPauseMs });
    this.#isOver = true;
  }

  /** @returns whether the column has just been put into quarantine */
  note(column: number, nowMs: number): boolean {
    const violations = (this.#violations.get(column) ?? 0) + 1;
    this.#violations.set(column, violations);
    if (violations !== violationsBorne) return false;
    const before = this.#until.get(column);
    const pauseMs = before === undefined ? firstPauseMs : Math.min(longestPauseMs, before.pauseMs * 2);
    this.#until.set(column, { ms: nowMs + pauseMs, pauseMs });
    return true;
  }

  /** Columns that are not asked for at present. */
  columns(): readonly number[] {
    return [...this.#until].flatMap(([column, { ms }]) => (ms === Number.NEGATIVE_INFINITY ? [] : [column]));
  }
}

/**
 * Columns whose OIDs stay wrong are settled for now: without a value, and not asked for again for a while.
 * @returns the OIDs of those of which that is so from now on
 */
export function quarantineViolated(
  plan: CompiledPlan,
  findings: CarefulFindings,
  progress: Progress,
  conversation: Conversation,
): string[] {
  const quarantined: string[] = [];
  for (const column of findings.violated) {
    plan.quarantine ??= new Quarantine();
    if (!plan.quarantine.note(column, conversation.nowMs())) continue;
    findings.resolved += progress.markColumn(column, fate.unfit);
    quarantined.push(plan.columnOid(column));
    conversation.peer.counters.quarantinedColumns += 1;
  }
  return quarantined;
}

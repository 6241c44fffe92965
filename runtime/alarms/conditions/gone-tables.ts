import type { Gap, TableShape } from "#model/report.ts";
import type { AbsenceCondition } from "./definition.ts";

/** Rows that vanish from a table, and tables that vanish whole, keep their alarms this long: a failed disk that disappears is no repaired disk. */
export const vanishedMs = 86_400_000;
export const msATenth = 100;

export interface SeenTable {
  readonly shape: TableShape;
  readonly absences: readonly AbsenceCondition[];
  /** Tenths of a second: milliseconds have fractions, and each would be an object of its own. */
  seenTenths: number;
}

export function seenMsOf({ seenTenths }: SeenTable): number {
  return seenTenths * msATenth;
}

/** Time in which the equipment said nothing is nobody's absence. */
export function comeBack(tables: readonly SeenTable[], nowMs: number, longMs: number): void {
  const silentMs = nowMs - Math.max(...tables.map(seenMsOf));
  if (silentMs > longMs) for (const watched of tables) watched.seenTenths += Math.round(silentMs / msATenth);
}

/** What failed is as if it had been seen: its time without a reason begins anew. What is absent by definition is, whatever the reason. */
export function holdFailed(tables: readonly SeenTable[], gaps: readonly Gap[], nowMs: number): void {
  for (const watched of tables) {
    if (watched.absences.length > 0) continue;
    const whole = wholeOf(watched.shape.table);
    if (gaps.some(({ shape }) => shape === undefined || wholeOf(shape.table) === whole)) watched.seenTenths = Math.round(nowMs / msATenth);
  }
}

/** A part of a table, of which another part came in: the table was read, and this part was not in it. */
function answersWithout(gone: SeenTable, tables: readonly SeenTable[], nowMs: number): boolean {
  const whole = wholeOf(gone.shape.table);
  return tables.some((one) => one !== gone && wholeOf(one.shape.table) === whole && nowMs - seenMsOf(one) < vanishedMs);
}

/** What is absent by definition is told as long as it is. */
export function isLongGone(watched: SeenTable, nowMs: number): boolean {
  return watched.absences.length === 0 && nowMs - seenMsOf(watched) >= vanishedMs;
}

/**
 * Whether equipment that answers has this table, not seen for long, no more. @param tables all of its tables
 * @param lacking what its driver looked for in vain; undefined = it looks for none, and silence without a reason is enough
 */
export function isGoneForGood(
  gone: SeenTable,
  tables: readonly SeenTable[],
  lacking: ReadonlySet<string> | undefined,
  nowMs: number,
): boolean {
  return lacking === undefined || isLacking(gone.shape.table, lacking) || answersWithout(gone, tables, nowMs);
}

/** `TABLE` of `TABLE/part`. */
function wholeOf(table: string): string {
  return table.replace(/\/[^/]*$/, "");
}

/** The table itself is gone: its driver looked for it. Of `TABLE/part` it looks for the table. */
export function isLacking(table: string, lacking: ReadonlySet<string>): boolean {
  return lacking.has(table) || lacking.has(wholeOf(table));
}

import type { Report, TableShape } from "#model/report.ts";
import type { AlarmCondition, AlarmIdentity } from "#ports/alarms.ts";
import type { TableCondition } from "./definition.ts";
import { isLacking, vanishedMs } from "./gone-tables.ts";
import { rowPath } from "./row-path.ts";

export const vanishedText = "no longer reported by the equipment";
/** So many intervals of a table between two answers, and it was away or failed meanwhile. */
const mostIntervals = 3;

interface LeftOver {
  readonly identity: AlarmIdentity;
  readonly ref: string;
  /** Name of the table it was raised by; undefined = an older version did not note it. */
  readonly table: string | undefined;
  /** When its table last answered without it, monotonic; NaN = not yet, or it failed since. */
  seenMs: number;
  /** For how long it answered so. */
  goneMs: number;
}

export interface LeftOverParts {
  readonly conditions: readonly TableCondition[];
  /** All that is active. */
  readonly active: () => Iterable<{ readonly identity: AlarmIdentity; readonly condition: AlarmCondition }>;
  readonly clear: (identity: AlarmIdentity, text: string) => void;
}

/**
 * Alarms of rows that nobody here has met: raised before a restart, or before conditions were chosen anew. Whoever meets the row judges it from then
 * on. A row that is not there is over when its table has answered without it for a day, or the equipment without the table that its driver looked for:
 * silence, failed tables and tables that nobody looks for any more prove nothing. Costs nothing once none are left.
 */
export class LeftOverAlarms {
  readonly #parts: LeftOverParts;
  readonly #byName: ReadonlyMap<string, TableCondition>;
  readonly #left = new Map<string, readonly LeftOver[]>();

  constructor(parts: LeftOverParts) {
    this.#parts = parts;
    this.#byName = new Map(parts.conditions.map((one) => [one.name, one]));
    this.#collect(undefined);
  }

  /** Rows of this equipment are met anew. */
  reconsider(equipment: string): void {
    this.#left.delete(equipment);
    this.#collect(equipment);
  }

  #collect(only: string | undefined): void {
    for (const { identity, condition } of this.#parts.active()) {
      const { equipment } = identity;
      const { kind, ref = "", table } = condition.source;
      if (equipment === undefined || (only !== undefined && equipment !== only) || kind !== "poll" || !this.#isOfRows(ref)) continue;
      const one: LeftOver = { identity, ref, table: table ?? this.#byName.get(ref)?.scope.table, seenMs: Number.NaN, goneMs: 0 };
      this.#left.set(equipment, [...(this.#left.get(equipment) ?? []), one]);
    }
  }

  /** What is absent by definition has no row. */
  #isOfRows(ref: string): boolean {
    const named = this.#byName.get(ref);
    return named === undefined ? ref.startsWith("state.") : named.kind !== "absence";
  }

  observe(report: Report): void {
    if (this.#left.size === 0) return;
    const left = this.#left.get(report.equipment);
    if (left === undefined) return;
    const still = left.filter((one) => this.#isLeft(one, report));
    if (still.length === left.length) return;
    if (still.length > 0) this.#left.set(report.equipment, still);
    else this.#left.delete(report.equipment);
  }

  #isLeft(one: LeftOver, report: Report): boolean {
    const homes = report.tables.filter(({ shape }) => this.#isHome(one, shape));
    const isMet = homes.some(({ shape }) => shape.rows.some(({ key }) => this.#pathOf(one, shape, key) === one.identity.path));
    if (isMet) return false;
    // Of several tables that it may have been in one failed: perhaps that one.
    if (report.gaps.some(({ shape }) => shape === undefined || this.#isHome(one, shape))) one.seenMs = Number.NaN;
    else if (homes.length > 0) for (const { shape, observedAt } of homes) note(one, observedAt.monotonicMs, shape.intervalMs);
    else if (report.gaps.length === 0 && one.table !== undefined && report.lacking !== undefined && isLacking(one.table, report.lacking))
      note(one, report.observedAt.monotonicMs, Math.min(...report.tables.map(({ shape }) => shape.intervalMs)));
    if (one.goneMs < vanishedMs) return true;
    this.#parts.clear(one.identity, vanishedText);
    return false;
  }

  /** Whether its row, if there is one, is in this table. */
  #isHome(one: LeftOver, shape: TableShape): boolean {
    if (one.table !== undefined && !one.table.endsWith("*")) return one.table === shape.table;
    const names = this.#metricsOf(one);
    const rowPrefix = this.#pathOf(one, shape, "row").slice(0, -"row".length);
    if (one.identity.path === "" ? !shape.rows.some(({ key }) => key === "") : !one.identity.path.startsWith(rowPrefix)) return false;
    return shape.metrics.some(({ name }) => names.includes(name));
  }

  #pathOf({ ref }: LeftOver, shape: TableShape, key: string): string {
    return rowPath(shape.table, key, this.#byName.get(ref)?.path);
  }

  #metricsOf({ ref }: LeftOver): readonly string[] {
    const condition = this.#byName.get(ref);
    if (condition === undefined) return [ref.slice("state.".length)];
    if (condition.kind === "flags") return Object.keys(condition.flags);
    if (condition.kind !== "threshold") return [condition.metric];
    const { operand } = condition;
    if (operand.is === "rate") return operand.metrics;
    if (operand.is === "share") return [operand.part];
    return operand.is === "bad-share" ? operand.bad : [operand.metric];
  }
}

/** Only time between two answers that follow one another counts. */
function note(one: LeftOver, nowMs: number, intervalMs: number): void {
  const passedMs = nowMs - one.seenMs;
  if (passedMs > 0 && passedMs <= mostIntervals * intervalMs) one.goneMs += passedMs;
  one.seenMs = nowMs;
}

import type { TableReport, TableShape } from "#model/report.ts";
import type { AlarmCondition, AlarmIdentity } from "#ports/alarms.ts";
import { type ConditionForm, numberColumn, type RowCondition } from "./condition-form.ts";
import type { FlagsCondition, StateMeanings, TableCondition } from "./definition.ts";
import { levelOfSeverity, severityOf } from "./levels.ts";
import { RowJudge } from "./row-judge.ts";
import { rowPath } from "./row-path.ts";
import { fillText } from "./text.ts";

/** What a condition needs of the list it feeds. */
export interface ConditionSink {
  set(condition: AlarmCondition): void;
  clear(identity: AlarmIdentity, text?: string): void;
  find(identity: AlarmIdentity): { readonly condition: AlarmCondition } | undefined;
}

/** What a condition needs to know of an equipment besides the table. */
export interface ConditionSurroundings {
  readonly sink: ConditionSink;
  readonly meanings: StateMeanings;
  /** Interface row key -> is up; undefined = not known. */
  readonly portIsUp: (equipment: string, rowKey: string) => boolean | undefined;
}

/** Largest table whose rows are judged; drivers stop at 5,000. */
export const maxRows = 8_192;
const allGood = new Uint8Array(0);
/** One for all: conditions are evaluated one after the other. */
const scratch = new Float64Array(maxRows);

/** One condition over one table of one equipment: what it shares with its like, and what was remembered of its rows. */
export class CompiledCondition {
  readonly form: ConditionForm;
  readonly #shape: TableShape;
  readonly #surroundings: ConditionSurroundings;
  /** Made with the first level that is not good: most tables of most equipment have none, for good. */
  #judge: RowJudge | undefined;

  constructor(form: ConditionForm, shape: TableShape, surroundings: ConditionSurroundings) {
    this.form = form;
    this.#shape = shape;
    this.#surroundings = surroundings;
    for (const row of form.meant) this.#restore(row);
  }

  get condition(): RowCondition {
    return this.form.condition;
  }

  /** The level that each row's alarm has; empty = all are good. */
  get raised(): Uint8Array {
    return this.#judge?.raised ?? allGood;
  }

  /** Goes on where an older shape of the table stopped. @param moved new row -> old row */
  adopt(older: CompiledCondition, moved: ReadonlyMap<number, number>): void {
    const before = older.#judge;
    if (before === undefined) return;
    const judge = this.#remember();
    for (const [row, oldRow] of moved) judge.adopt(row, before, oldRow);
  }

  #remember(): RowJudge {
    this.#judge ??= new RowJudge(this.#shape.rows.length, this.form.times);
    return this.#judge;
  }

  evaluate(table: TableReport): void {
    const { form } = this;
    form.read(table, scratch, this.#shape.rows.length);
    const nowMs = table.observedAt.monotonicMs;
    const { meant } = form;
    const { sign, below, states } = form.quiet;
    for (let index = 0; index < meant.length; index++) {
      const row = meant[index] ?? 0;
      const value = scratch[row] ?? Number.NaN;
      // What is well and was well: most rows of most polls end here, and their memory is not touched.
      const isWell = states === undefined ? sign * value < below : value >= 0 && value < states.length && states[value] === 1;
      const judge = this.#judge;
      if ((isWell && (judge === undefined || judge.isQuiet(row))) || Number.isNaN(value)) continue;
      const found = this.#levelOf(table, row, value, judge?.raised[row] ?? 0);
      if (found < 0 || (found === 0 && judge === undefined)) continue;
      const level = this.#remember().judge(row, found, nowMs);
      if (level >= 0) this.#tell(row, level, value, table);
    }
  }

  /** -1 = this is no moment to judge. */
  #levelOf(table: TableReport, row: number, value: number, raised: number): number {
    const { onlyIf, level: levelOf } = this.form;
    if (onlyIf.length > 0) {
      const applies = this.#applies(table, row);
      return applies === undefined ? -1 : applies ? levelOf(value, raised) : 0;
    }
    const level = levelOf(value, raised);
    // What is well needs no look at its port: most rows of most polls.
    return level !== 0 && this.#isPortDown(row) ? 0 : level;
  }

  #isPortDown(row: number): boolean {
    if (this.condition.scope.portIsUp !== true) return false;
    return this.#surroundings.portIsUp(this.#shape.equipment, this.#shape.rows[row]?.key ?? "") === false;
  }

  identityOf(row: number): AlarmIdentity {
    const key = this.#shape.rows[row]?.key ?? "";
    return {
      equipment: this.#shape.equipment,
      path: rowPath(this.#shape.table, key, this.condition.path),
      type: this.condition.alarm,
      qualifier: "",
    };
  }

  /** false: whatever was wrong is over (not on battery any more, port down); undefined: this is no moment to judge. */
  #applies(table: TableReport, row: number): boolean | undefined {
    if (this.#isPortDown(row)) return false;
    for (const { index, equals, atLeast } of this.form.onlyIf) {
      const column = table.columns[index];
      if (column?.kind !== "number" || column.present[row] !== 1) return undefined;
      const value = column.value[row] ?? Number.NaN;
      if (atLeast !== undefined && !(value >= atLeast)) return undefined;
      if (equals !== undefined && value !== equals) return false;
    }
    return true;
  }

  #tell(row: number, level: number, value: number, table: TableReport): void {
    const identity = this.identityOf(row);
    const severity = severityOf(this.condition, level);
    const { sink, meanings } = this.#surroundings;
    const described = this.#shape.rows[row];
    if (severity === undefined || described === undefined) {
      sink.clear(identity);
      return;
    }
    const { condition } = this;
    const state = condition.kind === "flags" ? flagsOf(condition, this.#shape, table, row) : meanings(this.form.meaning)?.names[value];
    sink.set({
      ...identity,
      severity,
      text: fillText(condition.text, { row: described, value, state, limit: limitOf(condition, level) }),
      ...(condition.cause === undefined ? {} : { cause: condition.cause }),
      ...(condition.repair === undefined ? {} : { repair: condition.repair }),
      source: { kind: "poll", ref: condition.name, table: this.#shape.table },
      attributes: {
        label: labelOf(described.labels, described.key),
        thr: { m: metricOf(condition), lim: limitOf(condition, level), val: Number(value.toPrecision(6)) },
      },
    });
  }

  #restore(row: number): void {
    const active = this.#surroundings.sink.find(this.identityOf(row));
    if (active === undefined) return;
    const level = levelOfSeverity(this.condition, active.condition.severity);
    this.#remember().restore(row, level);
  }
}

function flagsOf(condition: FlagsCondition, shape: TableShape, table: TableReport, row: number): string {
  return Object.keys(condition.flags)
    .filter((metric) => {
      const column = numberColumn(
        table,
        shape.metrics.findIndex((one) => one.name === metric),
      );
      return column?.present[row] === 1 && column.value[row] === 1;
    })
    .join(", ");
}

function limitOf(condition: TableCondition, level: number): number | undefined {
  return condition.kind === "threshold" ? condition.steps[level - 1]?.at : undefined;
}

function metricOf(condition: TableCondition): string {
  if (condition.kind === "flags") return Object.keys(condition.flags)[0] ?? "";
  if (condition.kind !== "threshold") return condition.metric;
  const { operand } = condition;
  if (operand.is === "share") return operand.part;
  if (operand.is === "rate") return operand.metrics.join("+");
  return operand.is === "bad-share" ? operand.bad.join("+") : operand.metric;
}

function labelOf(labels: Readonly<Record<string, string>>, key: string): string {
  return labels.ifAlias || key || "";
}

import type { NumberColumn, TableReport, TableShape } from "#model/report.ts";
import type { AlarmCondition, AlarmIdentity } from "#ports/alarms.ts";
import type { FlagsCondition, StateMeanings, TableCondition } from "./definition.ts";
import { flagRank, type Leveller, levellerOf, levelOfSeverity, type QuietValues, quietOf, severityOf } from "./levels.ts";
import { compileOperand, type OperandReader } from "./operand.ts";
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
const slowMs = 120_000;
/** One for all: conditions are evaluated one after the other. */
const scratch = new Float64Array(maxRows);

/** One condition over one shape of one table of one equipment: columns found, rows chosen, memory laid out. */
export class CompiledCondition {
  readonly condition: TableCondition;
  readonly judge: RowJudge;
  readonly #shape: TableShape;
  readonly #rows: readonly number[];
  readonly #read: OperandReader;
  readonly #level: Leveller;
  readonly #quiet: QuietValues;
  readonly #onlyIf: readonly { readonly index: number; readonly equals?: number; readonly atLeast?: number }[];
  readonly #surroundings: ConditionSurroundings;
  /** Name of the enumeration of a state. */
  readonly #meaning: string;

  constructor(parts: {
    readonly condition: Exclude<TableCondition, { readonly kind: "absence" }>;
    readonly shape: TableShape;
    readonly rows: readonly number[];
    readonly read: OperandReader;
    readonly surroundings: ConditionSurroundings;
  }) {
    const { condition, shape, rows, read, surroundings } = parts;
    this.condition = condition;
    this.#shape = shape;
    this.#rows = rows;
    this.#read = read;
    this.#surroundings = surroundings;
    this.#meaning = condition.kind === "state" ? enumerationOf(shape, condition.metric) : "";
    this.#level = levellerOf(condition, this.#meaning, surroundings.meanings);
    this.#quiet = quietOf(condition, this.#level, surroundings.meanings(this.#meaning)?.severity);
    this.#onlyIf = (condition.scope.onlyIf ?? []).map(({ metric, ...rest }) => ({
      ...rest,
      index: shape.metrics.findIndex((one) => one.name === metric),
    }));
    this.judge = new RowJudge(shape.rows.length, { ...timesOf(condition, shape.intervalMs), intervalMs: shape.intervalMs });
    for (const row of rows) this.#restore(row);
  }

  /** Goes on where an older shape of the table stopped. @param moved new row -> old row */
  adopt(older: CompiledCondition, moved: ReadonlyMap<number, number>): void {
    for (const [row, oldRow] of moved) this.judge.adopt(row, older.judge, oldRow);
  }

  evaluate(table: TableReport): void {
    const rows = this.#shape.rows.length;
    this.#read(table, scratch, rows);
    const nowMs = table.observedAt.monotonicMs;
    const { judge } = this;
    const meant = this.#rows;
    const { raised } = judge;
    const { sign, below, states } = this.#quiet;
    for (let index = 0; index < meant.length; index++) {
      const row = meant[index] ?? 0;
      const value = scratch[row] ?? Number.NaN;
      // What is well and was well: most rows of most polls end here, and their memory is not touched.
      const isWell = states === undefined ? sign * value < below : value >= 0 && value < states.length && states[value] === 1;
      if ((isWell && judge.isQuiet(row)) || Number.isNaN(value)) continue;
      const found = this.#levelOf(table, row, value, raised[row] ?? 0);
      if (found < 0) continue;
      const level = judge.judge(row, found, nowMs);
      if (level >= 0) this.#tell(row, level, value, table);
    }
  }

  /** -1 = this is no moment to judge. */
  #levelOf(table: TableReport, row: number, value: number, raised: number): number {
    if (this.#onlyIf.length > 0) {
      const applies = this.#applies(table, row);
      return applies === undefined ? -1 : applies ? this.#level(value, raised) : 0;
    }
    const level = this.#level(value, raised);
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
    for (const { index, equals, atLeast } of this.#onlyIf) {
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
    const state = condition.kind === "flags" ? flagsOf(condition, this.#shape, table, row) : meanings(this.#meaning)?.names[value];
    sink.set({
      ...identity,
      severity,
      text: fillText(condition.text, { row: described, value, state, limit: limitOf(condition, level) }),
      ...(condition.cause === undefined ? {} : { cause: condition.cause }),
      ...(condition.repair === undefined ? {} : { repair: condition.repair }),
      source: { kind: "poll", ref: condition.name },
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
    this.judge.restore(row, level);
  }
}

/** A slow table is read once in minutes: one look is as good as a hold, and a second one is far away. */
function timesOf({ holdMs, clearHoldMs }: TableCondition, intervalMs: number): { readonly holdMs: number; readonly clearHoldMs: number } {
  return { holdMs: intervalMs >= slowMs && intervalMs >= holdMs ? 0 : holdMs, clearHoldMs };
}

/** undefined = the shape does not have what the condition needs. */
export function readerOf(condition: Exclude<TableCondition, { readonly kind: "absence" }>, shape: TableShape): OperandReader | undefined {
  if (condition.kind === "threshold") return compileOperand(condition.operand, shape);
  if (condition.kind === "state") {
    const metric = shape.metrics.find((one) => one.name === condition.metric);
    return metric?.kind === "state" ? compileOperand({ is: "value", metric: condition.metric }, shape) : undefined;
  }
  return compileFlags(condition, shape);
}

/** The worst set flag's rank per row; NaN while none of the flags has a value. */
function compileFlags(condition: FlagsCondition, shape: TableShape): OperandReader | undefined {
  const flags = Object.entries(condition.flags)
    .map(([metric, severity]) => ({ index: shape.metrics.findIndex((one) => one.name === metric), rank: flagRank[severity] }))
    .filter(({ index }) => index >= 0);
  if (flags.length === 0) return undefined;
  return (table, out, rows) => {
    out.fill(Number.NaN, 0, rows);
    for (const { index, rank } of flags) {
      const column: NumberColumn | undefined = numberColumn(table, index);
      for (let row = 0; row < rows; row++) {
        if (column?.present[row] !== 1) continue;
        const before = out[row] ?? Number.NaN;
        const mine = column.value[row] === 1 ? rank : 0;
        out[row] = Number.isNaN(before) ? mine : Math.max(before, mine);
      }
    }
  };
}

function numberColumn(table: TableReport, index: number): NumberColumn | undefined {
  const column = table.columns[index];
  return column?.kind === "number" ? column : undefined;
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

function enumerationOf(shape: TableShape, metric: string): string {
  return shape.metrics.find((one) => one.name === metric)?.unit.replace(/^enum:/, "") ?? "";
}

function labelOf(labels: Readonly<Record<string, string>>, key: string): string {
  return labels.ifAlias || key || "";
}

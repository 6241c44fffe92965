import type { Metric, NumberColumn, Row, TableReport, TableShape } from "#model/report.ts";
import type { FlagsCondition, StateMeanings, TableCondition } from "./definition.ts";
import { flagRank, type Leveller, levellerOf, type QuietValues, quietOf } from "./levels.ts";
import { compileOperand, type OperandReader } from "./operand.ts";
import type { JudgeTimes } from "./row-judge.ts";

const slowMs = 120_000;

/** What can be judged by rows. */
export type RowCondition = Exclude<TableCondition, { readonly kind: "absence" }>;

/** One condition over one form of table: columns found, rows chosen. Equipment with the same metrics and rows has the same one. */
export interface ConditionForm {
  readonly condition: RowCondition;
  readonly tableRows: readonly Row[];
  /** Places of the rows that are meant. */
  readonly meant: readonly number[];
  readonly read: OperandReader;
  readonly level: Leveller;
  readonly quiet: QuietValues;
  readonly onlyIf: readonly { readonly index: number; readonly equals?: number; readonly atLeast?: number }[];
  /** Name of the enumeration of a state. */
  readonly meaning: string;
  readonly times: JudgeTimes;
}

/** More forms of one condition for one list of metrics than this are not shared: rows that nobody else has. */
const mostForms = 64;

/** The forms that there are, by the list of metrics, which like equipment has in common. */
export class ConditionForms {
  readonly #meanings: StateMeanings;
  readonly #known = new WeakMap<readonly Metric[], Map<RowCondition, ConditionForm[]>>();

  constructor(meanings: StateMeanings) {
    this.#meanings = meanings;
  }

  /** @param meantRows chooses the rows; asked when the form is not known. @returns undefined where the table lacks what the condition needs, or has no row that is meant */
  get(condition: RowCondition, shape: TableShape, meantRows: () => readonly number[]): ConditionForm | undefined {
    let ofMetrics = this.#known.get(shape.metrics);
    if (ofMetrics === undefined) {
      ofMetrics = new Map();
      this.#known.set(shape.metrics, ofMetrics);
    }
    const forms = ofMetrics.get(condition) ?? [];
    const known = forms.find(({ tableRows, times }) => tableRows === shape.rows && times.intervalMs === shape.intervalMs);
    if (known !== undefined) return known;
    const made = this.#make(condition, shape, meantRows);
    // A reader that remembers what it read serves one equipment only.
    const isShareable = !(condition.kind === "threshold" && condition.operand.is === "change");
    if (made !== undefined && isShareable && forms.length < mostForms) ofMetrics.set(condition, forms.concat(made));
    return made;
  }

  #make(condition: RowCondition, shape: TableShape, meantRows: () => readonly number[]): ConditionForm | undefined {
    const read = readerOf(condition, shape);
    if (read === undefined) return undefined;
    const meant = meantRows();
    if (meant.length === 0) return undefined;
    const meaning = condition.kind === "state" ? enumerationOf(shape, condition.metric) : "";
    const level = levellerOf(condition, meaning, this.#meanings);
    return {
      ...{ condition, tableRows: shape.rows, meant, read, level, meaning },
      quiet: quietOf(condition, level, this.#meanings(meaning)?.severity),
      onlyIf: (condition.scope.onlyIf ?? []).map(({ metric, ...rest }) => ({
        ...rest,
        index: shape.metrics.findIndex((one) => one.name === metric),
      })),
      times: { ...timesOf(condition, shape.intervalMs), intervalMs: shape.intervalMs },
    };
  }
}

/** A slow table is read once in minutes: one look is as good as a hold, and a second one is far away. */
function timesOf({ holdMs, clearHoldMs }: TableCondition, intervalMs: number): { readonly holdMs: number; readonly clearHoldMs: number } {
  return { holdMs: intervalMs >= slowMs && intervalMs >= holdMs ? 0 : holdMs, clearHoldMs };
}

/** undefined = the shape does not have what the condition needs. */
function readerOf(condition: RowCondition, shape: TableShape): OperandReader | undefined {
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

export function numberColumn(table: TableReport, index: number): NumberColumn | undefined {
  const column = table.columns[index];
  return column?.kind === "number" ? column : undefined;
}

function enumerationOf(shape: TableShape, metric: string): string {
  return shape.metrics.find((one) => one.name === metric)?.unit.replace(/^enum:/, "") ?? "";
}

import type { Column, NumberColumn } from "#model/report.ts";
import { allocateCounters, type CounterAnomalies, type CounterMemory, CounterState } from "../counters/counter-column.ts";
import { IdlePool } from "../idle-pool.ts";
import type { ColumnDefinition } from "../metric-sets/metric-set.ts";

/** Kinds of a table's columns, a letter each: counter, number, text. Tables of equal forms and as many rows can be reported in the same arrays. */
export type ColumnForm = string;

export function formOfColumns(columns: readonly ColumnDefinition[]): ColumnForm {
  return columns.map(({ kind }) => (kind === "counter" ? "c" : kind === "text" ? "t" : "n")).join("");
}

/** Cells kept for the next report, in all; what is over is left to the collector. */
const maxIdleCells = 1 << 19;
const maxForms = 512;

/** The arrays one table is reported in. They serve one equipment after the other, from the filling to the end of `Intake.accept`. */
export class ReportCells {
  readonly key: string;
  readonly cells: number;
  readonly columns: readonly Column[];
  /** By column; undefined where it is no counter. */
  readonly counters: readonly (CounterState | undefined)[];
  /** By column; undefined where it is no text. */
  readonly texts: readonly (string[] | undefined)[];

  constructor(key: string, form: ColumnForm, rows: number, owner: CellsOwner) {
    const kinds = [...form];
    const count = (kind: string): number => kinds.filter((other) => other === kind).length;
    const counters = allocateCounters(rows, count("c")).map(
      (column, index) => new CounterState(column, index, owner.memory, owner.anomalies),
    );
    const numbers = allocateNumbers(rows, count("n"));
    let nextCounter = 0;
    let nextNumber = 0;
    this.key = key;
    this.cells = rows * kinds.length;
    this.counters = kinds.map((kind) => (kind === "c" ? counters[nextCounter++] : undefined));
    this.texts = kinds.map((kind) => (kind === "t" ? new Array<string>(rows).fill("") : undefined));
    this.columns = kinds.map((kind, position) => {
      const column = kind === "c" ? this.counters[position]?.column : kind === "n" ? numbers[nextNumber++] : undefined;
      return column ?? { kind: "text", present: new Uint8Array(rows), value: this.texts[position] ?? [] };
    });
  }

  /** Marks every cell as not read; what the next answers fill is present again. */
  begin(owner: CellsOwner): void {
    for (const { present } of this.columns) present.fill(0);
    for (const state of this.counters) state?.attach(owner.memory, owner.anomalies);
  }
}

/** Whose counters are reported. */
export interface CellsOwner {
  readonly memory: CounterMemory;
  readonly anomalies: CounterAnomalies;
}

function allocateNumbers(rows: number, count: number): readonly NumberColumn[] {
  const cells = rows * count;
  const buffer = new ArrayBuffer(cells * 9);
  return Array.from({ length: count }, (_, column) => ({
    kind: "number",
    value: new Float64Array(buffer, column * rows * 8, rows),
    present: new Uint8Array(buffer, cells * 8 + column * rows, rows),
  }));
}

/** Arrays that wait for the next report of their form; one pool per driver. */
export class ReportCellsPool {
  readonly #idle = new IdlePool<ReportCells>({ keys: maxForms, items: maxIdleCells, cells: maxIdleCells });

  /** @returns cells of which none is present */
  take(form: ColumnForm, rows: number, owner: CellsOwner): ReportCells {
    const key = `${form} ${rows}`;
    const cells = this.#idle.take(key) ?? new ReportCells(key, form, rows, owner);
    cells.begin(owner);
    return cells;
  }

  giveBack(cells: ReportCells): void {
    this.#idle.giveBack(cells);
  }
}

import type { Column, Metric, TableReport, TableShape } from "#model/report.ts";
import { shapeOf, tableReport } from "./site.ts";

/** What happens to one cell at one poll. */
export type CellStep =
  | { readonly do: "keep" }
  | { readonly do: "absent" }
  | { readonly do: "number"; readonly value: number }
  | { readonly do: "text"; readonly value: string }
  | { readonly do: "count"; readonly by: bigint; readonly wrap32: boolean }
  | { readonly do: "reset"; readonly to: bigint }
  | { readonly do: "odd"; readonly to: bigint; readonly increment: number };

interface CellTruth {
  absolute: bigint;
  number: number;
  text: string;
  /** The absolute of the last report that had a value. */
  reported: bigint;
}

/** Runs a site's script against the device's truth and keeps every report, deeply copied. */
export class Device {
  readonly #metrics: readonly Metric[];
  readonly #rows: number;
  readonly #cells: CellTruth[];
  readonly #remembers: boolean;
  #polls = 0;
  shape: TableShape;

  constructor(metrics: readonly Metric[], rows: number, remembers: boolean) {
    this.#remembers = remembers;
    this.#metrics = metrics;
    this.#rows = rows;
    this.#cells = Array.from({ length: metrics.length * rows }, () => ({ absolute: 0n, number: 0, text: "", reported: 0n }));
    this.shape = shapeOf("sw-1", "t", metrics, rows);
  }

  reshape(): void {
    this.shape = shapeOf("sw-1", "t", this.#metrics, this.#rows);
  }

  poll(steps: readonly CellStep[], observedAt: TableReport["observedAt"], isFirst: boolean): TableReport {
    const columns = this.#metrics.map((one, index): Column => this.#column(one, index, steps, isFirst));
    this.#polls += 1;
    return { ...tableReport(this.shape, columns, observedAt), ...(this.#remembers && { sequence: this.#polls }) };
  }

  #column(one: Metric, index: number, steps: readonly CellStep[], isFirst: boolean): Column {
    const rows = this.#rows;
    const present = new Uint8Array(rows + 1).fill(1);
    const absolute = new BigUint64Array(rows + 1);
    const previous = new BigUint64Array(rows + 1);
    const increment = new Float64Array(rows + 1);
    const value = new Float64Array(rows + 1);
    const texts: string[] = [];
    for (let row = 0; row < rows; row++) {
      const cell = this.#cells[index * rows + row] ?? { absolute: 0n, number: 0, text: "", reported: 0n };
      const step = steps[(index * rows + row) % steps.length] ?? { do: "keep" };
      increment[row] = isFirst ? Number.NaN : apply(cell, step);
      previous[row] = cell.reported;
      if (step.do === "absent") present[row] = 0;
      else cell.reported = cell.absolute;
      absolute[row] = cell.absolute;
      value[row] = cell.number;
      texts.push(cell.text);
    }
    if (one.kind === "counter") return { kind: "counter", present, absolute, increment, ...(this.#remembers && { previous }) };
    return one.kind === "text" ? { kind: "text", present, value: texts } : { kind: "number", present, value };
  }
}

/** Changes the cell; returns the increment that the poller would give. */
function apply(cell: CellTruth, step: CellStep): number {
  if (step.do === "number") cell.number = step.value;
  if (step.do === "text") cell.text = step.value.toWellFormed();
  if (step.do === "count") {
    cell.absolute = step.wrap32 ? BigInt.asUintN(32, cell.absolute + step.by) : BigInt.asUintN(64, cell.absolute + step.by);
    return Number(step.by);
  }
  if (step.do === "reset" || step.do === "odd") {
    cell.absolute = step.to;
    return step.do === "reset" ? Number.NaN : step.increment;
  }
  return 0;
}

import type { Column, NumberColumn } from "#model/report.ts";
import { allocateCounters, type CounterAnomalies, type CounterOwner, CounterState } from "../counters/counter-column.ts";
import type { CounterMemory } from "../counters/counter-memory.ts";
import { IdlePool } from "../idle-pool.ts";
import type { ColumnDefinition } from "../metric-sets/metric-set.ts";
import { Shared } from "./shared.ts";

/**
 * Kinds of a table's columns, a letter each (counter, number, text), and how many rows it has: `cccn 48`. Tables of equal forms can be reported in
 * the same arrays.
 */
export type TableForm = string;

/** Kept with each table rather than put together at each poll; few, so that they are kept once. */
export function formOfTable(columns: readonly Pick<ColumnDefinition, "kind">[], rows: number): TableForm {
  const kinds = columns.map(({ kind }) => (kind === "counter" ? "c" : kind === "text" ? "t" : "n")).join("");
  const form = `${kinds} ${rows}`;
  return formsShared.get(form, () => form);
}

/** Cells kept for the next report, in all; what is over is left to the collector. */
const maxIdleCells = 1 << 19;
const maxForms = 512;

const formsShared = new Shared<TableForm>(maxForms);

/** The arrays one table is reported in. They serve one equipment after the other, from the filling to the end of `Intake.accept`. */
export class ReportCells {
  readonly key: string;
  readonly cells: number;
  readonly columns: readonly Column[];
  /** By column; undefined where it is no counter. */
  readonly counters: readonly (CounterState | undefined)[];
  /** By column; undefined where it is no text. */
  readonly texts: readonly (string[] | undefined)[];
  /** The presence of all columns, one after the other: taken back and counted at once. */
  readonly #present: Uint8Array;
  readonly #presentWords: Int32Array;
  readonly #owner: CounterOwner;

  constructor(form: TableForm, owner: CounterOwner) {
    const [letters = "", count = "0"] = form.split(" ");
    const kinds = [...letters];
    const rows = Number(count);
    const present = new Uint8Array(rows * kinds.length);
    const placesOf = (kind: string): readonly number[] => kinds.flatMap((other, place) => (other === kind ? [place] : []));
    const presentAt = (place = 0): Uint8Array => present.subarray(place * rows, (place + 1) * rows);
    this.#owner = owner;
    const counterPlaces = placesOf("c");
    const numberPlaces = placesOf("n");
    this.#present = present;
    this.#presentWords = new Int32Array(present.buffer, present.byteOffset, present.length >> 2);
    const counters = allocateCounters(rows, counterPlaces.length, (counter) => presentAt(counterPlaces[counter])).map(
      (column, index) => new CounterState(column, index, this.#owner),
    );
    const numbers = allocateNumbers(rows, numberPlaces.length, (number) => presentAt(numberPlaces[number]));
    this.key = form;
    this.cells = rows * kinds.length;
    this.counters = kinds.map((_, place) => counters[counterPlaces.indexOf(place)]);
    this.texts = kinds.map((kind) => (kind === "t" ? new Array<string>(rows).fill("") : undefined));
    this.columns = kinds.map((_, place) => {
      const column = this.counters[place]?.column ?? numbers[numberPlaces.indexOf(place)];
      return column ?? { kind: "text", present: presentAt(place), value: this.texts[place] ?? [] };
    });
  }

  /** Marks every cell as not read; what the next answers fill is present again. From now on counters are told for this owner. */
  begin(memory: CounterMemory, anomalies: CounterAnomalies): void {
    this.#present.fill(0);
    this.#owner.memory = memory;
    this.#owner.anomalies = anomalies;
  }

  /** How many cells have a value. */
  countPresent(): number {
    const present = this.#present;
    const words = this.#presentWords;
    let count = 0;
    // Four marks at a time, each of which is 0 or 1: the product's highest byte is their sum.
    for (let word = 0; word < words.length; word++) count += Math.imul(words[word] ?? 0, 0x01010101) >>> 24;
    for (let cell = words.length * 4; cell < present.length; cell++) count += present[cell] ?? 0;
    return count;
  }
}

function allocateNumbers(rows: number, count: number, presentOf: (column: number) => Uint8Array): readonly NumberColumn[] {
  const buffer = new ArrayBuffer(rows * count * 8);
  return Array.from({ length: count }, (_, column) => ({
    kind: "number",
    value: new Float64Array(buffer, column * rows * 8, rows),
    present: presentOf(column),
  }));
}

/** Arrays that wait for the next report of their form; one pool per driver. */
export class ReportCellsPool {
  readonly #idle = new IdlePool<ReportCells>({ keys: maxForms, items: maxIdleCells, cells: maxIdleCells });

  /** @returns cells of which none is present */
  take(form: TableForm, memory: CounterMemory, anomalies: CounterAnomalies): ReportCells {
    const cells = this.#idle.take(form) ?? new ReportCells(form, { memory, anomalies });
    cells.begin(memory, anomalies);
    return cells;
  }

  giveBack(cells: ReportCells): void {
    this.#idle.giveBack(cells);
  }
}

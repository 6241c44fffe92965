import type { BlockSeries } from "./history-block.ts";

/** Series of one equipment whose values come together, and where the last row of them that is held stands. */
export class HeldTable {
  readonly equipment: string;
  /** The series' numbers; 0 = a place whose values are not kept. */
  readonly ids: readonly number[];
  /** Rows held. */
  rows = 0;
  /** Place of the newest of them in all pages, one after the other. */
  last = 0;

  constructor(equipment: string, ids: readonly number[]) {
    this.equipment = equipment;
    this.ids = ids;
  }
}

interface Page {
  /** Place of its first number in all pages. */
  first: number;
  readonly cells: Float64Array;
}

/** Numbers of a page: 256 KiB. A row that is longer has one of its own. */
const pageCells = 32_768;
/** Before the values of a row: the place of the row before it in the same table, and its time. */
const headCells = 2;

/**
 * Rows that wait for the next flush, one after the other in pages of numbers, each with the place of its table's row before. An array a row took fifteen times
 * what is in it at a site where most rows are one value, and as much work for the collector: with 1,000 switches 10 to 20 MB in the five minutes.
 */
export class HeldRows {
  #pages: Page[] = [];
  /** Pages in use, and where the next row begins in all of them. */
  #used = 0;
  #end = 0;
  readonly #tables = new Map<string, HeldTable[]>();
  /** Values held, those that are none (NaN) among them. */
  values = 0;

  /** Numbers taken, what belongs to no value included: times 8 = bytes. */
  get cells(): number {
    return this.#end;
  }

  get isEmpty(): boolean {
    return this.values === 0;
  }

  /** @param values one for each of the table's ids; copied */
  add(table: HeldTable, atMs: number, values: Float64Array): void {
    const width = table.ids.length;
    const page = this.#pageFor(headCells + width);
    const at = this.#end - page.first;
    page.cells[at] = table.last;
    page.cells[at + 1] = atMs;
    for (let column = 0; column < width; column++) page.cells[at + headCells + column] = values[column] ?? Number.NaN;
    if (table.rows === 0) {
      const others = this.#tables.get(table.equipment);
      if (others === undefined) this.#tables.set(table.equipment, [table]);
      else others.push(table);
    }
    table.rows += 1;
    table.last = this.#end;
    this.#end += headCells + width;
    this.values += width;
  }

  equipment(): Iterable<string> {
    return this.#tables.keys();
  }

  /** What is held of one equipment, oldest first. @param wanted absent = all series */
  series(equipment: string, wanted?: number): readonly BlockSeries[] {
    return (this.#tables.get(equipment) ?? []).flatMap((table) => this.#seriesOf(table, wanted));
  }

  /** Pages that the last flush needed are kept for the next: there will be as much again. */
  clear(): void {
    for (const tables of this.#tables.values()) for (const table of tables) table.rows = 0;
    this.#tables.clear();
    this.#pages = this.#pages.slice(0, this.#used).filter(({ cells }) => cells.length === pageCells);
    this.#used = 0;
    this.#end = 0;
    this.values = 0;
  }

  #seriesOf(table: HeldTable, wanted: number | undefined): BlockSeries[] {
    const columns = [...table.ids.entries()].filter(([, id]) => id !== 0 && (wanted === undefined || id === wanted));
    if (columns.length === 0) return [];
    const times = new Array<number>(table.rows).fill(0);
    const series = columns.map(([, id]) => ({ id, times, values: new Float64Array(table.rows) }));
    for (let row = table.rows - 1, place = table.last; row >= 0; row--) {
      const { first, cells } = this.#pageOf(place);
      const at = place - first;
      times[row] = cells[at + 1] ?? 0;
      for (const [index, [column]] of columns.entries()) {
        const values = series[index]?.values;
        if (values !== undefined) values[row] = cells[at + headCells + column] ?? Number.NaN;
      }
      place = cells[at] ?? 0;
    }
    return series;
  }

  /** The page where `needed` numbers have room. */
  #pageFor(needed: number): Page {
    const open = this.#pages[this.#used - 1];
    if (open !== undefined) {
      const end = open.first + open.cells.length;
      if (this.#end + needed <= end) return open;
      this.#end = end;
    }
    const kept = this.#pages[this.#used];
    const page =
      kept !== undefined && needed <= kept.cells.length ? kept : { first: 0, cells: new Float64Array(Math.max(pageCells, needed)) };
    page.first = this.#end;
    this.#pages[this.#used] = page;
    this.#used += 1;
    return page;
  }

  #pageOf(place: number): Page {
    let low = 0;
    let high = this.#used - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#pages[middle]?.first ?? 0) <= place) low = middle;
      else high = middle - 1;
    }
    const page = this.#pages[low];
    if (page === undefined) throw new RangeError(`no page of the history holds place ${place}`);
    return page;
  }
}

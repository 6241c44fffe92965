import type { CounterColumn } from "#model/report.ts";
import type { GroupForm } from "./column-encoders.ts";

/**
 * Memory that groups share: a view and a block of its own for each group would be as large as what most groups keep. A page of the system's memory less than a
 * power of two holds malloc's own words, too; below what a site of one switch notices.
 */
const pageBytes = 65_536 - 4_096;

interface Page {
  readonly values: Float64Array;
  readonly known: Uint8Array;
}

function newPage(bytes: number): Page {
  const block = new ArrayBuffer(bytes);
  return { values: new Float64Array(block), known: new Uint8Array(block) };
}

/** What was last said of a column of counters, and the place of the group's first row there. */
export interface Remembered {
  readonly absolute: BigUint64Array;
  readonly at: number;
}

/**
 * What was last said about each series of a group: places in a page, each array of it from a place on. Of counters only that readers have them: their last
 * absolute comes with the report, but for producers that do not remember it.
 */
export class GroupMemory {
  readonly #page: Page;
  readonly #knownAt: number;
  readonly #valuesAt: number;
  readonly #rows: number;
  /** By column; absent where no column is text. */
  readonly texts: readonly (string[] | undefined)[] | undefined;
  /** By column; absent as long as reports say what was said before. */
  #counters: (BigUint64Array | undefined)[] | undefined;

  /** @param at the first byte of `bytesOf(form, rows)` */
  constructor(form: GroupForm, rows: number, page: Page, at: number) {
    this.#page = page;
    this.#rows = rows;
    this.#valuesAt = at >>> 3;
    this.#knownAt = at + numbersOf(form) * rows * 8;
    const isText = form.columns.map(({ kind }) => kind === "text");
    this.texts = isText.includes(true) ? isText.map((text) => (text ? new Array<string>(rows).fill("") : undefined)) : undefined;
  }

  /** Place in `values` where the cells of a column of numbers begin. */
  placeOf({ index }: GroupForm["columns"][number]): number {
    return this.#valuesAt + index * this.#rows;
  }

  /** Place in `known` where the bits of a column begin: row r is bit r % 8 of byte r / 8. */
  knownPlaceOf(column: number): number {
    return this.#knownAt + column * bytesOfBits(this.#rows);
  }

  /** A bit a series; 0 = not said since the last key-frame, or never: a reader does not have it. */
  get known(): Uint8Array {
    return this.#page.known;
  }

  /** Numbers. */
  get values(): Float64Array {
    return this.#page.values;
  }

  /** Readers have none of the column's series. */
  forget(column: number): void {
    const at = this.knownPlaceOf(column);
    this.#page.known.fill(0, at, at + bytesOfBits(this.#rows));
  }

  /** What was last said of a column of counters; by the report where it says so. */
  before(column: number, said: Pick<CounterColumn, "previous"> | undefined, fromRow: number): Remembered {
    if (said?.previous !== undefined) return { absolute: said.previous, at: fromRow };
    this.#counters ??= [];
    let own = this.#counters[column];
    if (own === undefined) {
      own = new BigUint64Array(this.#rows);
      this.#counters[column] = own;
      this.forget(column);
    }
    return { absolute: own, at: 0 };
  }

  /** Notes what was said, where the next report will not say it. */
  remember(column: number, { previous, present, absolute }: CounterColumn, fromRow: number): void {
    if (this.#counters === undefined) return;
    if (previous !== undefined) this.#counters[column] = undefined;
    const own = this.#counters[column];
    for (let row = 0; own !== undefined && row < own.length; row++)
      if (present[fromRow + row] === 1) own[row] = absolute[fromRow + row] ?? 0n;
  }
}

function numbersOf({ columns }: GroupForm): number {
  return columns.filter(({ kind }) => kind === "number").length;
}

function bytesOfBits(rows: number): number {
  return (rows + 7) >>> 3;
}

function bytesOf(form: GroupForm, rows: number): number {
  return Math.ceil((rows * numbersOf(form) * 8 + form.columns.length * bytesOfBits(rows)) / 8) * 8;
}

/**
 * Hands memory to groups, one after the other. A page goes when the last group in it has gone: pages are not filled again, so at worst each group that
 * lives holds one.
 */
export class GroupMemories {
  #page: Page | undefined;
  #used = pageBytes;

  take(form: GroupForm, rows: number): GroupMemory {
    const bytes = bytesOf(form, rows);
    if (bytes > pageBytes / 4) return new GroupMemory(form, rows, newPage(bytes), 0);
    if (this.#page === undefined || this.#used + bytes > pageBytes) {
      this.#page = newPage(pageBytes);
      this.#used = 0;
    }
    const memory = new GroupMemory(form, rows, this.#page, this.#used);
    this.#used += bytes;
    return memory;
  }
}

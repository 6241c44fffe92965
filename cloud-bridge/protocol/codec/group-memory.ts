import type { CounterColumn } from "#model/report.ts";
import type { GroupForm } from "./group-form.ts";

/**
 * Memory that groups share: a view and a block of its own for each group would be as large as what most groups keep. A page of the system's memory less than a
 * power of two holds malloc's own words, too; below what a site of one switch notices.
 */
const pageBytes = 65_536 - 4_096;

/** Stands for a number that is no 32-bit integer when scaled, or is this one; its double is kept beside. */
export const noShort = -(2 ** 31);

interface Page {
  readonly shorts: Int32Array;
  readonly known: Uint8Array;
}

function newPage(bytes: number): Page {
  const block = new ArrayBuffer(bytes);
  return { shorts: new Int32Array(block), known: new Uint8Array(block) };
}

/** What most groups have nothing of. */
interface MoreMemory {
  /** By column; absent where no column is text. */
  readonly texts: readonly (string[] | undefined)[] | undefined;
  /** By column; absent as long as reports say what was said before. */
  counters: (BigUint64Array | undefined)[] | undefined;
  /** The group's numbers as doubles, once one of them has no short form. */
  longs: Float64Array | undefined;
}

const nothingMore: MoreMemory = { texts: undefined, counters: undefined, longs: undefined };

/**
 * What was last said about each series of a group: places in a page, each array of it from a place on. Of counters only that readers have them: their last
 * absolute comes with the report, but for producers that do not remember it.
 */
export class GroupMemory {
  readonly #page: Page;
  readonly #knownAt: number;
  readonly #shortsAt: number;
  readonly rowCount: number;
  #more: MoreMemory | undefined;

  constructor(form: GroupForm, rowCount: number, memories: GroupMemories) {
    const { page, at } = memories.take(bytesOf(form, rowCount));
    this.#page = page;
    this.rowCount = rowCount;
    this.#shortsAt = at >>> 2;
    this.#knownAt = at + numbersOf(form) * rowCount * 4;
    const isText = form.columns.map(({ kind }) => kind === "text");
    if (isText.includes(true))
      this.#more = { ...nothingMore, texts: isText.map((text) => (text ? new Array<string>(rowCount).fill("") : undefined)) };
  }

  /** By column; absent where no column is text. */
  get texts(): MoreMemory["texts"] {
    return this.#more?.texts;
  }

  /** Place in `shorts` where the cells of a column of numbers begin. */
  placeOf({ index }: GroupForm["columns"][number]): number {
    return this.#shortsAt + index * this.rowCount;
  }

  /** Place in `known` where the bits of a column begin: row r is bit r % 8 of byte r / 8. */
  knownPlaceOf(column: number): number {
    return this.#knownAt + column * bytesOfBits(this.rowCount);
  }

  /** A bit a series; 0 = not said since the last key-frame, or never: a reader does not have it. */
  get known(): Uint8Array {
    return this.#page.known;
  }

  /** Numbers as they travel, value x scale, where that is a 32-bit integer, as nearly always; else `noShort`: four bytes instead of eight. */
  get shorts(): Int32Array {
    return this.#page.shorts;
  }

  /** A number that has no short form. @param place in `shorts` */
  longOf(place: number): number {
    return this.#more?.longs?.[place - this.#shortsAt] ?? Number.NaN;
  }

  rememberLong(place: number, value: number): void {
    this.#more ??= { ...nothingMore };
    const more = this.#more;
    // As many as there are shorts before the bits.
    more.longs ??= new Float64Array((this.#knownAt >>> 2) - this.#shortsAt);
    more.longs[place - this.#shortsAt] = value;
  }

  /** Readers have none of the column's series. */
  forget(column: number): void {
    const at = this.knownPlaceOf(column);
    this.#page.known.fill(0, at, at + bytesOfBits(this.rowCount));
  }

  /** What was last said of a column of counters: by the report, in its rows, or as remembered here, from the group's first row on. */
  before(column: number, said: CounterColumn["previous"]): BigUint64Array {
    if (said !== undefined) return said;
    this.#more ??= { ...nothingMore };
    const more = this.#more;
    more.counters ??= [];
    let own = more.counters[column];
    if (own === undefined) {
      own = new BigUint64Array(this.rowCount);
      more.counters[column] = own;
      this.forget(column);
    }
    return own;
  }

  /** Notes what was said, where the next report will not say it. */
  remember(column: number, { previous, present, absolute }: CounterColumn, fromRow: number): void {
    const counters = this.#more?.counters;
    if (counters === undefined) return;
    if (previous !== undefined) counters[column] = undefined;
    const own = counters[column];
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
  return Math.ceil((rows * numbersOf(form) * 4 + form.columns.length * bytesOfBits(rows)) / 4) * 4;
}

/**
 * Hands memory to groups, one after the other. A page goes when the last group in it has gone: pages are not filled again, so at worst each group that
 * lives holds one.
 */
export class GroupMemories {
  #page: Page | undefined;
  #used = pageBytes;

  /** @returns zeros from byte `at` on, a multiple of four */
  take(bytes: number): { readonly page: Page; readonly at: number } {
    if (bytes > pageBytes / 4) return { page: newPage(bytes), at: 0 };
    if (this.#page === undefined || this.#used + bytes > pageBytes) {
      this.#page = newPage(pageBytes);
      this.#used = 0;
    }
    this.#used += bytes;
    return { page: this.#page, at: this.#used - bytes };
  }
}

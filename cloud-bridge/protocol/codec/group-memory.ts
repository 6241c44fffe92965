import type { GroupForm } from "./column-encoders.ts";

/**
 * Memory that groups share: a view and a block of its own for each group would be as large as what most groups keep. Below what a site of one switch
 * notices; ten switches' groups fit.
 */
const pageBytes = 65_536;
/** A mark is a byte, and 0 has its meaning. */
export const largestMarkedHigh = 254;

interface Page {
  readonly values: Float64Array;
  readonly lows: Uint32Array;
  readonly known: Uint8Array;
}

function newPage(bytes: number): Page {
  const block = new ArrayBuffer(bytes);
  return { values: new Float64Array(block), lows: new Uint32Array(block), known: new Uint8Array(block) };
}

/** What was last said about each series of a group: places in a page, each array of it from a place on. */
export class GroupMemory {
  readonly #page: Page;
  /** Place in `known` of the group's first series; series are in the order of `state`. */
  readonly knownAt: number;
  readonly #valuesAt: number;
  readonly #lowsAt: number;
  readonly #series: number;
  #highs: Uint32Array | undefined;
  /** By column; absent where no column is text. */
  readonly texts: readonly (string[] | undefined)[] | undefined;

  /** @param at the first byte of `bytesOf(form, rows)` */
  constructor(form: GroupForm, rows: number, page: Page, at: number) {
    const { numbers, counters } = countsOf(form);
    const lowsAt = at + numbers * rows * 8;
    this.#page = page;
    this.#series = form.columns.length * rows;
    this.#valuesAt = at >>> 3;
    this.#lowsAt = lowsAt >>> 2;
    this.knownAt = lowsAt + counters * rows * 4;
    const isText = form.columns.map(({ kind }) => kind === "text");
    this.texts = isText.includes(true) ? isText.map((text) => (text ? new Array<string>(rows).fill("") : undefined)) : undefined;
  }

  /** Where the cells of a column begin: of a counter in `lows`, of numbers in `values`. */
  placeOf({ kind, index }: GroupForm["columns"][number], rows: number): number {
    return (kind === "counter" ? this.#lowsAt : this.#valuesAt) + index * rows;
  }

  /** 0 = not said since the last key-frame, so that a reader does not have it. Else 1; of counters without `highs` 1 plus the higher half of the last absolute. */
  get known(): Uint8Array {
    return this.#page.known;
  }

  /** Counters: lower half of the last absolute. */
  get lows(): Uint32Array {
    return this.#page.lows;
  }

  /**
   * Counters: higher half of the last absolute by series; undefined while `known` has room for all of them, which it has until one is beyond
   * `largestMarkedHigh`: five bytes a counter instead of nine.
   */
  get highs(): Uint32Array | undefined {
    return this.#highs;
  }

  /** Notes the last absolute of a counter, which readers have from now on. @param place in `lows` */
  remember(series: number, place: number, low: number, high: number): void {
    if (high > largestMarkedHigh) this.#highs ??= this.#markedHighs();
    const highs = this.#highs;
    if (highs !== undefined) highs[series] = high;
    this.#page.known[this.knownAt + series] = highs === undefined ? 1 + high : 1;
    this.#page.lows[place] = low;
  }

  /** The higher half of a counter that is known. */
  highOf(series: number): number {
    return this.#highs?.[series] ?? Math.max(0, (this.#page.known[this.knownAt + series] ?? 0) - 1);
  }

  #markedHighs(): Uint32Array {
    return Uint32Array.from({ length: this.#series }, (_, series) => this.highOf(series));
  }

  /** Numbers. */
  get values(): Float64Array {
    return this.#page.values;
  }
}

function countsOf({ columns }: GroupForm): { readonly numbers: number; readonly counters: number } {
  const count = (wanted: string): number => columns.filter(({ kind }) => kind === wanted).length;
  return { numbers: count("number"), counters: count("counter") };
}

function bytesOf(form: GroupForm, rows: number): number {
  const { numbers, counters } = countsOf(form);
  return Math.ceil((rows * (numbers * 8 + counters * 4 + form.columns.length)) / 8) * 8;
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

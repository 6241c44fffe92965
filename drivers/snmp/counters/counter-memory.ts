/** Cells of a page: what nine switches of 48 ports keep. At large sites, where a few more that wait for their table are not noticed, four times as many. */
const pageCells = 8_192;
const largestPageCells = 32_768;

/** One block of memory with a view for each of its parts. */
interface Page {
  readonly lows: Int32Array;
  readonly highs: Uint16Array;
  readonly marks: Uint8Array;
}

function newPage(cells: number): Page {
  const block = new ArrayBuffer(cells * 7);
  return {
    lows: new Int32Array(block, 0, cells),
    highs: new Uint16Array(block, cells * 4, cells),
    marks: new Uint8Array(block, cells * 6, cells),
  };
}

/** 2.8 x 10^14 and more has a larger higher half, which few counters of a site have. */
const largestShortHigh = 0xffff;

const noPage = newPage(0);
let page = noPage;
/** Cells of `page` that are taken, and of all pages that ever were. */
let used = 0;
let allUsed = 0;

/**
 * What is kept of several counter columns between two polls, seven bytes a cell: cells of a page that tables of one equipment after the other share, because
 * views and a block of its own cost a table half as much as its content. A page goes when the last of its tables has gone; it is not filled again.
 */
export class CounterMemory {
  readonly rows: number;
  readonly columns: number;
  /** Where the cells of this memory begin in the page's arrays. */
  readonly first: number;
  /** How many reports were made of what is remembered, see TableReport.sequence. */
  reports = 0;
  readonly #page: Page;
  /** Higher halves, once one of them is too large for the page's. */
  #ownHighs: Uint32Array | undefined;

  constructor(rows: number, columns: number) {
    const cells = rows * columns;
    const isLarge = cells > pageCells / 4;
    if (!isLarge && cells > 0 && used + cells > page.marks.length) {
      page = newPage(Math.min(largestPageCells, Math.max(pageCells, allUsed >> 2)));
      used = 0;
    }
    const own = cells === 0 ? noPage : isLarge ? newPage(cells) : page;
    this.rows = rows;
    this.columns = columns;
    this.#page = own;
    this.first = own === page ? used : 0;
    if (own !== page) return;
    used += cells;
    allUsed += cells;
  }

  /** The page's: lower halves of the last absolute values. */
  get lows(): Int32Array {
    return this.#page.lows;
  }

  /** The page's, see counter-column.ts for what they say. */
  get marks(): Uint8Array {
    return this.#page.marks;
  }

  /** Higher halves of the last absolute values, of this memory's cells from `highsAt` on. */
  get highs(): Uint16Array | Uint32Array {
    return this.#ownHighs ?? this.#page.highs;
  }

  get highsAt(): number {
    return this.#ownHighs === undefined ? this.first : 0;
  }

  /** The lower half of a cell's last absolute value as an unsigned number. @param cell of this memory */
  lowOf(cell: number): number {
    return (this.lows[this.first + cell] ?? 0) >>> 0;
  }

  highOf(cell: number): number {
    return this.highs[this.highsAt + cell] ?? 0;
  }

  /** Notes an absolute value. @param high unsigned */
  set(cell: number, low: number, high: number): void {
    if (high > largestShortHigh)
      this.#ownHighs ??= Uint32Array.from(this.highs.subarray(this.first, this.first + this.rows * this.columns));
    this.lows[this.first + cell] = low;
    this.highs[this.highsAt + cell] = high;
  }

  /** Agent restart: every row of every column begins anew. What was said of it last stays known. */
  reset(): void {
    this.marks.fill(0, this.first, this.first + this.rows * this.columns);
  }

  /** Takes over the history of a row that moved (renumbered instance, changed set of rows). */
  adopt(cell: number, from: CounterMemory, fromCell: number): void {
    this.set(cell, from.lowOf(fromCell), from.highOf(fromCell));
    this.marks[this.first + cell] = from.marks[from.first + fromCell] ?? 0;
  }
}

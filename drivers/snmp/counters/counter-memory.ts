/** Cells of a page: what nine switches of 48 ports keep. */
const pageCells = 8_192;

/** One block of memory with a view for each of its two parts. */
interface Page {
  /** The absolute values as (low, high) words: every platform the gateway runs on is little-endian. */
  readonly words: Int32Array;
  readonly marks: Uint8Array;
}

function newPage(cells: number): Page {
  const block = new ArrayBuffer(cells * 9);
  return { words: new Int32Array(block, 0, cells * 2), marks: new Uint8Array(block, cells * 8, cells) };
}

const noPage = newPage(0);
let page = noPage;
/** Cells of `page` that are taken. */
let used = 0;

/**
 * What is kept of several counter columns between two polls: cells of a page that tables of one equipment after the other share, because views and a block
 * of its own cost a table half as much as its content. A page goes when the last of its tables has gone; it is not filled again.
 */
export class CounterMemory {
  readonly rows: number;
  readonly columns: number;
  /** The page's; the cells of this memory begin at `first`, a word's place is twice that. */
  readonly words: Int32Array;
  /** The page's, see counter-column.ts for what they say. */
  readonly marks: Uint8Array;
  readonly first: number;

  constructor(rows: number, columns: number) {
    const cells = rows * columns;
    const isLarge = cells > pageCells / 4;
    if (!isLarge && cells > 0 && used + cells > page.marks.length) {
      page = newPage(pageCells);
      used = 0;
    }
    const own = cells === 0 ? noPage : isLarge ? newPage(cells) : page;
    this.rows = rows;
    this.columns = columns;
    this.words = own.words;
    this.marks = own.marks;
    this.first = own === page ? used : 0;
    if (own === page) used += cells;
  }

  /** Agent restart: every row of every column begins anew. */
  reset(): void {
    this.marks.fill(0, this.first, this.first + this.rows * this.columns);
  }

  /** Takes over the history of a row that moved (renumbered instance, changed set of rows). */
  adopt(cell: number, from: CounterMemory, fromCell: number): void {
    const to = this.first + cell;
    const old = from.first + fromCell;
    this.words[to * 2] = from.words[old * 2] ?? 0;
    this.words[to * 2 + 1] = from.words[old * 2 + 1] ?? 0;
    this.marks[to] = from.marks[old] ?? 0;
  }
}

import { GatewayError } from "#model/errors.ts";
import type { ColumnRequest, TableColumn, TablePlan } from "#ports/snmp.ts";
import { compareOids, encodeIndex, encodeOid } from "./oid.ts";
import type { PreparedRequest } from "./request.ts";
import { Shared } from "./shared.ts";

const maxCells = 1 << 20;
const readsBetweenCuts = 16;
const noBytes = new Uint8Array(0);

/** `ColumnRequest.as` as a small number. */
export const kind = { counter: 0, number: 1, text: 2, bytes: 3 } as const;

/** The columns of a plan, encoded. Shared by all plans that ask for the same. */
export class ColumnSet {
  readonly id: number;
  readonly count: number;
  readonly kinds: Uint8Array;
  /** OID contents of all columns, one after the other; column c is [starts[c], starts[c + 1]). */
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  /** The whole 32-bit words (little-endian) at the beginning of each OID's content; column c has [wordStarts[c], wordStarts[c + 1]). */
  readonly words: Int32Array;
  readonly wordStarts: Uint32Array;
  /** 0, 1, 2 ... */
  readonly all: Uint16Array;

  constructor(id: number, columns: readonly ColumnRequest[]) {
    this.id = id;
    this.count = columns.length;
    this.kinds = Uint8Array.from(columns.map(({ as }) => kind[as]));
    const prefixes = columns.map(({ oid }) => encodeOid(oid));
    [this.bytes, this.starts] = pack(prefixes);
    const words: number[] = [];
    this.wordStarts = new Uint32Array(columns.length + 1);
    for (const [column, prefix] of prefixes.entries()) {
      const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length);
      for (let at = 0; at + 4 <= prefix.length; at += 4) words.push(view.getInt32(at, true));
      this.wordStarts[column + 1] = words.length;
    }
    this.words = Int32Array.from(words);
    this.all = Uint16Array.from(columns, (_, column) => column);
  }

  prefix(column: number): Uint8Array {
    return this.bytes.subarray(this.starts[column] ?? 0, this.starts[column + 1] ?? 0);
  }

  prefixBytes(column: number): number {
    return (this.starts[column + 1] ?? 0) - (this.starts[column] ?? 0);
  }
}

/** The rows of a plan, encoded and in order. Shared by all plans with the same rows. */
export class RowSet {
  readonly id: number;
  readonly count: number;
  /** Index contents of all rows; row r is [starts[r], starts[r + 1]). */
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  /** 0, 1, 2 ... */
  readonly all: Uint32Array;

  /** @throws GatewayError driver.unsupported when the rows are not indexes in lexicographic order */
  constructor(id: number, rows: readonly string[]) {
    this.id = id;
    this.count = rows.length;
    const indexes = rows.map(encodeIndex);
    this.all = Uint32Array.from(rows, (_, row) => row);
    [this.bytes, this.starts] = pack(indexes);
    for (let row = 1; row < this.count; row++) {
      const [from = 0, middle = 0, to = 0] = this.starts.subarray(row - 1, row + 2);
      if (compareOids(this.bytes, from, middle, this.bytes.subarray(middle, to)) < 0) continue;
      throw new GatewayError("driver.unsupported", { message: "the rows of a table plan are not in lexicographic order" });
    }
  }

  index(row: number): Uint8Array {
    return this.bytes.subarray(this.starts[row] ?? 0, this.starts[row + 1] ?? 0);
  }

  indexBytes(row: number): number {
    return (this.starts[row + 1] ?? 0) - (this.starts[row] ?? 0);
  }

  /** Row with this index content, or -1 - (row that would follow it). */
  find(bytes: Uint8Array, start: number, end: number): number {
    const wanted = bytes.subarray(start, end);
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const order = compareOids(this.bytes, this.starts[middle] ?? 0, this.starts[middle + 1] ?? 0, wanted);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1 - low;
  }
}

/** Makes and shares the fixed parts of plans; one per engine. */
export class PlanParts {
  readonly #columns = new Shared<ColumnSet>(1024);
  readonly #rows = new Shared<RowSet>(4096);
  #nextId = 0;

  columns(columns: readonly ColumnRequest[]): ColumnSet {
    return this.#columns.get(columns.map(({ oid, as }) => `${oid} ${as}`).join(), () => new ColumnSet(this.#nextId++, columns));
  }

  rows(rows: readonly string[]): RowSet {
    return this.#rows.get(rows.join(), () => new RowSet(this.#nextId++, rows));
  }
}

/** Columns that lack the same rows, and the rows they have: within a group there are no holes that would shift a GETBULK's repetitions. */
export interface Group {
  readonly columns: Uint16Array;
  readonly rows: Uint32Array;
}

/**
 * One request of a table read and the cells that its answer should hold, in this order: for each row of the group in [rowFrom, rowTo) each column
 * in [columnFrom, columnTo). With `sentinel` one varbind comes before them: what follows the last planned row, so that a new row there is noticed.
 */
export interface Block {
  /** tags.getBulk, tags.getNext or tags.get. */
  readonly type: number;
  readonly group: Group;
  readonly columnFrom: number;
  readonly columnTo: number;
  readonly rowFrom: number;
  readonly rowTo: number;
  readonly sentinel: boolean;
  request: PreparedRequest | undefined;
}

/** What the engine keeps of a TablePlan: values, what was learnt about holes, the requests to send. Cells are column * rows.count + row. */
export class CompiledPlan {
  readonly table: string;
  readonly columns: ColumnSet;
  readonly rows: RowSet;
  readonly present: Uint8Array;
  /** Eight bytes a cell: counters as low and high word, so that no bigint is made on the hot path; numbers as doubles. */
  readonly words: Uint32Array;
  readonly numbers: Float64Array;
  /** Text and byte columns only. */
  readonly texts: readonly (string[] | undefined)[];
  readonly blobs: readonly (Uint8Array[] | undefined)[];
  readonly answer: readonly (TableColumn & { bits?: 32 | 64 })[];
  /** Longest value seen a column, bytes, 0 before the first read; sizes the answers that are asked for. */
  readonly valueBytes: Uint16Array;
  /** Cells that the agent does not have; undefined while there is none. */
  absent: Uint8Array | undefined;
  blocks: readonly Block[] = [];
  /** Learned.revision that `blocks` were cut for; -1 = cut anew. */
  cutFor = -1;
  #grownAt = 0;
  reads = 0;
  /** Values of this read that did not fit their column, as far as answers were the predicted ones. */
  unfit = 0;
  /** > 0: ask for exact instances so many reads more, because the agent has rows between the planned ones. */
  exactReads = 0;
  reading = false;

  /** @throws GatewayError driver.unsupported | driver.limit */
  constructor(plan: TablePlan, parts: PlanParts) {
    const cells = plan.rows.length * plan.columns.length;
    if (cells > maxCells) throw new GatewayError("driver.limit", { fields: { table: plan.table, maxCells } });
    this.table = plan.table;
    this.columns = parts.columns(plan.columns);
    this.rows = parts.rows(plan.rows);
    const values = new ArrayBuffer(cells * 8);
    this.present = new Uint8Array(cells);
    this.words = new Uint32Array(values);
    this.numbers = new Float64Array(values);
    this.valueBytes = new Uint16Array(plan.columns.length);
    this.texts = plan.columns.map(({ as }) => (as === "text" ? new Array<string>(plan.rows.length).fill("") : undefined));
    this.blobs = plan.columns.map(({ as }) => (as === "bytes" ? new Array<Uint8Array>(plan.rows.length).fill(noBytes) : undefined));
    this.answer = plan.columns.map(({ as }, column) => this.#answerColumn(as, column, values));
  }

  #answerColumn(as: ColumnRequest["as"], column: number, values: ArrayBuffer): TableColumn & { bits?: 32 | 64 } {
    const { count } = this.rows;
    const present = this.present.subarray(column * count, (column + 1) * count);
    if (as === "counter") return { as, present, value: new BigUint64Array(values, column * count * 8, count), bits: 32 };
    if (as === "number") return { as, present, value: new Float64Array(values, column * count * 8, count) };
    if (as === "text") return { as, present, value: this.texts[column] ?? [] };
    return { as, present, value: this.blobs[column] ?? [] };
  }

  /** No cell holds a value of this read yet. */
  clear(): void {
    this.unfit = 0;
    this.present.fill(0);
    for (const column of this.answer) if (column.as === "counter") column.bits = 32;
  }

  /** Values have grown so long that an answer is longer than wanted. Cutting costs as much as reading, so not at every byte. */
  noteGrowth(): void {
    if (this.reads - this.#grownAt < readsBetweenCuts) return;
    this.#grownAt = this.reads;
    this.cutFor = -1;
  }

  /** All columns and all rows. */
  whole(): Group {
    return { columns: this.columns.all, rows: this.rows.all };
  }

  /** Rows of which no column has a value. */
  countVanished(): number {
    let vanished = 0;
    for (let row = 0; row < this.rows.count; row++) if (this.answer.every((column) => column.present[row] === 0)) vanished++;
    return vanished;
  }
}

function pack(parts: readonly Uint8Array[]): [Uint8Array, Uint32Array] {
  const starts = new Uint32Array(parts.length + 1);
  for (const [index, part] of parts.entries()) starts[index + 1] = (starts[index] ?? 0) + part.length;
  return [new Uint8Array(Buffer.concat(parts)), starts];
}

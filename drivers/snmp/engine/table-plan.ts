import { GatewayError } from "#model/errors.ts";
import type { ColumnRequest, TableColumn, TablePlan } from "#ports/snmp.ts";
import { compareOids, encodeIndex, encodeOid } from "./oid.ts";
import type { Block } from "./table-layout.ts";

const maxCells = 1 << 20;
const noBytes = new Uint8Array(0);

/** Storage and facts of one column. */
export interface ColumnStore {
  readonly as: ColumnRequest["as"];
  /** Content bytes of the column's OID. */
  readonly prefix: Uint8Array;
  readonly present: Uint8Array;
  /** Counters: low and high words of `BigUint64Array`, so that no bigint is made on the hot path. */
  readonly words: Uint32Array;
  readonly numbers: Float64Array;
  readonly texts: string[];
  readonly blobs: Uint8Array[];
  readonly answer: TableColumn & { bits?: 32 | 64 };
  /** Longest value seen, bytes; sizes the answers that are asked for. */
  valueBytes: number;
}

/** What the engine keeps of a TablePlan: typed arrays, row index, what was learnt about holes, and the requests to send. */
export class CompiledPlan {
  readonly table: string;
  readonly columns: readonly ColumnStore[];
  readonly rowCount: number;
  /** Index contents of all rows, one after the other; row r is [rowStarts[r], rowStarts[r + 1]). */
  readonly rowBytes: Uint8Array;
  readonly rowStarts: Uint32Array;
  readonly maxIndexBytes: number;
  /** Cells (column * rowCount + row) that the agent does not have; undefined while there is none. */
  absent: Uint8Array | undefined;
  blocks: readonly Block[] = [];
  /** Learned.revision and shape that `blocks` were cut for; -1 = cut anew. */
  cutFor = -1;
  reads = 0;
  /** > 0: ask for exact instances so many reads more, because the agent has rows between the planned ones. */
  exactReads = 0;
  reading = false;

  constructor(plan: TablePlan) {
    this.table = plan.table;
    this.rowCount = plan.rows.length;
    if (plan.rows.length * plan.columns.length > maxCells)
      throw new GatewayError("driver.limit", { fields: { table: plan.table, maxCells } });
    const indexes = plan.rows.map(encodeIndex);
    this.rowStarts = new Uint32Array(indexes.length + 1);
    for (const [row, index] of indexes.entries()) this.rowStarts[row + 1] = (this.rowStarts[row] ?? 0) + index.length;
    this.rowBytes = new Uint8Array(Buffer.concat(indexes));
    this.maxIndexBytes = indexes.reduce((longest, index) => Math.max(longest, index.length), 0);
    this.#assertOrder(plan.table);
    this.columns = plan.columns.map((column) => createStore(column, this.rowCount));
  }

  #assertOrder(table: string): void {
    const { rowBytes, rowStarts } = this;
    for (let row = 1; row < this.rowCount; row++) {
      const [from = 0, middle = 0, to = 0] = rowStarts.subarray(row - 1, row + 2);
      if (compareOids(rowBytes, from, middle, rowBytes, middle, to) < 0) continue;
      throw new GatewayError("driver.refused", { message: "the rows of a table plan are not in lexicographic order", fields: { table } });
    }
  }

  index(row: number): Uint8Array {
    return this.rowBytes.subarray(this.rowStarts[row] ?? 0, this.rowStarts[row + 1] ?? 0);
  }

  /** Row with this index content, or -1 - (row that would follow it). */
  findRow(bytes: Uint8Array, start: number, end: number): number {
    let low = 0;
    let high = this.rowCount - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const order = compareOids(this.rowBytes, this.rowStarts[middle] ?? 0, this.rowStarts[middle + 1] ?? 0, bytes, start, end);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1 - low;
  }

  clear(): void {
    for (const column of this.columns) column.present.fill(0);
  }
}

function createStore({ oid, as }: ColumnRequest, rows: number): ColumnStore {
  const present = new Uint8Array(rows);
  const base = {
    as,
    prefix: encodeOid(oid),
    present,
    words: new Uint32Array(0),
    numbers: new Float64Array(0),
    texts: [] as string[],
    blobs: [] as Uint8Array[],
    valueBytes: as === "text" || as === "bytes" ? 16 : as === "counter" ? 6 : 4,
  };
  if (as === "counter") {
    const value = new BigUint64Array(rows);
    return { ...base, words: new Uint32Array(value.buffer), answer: { as, present, value, bits: 32 } };
  }
  if (as === "number") {
    const numbers = new Float64Array(rows);
    return { ...base, numbers, answer: { as, present, value: numbers } };
  }
  if (as === "text") {
    const texts = new Array<string>(rows).fill("");
    return { ...base, texts, answer: { as, present, value: texts } };
  }
  const blobs = new Array<Uint8Array>(rows).fill(noBytes);
  return { ...base, blobs, answer: { as, present, value: blobs } };
}

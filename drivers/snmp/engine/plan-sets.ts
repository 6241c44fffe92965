import { GatewayError } from "#model/errors.ts";
import type { ColumnRequest } from "#ports/snmp.ts";
import { compareOids, encodeIndex, encodeOid } from "./oid.ts";

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
  /** The last four bytes of each OID's content as such a word. */
  readonly ends: Int32Array;
  /** No OID is shorter than that; one that is has 0 there. */
  readonly haveEnds: boolean;
  /** 0, 1, 2 ... */
  readonly all: Uint16Array;
  /** Some column's values are objects (text, bytes): they are compared with the last read's, so a plan keeps its own cells. */
  readonly hasObjects: boolean;

  constructor(id: number, columns: readonly ColumnRequest[]) {
    this.id = id;
    this.count = columns.length;
    this.kinds = Uint8Array.from(columns.map(({ as }) => kind[as]));
    this.hasObjects = columns.some(({ as }) => as === "text" || as === "bytes");
    const prefixes = columns.map(({ oid }) => encodeOid(oid));
    [this.bytes, this.starts] = pack(prefixes);
    const words: number[] = [];
    this.wordStarts = new Uint32Array(columns.length + 1);
    this.ends = Int32Array.from(prefixes, endOf);
    this.haveEnds = prefixes.every((prefix) => prefix.length >= 4);
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

  /** Whether the name at [start, end) is under the column, without a view of its prefix. */
  isUnder(column: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.starts[column] ?? 0;
    const length = this.prefixBytes(column);
    if (end - start < length) return false;
    for (let at = 0; at < length; at++) if (bytes[start + at] !== this.bytes[from + at]) return false;
    return true;
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
  /** An index of up to three bytes as the end of a little-endian word that is zero before it. */
  readonly ends: Int32Array;
  /** 0, 1, 2 ... */
  readonly all: Uint32Array;

  /** @throws GatewayError driver.unsupported when the rows are not indexes in lexicographic order */
  constructor(id: number, rows: readonly string[]) {
    this.id = id;
    this.count = rows.length;
    const indexes = rows.map(encodeIndex);
    this.all = Uint32Array.from(rows, (_, row) => row);
    [this.bytes, this.starts] = pack(indexes);
    this.ends = Int32Array.from(indexes, (index) => (index.length > 3 ? 0 : endOf(Uint8Array.of(0, 0, 0, 0, ...index))));
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

/** The last four bytes as a little-endian word; 0 where there are fewer. */
function endOf(bytes: Uint8Array): number {
  return bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getInt32(bytes.length - 4, true);
}

function pack(parts: readonly Uint8Array[]): [Uint8Array, Uint32Array] {
  const starts = new Uint32Array(parts.length + 1);
  for (const [index, part] of parts.entries()) starts[index + 1] = (starts[index] ?? 0) + part.length;
  return [new Uint8Array(Buffer.concat(parts)), starts];
}

import type { ColumnRequest, TableColumn } from "#ports/snmp.ts";
import { IdlePool } from "../idle-pool.ts";
import type { ColumnSet } from "./plan-sets.ts";

const noBytes = new Uint8Array(0);
/** Arenas kept for the next read, and their cells in all; beyond either they are left to the collector. */
const maxIdleArenas = 256;
const maxIdleCells = 1 << 19;

/** A column of counters. Nearly all are looked at as words only: the view as bigints is made when asked for. */
class CounterCells {
  readonly as = "counter";
  readonly present: Uint8Array;
  readonly words: Int32Array<ArrayBuffer>;
  bits: 32 | 64 = 32;
  #value: BigUint64Array | undefined;

  constructor(present: Uint8Array, words: Int32Array<ArrayBuffer>) {
    this.present = present;
    this.words = words;
  }

  get value(): BigUint64Array {
    this.#value ??= new BigUint64Array(this.words.buffer, this.words.byteOffset, this.words.length >> 1);
    return this.#value;
  }
}

/**
 * The cells of one read of a plan: values, and which are there. Cells are column * rows + row. A site has many equipment alike and reads few at a
 * time, so arenas pass from plan to plan: what is idle between two polls costs nothing.
 */
export class CellArena {
  readonly key: string;
  readonly cells: number;
  readonly present: Uint8Array;
  /** Eight bytes a cell: counters as low and high word, so that no bigint is made on the hot path; numbers as doubles. */
  readonly words: Uint32Array;
  readonly numbers: Float64Array;
  /** Text and byte columns only. */
  readonly texts: readonly (string[] | undefined)[];
  readonly blobs: readonly (Uint8Array[] | undefined)[];
  /** By column: 1 = a Counter64 was among its values. */
  readonly wide: Uint8Array;
  readonly answer: readonly (TableColumn & { bits?: 32 | 64 })[];

  constructor(key: string, columns: readonly ColumnRequest[], rows: number) {
    const cells = rows * columns.length;
    const values = new ArrayBuffer(cells * 8);
    this.key = key;
    this.cells = cells;
    this.present = new Uint8Array(cells);
    this.wide = new Uint8Array(columns.length);
    this.words = new Uint32Array(values);
    this.numbers = new Float64Array(values);
    this.texts = columns.map(({ as }) => (as === "text" ? new Array<string>(rows).fill("") : undefined));
    this.blobs = columns.map(({ as }) => (as === "bytes" ? new Array<Uint8Array>(rows).fill(noBytes) : undefined));
    this.answer = columns.map(({ as }, column) => {
      const present = this.present.subarray(column * rows, (column + 1) * rows);
      if (as === "counter") {
        return new CounterCells(present, new Int32Array(values, column * rows * 8, rows * 2));
      }
      if (as === "number") return { as, present, value: new Float64Array(values, column * rows * 8, rows) };
      if (as === "text") return { as, present, value: this.texts[column] ?? [] };
      return { as, present, value: this.blobs[column] ?? [] };
    });
  }

  /** No cell holds a value of the next read yet. */
  clear(): void {
    this.present.fill(0);
    this.wide.fill(0);
  }

  /** All has been read: what is answered says how wide its counters are. */
  settle(): readonly TableColumn[] {
    for (let place = 0; place < this.answer.length; place++) {
      const column = this.answer[place];
      if (column?.as === "counter") column.bits = this.wide[place] === 1 ? 64 : 32;
    }
    return this.answer;
  }
}

/** Arenas that wait for the next read of a plan of their form; one pool per engine. */
export class CellArenas {
  readonly #idle = new IdlePool<CellArena>({ keys: maxIdleArenas, items: maxIdleArenas, cells: maxIdleCells });

  /** @returns cells of which none is present */
  take(set: ColumnSet, columns: readonly ColumnRequest[], rows: number): CellArena {
    const key = `${set.id} ${rows}`;
    const idle = this.#idle.take(key);
    idle?.clear();
    return idle ?? new CellArena(key, columns, rows);
  }

  /** Text is compared with the last read's of the same equipment, which saves making it anew: such arenas are not for others. */
  giveBack(arena: CellArena): void {
    this.#idle.giveBack(arena);
  }
}

import type { CounterColumn } from "#model/report.ts";

/** Why an increment is not known although both readings are there. Counted per equipment, shown in `gatehouse status`. */
export interface CounterAnomalies {
  /** Counter64 went backwards, or Counter32 did and one wrap does not explain it. */
  decreased: number;
  /** More than the link can carry, or more than any link. */
  implausible: number;
  /** One wrap of a Counter32 was resolved (no anomaly, but good to know). */
  wrapped: number;
  /** The row changed between 32- and 64-bit sources. */
  widthChanged: number;
  /** Negative or wider than its type. */
  malformed: number;
}

export function noAnomalies(): CounterAnomalies {
  return { decreased: 0, implausible: 0, wrapped: 0, widthChanged: 0, malformed: 0 };
}

/** Rows above their limit this many times running: the limit (a device's word for its speed) is wrong, not the counter. */
const refusalsUntilLimitIsDoubted = 3;
const limitDoubted = 255;

const two32 = 2 ** 32;
/** No wrap is assumed without a known limit unless the old value was in the last quarter and the increase is below a quarter. */
const wrapZone = two32 * 0.75;
const wrapIncreaseMax = two32 * 0.25;

/** What one answer says of one column. */
export interface CounterReading {
  /** Low and high word of each value. */
  readonly words: Uint32Array;
  readonly present: Uint8Array;
  /** Row of the column for each value, -1 = not in it. */
  readonly target: Int32Array;
  readonly bits: 32 | 64;
}

/** How much a row may have grown at most since its last reading: its speed, or `fastest` where none is known, times `perBit`; NaN = no limit. */
export interface RowLimits {
  readonly perBit: number;
  readonly speeds: Float64Array;
  readonly fastest: number;
}

/** What is kept of several counter columns between two polls: one block of memory, because a view of its own buffer costs more than its content. */
export class CounterMemory {
  readonly rows: number;
  readonly columns: number;
  /** The absolute values as (low, high) words: every platform the gateway runs on is little-endian. */
  readonly words: Uint32Array;
  /** Per column and row the width, then per column and row the refusals. */
  readonly marks: Uint8Array;
  readonly refusedAt: number;

  constructor(rows: number, columns: number) {
    const cells = rows * columns;
    const buffer = new ArrayBuffer(cells * 10);
    this.rows = rows;
    this.columns = columns;
    this.words = new Uint32Array(buffer, 0, cells * 2);
    this.marks = new Uint8Array(buffer, cells * 8, cells * 2);
    this.refusedAt = cells;
  }

  /** Agent restart: every row of every column begins anew. */
  reset(): void {
    this.marks.fill(0);
  }

  /** Takes over the history of a row that moved (renumbered instance, changed set of rows). */
  adopt(cell: number, from: CounterMemory, fromCell: number): void {
    this.words[cell * 2] = from.words[fromCell * 2] ?? 0;
    this.words[cell * 2 + 1] = from.words[fromCell * 2 + 1] ?? 0;
    this.marks[cell] = from.marks[fromCell] ?? 0;
    this.marks[this.refusedAt + cell] = from.marks[from.refusedAt + fromCell] ?? 0;
  }
}

/**
 * One counter column: what is reported of it, and the memory that it goes on from. Arithmetic is exact without a BigInt per value: 64-bit values
 * are read and written as pairs of 32-bit words. The reported arrays serve one equipment after the other; the memory belongs to one.
 */
export class CounterState {
  readonly column: CounterColumn;
  readonly #rows: number;
  /** The reported absolute values as words. */
  readonly #words: Uint32Array;
  /** Where this column's cells begin in the memory. */
  readonly #at: number;
  #memory: CounterMemory;
  #anomalies: CounterAnomalies;

  /** @param index of the column among the counters of its memory */
  constructor(column: CounterColumn, index: number, memory: CounterMemory, anomalies: CounterAnomalies) {
    this.column = column;
    this.#rows = column.absolute.length;
    this.#words = wordsOf(column.absolute);
    this.#at = index * this.#rows;
    this.#memory = memory;
    this.#anomalies = anomalies;
  }

  /** `count` columns of `rows` rows with a memory of their own. */
  static allocate(rows: number, count: number, anomalies: CounterAnomalies): readonly CounterState[] {
    const memory = new CounterMemory(rows, count);
    return allocateCounters(rows, count).map((column, index) => new CounterState(column, index, memory, anomalies));
  }

  /** From now on what is taken is told against this memory. */
  attach(memory: CounterMemory, anomalies: CounterAnomalies): void {
    this.#memory = memory;
    this.#anomalies = anomalies;
  }

  /** Width in bits of the previous reading of the row; 0 = no previous reading. */
  #width(row: number): number {
    return this.#memory.marks[this.#at + row] ?? 0;
  }

  #setWidth(row: number, bits: number): void {
    this.#memory.marks[this.#at + row] = bits;
  }

  /** Consecutive refusals against the row's limit; 255 = the limit is no longer believed. */
  #refused(row: number): number {
    return this.#memory.marks[this.#memory.refusedAt + this.#at + row] ?? 0;
  }

  #setRefused(row: number, count: number): void {
    this.#memory.marks[this.#memory.refusedAt + this.#at + row] = count;
  }

  /** No reading of this row in this poll: the next one has no predecessor in the previous report. */
  miss(row: number): void {
    this.column.present[row] = 0;
    this.column.increment[row] = Number.NaN;
    this.#setWidth(row, 0);
  }

  /** Whether the last reading was refused against its limit. */
  isRefused(row: number): boolean {
    const refused = this.#refused(row);
    return refused > 0 && refused !== limitDoubted && Number.isNaN(this.column.increment[row]);
  }

  /** Every row begins anew. */
  reset(): void {
    this.#memory.marks.fill(0, this.#at, this.#at + this.#rows);
  }

  /** ifCounterDiscontinuityTime of the row changed (RFC 2863). */
  resetRow(row: number): void {
    this.#setWidth(row, 0);
  }

  /** Takes over the history of a row that moved (renumbered instance, changed set of rows). */
  adopt(row: number, from: CounterState, fromRow: number): void {
    this.#memory.adopt(this.#at + row, from.#memory, from.#at + fromRow);
  }

  /**
   * One reading as (high, low) words. `limit`: greatest plausible increase of this row over the elapsed time, NaN = unknown.
   * @returns true when the row's limit has just been found unbelievable
   */
  take(row: number, high: number, low: number, bits: 32 | 64, limit: number): boolean {
    const { words } = this.#memory;
    const at = (this.#at + row) * 2;
    const oldLow = words[at] ?? 0;
    const oldHigh = words[at + 1] ?? 0;
    const width = this.#width(row);
    words[at] = low;
    words[at + 1] = high;
    this.#words[row * 2] = low;
    this.#words[row * 2 + 1] = high;
    this.#setWidth(row, bits);
    this.column.present[row] = 1;
    if (width !== bits) {
      if (width !== 0) this.#anomalies.widthChanged += 1;
      this.column.increment[row] = Number.NaN;
      return false;
    }
    const difference = (high - oldHigh) * two32 + (low - oldLow);
    const increase = difference >= 0 ? difference : this.#resolveDecrease(row, oldLow, low, limit);
    return this.#judge(row, increase, limit);
  }

  /**
   * What one answer says of the whole column: the same as `take` for each row, but what is plain (as wide as before, not less, within the limit)
   * is done here without a call or a boxed number per cell; at 1,000 switches that is most of them, 150,000 times a second.
   * @param taken told of every row that was not plain
   */
  takeAll(reading: CounterReading, limits: RowLimits, taken: (row: number, doubted: boolean) => void): void {
    const { words: read, present: isRead, target, bits } = reading;
    const { perBit, speeds, fastest } = limits;
    const { words: memory, marks, refusedAt } = this.#memory;
    const { increment, present } = this.column;
    const reported = this.#words;
    const first = this.#at;
    for (let from = 0; from < target.length; from++) {
      const row = target[from] ?? -1;
      if (row < 0 || isRead[from] !== 1) continue;
      const low = read[from * 2] ?? 0;
      const high = read[from * 2 + 1] ?? 0;
      const at = (first + row) * 2;
      const difference = (high - (memory[at + 1] ?? 0)) * two32 + (low - (memory[at] ?? 0));
      const speed = speeds[row] ?? Number.NaN;
      const limit = (Number.isNaN(speed) ? fastest : speed) * perBit;
      const isPlain = marks[first + row] === bits && marks[refusedAt + first + row] === 0;
      // NaN, where there is no limit, is exceeded by nothing.
      if (isPlain && difference >= 0 && difference <= Number.MAX_SAFE_INTEGER && !(difference > limit)) {
        memory[at] = low;
        memory[at + 1] = high;
        reported[row * 2] = low;
        reported[row * 2 + 1] = high;
        present[row] = 1;
        increment[row] = difference;
      } else taken(row, this.take(row, high, low, bits, limit));
    }
  }

  /** A smaller value than before: one wrap of a Counter32 if that is credible, else not known (NaN). A Counter64 does not wrap in practice. */
  #resolveDecrease(row: number, oldLow: number, low: number, limit: number): number {
    const wrapped = low + two32 - oldLow;
    const limited = !Number.isNaN(limit) && this.#refused(row) !== limitDoubted;
    const credible = this.#width(row) === 32 && (limited ? wrapped <= limit : oldLow >= wrapZone && wrapped <= wrapIncreaseMax);
    if (credible) this.#anomalies.wrapped += 1;
    else this.#anomalies.decreased += 1;
    return credible ? wrapped : Number.NaN;
  }

  #judge(row: number, increase: number, limit: number): boolean {
    const refused = this.#refused(row);
    const overLimit = refused !== limitDoubted && increase > limit;
    if (!overLimit && increase <= Number.MAX_SAFE_INTEGER) {
      this.column.increment[row] = increase;
      if (refused !== limitDoubted && increase > 0) this.#setRefused(row, 0);
      return false;
    }
    this.column.increment[row] = Number.NaN;
    if (Number.isNaN(increase)) return false;
    this.#anomalies.implausible += 1;
    if (!overLimit) return false;
    const doubted = refused + 1 >= refusalsUntilLimitIsDoubted;
    this.#setRefused(row, doubted ? limitDoubted : refused + 1);
    return doubted;
  }
}

/** 32-bit words of an array of 64-bit values, low word first: every platform the gateway runs on is little-endian. */
export function wordsOf(values: BigUint64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** Counter columns in one block of memory. */
export function allocateCounters(rows: number, count: number): readonly CounterColumn[] {
  const cells = rows * count;
  const buffer = new ArrayBuffer(cells * 17);
  return Array.from({ length: count }, (_, column) => ({
    kind: "counter",
    absolute: new BigUint64Array(buffer, rows * column * 8, rows),
    increment: new Float64Array(buffer, (cells + rows * column) * 8, rows).fill(Number.NaN),
    present: new Uint8Array(buffer, cells * 16 + rows * column, rows),
  }));
}

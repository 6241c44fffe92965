import type { CounterColumn } from "#model/report.ts";
import { CounterMemory } from "./counter-memory.ts";

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

/**
 * The mark of a cell: how wide its last reading was in the lowest bits (0 = there is none), and above them how often running it was refused
 * against its limit. One byte, so that a cell about which there is nothing to say is told by one comparison.
 */
const widthMask = 0b11;
const refusalShift = 2;
const limitDoubted = 63;
const markOfWidth = { 0: 0, 32: 1, 64: 2 } as const;

const two32 = 2 ** 32;
/** No wrap is assumed without a known limit unless the old value was in the last quarter and the increase is below a quarter. */
const wrapZone = two32 * 0.75;
const wrapIncreaseMax = two32 * 0.25;

/** What one answer says of one column. */
export interface CounterReading {
  readonly present: Uint8Array;
  readonly bits: 32 | 64;
}

/** How much a row may have grown at most since its last reading: its speed, or `fastest` where none is known, times `perBit`; NaN = no limit. */
export interface RowLimits {
  readonly perBit: number;
  readonly speeds: Float64Array;
  readonly fastest: number;
}

/** A column that says what was reported before. */
export type ReportedCounters = CounterColumn & { readonly previous: BigUint64Array };

/** Told of every row that needed more than a subtraction. `doubted`: its limit has just been found unbelievable. */
export type Noticed = (state: CounterState, row: number, doubted: boolean) => void;

/** Whose counters are told: the memory they go on from, and where what is not believed is counted. */
export interface CounterOwner {
  memory: CounterMemory;
  anomalies: CounterAnomalies;
}

/**
 * One counter column: what is reported of it, and the memory that it goes on from. Arithmetic is exact without a BigInt per value: 64-bit values
 * are read and written as pairs of 32-bit words. The reported arrays serve one equipment after the other, the memory belongs to one: the columns
 * of a table share the owner, which is exchanged between two polls.
 */
export class CounterState {
  readonly column: ReportedCounters;
  readonly #rows: number;
  /** The reported absolute values as words, and those reported before. */
  readonly #words: Int32Array;
  readonly #before: Int32Array;
  /** Where this column's cells begin among those of the memory. */
  readonly #at: number;
  readonly #owner: CounterOwner;

  /** @param index of the column among the counters of its memory */
  constructor(column: ReportedCounters, index: number, owner: CounterOwner) {
    this.column = column;
    this.#rows = column.absolute.length;
    this.#words = wordsOf(column.absolute);
    this.#before = wordsOf(column.previous);
    this.#at = index * this.#rows;
    this.#owner = owner;
  }

  /** `count` columns of `rows` rows with a memory of their own. */
  static allocate(rows: number, count: number, anomalies: CounterAnomalies): readonly CounterState[] {
    const owner = { memory: new CounterMemory(rows, count), anomalies };
    return allocateCounters(rows, count).map((column, index) => new CounterState(column, index, owner));
  }

  #mark(row: number): number {
    const { marks, first } = this.#owner.memory;
    return marks[first + this.#at + row] ?? 0;
  }

  #setMark(row: number, mark: number): void {
    const { marks, first } = this.#owner.memory;
    marks[first + this.#at + row] = mark;
  }

  /** Width in bits of the previous reading of the row; 0 = no previous reading. */
  #width(row: number): 0 | 32 | 64 {
    const mark = this.#mark(row) & widthMask;
    return mark === markOfWidth[64] ? 64 : mark === markOfWidth[32] ? 32 : 0;
  }

  #setWidth(row: number, bits: 0 | 32 | 64): void {
    this.#setMark(row, (this.#mark(row) & ~widthMask) | markOfWidth[bits]);
  }

  /** Consecutive refusals against the row's limit; see limitDoubted. */
  #refused(row: number): number {
    return this.#mark(row) >> refusalShift;
  }

  #setRefused(row: number, count: number): void {
    this.#setMark(row, (this.#mark(row) & widthMask) | (count << refusalShift));
  }

  /** What the last report said of the row goes into this one. */
  #sayBefore(row: number): void {
    const { memory } = this.#owner;
    this.#before[row * 2] = memory.lowOf(this.#at + row);
    this.#before[row * 2 + 1] = memory.highOf(this.#at + row);
  }

  /** No reading of this row in this poll: the next one has no predecessor in the previous report. */
  miss(row: number): void {
    this.#sayBefore(row);
    this.column.present[row] = 0;
    this.column.increment[row] = Number.NaN;
    this.#setWidth(row, 0);
  }

  /** The row was read, but is not to be reported: what the last report said of it is what is remembered. */
  withhold(row: number): void {
    if (this.column.present[row] === 0) return;
    this.#owner.memory.set(this.#at + row, (this.#before[row * 2] ?? 0) >>> 0, (this.#before[row * 2 + 1] ?? 0) >>> 0);
    this.miss(row);
  }

  /** Whether the last reading was refused against its limit. */
  isRefused(row: number): boolean {
    const refused = this.#refused(row);
    return refused > 0 && refused !== limitDoubted && Number.isNaN(this.column.increment[row]);
  }

  /** Every row begins anew. */
  reset(): void {
    for (let row = 0; row < this.#rows; row++) this.#setWidth(row, 0);
  }

  /** ifCounterDiscontinuityTime of the row changed (RFC 2863). */
  resetRow(row: number): void {
    this.#setWidth(row, 0);
  }

  /** Takes over the history of a row that moved (renumbered instance, changed set of rows). */
  adopt(row: number, from: CounterState, fromRow: number): void {
    this.#owner.memory.adopt(this.#at + row, from.#owner.memory, from.#at + fromRow);
  }

  /**
   * One reading as (high, low) words. `limit`: greatest plausible increase of this row over the elapsed time, NaN = unknown.
   * @returns true when the row's limit has just been found unbelievable
   */
  take(row: number, high: number, low: number, bits: 32 | 64, limit: number): boolean {
    const { memory } = this.#owner;
    const oldLow = memory.lowOf(this.#at + row);
    const oldHigh = memory.highOf(this.#at + row);
    const width = this.#width(row);
    // A second reading in the same poll: the first was not reported.
    if (this.column.present[row] !== 1) this.#sayBefore(row);
    memory.set(this.#at + row, low, high);
    this.#words[row * 2] = low;
    this.#words[row * 2 + 1] = high;
    this.#setWidth(row, bits);
    this.column.present[row] = 1;
    if (width !== bits) {
      if (width !== 0) this.#owner.anomalies.widthChanged += 1;
      this.column.increment[row] = Number.NaN;
      return false;
    }
    const difference = (high - oldHigh) * two32 + (low - oldLow);
    const increase = difference >= 0 ? difference : this.#resolveDecrease(row, oldLow, low, limit);
    return this.#judge(row, increase, limit);
  }

  /**
   * What one answer says of the whole column: the same as `take` for each row, but what is plain is done without a call or a boxed number per cell:
   * at 1,000 switches 150,000 times a second.
   * @param read low and high word of each value
   * @param target row of the column for each value, -1 = not in it
   */
  takeAll(read: Int32Array, reading: CounterReading, target: Int32Array, limits: RowLimits, noticed: Noticed): void {
    for (let from = this.#takePlain(0, read, reading, target, limits); from < target.length; ) {
      const row = target[from] ?? -1;
      const [low = 0, high = 0] = [read[2 * from], read[2 * from + 1]];
      noticed(this, row, this.take(row, high >>> 0, low >>> 0, reading.bits, this.#limit(row, limits)));
      from = this.#takePlain(from + 1, read, reading, target, limits);
    }
  }

  /**
   * Takes rows as long as they are plain: as wide as before, not less, with the same higher half, within the limit, never refused of late. Nothing is
   * called in here, so that the compiler need not look again at each array for each cell. Words are read as signed ones, since unsigned ones become doubles
   * at each touch. Together that is a quarter of the time.
   * @returns where a row is that is not plain, or how many there are
   */
  #takePlain(start: number, read: Int32Array, { present: isRead, bits }: CounterReading, target: Int32Array, limits: RowLimits): number {
    const { perBit, speeds, fastest } = limits;
    const { lows, highs, marks, first: memoryAt, highsAt } = this.#owner.memory;
    const { increment, present } = this.column;
    const [reported, before] = [this.#words, this.#before];
    const first = memoryAt + this.#at;
    const firstHigh = highsAt + this.#at;
    const plain = markOfWidth[bits];
    const isLimited = !Number.isNaN(perBit);
    const count = target.length;
    for (let from = start; from < count; from++) {
      const row = target[from] ?? -1;
      if (row < 0 || isRead[from] !== 1) continue;
      const low = read[2 * from] ?? 0;
      const high = read[2 * from + 1] ?? 0;
      const oldLow = lows[first + row] ?? 0;
      const difference = (low >>> 0) - (oldLow >>> 0);
      let limit = Number.MAX_SAFE_INTEGER;
      if (isLimited) {
        const speed = speeds[row] ?? fastest;
        // NaN, a speed that is not known, is greater than nothing.
        const rowLimit = (speed > 0 ? speed : fastest) * perBit;
        if (rowLimit < limit) limit = rowLimit;
      }
      // A higher half of 2^31 and more is never equal here: nothing is lost by looking at it with care.
      if (marks[first + row] !== plain || high !== highs[firstHigh + row] || !(difference >= 0 && difference <= limit)) return from;
      lows[first + row] = low;
      reported[2 * row] = low;
      reported[2 * row + 1] = high;
      before[2 * row] = oldLow;
      before[2 * row + 1] = high;
      present[row] = 1;
      increment[row] = difference;
    }
    return count;
  }

  #limit(row: number, { perBit, speeds, fastest }: RowLimits): number {
    const speed = speeds[row] ?? Number.NaN;
    return (Number.isNaN(speed) ? fastest : speed) * perBit;
  }

  /** A smaller value than before: one wrap of a Counter32 if that is credible, else not known (NaN). A Counter64 does not wrap in practice. */
  #resolveDecrease(row: number, oldLow: number, low: number, limit: number): number {
    const wrapped = low + two32 - oldLow;
    const limited = !Number.isNaN(limit) && this.#refused(row) !== limitDoubted;
    const credible = this.#width(row) === 32 && (limited ? wrapped <= limit : oldLow >= wrapZone && wrapped <= wrapIncreaseMax);
    if (credible) this.#owner.anomalies.wrapped += 1;
    else this.#owner.anomalies.decreased += 1;
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
    this.#owner.anomalies.implausible += 1;
    if (!overLimit) return false;
    const doubted = refused + 1 >= refusalsUntilLimitIsDoubted;
    this.#setRefused(row, doubted ? limitDoubted : refused + 1);
    return doubted;
  }
}

/** 32-bit words of an array of 64-bit values, low word first: every platform the gateway runs on is little-endian. */
export function wordsOf(values: BigUint64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** Counter columns in one block of memory. @param presentOf where it is marked which rows of a column are there; absent = in the same block */
export function allocateCounters(rows: number, count: number, presentOf?: (column: number) => Uint8Array): readonly ReportedCounters[] {
  const cells = rows * count;
  const buffer = new ArrayBuffer(cells * (presentOf === undefined ? 25 : 24));
  return Array.from({ length: count }, (_, column) => ({
    kind: "counter",
    absolute: new BigUint64Array(buffer, rows * column * 8, rows),
    previous: new BigUint64Array(buffer, (cells + rows * column) * 8, rows),
    increment: new Float64Array(buffer, (2 * cells + rows * column) * 8, rows).fill(Number.NaN),
    present: presentOf?.(column) ?? new Uint8Array(buffer, cells * 24 + rows * column, rows),
  }));
}

/** One row whose alarm changes. */
export interface RowChange {
  readonly row: number;
  /** 0 = over; else the step, from 1. */
  readonly level: number;
}

/** How long a level must last to be believed, and be gone to be over; how often the table is read. Milliseconds. */
export interface JudgeTimes {
  readonly holdMs: number;
  readonly clearHoldMs: number;
  readonly intervalMs: number;
}

/** A pause longer than this many intervals breaks what was being held: nobody knows what was in between. */
const brokenAfterIntervals = 3.5;
const noBytes = new Uint8Array(0);
const noNumbers = new Float64Array(0);

/**
 * Turns levels per row into changes of alarms: a level must last `holdMs` to be believed, and be gone `clearHoldMs` to be over. Typed arrays
 * per table and condition; rows without a level (NaN) keep what they had. They are made with the first level that is not good: until then all there is to
 * remember is that all was well, which is so for most tables of most equipment for good.
 */
export class RowJudge {
  /** The level that each row's alarm has; empty = all are good. */
  raised: Uint8Array = noBytes;
  #candidate: Uint8Array = noBytes;
  #sinceMs = noNumbers;
  #seenMs = noNumbers;
  readonly #rows: number;
  readonly #times: JudgeTimes;

  constructor(rows: number, times: JudgeTimes) {
    this.#rows = rows;
    this.#times = times;
  }

  /** One block of memory for all four: a view of its own block costs more than forty-eight rows. */
  #remember(): void {
    if (this.#candidate !== noBytes) return;
    const rows = this.#rows;
    const block = new ArrayBuffer(rows * 18);
    this.#sinceMs = new Float64Array(block, 0, rows);
    this.#seenMs = new Float64Array(block, rows * 8, rows).fill(Number.NEGATIVE_INFINITY);
    this.raised = new Uint8Array(block, rows * 16, rows);
    this.#candidate = new Uint8Array(block, rows * 17, rows);
  }

  /** What a row knew under an older shape of the table. */
  adopt(row: number, from: RowJudge, fromRow: number): void {
    if (from.#candidate === noBytes) return;
    this.#remember();
    this.raised[row] = from.raised[fromRow] ?? 0;
    this.#candidate[row] = from.#candidate[fromRow] ?? 0;
    this.#sinceMs[row] = from.#sinceMs[fromRow] ?? 0;
    this.#seenMs[row] = from.#seenMs[fromRow] ?? Number.NEGATIVE_INFINITY;
  }

  /** Nothing is raised here and nothing on its way to be: another value that is well changes nothing. */
  isQuiet(row: number): boolean {
    return this.#candidate === noBytes || (this.raised[row] === 0 && this.#candidate[row] === 0);
  }

  /** The row's alarm was active before this process: it is until a value says otherwise. */
  restore(row: number, level: number): void {
    this.#remember();
    this.raised[row] = level;
    this.#candidate[row] = level;
  }

  /** @returns the new level if it changes now, else -1 */
  judge(row: number, level: number, nowMs: number): number {
    if (this.#candidate === noBytes) {
      if (level === 0) return -1;
      this.#remember();
    }
    const raised = this.raised[row] ?? 0;
    if (level === raised) {
      // Since when and last seen when mean something only where a level is on its way to another.
      this.#candidate[row] = level;
      return -1;
    }
    const isBroken = nowMs - (this.#seenMs[row] ?? 0) > brokenAfterIntervals * this.#times.intervalMs;
    this.#seenMs[row] = nowMs;
    const candidate = this.#candidate[row] ?? 0;
    const isWorse = level > raised;
    const goesOn = !isBroken && candidate !== raised && candidate > raised === isWorse;
    if (!goesOn) this.#sinceMs[row] = nowMs;
    this.#candidate[row] = level;
    const holdMs = isWorse ? this.#times.holdMs : this.#times.clearHoldMs;
    if (nowMs - (this.#sinceMs[row] ?? 0) < holdMs) return -1;
    this.raised[row] = level;
    this.#candidate[row] = level;
    return level;
  }
}

/** One row whose alarm changes. */
export interface RowChange {
  readonly row: number;
  /** 0 = over; else the step, from 1. */
  readonly level: number;
}

/** A pause longer than this many intervals breaks what was being held: nobody knows what was in between. */
const brokenAfterIntervals = 3.5;

/**
 * Turns levels per row into changes of alarms: a level must last `holdMs` to be believed, and be gone `clearHoldMs` to be over. Typed arrays
 * per table and condition; rows without a level (NaN) keep what they had.
 */
export class RowJudge {
  readonly raised: Uint8Array;
  readonly #candidate: Uint8Array;
  readonly #sinceMs: Float64Array;
  readonly #seenMs: Float64Array;
  readonly #holdMs: number;
  readonly #clearHoldMs: number;
  readonly #intervalMs: number;

  constructor(rows: number, times: { readonly holdMs: number; readonly clearHoldMs: number; readonly intervalMs: number }) {
    this.raised = new Uint8Array(rows);
    this.#candidate = new Uint8Array(rows);
    this.#sinceMs = new Float64Array(rows);
    this.#seenMs = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY);
    this.#holdMs = times.holdMs;
    this.#clearHoldMs = times.clearHoldMs;
    this.#intervalMs = times.intervalMs;
  }

  /** What a row knew under an older shape of the table. */
  adopt(row: number, from: RowJudge, fromRow: number): void {
    this.raised[row] = from.raised[fromRow] ?? 0;
    this.#candidate[row] = from.#candidate[fromRow] ?? 0;
    this.#sinceMs[row] = from.#sinceMs[fromRow] ?? 0;
    this.#seenMs[row] = from.#seenMs[fromRow] ?? Number.NEGATIVE_INFINITY;
  }

  /** The row's alarm was active before this process: it is until a value says otherwise. */
  restore(row: number, level: number): void {
    this.raised[row] = level;
    this.#candidate[row] = level;
  }

  /** @returns the new level if it changes now, else -1 */
  judge(row: number, level: number, nowMs: number): number {
    const raised = this.raised[row] ?? 0;
    const isBroken = nowMs - (this.#seenMs[row] ?? 0) > brokenAfterIntervals * this.#intervalMs;
    this.#seenMs[row] = nowMs;
    if (level === raised) {
      this.#candidate[row] = level;
      this.#sinceMs[row] = nowMs;
      return -1;
    }
    const candidate = this.#candidate[row] ?? 0;
    const isWorse = level > raised;
    const goesOn = !isBroken && candidate !== raised && candidate > raised === isWorse;
    if (!goesOn) this.#sinceMs[row] = nowMs;
    this.#candidate[row] = level;
    const holdMs = isWorse ? this.#holdMs : this.#clearHoldMs;
    if (nowMs - (this.#sinceMs[row] ?? 0) < holdMs) return -1;
    this.raised[row] = level;
    this.#candidate[row] = level;
    return level;
  }
}

const statesAPage = 2_048;
let page = new Uint8Array(0);
let used = 0;

/**
 * Last values of the state that the speed of a table's rows hangs on, a byte a row: a stretch of a block of memory that tables share. A block of its own, or a
 * view of one, costs more than the states of 48 rows.
 */
export class WatchedStates {
  readonly #page: Uint8Array;
  readonly #at: number;

  constructor(rows: number) {
    const isLarge = rows > statesAPage / 4;
    if (!isLarge && used + rows > page.length) {
      page = new Uint8Array(statesAPage);
      used = 0;
    }
    this.#page = isLarge ? new Uint8Array(rows) : page;
    this.#at = isLarge ? 0 : used;
    if (!isLarge) used += rows;
  }

  /** @param state 0 = none read yet, 255 = one that is no byte. @returns the one before */
  note(row: number, state: number): number {
    const before = this.#page[this.#at + row] ?? 0;
    this.#page[this.#at + row] = state;
    return before;
  }
}

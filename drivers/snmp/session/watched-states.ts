import { Pages } from "#model/pages.ts";

const pages = new Pages(2_048, (states) => new Uint8Array(states));

/**
 * Last values of the state that the speed of a table's rows hangs on, a byte a row.
 */
export class WatchedStates {
  readonly #page: Uint8Array;
  readonly #at: number;

  constructor(rows: number) {
    const { page, at } = pages.take(rows);
    this.#page = page;
    this.#at = at;
  }

  /** @param state 0 = none read yet, 255 = one that is no byte. @returns the one before */
  note(row: number, state: number): number {
    const before = this.#page[this.#at + row] ?? 0;
    this.#page[this.#at + row] = state;
    return before;
  }
}

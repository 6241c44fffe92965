import { Pages } from "#model/pages.ts";

/** Places of a table's times in a page. */
const places = { due: 0, learn: 1, setAside: 2, previous: 3, previousAgent: 4, holdDown: 5, walkAgain: 6 } as const;
const timesATable = 7;
const pages = new Pages(64 * timesATable, (times) => new Float64Array(times));

/**
 * What the schedule and the rates of a table go by, in monotonic milliseconds. The numbers stand in pages that tables share: a number with a fraction that
 * an object keeps for itself is an object of its own, and there are seven for each of the tables of each equipment.
 */
export class TableTimes {
  readonly #page: Float64Array;
  readonly #at: number;

  constructor() {
    const { page, at } = pages.take(timesATable);
    this.#page = page;
    this.#at = at;
    this.#page.fill(Number.NEGATIVE_INFINITY, this.#at, this.#at + timesATable);
    this.previousMs = Number.NaN;
    this.previousAgentMs = Number.NaN;
  }

  /** When the values are due. */
  get dueAtMs(): number {
    return this.#page[this.#at + places.due] ?? 0;
  }

  set dueAtMs(value: number) {
    this.#page[this.#at + places.due] = value;
  }

  /** When rows and labels are due to be verified. */
  get learnAtMs(): number {
    return this.#page[this.#at + places.learn] ?? 0;
  }

  set learnAtMs(value: number) {
    this.#page[this.#at + places.learn] = value;
  }

  /** Not asked for before this time: it failed too often. */
  get setAsideUntilMs(): number {
    return this.#page[this.#at + places.setAside] ?? 0;
  }

  set setAsideUntilMs(value: number) {
    this.#page[this.#at + places.setAside] = value;
  }

  /** When the table was last read, NaN = never. */
  get previousMs(): number {
    return this.#page[this.#at + places.previous] ?? 0;
  }

  set previousMs(value: number) {
    this.#page[this.#at + places.previous] = value;
  }

  /** The same on the agent's clock. */
  get previousAgentMs(): number {
    return this.#page[this.#at + places.previousAgent] ?? 0;
  }

  set previousAgentMs(value: number) {
    this.#page[this.#at + places.previousAgent] = value;
  }

  /** A walk for new rows that found none is not repeated for so long. */
  get holdDownMs(): number {
    return this.#page[this.#at + places.holdDown] ?? 0;
  }

  set holdDownMs(value: number) {
    this.#page[this.#at + places.holdDown] = value;
  }

  get walkAgainAtMs(): number {
    return this.#page[this.#at + places.walkAgain] ?? 0;
  }

  set walkAgainAtMs(value: number) {
    this.#page[this.#at + places.walkAgain] = value;
  }
}

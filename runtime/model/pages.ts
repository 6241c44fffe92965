/** Where something stands in a page that it shares with others. */
export interface Stretch<Page> {
  readonly page: Page;
  readonly at: number;
}

/**
 * Pages of numbers that many share, each with a stretch of its own: an array of its own, or a view of one, takes 100 to 400 bytes beside its content, and of what is
 * kept like this there are ten thousand pieces at a large site. A page goes with the last that has a stretch of it: pages are not filled again.
 */
export class Pages<Page> {
  readonly #cells: number;
  readonly #make: (cells: number) => Page;
  #page: Page | undefined;
  /** Of the page that is being filled. */
  #used = 0;

  /** @param cells of a page; what needs more than a quarter gets a page of its own. @param make a page of zeros */
  constructor(cells: number, make: (cells: number) => Page) {
    this.#cells = cells;
    this.#make = make;
  }

  /** Cells that nobody else writes, all of them zero. */
  take(cells: number): Stretch<Page> {
    if (cells > this.#cells / 4) return { page: this.#make(cells), at: 0 };
    const isFull = this.#used + cells > this.#cells;
    if (this.#page === undefined || isFull) {
      this.#page = this.#make(this.#cells);
      this.#used = 0;
    }
    this.#used += cells;
    return { page: this.#page, at: this.#used - cells };
  }
}

/** Something that serves one equipment after the other. */
export interface Reusable {
  /** Those with equal keys serve for each other. */
  readonly key: string;
  readonly cells: number;
}

export interface IdleBounds {
  readonly keys: number;
  readonly items: number;
  readonly cells: number;
}

/**
 * After so many loans for each that is idle what was idle all the time is let go of: a start asks for all equipment at once, and never again. Within the bounds: a small
 * site has few loans, and a large one's bunches of polls differ, so that what one of them does not need the next one would make again.
 */
const loansAnIdle = 32;
const loansBetweenLooks = { least: 1_024, most: 4_096 } as const;

interface Stack<T> {
  readonly items: T[];
  /** Fewest at a time since the last look. */
  least: number;
}

/** What waits for its next use, by key. What is beyond the bounds, or was not needed for a while, is left to the collector. */
export class IdlePool<T extends Reusable> {
  readonly #bounds: IdleBounds;
  readonly #stacks = new Map<string, Stack<T>>();
  #items = 0;
  #cells = 0;
  #loans = 0;

  constructor(bounds: IdleBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#items;
  }

  /** undefined = none is idle. */
  take(key: string): T | undefined {
    this.#loans += 1;
    const { least, most } = loansBetweenLooks;
    if (this.#loans >= Math.min(most, Math.max(least, loansAnIdle * this.#items))) this.#letGo();
    const stack = this.#stacks.get(key);
    const item = stack?.items.pop();
    if (stack === undefined || item === undefined) return undefined;
    if (stack.items.length < stack.least) stack.least = stack.items.length;
    this.#items -= 1;
    this.#cells -= item.cells;
    return item;
  }

  giveBack(item: T): void {
    if (this.#items >= this.#bounds.items || this.#cells + item.cells > this.#bounds.cells) return;
    const stack = this.#stacks.get(item.key);
    if (stack === undefined) {
      // Forms that nobody uses any more must not stay for ever.
      if (this.#stacks.size >= this.#bounds.keys) this.#forget();
      this.#stacks.set(item.key, { items: [item], least: Number.POSITIVE_INFINITY });
    } else stack.items.push(item);
    this.#items += 1;
    this.#cells += item.cells;
  }

  #letGo(): void {
    this.#loans = 0;
    for (const [key, stack] of this.#stacks) {
      for (const { cells } of stack.items.splice(0, stack.least)) {
        this.#items -= 1;
        this.#cells -= cells;
      }
      stack.least = stack.items.length;
      if (stack.items.length === 0) this.#stacks.delete(key);
    }
  }

  #forget(): void {
    this.#stacks.clear();
    this.#items = 0;
    this.#cells = 0;
  }
}

/** Wrong OIDs of one column in one read after which it is left alone. */
const violationsBorne = 3;
const firstPauseMs = 900_000;
const longestPauseMs = 14_400_000;

/**
 * Columns of one plan whose OIDs go in circles or backwards: asked for cell by cell they would cost hundreds of requests in each poll. They are
 * left out for a quarter of an hour, then tried again, then left out twice as long.
 */
export class Quarantine {
  readonly #until = new Map<number, { readonly ms: number; readonly pauseMs: number }>();
  readonly #violations = new Map<number, number>();
  #isOver = false;

  /** A read begins. @returns whether some column is to be tried again */
  begin(nowMs: number): boolean {
    this.#violations.clear();
    this.#isOver = false;
    for (const [column, { ms }] of this.#until) if (ms <= nowMs && ms !== Number.NEGATIVE_INFINITY) this.#release(column);
    return this.#isOver;
  }

  /** What its next pause would be stays known. */
  #release(column: number): void {
    const known = this.#until.get(column);
    this.#until.set(column, { ms: Number.NEGATIVE_INFINITY, pauseMs: known?.pauseMs ?? firstPauseMs });
    this.#isOver = true;
  }

  /** @returns whether the column has just been put into quarantine */
  note(column: number, nowMs: number): boolean {
    const violations = (this.#violations.get(column) ?? 0) + 1;
    this.#violations.set(column, violations);
    if (violations !== violationsBorne) return false;
    const before = this.#until.get(column);
    const pauseMs = before === undefined ? firstPauseMs : Math.min(longestPauseMs, before.pauseMs * 2);
    this.#until.set(column, { ms: nowMs + pauseMs, pauseMs });
    return true;
  }

  /** Columns that are not asked for at present. */
  columns(): readonly number[] {
    return [...this.#until].flatMap(([column, { ms }]) => (ms === Number.NEGATIVE_INFINITY ? [] : [column]));
  }
}

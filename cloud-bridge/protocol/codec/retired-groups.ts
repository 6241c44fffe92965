import type { SlotClock } from "./slots.ts";

interface Retired {
  readonly gid: number;
  readonly series: number;
  readonly untilMs: number;
}

/** A poll may end so long after its slot (its longest deadline), and still be of it. */
const lateMs = 120_000;

/**
 * Groups that nobody reports any more, while the slot that may hold rows of them is open. Its chunk names the newest revision of all it holds,
 * so that revision must still have them: a group leaves the dictionary when its slot is over.
 */
export class RetiredGroups {
  readonly #slots: SlotClock;
  readonly #maxSeries: number;
  readonly #remove: (gid: number) => void;
  #groups: Retired[] = [];
  #series = 0;

  /** @param maxSeries beyond so many waiting series the oldest leave at once, and a chunk may lack them */
  constructor(slots: SlotClock, maxSeries: number, remove: (gid: number) => void) {
    this.#slots = slots;
    this.#maxSeries = maxSeries;
    this.#remove = remove;
  }

  retire(gid: number, series: number, intervalMs: number, nowMs: number): void {
    const endsAtMs = this.#slots.openUntilMs(intervalMs) ?? nowMs;
    if (endsAtMs <= nowMs) {
      this.#remove(gid);
      return;
    }
    this.#groups.push({ gid, series, untilMs: endsAtMs + lateMs });
    this.#series += series;
    while (this.#series > this.#maxSeries) this.#forget(this.#groups.shift());
  }

  /** Takes out those whose slot is over. */
  sweep(nowMs: number): void {
    if (this.#groups.length === 0) return;
    const over = this.#groups.filter(({ untilMs }) => untilMs <= nowMs);
    if (over.length === 0) return;
    this.#groups = this.#groups.filter(({ untilMs }) => untilMs > nowMs);
    for (const group of over) this.#forget(group);
  }

  #forget(group: Retired | undefined): void {
    if (group === undefined) return;
    this.#series -= group.series;
    this.#remove(group.gid);
  }
}

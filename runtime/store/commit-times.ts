const kept = 512;

/** How long commits took: the newest 512 of them. */
export class CommitTimes {
  count = 0;
  maxMs = 0;
  readonly #recent: number[] = [];

  add(ms: number): void {
    this.#recent[this.count % kept] = ms;
    this.count += 1;
    this.maxMs = Math.max(this.maxMs, ms);
  }

  get p99Ms(): number {
    const sorted = this.#recent.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0;
  }
}

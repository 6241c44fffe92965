const memoryMs = 60_000;

/** Events per second over roughly the last minute: each counts less the longer it is ago. */
export class RateMeter {
  #sum = 0;
  #atMs = 0;

  add(amount: number, nowMs: number): void {
    this.#fade(nowMs);
    this.#sum += amount;
  }

  perSecond(nowMs: number): number {
    this.#fade(nowMs);
    return this.#sum / (memoryMs / 1_000);
  }

  #fade(nowMs: number): void {
    this.#sum *= Math.exp(-Math.max(0, nowMs - this.#atMs) / memoryMs);
    this.#atMs = nowMs;
  }
}

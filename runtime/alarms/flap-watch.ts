/** Status changes within the window that make an alarm flap. */
const flapChanges = 5;
const flapWindowMs = 600_000;
/** A flapping alarm is over when nothing changed for so long. */
export const stableMs = 300_000;
const maxKeys = 4_000;

/** Remembers when the alarms of each key changed last, across instances: what flaps clears and raises. */
export class FlapWatch {
  /** By key, oldest first; a key that changes moves to the end. */
  readonly #times = new Map<string, number[]>();

  /** @returns status changes within the last ten minutes, this one included */
  note(key: string, nowMs: number): number {
    const times = (this.#times.get(key) ?? []).filter((at) => nowMs - at < flapWindowMs);
    times.push(nowMs);
    // More than these say nothing more.
    if (times.length > 100) times.shift();
    this.#times.delete(key);
    this.#times.set(key, times);
    const [oldest] = this.#times.keys();
    if (this.#times.size > maxKeys && oldest !== undefined) this.#times.delete(oldest);
    return times.length;
  }

  isFlapping(count: number): boolean {
    return count >= flapChanges;
  }

  /** Changes of the key within the last ten minutes. */
  count(key: string, nowMs: number): number {
    return (this.#times.get(key) ?? []).filter((at) => nowMs - at < flapWindowMs).length;
  }
}

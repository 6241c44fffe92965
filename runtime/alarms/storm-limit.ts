import type { AlarmCondition } from "#ports/alarms.ts";
import { severityRank } from "./instance.ts";

/** New alarms at once, and per second afterwards. Clears and changes of what is known are never held back. */
const burst = 60;
const perSecond = 1;
/** Left for critical ones when the others have used theirs up. */
const criticalReserve = 20;
const maxHeld = 2_000;

/** Bounds how many new alarms one moment may bring. What is over it waits, most severe first, and leaves if it ends meanwhile. */
export class StormLimit {
  #tokens = burst;
  #refilledMs: number;
  readonly #held = new Map<string, AlarmCondition>();
  /** Conditions for which there was not even room to wait, since the last storm began. */
  #lost = 0;

  constructor(nowMs: number) {
    this.#refilledMs = nowMs;
  }

  get held(): number {
    return this.#held.size;
  }

  get lost(): number {
    return this.#lost;
  }

  /** Whether one more may be raised now. */
  admits(condition: AlarmCondition, nowMs: number): boolean {
    this.#refill(nowMs);
    const floor = condition.severity === "critical" ? -criticalReserve : 0;
    if (this.#tokens - 1 < floor) return false;
    this.#tokens -= 1;
    return true;
  }

  hold(key: string, condition: AlarmCondition): void {
    if (this.#held.size >= maxHeld && !this.#held.has(key)) {
      this.#lost += 1;
      return;
    }
    this.#held.set(key, condition);
  }

  release(key: string): void {
    this.#held.delete(key);
  }

  /** What may be raised now after all, at most as many as there are tokens for. */
  takeAdmitted(nowMs: number): readonly AlarmCondition[] {
    if (this.#held.size === 0) return [];
    const waiting = [...this.#held].sort(([, a], [, b]) => severityRank[b.severity] - severityRank[a.severity]);
    const taken: AlarmCondition[] = [];
    for (const [key, condition] of waiting) {
      if (!this.admits(condition, nowMs)) break;
      this.#held.delete(key);
      taken.push(condition);
    }
    if (this.#held.size === 0) this.#lost = 0;
    return taken;
  }

  #refill(nowMs: number): void {
    const gained = Math.max(0, ((nowMs - this.#refilledMs) / 1_000) * perSecond);
    this.#refilledMs = nowMs;
    this.#tokens = Math.min(burst, this.#tokens + gained);
  }
}

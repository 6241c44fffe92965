import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { type ClockAnchor, type Instant, monotonicMs, wallMs } from "../../../runtime/model/time.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";

/** Both clocks of the platform moved by the same time: an outage of days passes in minutes, and at its end they show the real time. */
export class ShiftedClock implements Clock {
  readonly #real = new SystemClock(() => true);
  readonly #monotonicAheadMs: number;
  /** How far behind the present this clock is. */
  behindMs: number;

  /** @param behindMs how long ago it begins */
  constructor(behindMs: number) {
    this.behindMs = behindMs;
    // A machine that booted lately has no monotonic time of days ago.
    this.#monotonicAheadMs = behindMs + 60_000;
  }

  now(): Instant {
    const now = this.#real.now();
    return { ...now, wallMs: wallMs(now.wallMs - this.behindMs), monotonicMs: monotonicMs(this.monotonicMs()) };
  }

  monotonicMs(): number {
    return this.#real.monotonicMs() + this.#monotonicAheadMs - this.behindMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#real.sleep(ms, signal);
  }

  anchors(): readonly ClockAnchor[] {
    return [];
  }
}

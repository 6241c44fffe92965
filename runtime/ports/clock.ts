import type { ClockAnchor, Instant } from "#model/time.ts";

/** The only source of time. Real in production, virtual in simulation. */
export interface Clock {
  now(): Instant;
  /** Cheap: monotonic milliseconds of this boot, fractional. */
  monotonicMs(): number;
  /** Resolves after `ms` of monotonic time, or rejects with the signal's reason. `ms` <= 0 yields once. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Anchors of this boot so far, oldest first; at most 64, the middle ones are thinned. */
  anchors(): readonly ClockAnchor[];
  /**
   * The truth is not before this Unix time: while nobody vouches for the clock, `now()` shows no earlier one. Absent: the clock cannot be wrong, or a test says
   * how wrong it is.
   */
  notBefore?(wallMs: number): void;
}

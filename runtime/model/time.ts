/** Milliseconds since the Unix epoch, UTC. May step backwards when the clock is set. Never used for durations. */
export type WallMs = number & { readonly __unit: "WallMs" };

/** Milliseconds on a clock that never steps and counts suspend (CLOCK_BOOTTIME-like); zero is this boot's start. Comparable only within one bootId. */
export type MonotonicMs = number & { readonly __unit: "MonotonicMs" };

/**
 * How far a wall time can be believed (RELIABILITY 4.3).
 * `synced`: disciplined by NTP or a signed NOC time in this boot; `holdover`: was synced in this boot, the source is
 * gone since; `unanchored`: never synced in this boot, the wall time is only a floor, not a date.
 */
export type ClockQuality = "synced" | "holdover" | "unanchored";

/** One reading of both clocks. The only form in which time travels inside the gateway. */
export interface Instant {
  readonly wallMs: WallMs;
  readonly monotonicMs: MonotonicMs;
  /** Identity of the boot that monotonicMs belongs to (`/proc/sys/kernel/random/boot_id`, first 8 hex digits). */
  readonly bootId: string;
  readonly quality: ClockQuality;
}

/** A pairing of both clocks taken when the wall clock was set or confirmed; lets anyone re-stamp that boot's records. */
export interface ClockAnchor {
  readonly bootId: string;
  readonly monotonicMs: MonotonicMs;
  readonly wallMs: WallMs;
  /** `ntp`, `noc` or `operator`. */
  readonly source: "ntp" | "noc" | "operator";
  /** Half-width of the uncertainty, milliseconds. */
  readonly errorMs: number;
}

export function wallMs(value: number): WallMs {
  return value as WallMs;
}

export function monotonicMs(value: number): MonotonicMs {
  return value as MonotonicMs;
}

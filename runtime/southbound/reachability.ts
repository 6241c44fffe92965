import type { ErrorCode, GatewayError } from "#model/errors.ts";
import type { GapReason } from "#model/report.ts";

/** `new`: never answered in this run; `up`; `down`: failed `failuresUntilDown` times in a row. */
export type ReachabilityState = "new" | "up" | "down";

const failuresUntilDown = 2;
const maxMessageChars = 300;
/** A probe is one packet: even 300 dead devices cost 20 packets/s at this spacing, and what returns is noticed soon. */
const maxProbeSpacingMs = 15_000;

/** The gap reason a driver's error is recorded with. */
export function gapReasonOf(code: ErrorCode): GapReason {
  if (code === "driver.timeout") return "timeout";
  if (code === "driver.auth") return "auth";
  if (code === "driver.unreachable") return "notReachable";
  if (code === "driver.bad-answer") return "badAnswer";
  if (code === "driver.refused") return "noSuchName";
  return "partial";
}

/**
 * Whether an equipment answers. While it is down, a full poll with its retries is not worth its packets: one small probe per slot,
 * spaced out to at most 15 s, and the full poll follows the first answer in the same slot.
 */
export class Reachability {
  #state: ReachabilityState = "new";
  #failures = 0;
  #lastCode: ErrorCode | undefined;
  #lastMessage: string | undefined;
  #sinceMs: number;
  #nextProbeMs = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  get state(): ReachabilityState {
    return this.#state;
  }

  /** Monotonic time of the last transition. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  get failures(): number {
    return this.#failures;
  }

  get lastCode(): ErrorCode | undefined {
    return this.#lastCode;
  }

  /** What was wrong at the last failure, in words; undefined while it answers. */
  get lastMessage(): string | undefined {
    return this.#lastMessage;
  }

  /** What to do in this slot: a full poll, a probe first, or nothing but a recorded gap. */
  plan(nowMs: number): "poll" | "probe" | "rest" {
    if (this.#state !== "down") return "poll";
    return nowMs >= this.#nextProbeMs ? "probe" : "rest";
  }

  /** @returns true on the transition to up */
  answered(nowMs: number): boolean {
    const changed = this.#state !== "up";
    if (changed) this.#sinceMs = nowMs;
    this.#state = "up";
    this.#failures = 0;
    this.#lastCode = undefined;
    this.#lastMessage = undefined;
    return changed;
  }

  /** @returns true on the transition to down */
  failed(error: GatewayError, nowMs: number, intervalMs: number): boolean {
    this.#failures += 1;
    this.#lastCode = error.code;
    this.#lastMessage = error.message.slice(0, maxMessageChars);
    // The first eight slots are all tried (a switch reboots in minutes), later every second, fourth ... but every 15 s at least (or each slot, where the interval is longer).
    const slots = 2 ** Math.min(10, Math.max(0, this.#failures - 8));
    const spacingMs = Math.max(intervalMs, Math.min(maxProbeSpacingMs, intervalMs * slots));
    // Half an interval early: slots are served a little late or early, and rounding must not skip a whole one.
    this.#nextProbeMs = nowMs + spacingMs - intervalMs / 2;
    if (this.#state === "down" || this.#failures < failuresUntilDown) return false;
    this.#state = "down";
    this.#sinceMs = nowMs;
    return true;
  }
}

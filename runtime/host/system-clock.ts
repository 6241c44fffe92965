import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ClockAnchor, type ClockQuality, type Instant, monotonicMs, wallMs } from "#model/time.ts";
import type { Clock } from "#ports/clock.ts";

const maxAnchors = 64;
/** The longest that a timer of the platform holds; a longer one would fire at once. */
const maxTimerMs = 2_147_483_647;

/** CLOCK_MONOTONIC when this thread's performance clock, which runs by the same, stood at zero: a double is read ten times cheaper than a bigint. */
const originMs = Number(process.hrtime.bigint() / 1000n) / 1000 - performance.now();

/** Whether the kernel's clock is disciplined right now; asked at most once per `recheckMs`. */
export type SynchronisationProbe = () => boolean;

/** The machine's clocks: the only file that reads time. Monotonic = CLOCK_MONOTONIC of this boot. */
export class SystemClock implements Clock {
  readonly #bootId: string;
  readonly #anchors: ClockAnchor[] = [];
  readonly #probe: SynchronisationProbe;
  #quality: ClockQuality = "unanchored";
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #offsetMs = Number.NaN;
  readonly #systemWall: () => number;
  /** Wall minus monotonic time below which no wall clock is believed without proof. */
  #floorOffsetMs = Number.NEGATIVE_INFINITY;

  /** @param systemWall the operating system's wall clock, Unix ms; a test sets it wrong */
  constructor(probe: SynchronisationProbe, bootId = readBootId(), systemWall: () => number = Date.now) {
    this.#probe = probe;
    this.#bootId = bootId;
    this.#systemWall = systemWall;
  }

  now(): Instant {
    const monotonic = this.monotonicMs();
    const shown = this.#systemWall();
    this.#assess(monotonic, shown);
    // Ages with the boot, so that time goes on above the floor as well.
    const wall = this.#quality === "synced" ? shown : Math.max(shown, Math.floor(monotonic + this.#floorOffsetMs));
    return { wallMs: wallMs(wall), monotonicMs: monotonicMs(monotonic), bootId: this.#bootId, quality: this.#quality };
  }

  monotonicMs(): number {
    return originMs + performance.now();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const others = sleepersOf(signal);
      const dueMs = this.monotonicMs() + Math.max(ms, 0);
      const arm = (remainingMs: number) => setTimeout(elapsed, Math.min(Math.max(Math.ceil(remainingMs), 0), maxTimerMs));
      // A timer counts whole milliseconds from the loop's own reading of the clock, so it may come early; and it holds 24.8 days at most.
      const elapsed = () => {
        const remainingMs = dueMs - this.monotonicMs();
        if (remainingMs > 0) {
          timer = arm(remainingMs);
          return;
        }
        others.leave(aborted);
        resolve();
      };
      const aborted = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      let timer = arm(ms);
      others.join(aborted);
    });
  }

  anchors(): readonly ClockAnchor[] {
    return this.#anchors;
  }

  notBefore(floorMs: number): void {
    this.#floorOffsetMs = Math.max(this.#floorOffsetMs, floorMs - this.monotonicMs());
  }

  /** The NOC's or a person's word for the time; believed only while nothing better is there. */
  anchor(anchor: ClockAnchor): void {
    this.#remember(anchor);
    if (this.#quality === "unanchored") this.#quality = "holdover";
  }

  #assess(monotonic: number, wall: number): void {
    const offsetMs = wall - monotonic;
    const stepped = Math.abs(offsetMs - this.#offsetMs) > 500;
    if (monotonic - this.#checkedAtMs < 10_000 && !stepped) return;
    this.#checkedAtMs = monotonic;
    const synced = this.#probe();
    const wasSynced = this.#quality === "synced";
    if (synced) this.#quality = "synced";
    else if (wasSynced) this.#quality = "holdover";
    if (synced && (!wasSynced || stepped)) {
      this.#remember({ bootId: this.#bootId, monotonicMs: monotonicMs(monotonic), wallMs: wallMs(wall), source: "ntp", errorMs: 50 });
    }
    this.#offsetMs = offsetMs;
  }

  #remember(anchor: ClockAnchor): void {
    this.#anchors.push(anchor);
    if (this.#anchors.length > maxAnchors) this.#anchors.splice(Math.floor(maxAnchors / 2), 1);
  }
}

/**
 * Who sleeps under one signal. A signal's own list of listeners is walked from its beginning for each that leaves it, and a thousand devices sleep under the
 * signal of the whole run; here it has one listener while anybody sleeps. None while nobody does: a signal made of others lives as long as it is listened to.
 */
class Sleepers {
  readonly #signal: AbortSignal;
  readonly #waking = new Set<() => void>();
  readonly #aborted = (): void => {
    const all = [...this.#waking];
    this.#waking.clear();
    for (const wake of all) wake();
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  join(wake: () => void): void {
    if (this.#waking.size === 0) this.#signal.addEventListener("abort", this.#aborted, { once: true });
    this.#waking.add(wake);
  }

  leave(wake: () => void): void {
    if (this.#waking.delete(wake) && this.#waking.size === 0) this.#signal.removeEventListener("abort", this.#aborted);
  }
}

const sleepers = new WeakMap<AbortSignal, Sleepers>();

function sleepersOf(signal: AbortSignal): Sleepers {
  let found = sleepers.get(signal);
  if (found === undefined) {
    found = new Sleepers(signal);
    sleepers.set(signal, found);
  }
  return found;
}

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").replaceAll("-", "").slice(0, 8);
  } catch {
    // No such file outside Linux: a random id is right, since monotonic time is then only known to be ours.
    return randomBytes(4).toString("hex");
  }
}

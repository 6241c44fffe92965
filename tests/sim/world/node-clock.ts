import { type ClockAnchor, type ClockQuality, type Instant, monotonicMs, wallMs } from "../../../runtime/model/time.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import type { VirtualClock } from "../virtual-clock.ts";

/** How a machine's clock stands when it boots. */
export interface BootTime {
  readonly bootId: string;
  /** Wall clock minus the truth, milliseconds. */
  readonly errorMs: number;
  readonly quality: ClockQuality;
}

/**
 * One machine's clocks on the world's time line. When its power goes, everything that sleeps on it stays asleep for ever: no cleanup code of the
 * dead process runs, as in a power cut.
 */
export class NodeClock implements Clock {
  readonly #world: VirtualClock;
  readonly #bootId: string;
  readonly #bootAtMs: number;
  readonly #anchors: ClockAnchor[] = [];
  readonly #trueWall: () => number;
  #errorMs: number;
  #quality: ClockQuality;
  #dead = false;

  constructor(world: VirtualClock, trueWall: () => number, boot: BootTime) {
    this.#world = world;
    this.#trueWall = trueWall;
    this.#bootId = boot.bootId;
    this.#bootAtMs = world.monotonicMs();
    this.#errorMs = boot.errorMs;
    this.#quality = boot.quality;
    if (boot.quality === "synced") this.#anchor();
  }

  now(): Instant {
    return {
      wallMs: wallMs(Math.floor(this.#trueWall() + this.#errorMs)),
      monotonicMs: monotonicMs(this.monotonicMs()),
      bootId: this.#bootId,
      quality: this.#quality,
    };
  }

  monotonicMs(): number {
    return this.#world.monotonicMs() - this.#bootAtMs;
  }

  anchors(): readonly ClockAnchor[] {
    return this.#anchors;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#dead) return new Promise(() => undefined);
    await this.#world.sleep(ms, signal);
    if (this.#dead) return new Promise(() => undefined);
  }

  /** NTP was reached: the wall clock is right from now on. */
  synchronise(): void {
    this.#errorMs = 0;
    this.#quality = "synced";
    this.#anchor();
  }

  /** NTP is gone; the clock runs on. */
  holdOver(): void {
    if (this.#quality === "synced") this.#quality = "holdover";
  }

  /** Somebody sets the wall clock. */
  step(byMs: number): void {
    this.#errorMs += byMs;
  }

  die(): void {
    this.#dead = true;
  }

  #anchor(): void {
    const now = this.now();
    this.#anchors.push({ bootId: this.#bootId, monotonicMs: now.monotonicMs, wallMs: now.wallMs, source: "ntp", errorMs: 10 });
    if (this.#anchors.length > 64) this.#anchors.splice(32, 1);
  }
}

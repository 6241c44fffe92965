import { type ClockAnchor, type ClockQuality, type Instant, monotonicMs, wallMs } from "../../runtime/model/time.ts";
import type { Clock } from "../../runtime/ports/clock.ts";

interface Sleeper {
  readonly dueMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Turns of the event loop that promises get to settle before time moves on. Real I/O must be announced with `busy`. */
const settleTurns = 3;
/** Inline, every so many settlings the event loop gets a turn all the same: the test runner lives on it. */
const inlineTurnEvery = 512;
/** Wake-ups at one instant after which somebody is taken to spin: a day of the simulation has some millions, spread over it. */
const maxWakesAtOnce = 100_000;
/** Turns after which whoever is busy is taken to hang. */
const maxTurns = 1_000_000;

/**
 * Time for simulation: stands still while anything runs and jumps to the next sleeper when everything sleeps. Doubles that wait for real
 * work (a worker, a socket) announce it with `busy()`, and time waits for them. Same program, same order: same run.
 */
export class VirtualClock implements Clock {
  readonly #sleepers: Sleeper[] = [];
  readonly #anchors: ClockAnchor[] = [];
  #monotonic = 0;
  #wallOffset: number;
  #order = 0;
  #pending = 0;
  #settled = 0;
  #wakesAtOnce = 0;
  readonly #inline: boolean;
  bootId = "00000001";
  quality: ClockQuality = "synced";

  /** @param inline everything simulated runs in promises alone, no socket, worker or immediate: emptying the microtask queue settles it (ten times faster) */
  constructor(wallStartMs = Date.UTC(2026, 0, 1), inline = false) {
    this.#wallOffset = wallStartMs;
    this.#inline = inline;
  }

  now(): Instant {
    const monotonic = this.#monotonic;
    return {
      wallMs: wallMs(Math.floor(monotonic + this.#wallOffset)),
      monotonicMs: monotonicMs(monotonic),
      bootId: this.bootId,
      quality: this.quality,
    };
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  anchors(): readonly ClockAnchor[] {
    return this.#anchors;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const sleeper: Sleeper = {
        // Real time never stands still: a remainder lost in rounding must not make a sleeper wake for ever at the same instant.
        dueMs: ms > 0 ? this.#monotonic + Math.max(ms, 0.001) : this.#monotonic,
        order: this.#order++,
        wake: () => {
          signal.removeEventListener("abort", aborted);
          resolve();
        },
      };
      const aborted = () => {
        this.#remove(sleeper);
        reject(signal.reason);
      };
      signal.addEventListener("abort", aborted, { once: true });
      this.#insert(sleeper);
    });
  }

  /** The wall clock is set, as by NTP or a person: monotonic time goes on untouched. */
  stepWall(byMs: number): void {
    this.#wallOffset += byMs;
  }

  /** The wall clock is found right; from now on `quality` is synced and an anchor says so. */
  synchronise(trueWallMs: number): void {
    this.#wallOffset = trueWallMs - this.#monotonic;
    this.quality = "synced";
    this.#anchors.push({
      bootId: this.bootId,
      monotonicMs: monotonicMs(this.#monotonic),
      wallMs: wallMs(trueWallMs),
      source: "ntp",
      errorMs: 10,
    });
    if (this.#anchors.length > 64) this.#anchors.splice(32, 1);
  }

  /** A new boot: monotonic time starts at zero again, sleepers of the old boot never wake. */
  reboot(bootId: string, wallStartMs: number, quality: ClockQuality): void {
    this.#sleepers.length = 0;
    this.#anchors.length = 0;
    this.#monotonic = 0;
    this.#wallOffset = wallStartMs;
    this.bootId = bootId;
    this.quality = quality;
  }

  /** Real work is under way; time stands still until the returned function is called. */
  busy(): () => void {
    this.#pending += 1;
    let done = false;
    return () => {
      if (done) return;
      done = true;
      this.#pending -= 1;
    };
  }

  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Lets `ms` of virtual time pass, waking sleepers in order of their time. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonic + ms;
    while (await this.#wakeNext(endMs));
    this.#monotonic = endMs;
    await this.settle();
  }

  /**
   * Lets time pass until the promise settles; gives its outcome.
   * @throws Error after `limitMs` of virtual time, or when nobody is left to wake
   */
  async runUntil<T>(promise: Promise<T>, limitMs = 86_400_000): Promise<T> {
    const endMs = this.#monotonic + limitMs;
    let settled = false;
    const watch = () => {
      settled = true;
    };
    promise.then(watch, watch);
    for (;;) {
      await this.settle();
      if (settled) return promise;
      if (!(await this.#wakeNext(endMs))) throw new Error(`nothing settled within ${limitMs} ms of virtual time (${this.sleeping} asleep)`);
    }
  }

  /** Advances until `condition` holds. @throws Error after `limitMs` of virtual time */
  async until(condition: () => boolean, limitMs: number, stepMs = 100): Promise<void> {
    const endMs = this.#monotonic + limitMs;
    await this.settle();
    while (!condition()) {
      if (this.#monotonic >= endMs) throw new Error(`condition not met within ${limitMs} ms of virtual time`);
      await this.advance(stepMs);
    }
  }

  /** Waits until everybody is asleep: no promise is left to run and nobody is busy. */
  async settle(): Promise<void> {
    if (this.#inline && this.#pending === 0 && ++this.#settled % inlineTurnEvery !== 0) {
      // A tick runs when the microtask queue is empty, however long the chains in it were.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      return;
    }
    for (let turn = 0; turn < settleTurns || this.#pending > 0; turn++) {
      if (turn > maxTurns) throw new Error(`${this.#pending} operations are still under way after ${maxTurns} turns`);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async #wakeNext(endMs: number): Promise<boolean> {
    await this.settle();
    const next = this.#sleepers[0];
    if (next === undefined || next.dueMs > endMs) return false;
    this.#sleepers.shift();
    this.#wakesAtOnce = next.dueMs > this.#monotonic ? 0 : this.#wakesAtOnce + 1;
    if (this.#wakesAtOnce > maxWakesAtOnce)
      throw new Error(`time does not go on: ${maxWakesAtOnce} wake-ups at one instant, somebody spins`);
    this.#monotonic = Math.max(this.#monotonic, next.dueMs);
    next.wake();
    return true;
  }

  #insert(sleeper: Sleeper): void {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#sleepers[middle];
      if (other !== undefined && (other.dueMs < sleeper.dueMs || (other.dueMs === sleeper.dueMs && other.order < sleeper.order)))
        low = middle + 1;
      else high = middle;
    }
    this.#sleepers.splice(low, 0, sleeper);
  }

  #remove(sleeper: Sleeper): void {
    const index = this.#sleepers.indexOf(sleeper);
    if (index >= 0) this.#sleepers.splice(index, 1);
  }
}

import { type ClockAnchor, type ClockQuality, type Instant, monotonicMs, wallMs } from "../../runtime/model/time.ts";
import type { Clock } from "../../runtime/ports/clock.ts";

interface Sleeper {
  readonly wakeAtMs: number;
  readonly order: number;
  readonly wake: () => void;
  gone: boolean;
}

export interface VirtualClockOptions {
  /** Wall time at monotonic 0. */
  readonly wallMs?: number;
  /** Operations the doubles (network, disk, child) have under way: time stands still while there are any. */
  readonly pending?: () => number;
}

/** Event-loop turns that one settling may take before somebody is taken to hang. */
const maxTurns = 100_000;

/**
 * A clock whose time moves only when told. `advance` wakes the sleepers in the order of their times (equal times: first come first
 * served), and after each one waits until everybody who was woken is asleep again. The same program takes the same steps each time.
 */
export class VirtualClock implements Clock {
  readonly #pending: () => number;
  readonly #heap: Sleeper[] = [];
  readonly #anchors: ClockAnchor[] = [];
  #order = 0;
  #nowMs = 0;
  #wallOffsetMs: number;
  #boots = 1;
  quality: ClockQuality = "synced";

  constructor(options: VirtualClockOptions = {}) {
    this.#pending = options.pending ?? (() => 0);
    this.#wallOffsetMs = options.wallMs ?? Date.UTC(2026, 0, 1);
  }

  now(): Instant {
    return {
      wallMs: wallMs(Math.round(this.#nowMs + this.#wallOffsetMs)),
      monotonicMs: monotonicMs(this.#nowMs),
      bootId: this.#boots.toString(16).padStart(8, "0"),
      quality: this.quality,
    };
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const sleeper: Sleeper = {
        wakeAtMs: this.#nowMs + Math.max(ms, 0),
        order: this.#order++,
        gone: false,
        wake: () => {
          signal.removeEventListener("abort", aborted);
          resolve();
        },
      };
      const aborted = () => {
        sleeper.gone = true;
        reject(signal.reason);
      };
      signal.addEventListener("abort", aborted, { once: true });
      this.#push(sleeper);
    });
  }

  anchors(): readonly ClockAnchor[] {
    return this.#anchors;
  }

  /** The wall clock is set by `deltaMs`; monotonic time does not notice. */
  stepWall(deltaMs: number): void {
    this.#wallOffsetMs += deltaMs;
  }

  /** The pairing of both clocks that a synchronisation would leave behind. */
  addAnchor(source: ClockAnchor["source"] = "ntp", errorMs = 50): void {
    const { bootId, wallMs: wall, monotonicMs: monotonic } = this.now();
    this.#anchors.push({ bootId, wallMs: wall, monotonicMs: monotonic, source, errorMs });
  }

  /** A new boot: monotonic time begins again, nobody sleeps, wall time goes on after `downMs`. */
  reboot(downMs = 0): void {
    this.#wallOffsetMs += this.#nowMs + downMs;
    this.#nowMs = 0;
    this.#boots += 1;
    this.#heap.length = 0;
    this.#anchors.length = 0;
  }

  /** How many are asleep. */
  get sleepers(): number {
    return this.#heap.filter((sleeper) => !sleeper.gone).length;
  }

  /** Lets time pass: wakes everybody whose time comes within `ms`. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    while (await this.#wakeNext(untilMs));
    this.#nowMs = untilMs;
  }

  /** Lets time pass until the promise settles; gives its outcome. @throws Error after `maxMs` of virtual time or when nobody is left to wake */
  async runUntil<T>(promise: Promise<T>, maxMs = 86_400_000): Promise<T> {
    const untilMs = this.#nowMs + maxMs;
    let settled = false;
    const watch = () => {
      settled = true;
    };
    promise.then(watch, watch);
    for (;;) {
      await this.settle();
      if (settled) return promise;
      if (!(await this.#wakeNext(untilMs))) throw new Error(`nothing settled within ${maxMs} ms of virtual time (${this.sleepers} asleep)`);
    }
  }

  /** Waits until everybody is asleep: no microtask is left and the doubles have nothing under way. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < maxTurns; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#pending() === 0) return;
    }
    throw new Error(`${this.#pending()} operations are under way after ${maxTurns} turns`);
  }

  async #wakeNext(untilMs: number): Promise<boolean> {
    await this.settle();
    let next = this.#heap[0];
    while (next?.gone === true) {
      this.#pop();
      next = this.#heap[0];
    }
    if (next === undefined || next.wakeAtMs > untilMs) return false;
    this.#pop();
    this.#nowMs = Math.max(this.#nowMs, next.wakeAtMs);
    next.wake();
    return true;
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#heap;
    let index = heap.push(sleeper) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!isBefore(heap[index], heap[above])) break;
      this.#swap(index, above);
      index = above;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      let least = index;
      if (isBefore(heap[left], heap[least])) least = left;
      if (isBefore(heap[right], heap[least])) least = right;
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}

function isBefore(a: Sleeper | undefined, b: Sleeper | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.wakeAtMs < b.wakeAtMs || (a.wakeAtMs === b.wakeAtMs && a.order < b.order);
}

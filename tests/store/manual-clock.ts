import { type Instant, monotonicMs, wallMs } from "#model/time.ts";
import type { Clock } from "#ports/clock.ts";

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock that moves only when told; sleepers wake in order, each with the time it asked for. */
export class ManualClock implements Clock {
  bootId = "b00t0001";
  wallOffsetMs = 1_800_000_000_000;
  quality: Instant["quality"] = "synced";
  #nowMs: number;
  #sleepers: Sleeper[] = [];

  constructor(startMs = 1_000) {
    this.#nowMs = startMs;
  }

  now(): Instant {
    return {
      wallMs: wallMs(this.wallOffsetMs + this.#nowMs),
      monotonicMs: monotonicMs(this.#nowMs),
      bootId: this.bootId,
      quality: this.quality,
    };
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake: finished };
      const sleepers = () => this.#sleepers;
      function finished(): void {
        signal.removeEventListener("abort", aborted);
        resolve();
      }
      function aborted(): void {
        const index = sleepers().indexOf(sleeper);
        if (index >= 0) sleepers().splice(index, 1);
        reject(signal.reason);
      }
      signal.addEventListener("abort", aborted, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  anchors(): readonly [] {
    return [];
  }

  /** Moves on without waking anybody: for code that never sleeps. */
  step(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets everything that is ready run, then moves on, sleeper by sleeper. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (best, one) => (best === undefined || one.atMs < best.atMs ? one : best),
        undefined,
      );
      if (next === undefined || next.atMs > endMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#sleepers.splice(this.#sleepers.indexOf(next), 1);
      next.wake();
    }
    this.#nowMs = endMs;
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

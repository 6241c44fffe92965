import { type Instant, monotonicMs, wallMs } from "../../runtime/model/time.ts";
import type { Clock } from "../../runtime/ports/clock.ts";
import type { State } from "../../runtime/ports/state.ts";

/** A clock that moves when the test says so. */
export class StepClock implements Clock {
  ms = 1_000_000;
  wallStart = 1_800_000_000_000;
  bootId = "b0000001";
  quality: Instant["quality"] = "synced";

  now(): Instant {
    return { wallMs: wallMs(this.wallStart + this.ms), monotonicMs: monotonicMs(this.ms), bootId: this.bootId, quality: this.quality };
  }

  monotonicMs(): number {
    return this.ms;
  }

  async sleep(): Promise<void> {}

  anchors() {
    return [];
  }
}

/** Keeps entries in memory: a state whose disk never fails. */
export class MemoryState implements State {
  readonly entries = new Map<string, string | Uint8Array>();
  puts = 0;

  get(key: string): Uint8Array | undefined {
    const value = this.entries.get(key);
    return typeof value === "string" ? Buffer.from(value) : value;
  }

  getText(key: string): string | undefined {
    const value = this.entries.get(key);
    return value === undefined || typeof value === "string" ? value : Buffer.from(value).toString();
  }

  put(entries: Readonly<Record<string, Uint8Array | string | undefined>>): void {
    this.puts += 1;
    for (const [key, value] of Object.entries(entries)) {
      if (value === undefined) this.entries.delete(key);
      else this.entries.set(key, value);
    }
  }

  keys(prefix: string, limit: number): readonly string[] {
    return [...this.entries.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort()
      .slice(0, limit);
  }

  close(): void {}
}

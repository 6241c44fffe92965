import type { Clock } from "#ports/clock.ts";

/** Where one page listens. `write` false = its buffer is full: it is dropped and may come again. */
export interface FeedListener {
  write(text: string): boolean;
  close(): void;
}

/** Pages that may listen at a time; one more is refused. */
const maxListeners = 32;
/** Gateways named in one announcement; beyond it the page is told to look at everything. */
const maxNamed = 200;
const everyMs = 500;
const keepAliveEveryMs = 15_000;

/** Tells open pages which gateways changed, at most twice a second. Carries names only: the page asks for what it shows. */
export class LiveFeed {
  readonly #listeners = new Set<FeedListener>();
  readonly #changed = new Set<string>();

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Undefined = no room; else the removal. */
  add(listener: FeedListener): (() => void) | undefined {
    if (this.#listeners.size >= maxListeners) return undefined;
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  announce(gateways: readonly string[]): void {
    if (this.#listeners.size === 0) return;
    for (const gateway of gateways) if (this.#changed.size <= maxNamed) this.#changed.add(gateway);
  }

  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    let keptAliveMs = clock.monotonicMs();
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal);
      const nowMs = clock.monotonicMs();
      if (this.#changed.size > 0) {
        const names = this.#changed.size > maxNamed ? ["*"] : [...this.#changed];
        this.#changed.clear();
        this.#tell(`event: changed\ndata: ${JSON.stringify(names)}\n\n`);
      } else if (nowMs - keptAliveMs >= keepAliveEveryMs) this.#tell(": still here\n\n");
      else continue;
      keptAliveMs = nowMs;
    }
  }

  closeAll(): void {
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
  }

  #tell(text: string): void {
    for (const listener of this.#listeners) {
      if (listener.write(text)) continue;
      this.#listeners.delete(listener);
      listener.close();
    }
  }
}

import type { State } from "#ports/state.ts";

const overlayKey = "config/overlay";
const overrideKey = "config/override";
const baselineKey = "config/baseline";

/** What a person at the site set for a while, over everything else. */
export interface LocalOverride {
  readonly content: unknown;
  readonly by: string;
  /** Unix ms. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface StoredOverlay {
  readonly sha256: string;
  readonly content: unknown;
}

/** The documents that are laid over gatehouse.yaml, durable. */
export class OverlayMemory {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** The NOC's. */
  get overlay(): StoredOverlay | undefined {
    return this.#read<StoredOverlay>(overlayKey);
  }

  override(nowMs: number): LocalOverride | undefined {
    const stored = this.#read<LocalOverride>(overrideKey);
    return stored === undefined || stored.untilMs <= nowMs ? undefined : stored;
  }

  /** It was set, and its time is over: it must be taken out of force. */
  hasExpired(nowMs: number): boolean {
    const stored = this.#read<LocalOverride>(overrideKey);
    return stored !== undefined && stored.untilMs <= nowMs;
  }

  /** In the order in which they are laid over the file. */
  overlays(nowMs: number, overlay: unknown = this.overlay?.content): readonly unknown[] {
    const override = this.override(nowMs)?.content;
    return [overlay, override].filter((one) => one !== undefined);
  }

  /** @param answering equipment that must answer after the change; it did before */
  setOverlay(overlay: StoredOverlay | undefined, answering: readonly string[]): void {
    this.#state.put({
      [overlayKey]: overlay === undefined ? undefined : JSON.stringify(overlay),
      [baselineKey]: answering.length === 0 ? undefined : JSON.stringify(answering),
    });
  }

  setOverride(override: LocalOverride | undefined): void {
    this.#state.put({ [overrideKey]: override === undefined ? undefined : JSON.stringify(override) });
  }

  get baseline(): readonly string[] {
    return this.#read<readonly string[]>(baselineKey) ?? [];
  }

  clearBaseline(): void {
    if (this.#state.getText(baselineKey) !== undefined) this.#state.put({ [baselineKey]: undefined });
  }

  #read<T>(key: string): T | undefined {
    const text = this.#state.getText(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }
}

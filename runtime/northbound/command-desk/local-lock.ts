import type { Clock } from "#ports/clock.ts";
import type { State } from "#ports/state.ts";

const key = "lock";

export interface LockState {
  readonly locked: boolean;
  readonly reason?: string;
  readonly by?: string;
  /** Unix ms. */
  readonly sinceMs?: number;
}

/** The switch at the site: while it is on, nobody from afar changes anything here. Reading stays possible. Survives restarts. */
export class LocalLock {
  readonly #state: State;
  readonly #clock: Clock;

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  get state(): LockState {
    const text = this.#state.getText(key);
    return text === undefined ? { locked: false } : (JSON.parse(text) as LockState);
  }

  get isLocked(): boolean {
    return this.state.locked;
  }

  lock(by: string, reason: string): LockState {
    const state: LockState = {
      locked: true,
      by: by.slice(0, 128),
      reason: reason.slice(0, 256),
      sinceMs: Math.round(this.#clock.now().wallMs),
    };
    this.#state.put({ [key]: JSON.stringify(state) });
    return state;
  }

  unlock(): LockState {
    this.#state.put({ [key]: undefined });
    return { locked: false };
  }
}

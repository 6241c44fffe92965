import type { State } from "#ports/state.ts";
import type { UpdatePhase, UpdatePolicy, UpdateStatus, UpdateTarget } from "#ports/updater.ts";
import type { SlotName } from "./slots.ts";

export interface Wanted {
  readonly target: UpdateTarget;
  readonly policy: UpdatePolicy;
}

/** What was switched to, written before the switch. */
export interface Armed {
  readonly target: UpdateTarget;
  readonly slot: SlotName;
  readonly sha256: string;
  /** Version that ran before. */
  readonly from: string;
  /** Whether the NOC was connected before the switch: only then its absence afterwards says something. */
  readonly nocReached: boolean;
}

export interface Outcome {
  readonly phase: UpdatePhase;
  readonly target: UpdateTarget;
  readonly problem?: UpdateStatus["problem"];
}

/** Versions and hashes that failed here; the oldest are forgotten. */
const maxBlacklisted = 64;

/** What the updater has to know after a start: in the state, each change one durable transaction. */
export class UpdateMemory {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  wanted(): Wanted | undefined {
    return this.#read<Wanted>("update/wanted");
  }

  want(wanted: Wanted | undefined): void {
    this.#state.put({ "update/wanted": wanted === undefined ? undefined : JSON.stringify(wanted) });
  }

  armed(): Armed | undefined {
    return this.#read<Armed>("update/armed");
  }

  arm(armed: Armed): void {
    this.#state.put({ "update/armed": JSON.stringify(armed) });
  }

  last(): Outcome | undefined {
    return this.#read<Outcome>("update/last");
  }

  /** An update has ended, one way or the other. */
  settle(outcome: Outcome): void {
    this.#state.put({ "update/last": JSON.stringify(outcome), "update/wanted": undefined, "update/armed": undefined });
  }

  isBlacklisted(versionOrHash: string): boolean {
    return this.#blacklisted().includes(versionOrHash);
  }

  blacklist(...ones: readonly string[]): void {
    const all = [...this.#blacklisted().filter((one) => !ones.includes(one)), ...ones];
    this.#state.put({ "update/blacklist": JSON.stringify(all.slice(-maxBlacklisted)) });
  }

  #blacklisted(): readonly string[] {
    return this.#read<readonly string[]>("update/blacklist") ?? [];
  }

  /** Only this class writes these keys. */
  #read<T>(key: string): T | undefined {
    const text = this.#state.getText(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }
}

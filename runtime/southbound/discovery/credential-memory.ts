import type { State } from "#ports/state.ts";
import { gentle } from "./settings.ts";
import { readJsonEntries } from "./stored.ts";

interface Entry {
  readonly mac?: string;
  /** The credential that was answered. */
  readonly works?: string;
  /** Times in a row that the working one met silence. */
  readonly lost?: number;
  /** Wall time of the last try, by name. */
  readonly refused?: Readonly<Record<string, number>>;
}

const key = "discovery/credentials";
/** One entry is about 150 bytes; the least recently changed goes first, and its device is asked anew. */
const maxEntries = 4_096;
const lossesUntilForgotten = 3;

/** Which credential opens which address, and which were refused there: a device is not asked again for a day. */
export class CredentialMemory {
  readonly #state: State;
  readonly #entries: Map<string, Entry>;
  #changed = false;

  constructor(state: State) {
    this.#state = state;
    this.#entries = new Map(Object.entries(readJsonEntries(state, key, isEntry)));
  }

  works(address: string, mac: string | undefined): string | undefined {
    return this.#entry(address, mac)?.works;
  }

  /** Of `names` those that may be tried now: the one that worked, else all that were not refused within a day. */
  untried(address: string, mac: string | undefined, names: readonly string[], wallMs: number): readonly string[] {
    const entry = this.#entry(address, mac);
    if (entry?.works !== undefined && names.includes(entry.works)) return [entry.works];
    return names.slice(0, gentle.maxCredentials).filter((name) => {
      const at = entry?.refused?.[name];
      // A wall clock that was set back must not make a day last for years.
      return at === undefined || wallMs - at >= gentle.refusedRetryMs || wallMs < at - gentle.refusedRetryMs;
    });
  }

  succeeded(address: string, mac: string | undefined, name: string): void {
    const entry = this.#entry(address, mac);
    if (entry?.works === name && entry.lost === undefined && entry.mac === mac) return;
    this.#put(address, { ...(mac === undefined ? {} : { mac }), works: name });
  }

  failed(address: string, mac: string | undefined, name: string, wallMs: number): void {
    const entry = this.#entry(address, mac);
    const lost = (entry?.lost ?? 0) + 1;
    if (entry?.works === name && lost < lossesUntilForgotten) this.#put(address, { ...entry, lost });
    else this.#put(address, { ...(mac === undefined ? {} : { mac }), refused: { ...entry?.refused, [name]: wallMs } });
  }

  save(): void {
    if (!this.#changed) return;
    this.#state.put({ [key]: JSON.stringify(Object.fromEntries(this.#entries)) });
    this.#changed = false;
  }

  /** Another MAC address is another device: what was remembered does not count. */
  #entry(address: string, mac: string | undefined): Entry | undefined {
    const entry = this.#entries.get(address);
    return entry?.mac !== undefined && mac !== undefined && entry.mac !== mac ? undefined : entry;
  }

  #put(address: string, entry: Entry): void {
    this.#entries.delete(address);
    this.#entries.set(address, entry);
    this.#changed = true;
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxEntries && oldest !== undefined) this.#entries.delete(oldest);
  }
}

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null;
}

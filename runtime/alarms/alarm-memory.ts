import type { State } from "#ports/state.ts";
import { ulidTimeMs } from "./identity.ts";
import type { AlarmInstance } from "./instance.ts";
import type { LastingNotes } from "./watch/lasting-notes.ts";

const prefix = "alarms/active/";
const newestKey = "alarms/newest-id";
const maxRead = 4_000;

/**
 * Active alarms in the durable state, one entry each. Written before a change is sent: after a cut the list knows at least what the NOC may
 * know, raises nothing twice and forgets nothing.
 */
export class AlarmMemory {
  readonly #state: State;
  readonly #notes: LastingNotes | undefined;

  /** @param notes written along: an alarm and what it was judged by become durable together */
  constructor(state: State, notes?: LastingNotes) {
    this.#state = state;
    this.#notes = notes;
  }

  read(): AlarmInstance[] {
    return this.#state.keys(prefix, maxRead).flatMap((key): AlarmInstance[] => {
      const instance = parse(this.#state.getText(key));
      return instance === undefined ? [] : [instance];
    });
  }

  newestIdMs(): number {
    return Number(this.#state.getText(newestKey) ?? "0");
  }

  /** One durable transaction for all of them. */
  write(instances: Iterable<AlarmInstance>): void {
    const entries: Record<string, string | undefined> = {};
    let newestMs = this.newestIdMs();
    for (const instance of instances) {
      entries[`${prefix}${instance.key.replace("a1:", "")}`] = instance.cleared ? undefined : JSON.stringify(instance);
      newestMs = Math.max(newestMs, ulidTimeMs(instance.id));
    }
    if (Object.keys(entries).length === 0) return;
    const notes = this.#notes?.next() ?? {};
    this.#state.put({ ...notes, ...entries, [newestKey]: String(newestMs) });
    this.#notes?.written(notes);
  }
}

/** Written by this class alone, perhaps by an older version: fields that came later are filled in. */
function parse(text: string | undefined): AlarmInstance | undefined {
  if (text === undefined) return undefined;
  const read = JSON.parse(text) as AlarmInstance;
  const { root, maint, shelved, previous, verdict } = read;
  return { ...read, root, maint, shelved, previous, verdict };
}

import type { Generation } from "#model/authority.ts";
import type { DocumentOutcome } from "#model/desired.ts";
import type { State } from "#ports/state.ts";

/** A manifest that was accepted: where it stands in the order of all, and what it says (JSON, its signature verified). */
export interface StoredGeneration extends Generation {
  readonly hash: string;
  readonly payload: string;
}

/** The generation that is on its way. A phase is durable before its work begins. */
export interface NextGeneration extends StoredGeneration {
  readonly phase: "received" | "staged" | "applying" | "probation" | "reverting";
  /** Unix ms. */
  readonly receivedAtMs: number;
  /** Starts of the gateway since it began to apply this generation. */
  readonly starts: number;
  readonly outcomes?: readonly DocumentOutcome[];
  /** Why it goes back. */
  readonly reason?: string;
}

/** How the last generation that did not come into effect ended. */
export interface EndedGeneration extends Generation {
  readonly phase: "failed" | "rolled_back";
  readonly reason: string;
  readonly outcomes: readonly DocumentOutcome[];
  /** Unix ms. */
  readonly atMs: number;
}

export interface ConfirmedGeneration extends StoredGeneration {
  readonly outcomes: readonly DocumentOutcome[];
  /** Unix ms. */
  readonly atMs: number;
}

const keys = {
  confirmed: "desired/confirmed",
  previous: "desired/previous",
  next: "desired/next",
  pending: "desired/pending",
  ended: "desired/ended",
} as const;

/** More starts than this while one generation is being applied: it is the generation. */
export const maxStarts = 3;

/**
 * The generations of desired state: the one in effect, the one before, the one on its way, the one that waits behind it. Each change is one
 * transaction, so that a cut leaves exactly the state before or after it.
 */
export class DesiredMemory {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  get confirmed(): ConfirmedGeneration | undefined {
    return this.#read<ConfirmedGeneration>(keys.confirmed);
  }

  get previous(): ConfirmedGeneration | undefined {
    return this.#read<ConfirmedGeneration>(keys.previous);
  }

  get next(): NextGeneration | undefined {
    return this.#read<NextGeneration>(keys.next);
  }

  get pending(): NextGeneration | undefined {
    return this.#read<NextGeneration>(keys.pending);
  }

  get ended(): EndedGeneration | undefined {
    return this.#read<EndedGeneration>(keys.ended);
  }

  /** The newest generation that this memory knows of, in whatever state. */
  knows(generation: Generation): boolean {
    const { epoch, gen } = generation;
    return [this.confirmed, this.next, this.pending, this.ended].some((one) => one?.epoch === epoch && one.gen === gen);
  }

  /** A newer manifest was accepted: it waits for what is being applied, and takes the place of what is not yet. */
  stage(generation: StoredGeneration, receivedAtMs: number, acceptance: Readonly<Record<string, string>>): void {
    const entry: NextGeneration = { ...generation, phase: "received", receivedAtMs, starts: 0 };
    const { next } = this;
    const isBusy = next !== undefined && next.phase !== "received" && next.phase !== "staged";
    const place = isBusy ? { [keys.pending]: JSON.stringify(entry) } : { [keys.next]: JSON.stringify(entry), [keys.pending]: undefined };
    this.#state.put({ ...acceptance, ...place });
  }

  /** The next step of the generation on its way. */
  move(next: NextGeneration): NextGeneration {
    this.#state.put({ [keys.next]: JSON.stringify(next) });
    return next;
  }

  /** It is in effect and proven; whatever waits follows. */
  confirm(next: NextGeneration, outcomes: readonly DocumentOutcome[], atMs: number): void {
    const { epoch, gen, hash, payload } = next;
    const confirmed: ConfirmedGeneration = { epoch, gen, hash, payload, outcomes, atMs };
    this.#state.put({
      [keys.confirmed]: JSON.stringify(confirmed),
      [keys.previous]: this.#state.getText(keys.confirmed),
      [keys.ended]: undefined,
      ...this.#following(),
    });
  }

  /** It is not in effect, and the confirmed one is. */
  end(ended: EndedGeneration): void {
    this.#state.put({ [keys.ended]: JSON.stringify(ended), ...this.#following() });
  }

  #following(): Readonly<Record<string, string | undefined>> {
    return { [keys.next]: this.#state.getText(keys.pending), [keys.pending]: undefined };
  }

  #read<T>(key: string): T | undefined {
    const text = this.#state.getText(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }
}

/**
 * To be called at each start of the gateway, before it is assembled from a configuration that the newest generation may have changed: a
 * generation with which the gateway does not even get as far as its engine is taken back.
 * @returns true when this start must use the confirmed generation
 */
export function countStart(state: State): boolean {
  const memory = new DesiredMemory(state);
  const { next } = memory;
  if (next === undefined || (next.phase !== "applying" && next.phase !== "probation")) return next?.phase === "reverting";
  const starts = next.starts + 1;
  if (starts <= maxStarts) {
    memory.move({ ...next, starts });
    return false;
  }
  memory.move({ ...next, phase: "reverting", reason: `the gateway started ${starts} times without getting it confirmed` });
  return true;
}

/** The assembly failed with the configuration of the generation on its way: it is taken back. @returns false when there is none */
export function revertNext(state: State, reason: string): boolean {
  const memory = new DesiredMemory(state);
  const { next } = memory;
  if (next === undefined || (next.phase !== "applying" && next.phase !== "probation")) return false;
  memory.move({ ...next, phase: "reverting", reason });
  return true;
}

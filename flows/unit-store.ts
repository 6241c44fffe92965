import { gunzipSync, gzipSync } from "node:zlib";
import { isGatewayError } from "#model/errors.ts";
import type { AtRest } from "#ports/at-rest.ts";
import type { State } from "#ports/state.ts";
import type { CompiledUnit } from "./compile/unit.ts";
import type { FlowNode } from "./protocol.ts";

const maxUnits = 400;
const maxBlobBytes = 1_000_000;
const maxPlainBytes = 8 * 1024 * 1024;

/** What may hold secrets of people, encrypted under a key that is not in the database. */
const sealedNames = ["local", "credentials", "settings", "contexts", "credential-secret"] as const;
type SealedName = (typeof sealedNames)[number];

/** A unit that proved healthy, with the one before it. */
export interface CommittedUnit {
  readonly unit: CompiledUnit;
  /** Unix ms of the first activation, for billing; stays through updates. */
  readonly activatedAtMs: number;
  /** Unix ms of this version's commit. */
  readonly committedAtMs: number;
}

/** Why a unit is kept out of the flow host, or was refused, until the NOC changes it. */
export interface Ban {
  /** Service, flow, or `local/TAB`. */
  readonly unit: string;
  readonly hash: string;
  readonly kind: "quarantined" | "rolled-back";
  readonly reason: string;
  readonly atMs: number;
}

/** What of the flows outlives a power cut. Every change is one durable transaction of the state. */
export class UnitStore {
  readonly #state: State;
  readonly #atRest: AtRest;
  readonly #unreadable = new Set<SealedName>();

  constructor(state: State, atRest: AtRest) {
    this.#state = state;
    this.#atRest = atRest;
  }

  committed(): readonly CommittedUnit[] {
    return this.#state.keys("flows/unit/", maxUnits).flatMap((key) => (this.#read(key) as CommittedUnit | undefined) ?? []);
  }

  previous(id: string): CommittedUnit | undefined {
    return this.#read(`flows/previous/${id}`) as CommittedUnit | undefined;
  }

  /** Names what is about to be tried: found at the next start, it was not committed. */
  stage(ids: readonly string[], atMs: number): void {
    this.#state.put({ "flows/candidate": JSON.stringify({ ids, atMs }) });
  }

  staged(): readonly string[] {
    const text = this.#state.getText("flows/candidate");
    return text === undefined ? [] : (JSON.parse(text) as { readonly ids: readonly string[] }).ids;
  }

  /** In one transaction: new versions in, old ones kept as previous, removed ones out, bans set or lifted. */
  commit(change: {
    readonly upsert: readonly CommittedUnit[];
    readonly remove: readonly string[];
    readonly bans?: ReadonlyMap<string, Ban | undefined>;
    readonly isFinal: boolean;
  }): void {
    const entries: Record<string, Uint8Array | string | undefined> = change.isFinal ? { "flows/candidate": undefined } : {};
    for (const committed of change.upsert) {
      const key = `flows/unit/${committed.unit.id}`;
      const before = this.#state.get(key);
      if (before !== undefined) entries[`flows/previous/${committed.unit.id}`] = before;
      entries[key] = packed(committed);
    }
    for (const id of change.remove) {
      entries[`flows/unit/${id}`] = undefined;
      entries[`flows/previous/${id}`] = undefined;
      entries[banKey(id)] = undefined;
    }
    for (const [id, ban] of change.bans ?? []) entries[banKey(id)] = ban === undefined ? undefined : JSON.stringify(ban);
    this.#state.put(entries);
  }

  bans(): ReadonlyMap<string, Ban> {
    return new Map(
      this.#state.keys("flows/ban/", maxUnits).flatMap((key) => {
        const text = this.#state.getText(key);
        const ban = text === undefined ? undefined : (JSON.parse(text) as Ban);
        return ban === undefined ? [] : [[ban.unit, ban] as const];
      }),
    );
  }

  local(): readonly FlowNode[] {
    return (this.#open("local") as readonly FlowNode[] | undefined) ?? [];
  }

  /** @throws RangeError more than 1 MB packed */
  saveLocal(nodes: readonly FlowNode[]): void {
    this.#seal("local", nodes);
  }

  json(key: "credentials" | "settings"): unknown {
    return this.#open(key);
  }

  saveJson(key: "credentials" | "settings", value: unknown): void {
    this.#seal(key, value);
  }

  /** What flows remember, JSON by unit. */
  contexts(): Readonly<Record<string, string>> {
    return (this.#open("contexts") as Readonly<Record<string, string>> | undefined) ?? {};
  }

  /** One value, one transaction. @throws RangeError more than 1 MB packed */
  saveContexts(contexts: Readonly<Record<string, string>>): void {
    this.#seal("contexts", contexts);
  }

  /** Made once: encrypts what nodes of technicians keep secret, for the flow host; it lies here sealed itself. */
  credentialSecret(make: () => Uint8Array): string {
    const known = this.#open("credential-secret");
    if (typeof known === "string") return known;
    const made = Buffer.from(make()).toString("hex");
    this.#seal("credential-secret", made);
    return made;
  }

  /** Seals what a version before this one kept in clear. @returns names of what does not open any more: another board, or a lost key */
  sealAll(): readonly string[] {
    try {
      for (const name of sealedNames) {
        const clear = this.#inClear(name);
        if (clear !== undefined) this.#seal(name, clear);
      }
    } catch (error) {
      // A full disk: it is read as it is, and sealed at the next start or when it changes.
      if (!isGatewayError(error)) throw error;
    }
    for (const name of sealedNames) this.#open(name);
    return [...this.#unreadable];
  }

  #inClear(name: SealedName): unknown {
    return name === "credential-secret" ? this.#state.getText(`flows/${name}`) : this.#read(`flows/${name}`);
  }

  #seal(name: SealedName, value: unknown): void {
    this.#state.put({ [`flows/sealed/${name}`]: this.#atRest.seal(packed(value)), [`flows/${name}`]: undefined });
    this.#unreadable.delete(name);
  }

  #open(name: SealedName): unknown {
    const sealed = this.#state.get(`flows/sealed/${name}`);
    if (sealed === undefined) return this.#inClear(name);
    try {
      return unpacked(this.#atRest.open(sealed));
    } catch (error) {
      // Never a reason not to start: the bytes stay until something new is saved.
      if (!isGatewayError(error)) throw error;
      this.#unreadable.add(name);
      return undefined;
    }
  }

  #read(key: string): unknown {
    const bytes = this.#state.get(key);
    return bytes === undefined ? undefined : unpacked(bytes);
  }
}

function unpacked(bytes: Uint8Array): unknown {
  return JSON.parse(gunzipSync(bytes, { maxOutputLength: maxPlainBytes }).toString("utf8"));
}

/** Tabs of technicians may be called anything; keys of the state may not. */
function banKey(unit: string): string {
  return `flows/ban/${unit
    .toLowerCase()
    .replaceAll(/[^a-z0-9/_-]/g, "-")
    .slice(0, 100)}`;
}

function packed(value: unknown): Uint8Array {
  const bytes = gzipSync(JSON.stringify(value));
  if (bytes.length > maxBlobBytes) throw new RangeError(`${bytes.length} bytes packed; at most ${maxBlobBytes}`);
  return bytes;
}

import type { WallMs } from "#model/time.ts";
import type { CompiledUnit } from "./compile/unit.ts";
import type { UnitTracker } from "./health.ts";
import { type FlowNode, localUnit, type UnitFlow } from "./protocol.ts";
import { type MaskedNodes, maskedNodes } from "./secret-mask.ts";
import type { Ban, CommittedUnit, UnitStore } from "./unit-store.ts";

const localMessagesPerS = 500;

/** A version that is being tried. */
export interface Trial {
  readonly unit: CompiledUnit;
  /** Why it failed, once it did. */
  failure: string | undefined;
}

/** What runs, what is being tried, what is kept out, and what technicians drew: in memory, and in the store for the next start. */
export class FlowSet {
  readonly #store: UnitStore;
  /** What the gateway itself keeps secret. */
  readonly #ofGateway: () => readonly string[];
  readonly #committed = new Map<string, CommittedUnit>();
  readonly #trials = new Map<string, Trial>();
  readonly #bans: Map<string, Ban>;
  #local: readonly FlowNode[];
  /** Nothing is started until somebody changes something. */
  safe: string | undefined;

  /** Reads the last good set. What was being tried when the power went is left behind: `interrupted` names it. */
  constructor(store: UnitStore, ofGateway: () => readonly string[] = () => []) {
    this.#store = store;
    this.#ofGateway = ofGateway;
    for (const one of store.committed()) this.#committed.set(one.unit.id, one);
    this.#bans = new Map(store.bans());
    this.#local = store.local();
    this.interrupted = store.staged();
  }

  readonly interrupted: readonly string[];

  get committed(): ReadonlyMap<string, CommittedUnit> {
    return this.#committed;
  }
  get trials(): ReadonlyMap<string, Trial> {
    return this.#trials;
  }
  get bans(): ReadonlyMap<string, Ban> {
    return this.#bans;
  }
  get local(): readonly FlowNode[] {
    return this.#local;
  }

  /** Of technicians, as others may see it. */
  get masked(): MaskedNodes {
    return maskedNodes(this.#local, this.#ofGateway());
  }

  unit(id: string): CompiledUnit | undefined {
    return this.#trials.get(id)?.unit ?? this.#committed.get(id)?.unit;
  }

  isUnit(id: string): boolean {
    if (id.startsWith(`${localUnit}/`)) return this.#local.some((node) => node.type === "tab" && `${localUnit}/${node.id}` === id);
    return this.#trials.has(id) || this.#committed.has(id);
  }

  /**
   * What the next child starts: trials over what is committed, without what is banned and without anything whose types this build does not
   * have: a bad flow never blocks the boot.
   */
  startUnits(usable: (nodes: readonly FlowNode[]) => boolean): readonly UnitFlow[] {
    const units = new Map<string, CompiledUnit>();
    for (const { unit } of this.#committed.values()) if (!this.isBanned(unit)) units.set(unit.id, unit);
    for (const { unit, failure } of this.#trials.values()) if (failure === undefined) units.set(unit.id, unit);
    const managed = [...units.values()].filter(({ nodes }) => usable(nodes)).map(asFlow);
    return [...managed, this.localFlow(usable)];
  }

  /** Technicians' tabs; a quarantined one is there, switched off. Their bytes in the store stay as they are. */
  localFlow(usable: (nodes: readonly FlowNode[]) => boolean): UnitFlow {
    const nodes = usable(this.#local) ? this.#local : [];
    const shown = nodes.map((node) =>
      node.type === "tab" && this.#bans.has(`${localUnit}/${node.id}`) ? { ...node, disabled: true } : node,
    );
    return { id: localUnit, nodes: shown, messagesPerS: localMessagesPerS };
  }

  isBanned(unit: CompiledUnit): boolean {
    return this.#bans.get(unit.id)?.hash === unit.hash;
  }

  try(units: readonly CompiledUnit[], tracker: UnitTracker, atMs: number): void {
    this.#store.stage(
      units.map(({ id }) => id),
      atMs,
    );
    for (const unit of units) {
      this.#trials.set(unit.id, { unit, failure: undefined });
      tracker.reset(unit.id);
    }
  }

  /** Ends trials: healthy ones are the new good set, the others leave a ban behind; removed ones are forgotten. One transaction. */
  settle(outcome: {
    readonly healthy: readonly string[];
    readonly failed: ReadonlyMap<string, string>;
    readonly removed: readonly string[];
    readonly atMs: WallMs;
  }): void {
    const upsert: CommittedUnit[] = [];
    const bans = new Map<string, Ban | undefined>();
    for (const id of outcome.healthy) {
      const unit = this.#trials.get(id)?.unit;
      if (unit === undefined) continue;
      upsert.push({ unit, activatedAtMs: this.#committed.get(id)?.activatedAtMs ?? outcome.atMs, committedAtMs: outcome.atMs });
      bans.set(id, undefined);
    }
    for (const [id, reason] of outcome.failed) {
      const unit = this.#trials.get(id)?.unit;
      if (unit !== undefined) bans.set(id, { unit: id, hash: unit.hash, kind: "rolled-back", reason, atMs: outcome.atMs });
    }
    this.#trials.clear();
    this.#store.commit({ upsert, remove: outcome.removed, bans, isFinal: true });
    for (const one of upsert) this.#committed.set(one.unit.id, one);
    for (const id of outcome.removed) this.#committed.delete(id);
    for (const [id, ban] of bans) this.#remember(id, ban);
    for (const id of outcome.removed) this.#bans.delete(id);
  }

  /** Keeps a unit (or a technician's tab) out of the flow host until it changes or somebody releases it. */
  ban(id: string, reason: string, atMs: number): void {
    const ban: Ban = { unit: id, hash: this.#committed.get(id)?.unit.hash ?? "", kind: "quarantined", reason, atMs };
    this.#store.commit({ upsert: [], remove: [], bans: new Map([[id, ban]]), isFinal: false });
    this.#bans.set(id, ban);
  }

  /** @returns whether there was a ban */
  release(id: string): boolean {
    if (!this.#bans.has(id)) return false;
    this.#store.commit({ upsert: [], remove: [], bans: new Map([[id, undefined]]), isFinal: false });
    return this.#bans.delete(id);
  }

  /** Goes back to what ran before the newest commit: the unit's previous version, or without it. @returns its id */
  revertNewest(atMs: number): string | undefined {
    const newest = [...this.#committed.values()]
      .filter(({ unit }) => !this.#bans.has(unit.id))
      .sort((a, b) => b.committedAtMs - a.committedAtMs)[0];
    if (newest === undefined) return undefined;
    const { id } = newest.unit;
    this.ban(id, "the flow host failed again and again, and this was changed last", atMs);
    return id;
  }

  /** @throws RangeError too large to keep */
  saveLocal(nodes: readonly FlowNode[]): void {
    this.#store.saveLocal(nodes);
    this.#local = nodes;
    for (const [id, ban] of this.#bans) {
      if (!id.startsWith(`${localUnit}/`)) continue;
      const tab = nodes.find((node) => node.id === id.slice(localUnit.length + 1));
      // Switched on again by a person, or gone: it is tried again.
      if (tab?.["disabled"] !== true) this.release(ban.unit);
    }
  }

  #remember(id: string, ban: Ban | undefined): void {
    if (ban === undefined) this.#bans.delete(id);
    else this.#bans.set(id, ban);
  }
}

export function asFlow(unit: CompiledUnit): UnitFlow {
  return { id: unit.id, nodes: unit.nodes, messagesPerS: unit.limits.messagesPerS };
}

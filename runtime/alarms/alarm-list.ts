import type { AlarmChange } from "#model/observation.ts";
import type { AlarmLog } from "#ports/alarm-log.ts";
import type { AlarmCondition, AlarmHistoryQuery, AlarmIdentity, Alarms } from "#ports/alarms.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { AlarmMemory } from "./alarm-memory.ts";
import { FlapWatch, stableMs } from "./flap-watch.ts";
import { fits } from "./history-query.ts";
import { alarmKey, InstanceIds } from "./identity.ts";
import { type AlarmInstance, bounded, changeOf, severityRank } from "./instance.ts";
import type { Marks } from "./marks.ts";
import { Outgoing } from "./outgoing.ts";
import { StormLimit } from "./storm-limit.ts";

/** Alarms that are active at once; what is beyond waits with what a storm holds back. */
export const maxActive = 2_000;
const maxTaps = 16;
const defaultHistory = 100;
const maxHistory = 1_000;
/** Alarms that ended not long ago can still be the reason of others. */
export const rememberedMs = 900_000;
const maxRecent = 1_000;

export interface AlarmListParts {
  readonly gateway: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly memory: AlarmMemory;
  readonly marks: Marks;
  readonly log: AlarmLog | undefined;
  /** Called when there is something to send. */
  readonly onPending: () => void;
}

interface Held {
  readonly atMs: number;
  readonly text: string | undefined;
}

/**
 * The alarm list (RFC 8632): identity, instances, revisions, flapping, storms, marks. Pure of I/O but for its memory; `alarm-unit.ts` carries
 * what is pending to the state, the log and the intake. See README.md.
 */
export class AlarmList implements Alarms {
  readonly #parts: AlarmListParts;
  readonly #active: Map<string, AlarmInstance>;
  /** Clears that wait because the alarm flaps. */
  readonly #heldClears = new Map<string, Held>();
  readonly #recent: AlarmInstance[] = [];
  readonly #flaps = new FlapWatch();
  readonly #storm: StormLimit;
  readonly #ids: InstanceIds;
  readonly #taps = new Set<(change: AlarmChange) => void>();
  readonly outgoing = new Outgoing();
  #refused = 0;

  constructor(parts: AlarmListParts) {
    this.#parts = parts;
    this.#active = new Map(parts.memory.read().map((instance) => [instance.key, instance]));
    this.#storm = new StormLimit(parts.clock.monotonicMs());
    this.#ids = new InstanceIds(parts.entropy, parts.memory.newestIdMs());
  }

  /** Conditions that were no alarm at all: a bad type or severity. */
  get refused(): number {
    return this.#refused;
  }

  /** Alarms that a storm holds back, and those it had no room for. */
  get storm(): { readonly held: number; readonly lost: number } {
    return this.#storm;
  }

  keyOf(identity: AlarmIdentity): string {
    return alarmKey(this.#parts.gateway, identity);
  }

  get instances(): ReadonlyMap<string, AlarmInstance> {
    return this.#active;
  }

  /** Ended within the last quarter of an hour, oldest first. */
  get recent(): readonly AlarmInstance[] {
    return this.#recent;
  }

  /** The alarm as it stands; undefined = it is not active. */
  find(identity: AlarmIdentity): AlarmInstance | undefined {
    return this.#active.get(this.keyOf(identity));
  }

  set(condition: AlarmCondition): void {
    const wanted = bounded(condition);
    if (wanted === undefined) {
      this.#refused += 1;
      return;
    }
    const key = this.keyOf(wanted);
    const known = this.#active.get(key);
    if (known === undefined) this.#raise(key, wanted);
    else this.#confirm(known, wanted);
  }

  clear(identity: AlarmIdentity, text?: string): void {
    const key = this.keyOf(identity);
    this.#storm.release(key);
    const known = this.#active.get(key);
    if (known === undefined || this.#heldClears.has(key)) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const count = this.#flaps.note(key, nowMs);
    if (!this.#flaps.isFlapping(count)) {
      this.#finish(known, text);
      return;
    }
    this.#heldClears.set(key, { atMs: nowMs + stableMs, text });
    known.changes += 1;
    if (known.flap === 0) this.#change(known, { flap: count });
    known.flap = count;
  }

  active(): readonly AlarmChange[] {
    return [...this.#active.values()]
      .sort((a, b) => severityRank[b.condition.severity] - severityRank[a.condition.severity] || (a.id < b.id ? -1 : 1))
      .map((instance) => changeOf(instance, instance.rev === 1 ? "raise" : "change", instance.changedAt));
  }

  history(query: AlarmHistoryQuery): readonly AlarmChange[] {
    const limit = Math.min(query.limit ?? defaultHistory, maxHistory);
    const found: AlarmChange[] = [];
    for (const change of this.#parts.log?.newestFirst() ?? []) {
      if (found.length >= limit) break;
      if (fits(change, query)) found.push(change);
    }
    return found;
  }

  shelves() {
    return this.#parts.marks.shelves;
  }

  shelve(shelf: Parameters<Alarms["shelve"]>[0]) {
    const made = this.#parts.marks.shelve(shelf, this.#wallMs());
    this.mark();
    return made;
  }

  unshelve(id: string): boolean {
    const done = this.#parts.marks.unshelve(id);
    this.mark();
    return done;
  }

  maintenance() {
    return this.#parts.marks.windows(this.#wallMs());
  }

  startMaintenance(window: Parameters<Alarms["startMaintenance"]>[0]) {
    const made = this.#parts.marks.start(window, this.#wallMs());
    this.mark();
    return made;
  }

  endMaintenance(id: string): boolean {
    const done = this.#parts.marks.end(id);
    this.mark();
    return done;
  }

  onChange(tap: (change: AlarmChange) => void): () => void {
    if (this.#taps.size >= maxTaps) throw new Error(`more than ${maxTaps} taps on the alarm list`);
    this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  /** For who watches: called by the unit with what is being sent. */
  tell(change: AlarmChange): void {
    for (const tap of this.#taps) tap(change);
  }

  /** Whether planned work goes on for this resource: a restart inside is nobody's alarm. */
  isInMaintenance(match: AlarmIdentity): boolean {
    return this.#parts.marks.windowOf({ ...match, key: this.keyOf(match) }, this.#wallMs()) !== undefined;
  }

  /** What time does by itself: flapping that ended, storms that passed, windows and shelves that begin and end. */
  tick(): void {
    const { clock, marks } = this.#parts;
    const nowMs = clock.monotonicMs();
    for (const [key, { atMs, text }] of this.#heldClears) {
      const instance = this.#active.get(key);
      if (instance !== undefined && atMs <= nowMs) this.#finish(instance, text);
    }
    if (this.#active.size < maxActive)
      for (const condition of this.#storm.takeAdmitted(nowMs)) this.#admit(this.keyOf(condition), condition);
    const oldest = this.#recent.findIndex((one) => nowMs - one.changedAt.monotonicMs < rememberedMs);
    if (oldest !== 0) this.#recent.splice(0, oldest < 0 ? this.#recent.length : oldest);
    marks.expire(this.#wallMs());
    this.mark();
  }

  /** Looks again which alarms lie on a shelf or in a window. */
  mark(): void {
    const { marks } = this.#parts;
    if (this.#active.size === 0) return;
    const nowMs = this.#wallMs();
    for (const instance of this.#active.values()) {
      const alarm = { ...instance.identity, key: instance.key };
      const shelved = marks.shelfOf(alarm, nowMs);
      const maint = marks.windowOf(alarm, nowMs);
      if (shelved !== instance.shelved || maint !== instance.maint) this.#change(instance, { shelved, maint });
    }
  }

  /** Sets what the list itself knows of an alarm and sends the change. Nothing new is nothing sent. */
  annotate(key: string, what: { readonly root?: string | undefined; readonly verdict?: AlarmInstance["verdict"] }): void {
    const instance = this.#active.get(key);
    if (instance === undefined) return;
    const root = "root" in what ? what.root : instance.root;
    const verdict = "verdict" in what ? what.verdict : instance.verdict;
    if (root === instance.root && JSON.stringify(verdict) === JSON.stringify(instance.verdict)) return;
    this.#change(instance, { root, verdict });
  }

  /** Ends every active alarm that is meant, whoever set it: its condition is no longer configured, or a person closes it. */
  closeAll(meant: (instance: AlarmInstance) => boolean, text: string): number {
    const found = [...this.#active.values()].filter(meant);
    for (const instance of found) this.#finish(instance, text);
    return found.length;
  }

  #raise(key: string, condition: AlarmCondition): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#active.size >= maxActive || !this.#storm.admits(condition, nowMs)) this.#storm.hold(key, condition);
    else this.#admit(key, condition);
  }

  #admit(key: string, condition: AlarmCondition): void {
    const { clock, marks } = this.#parts;
    const now = clock.now();
    const { equipment, path, type, qualifier } = condition;
    const identity: AlarmIdentity = { ...(equipment === undefined ? {} : { equipment }), path, type, qualifier };
    const count = this.#flaps.note(key, now.monotonicMs);
    const instance: AlarmInstance = {
      ...{ key, identity, condition, id: this.#ids.next(now.wallMs), raisedAt: now, changedAt: now, rev: 1, changes: 1 },
      ...{ previous: undefined, cleared: false, root: undefined, verdict: undefined },
      flap: this.#flaps.isFlapping(count) ? count : 0,
      maint: marks.windowOf({ ...identity, key }, now.wallMs),
      shelved: marks.shelfOf({ ...identity, key }, now.wallMs),
    };
    this.#active.set(key, instance);
    this.#send(instance, "raise");
  }

  #confirm(known: AlarmInstance, condition: AlarmCondition): void {
    if (this.#heldClears.delete(known.key)) {
      known.flap = this.#flaps.note(known.key, this.#parts.clock.monotonicMs());
      known.changes += 1;
    }
    const before = known.condition.severity;
    known.condition = condition;
    if (condition.severity === before) return;
    known.previous = before;
    known.changes += 1;
    this.#change(known, {});
  }

  #change(instance: AlarmInstance, what: Partial<Pick<AlarmInstance, "root" | "flap" | "maint" | "shelved" | "verdict">>): void {
    Object.assign(instance, what);
    instance.rev += 1;
    instance.changedAt = this.#parts.clock.now();
    this.#send(instance, "change");
  }

  #finish(instance: AlarmInstance, text: string | undefined): void {
    this.#heldClears.delete(instance.key);
    if (text !== undefined) instance.condition = { ...instance.condition, text: text.slice(0, 1_024) };
    instance.cleared = true;
    instance.rev += 1;
    instance.changes += 1;
    instance.changedAt = this.#parts.clock.now();
    this.#active.delete(instance.key);
    this.#recent.push(instance);
    if (this.#recent.length > maxRecent) this.#recent.shift();
    this.#send(instance, "clear");
  }

  #send(instance: AlarmInstance, op: AlarmChange["op"]): void {
    this.outgoing.add(instance, op);
    this.#parts.onPending();
  }

  #wallMs(): number {
    return this.#parts.clock.now().wallMs;
  }
}

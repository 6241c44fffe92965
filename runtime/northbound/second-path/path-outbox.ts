import type { AlarmChange, PerceivedSeverity } from "#model/observation.ts";
import type { State } from "#ports/state.ts";

/** One alarm change that waits for its way out. */
export interface Waiting {
  readonly number: number;
  readonly change: AlarmChange;
  /** When it was put here by this process's clock, monotonic ms. */
  readonly sinceMs: number;
  /** It was tried at least once: the receiver may have it, so that only the receiver's yes ends it. */
  attempted: boolean;
  /** Times that the receiver said no to this very change. */
  refusals: number;
}

/** What the receiver was told of an alarm that is not cleared. */
interface Told {
  readonly id: string;
  readonly revision: number;
  readonly severity: PerceivedSeverity;
}

const severityRank: Readonly<Record<PerceivedSeverity, number>> = { indeterminate: 0, warning: 1, minor: 2, major: 3, critical: 4 };

/** Changes that wait, and alarms that were told and not cleared, per path. A site with more trouble than this has one trouble. */
export const maxWaiting = 500;
const maxTold = 2_000;

/**
 * The outbox of one path: what waits and what the receiver was told. Durable in `state.db` from the first `flush` on; while the NOC answers
 * that is never needed, and no alarm costs the flash a write of its own. `delivered` is one transaction: a restart finds a change
 * waiting or told, and never neither.
 */
export class PathOutbox {
  readonly #state: State;
  readonly #prefix: string;
  readonly #leastRank: number;
  readonly #isOnce: boolean;
  readonly #waiting: Waiting[] = [];
  readonly #told = new Map<string, Told>();
  /** State keys to be written (or deleted) by the next flush. */
  readonly #unsaved = new Map<string, string | undefined>();
  /** Numbers of waiting changes that are in the state. */
  readonly #saved = new Set<number>();
  #nextNumber = 1;
  #dropped = 0;

  constructor(options: {
    readonly state: State;
    readonly path: string;
    readonly minSeverity: PerceivedSeverity;
    readonly nowMs: number;
    /** What is sent is said once and never cleared: nothing is remembered of it, and it lies apart from alarms. */
    readonly isOnce?: boolean;
  }) {
    this.#state = options.state;
    this.#isOnce = options.isOnce === true;
    this.#prefix = `${this.#isOnce ? "notice" : "notify"}/${options.path}/`;
    this.#leastRank = severityRank[options.minSeverity];
    this.#load(options.nowMs);
  }

  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  /** Alarms told by this path and not yet cleared on it. */
  get told(): number {
    return this.#told.size;
  }

  /** Changes given up because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The state still holds what is over: a restart would send it again. */
  get owes(): boolean {
    return [...this.#unsaved.values()].includes(undefined);
  }

  isTold(change: AlarmChange): boolean {
    return this.#told.get(change.key)?.id === change.id;
  }

  /** Takes what happened to an alarm; false = there was no room, and something less important was given up or this was. */
  offer(change: AlarmChange, nowMs: number): boolean {
    if (change.op === "reassert") return true;
    const told = this.#told.get(change.key);
    const before = this.#waiting.filter((one) => one.change.key === change.key);
    // Never tried: what is newer stands for it.
    const stale = before.filter((one) => !one.attempted);
    const isOpen = told?.id === change.id || before.some((one) => one.attempted && one.change.id === change.id);
    const worth = isOpen ? change.cleared || told?.severity !== change.severity : !change.cleared && this.#isWorth(change);
    this.#remove(stale);
    if (!worth) return true;
    const since = stale.find((one) => one.change.id === change.id)?.sinceMs ?? nowMs;
    // Whoever hears of it for the first time hears that it was raised.
    return this.#add(isOpen || change.op === "raise" ? change : { ...change, op: "raise" }, since);
  }

  /** Writes what changed since the last flush, as one transaction. @throws GatewayError buffer.* and keeps it for the next time */
  flush(): void {
    if (this.#unsaved.size === 0) return;
    this.#state.put(Object.fromEntries(this.#unsaved));
    this.#unsaved.clear();
    this.#saved.clear();
    for (const { number } of this.#waiting) this.#saved.add(number);
  }

  /** The receiver may have it from now on, whatever happens to this process. To be flushed before it is sent. */
  attempt(entry: Waiting): void {
    if (entry.attempted) return;
    entry.attempted = true;
    this.#save(entry);
  }

  /** The receiver has it. */
  delivered(entry: Waiting): void {
    const { change } = entry;
    const key = toldKey(this.#prefix, change.key);
    if (change.cleared || this.#isOnce) {
      this.#told.delete(change.key);
      if (!this.#isOnce) this.#unsaved.set(key, undefined);
      this.#remove([entry]);
      return;
    }
    const told: Told = { id: change.id, revision: change.rev, severity: change.severity };
    this.#told.set(change.key, told);
    this.#unsaved.set(key, JSON.stringify({ ...told, key: change.key }));
    this.#remove([entry]);
    // Over the bound the oldest are forgotten: their clear will not be sent, which the receiver can live with.
    const [oldest] = this.#told.keys();
    if (this.#told.size <= maxTold || oldest === undefined) return;
    this.#told.delete(oldest);
    this.#unsaved.set(toldKey(this.#prefix, oldest), undefined);
  }

  /** Not needed any more: the NOC has it, or the receiver refuses it for good. */
  forget(entries: readonly Waiting[]): void {
    this.#remove(entries);
  }

  #isWorth(change: AlarmChange): boolean {
    const { root, maint, shelved } = change.attributes;
    const isHidden = (value: unknown) => value !== undefined && value !== null && value !== false && value !== "";
    // What hangs behind another fault, was announced or is shelved wakes nobody up.
    return severityRank[change.severity] >= this.#leastRank && ![root, maint, shelved].some(isHidden);
  }

  #add(change: AlarmChange, sinceMs: number): boolean {
    const entry: Waiting = { number: this.#nextNumber, change, sinceMs, attempted: false, refusals: 0 };
    const isFull = this.#waiting.length >= maxWaiting;
    if (isFull) {
      this.#dropped += 1;
      const victim = leastImportant(this.#waiting);
      if (victim === undefined || severityRank[victim.change.severity] > severityRank[change.severity]) return false;
      this.#remove([victim]);
    }
    this.#nextNumber += 1;
    this.#waiting.push(entry);
    this.#save(entry);
    return !isFull;
  }

  #save(entry: Waiting): void {
    const { number, change, attempted } = entry;
    this.#unsaved.set(waitingKey(this.#prefix, number), JSON.stringify({ change, attempted }));
  }

  #remove(entries: readonly Waiting[]): void {
    for (const entry of entries) {
      const index = this.#waiting.indexOf(entry);
      if (index < 0) continue;
      this.#waiting.splice(index, 1);
      const key = waitingKey(this.#prefix, entry.number);
      if (this.#saved.has(entry.number)) this.#unsaved.set(key, undefined);
      else this.#unsaved.delete(key);
    }
  }

  #load(nowMs: number): void {
    for (const key of this.#state.keys(`${this.#prefix}q/`, maxWaiting)) {
      // Our own writing, in a file whose damage is found at its opening.
      const stored = JSON.parse(this.#state.getText(key) ?? "{}") as { readonly change?: AlarmChange; readonly attempted?: boolean };
      const number = Number(key.slice(this.#prefix.length + 2));
      if (stored.change === undefined) continue;
      this.#waiting.push({ number, change: stored.change, sinceMs: nowMs, attempted: stored.attempted === true, refusals: 0 });
      this.#saved.add(number);
      this.#nextNumber = number + 1;
    }
    for (const key of this.#state.keys(`${this.#prefix}o/`, maxTold)) {
      const told = JSON.parse(this.#state.getText(key) ?? "{}") as Partial<Told> & { readonly key?: string };
      if (told.key !== undefined && told.id !== undefined) {
        this.#told.set(told.key, { id: told.id, revision: told.revision ?? 0, severity: told.severity ?? "indeterminate" });
      }
    }
  }
}

function leastImportant(waiting: readonly Waiting[]): Waiting | undefined {
  const candidates = waiting.filter((entry) => !entry.attempted);
  return candidates.reduce<Waiting | undefined>(
    (least, entry) => (least === undefined || severityRank[entry.change.severity] < severityRank[least.change.severity] ? entry : least),
    undefined,
  );
}

function waitingKey(prefix: string, number: number): string {
  return `${prefix}q/${String(number).padStart(12, "0")}`;
}

/** Alarm keys have a colon, which a state key may not. */
function toldKey(prefix: string, alarmKey: string): string {
  return `${prefix}o/${alarmKey
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "-")
    .slice(0, 72)}`;
}

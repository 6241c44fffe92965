import type { GapRecord } from "#model/observation.ts";
import type { Ledger } from "#ports/buffer.ts";

const maxDrops = 64;
const maxPendingGaps = 256;

/** Reports of losses that nobody has taken yet, numbered from the start of the process. */
export interface PendingGaps {
  readonly before: number;
  readonly gaps: readonly GapRecord[];
}

/** The four counts and what was dropped. Counts samples; knows nothing of files. */
export class StoreLedger {
  polled = 0;
  delivered = 0;
  dropped = 0;
  sinceMs: number;
  restarts = 0;
  #drops: GapRecord[] = [];
  #pending: GapRecord[] = [];
  /** How many reports were taken or joined away: the number of the report before `#pending[0]`. */
  #before = 0;
  /** Reports up to this number are in a durable record. Later ones are not handed out: a cut could still undo what they say. */
  #recorded = 0;

  constructor(sinceMs: number) {
    this.sinceMs = sinceMs;
  }

  get drops(): readonly GapRecord[] {
    return this.#drops;
  }

  /** Reports not taken yet; `before` is the number of the last one that was. */
  get pending(): PendingGaps {
    return { before: this.#before, gaps: this.#pending.slice(0, Math.max(0, this.#recorded - this.#before)) };
  }

  /** Every report not taken, for the record that makes them fit to be taken. */
  get unrecorded(): readonly GapRecord[] {
    return this.#pending;
  }

  /** A record with all reports made so far is durable. */
  recorded(): void {
    this.#recorded = this.#before + this.#pending.length;
  }

  restore(
    counts: Pick<Ledger, "polled" | "delivered" | "dropped" | "sinceMs" | "restarts" | "drops">,
    pending: readonly GapRecord[],
  ): void {
    this.polled = counts.polled;
    this.delivered = counts.delivered;
    this.dropped = counts.dropped;
    this.sinceMs = counts.sinceMs;
    this.restarts = counts.restarts;
    this.#drops = [...counts.drops];
    this.#pending = [...pending];
  }

  /** Counts a loss and reports it. */
  drop(gap: GapRecord): void {
    this.dropped += gap.samples ?? 0;
    remember(this.#drops, gap, maxDrops);
    this.report(gap);
  }

  /** Reports without counting: the loss is in the books already. */
  report(gap: GapRecord): void {
    this.#pending.push(gap);
    if (this.#pending.length <= maxPendingGaps) return;
    // Joined with its neighbour if they are of a kind, else with nothing: a reader that took the older one sees the joined one again.
    const [first, second] = this.#pending;
    if (first !== undefined && second !== undefined) this.#pending.splice(0, 2, sameKind(first, second) ? joined(first, second) : second);
    this.#before += 1;
  }

  /** Everything up to report number `upTo`. */
  take(upTo: number): readonly GapRecord[] {
    const taken = this.#pending.splice(0, Math.max(0, Math.min(upTo, this.#recorded) - this.#before));
    this.#before += taken.length;
    return taken;
  }
}

/** Appends, or widens a neighbour of the same kind: full lists get coarser, never forgetful. */
function remember(list: GapRecord[], gap: GapRecord, max: number): void {
  const last = list.at(-1);
  if (last !== undefined && follows(last, gap)) {
    list[list.length - 1] = joined(last, gap);
    return;
  }
  list.push(gap);
  if (list.length <= max) return;
  const index = list.findIndex((item, at) => at + 1 < list.length && sameKind(item, list[at + 1]));
  const first = list[Math.max(index, 0)];
  const second = list[Math.max(index, 0) + 1];
  if (first !== undefined && second !== undefined) list.splice(Math.max(index, 0), 2, joined(first, second));
}

function sameKind(a: GapRecord, b: GapRecord | undefined): boolean {
  return b !== undefined && a.reason === b.reason && a.stream === b.stream;
}

function follows(a: GapRecord, b: GapRecord): boolean {
  return sameKind(a, b) && a.toSeq !== undefined && b.fromSeq === a.toSeq + 1;
}

function joined(a: GapRecord, b: GapRecord): GapRecord {
  const least = (x: number | undefined, y: number | undefined): number | undefined =>
    x === undefined ? y : y === undefined ? x : Math.min(x, y);
  const most = (x: number | undefined, y: number | undefined): number | undefined =>
    x === undefined ? y : y === undefined ? x : Math.max(x, y);
  const same = a.stream === b.stream && a.stream !== undefined;
  return {
    kind: "gap",
    observedAt: b.observedAt,
    reason: b.reason,
    ...defined({
      stream: same ? a.stream : undefined,
      fromSeq: same ? least(a.fromSeq, b.fromSeq) : undefined,
      toSeq: same ? most(a.toSeq, b.toSeq) : undefined,
      fromMs: least(a.fromMs, b.fromMs),
      toMs: most(a.toMs, b.toMs),
      samples: a.samples === undefined && b.samples === undefined ? undefined : (a.samples ?? 0) + (b.samples ?? 0),
    }),
  };
}

/** Without the keys that are undefined, as exactOptionalPropertyTypes wants it. */
export function defined<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

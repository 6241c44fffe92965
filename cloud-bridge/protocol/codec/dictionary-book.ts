import type { DictionaryGroup, DictionaryRecord } from "#model/chunk.ts";
import { limits } from "./layout.ts";

/** Revisions `from`..`to` without a hole, and every group they ever named. Group ids are never reused, so one map serves them all. */
interface Lineage {
  from: number;
  to: number;
  series: number;
  readonly groups: Map<number, DictionaryGroup>;
}

/** Revisions count on from a random multiple of 2^20 per process run of the gateway. */
function epochOf(revision: number): number {
  return Math.floor(revision / 1_048_576);
}

/** Lineages kept: one per restart of the gateway whose backlog is still on its way. */
const maxLineages = 16;
/** Records that arrived before the one they build on. */
const maxWaiting = 64;

/**
 * The dictionaries of one gateway as its records tell them: what a reader resolves chunks with. Records may come twice and in any order.
 * Bounded: lineages, series and waiting records; the oldest leave first, and their chunks then need a `dict:` request.
 */
export class DictionaryBook {
  readonly #lineages: Lineage[] = [];
  #waiting: DictionaryRecord[] = [];

  /** @returns whether the record's revision can be read now; false = it waits for the one it builds on */
  apply(record: DictionaryRecord): boolean {
    if (!this.#take(record)) {
      if (!this.#waiting.some((other) => other.revision === record.revision)) this.#waiting.push(record);
      if (this.#waiting.length > maxWaiting) this.#waiting.shift();
      return false;
    }
    // Each round takes at least one record, so this ends.
    for (let before = -1; before !== this.#waiting.length; ) {
      before = this.#waiting.length;
      this.#waiting = this.#waiting.filter((waiting) => !this.#take(waiting));
    }
    return true;
  }

  /**
   * Groups readable at this revision by id; undefined = not known: ask for it. May hold groups of later revisions. A later full record of the
   * same process run serves as well, since ids are never reused in one; what it does not have any more is missed by `resolve`.
   */
  at(revision: number): ReadonlyMap<number, DictionaryGroup> | undefined {
    const exact = this.#lineages.find((lineage) => lineage.from <= revision && revision <= lineage.to);
    return (exact ?? this.#lineages.find((lineage) => lineage.from > revision && epochOf(lineage.from) === epochOf(revision)))?.groups;
  }

  #take(record: DictionaryRecord): boolean {
    const known = this.#lineages.find((lineage) => lineage.from <= record.revision && record.revision <= lineage.to);
    if (known !== undefined) {
      if (record.full) this.#add(known, record);
      return true;
    }
    if (record.full) {
      const lineage: Lineage = { from: record.revision, to: record.revision, series: 0, groups: new Map() };
      this.#add(lineage, record);
      this.#lineages.push(lineage);
      if (this.#lineages.length > maxLineages) this.#lineages.shift();
      return true;
    }
    const base = this.#lineages.find((lineage) => lineage.to === record.base);
    if (base === undefined || record.revision <= record.base) return false;
    this.#add(base, record);
    base.to = record.revision;
    return true;
  }

  #add(lineage: Lineage, record: DictionaryRecord): void {
    for (const group of record.groups) {
      if (lineage.groups.has(group.groupId)) continue;
      lineage.groups.set(group.groupId, group);
      lineage.series += group.series.length;
    }
    // Groups that were removed stay for late chunks, until there are too many.
    for (const gid of lineage.groups.keys()) {
      if (lineage.series <= limits.recordSeries) break;
      lineage.series -= lineage.groups.get(gid)?.series.length ?? 0;
      lineage.groups.delete(gid);
    }
  }
}

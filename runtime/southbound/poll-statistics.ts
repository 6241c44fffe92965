import { Pages } from "#model/pages.ts";
import type { PollCost } from "#ports/driver.ts";

/** Upper edges of the lateness histogram, milliseconds. */
const latenessEdgesMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] as const;
const maxTables = 128;

const buckets = latenessEdgesMs.length + 1;
/** A place each, and one for the greatest, in tenths of a millisecond. */
const placesEach = buckets + 1;
const tenthsAMs = 10;
const longestTenths = 2 ** 32 - 1;
const histogramPages = new Pages(64 * placesEach, (places) => new Uint32Array(places));

/** Log-spaced histogram: bounded, mergeable, good enough for a percentile with its edge. */
export class LatenessHistogram {
  readonly #page: Uint32Array;
  readonly #at: number;

  constructor() {
    const { page, at } = histogramPages.take(placesEach);
    this.#page = page;
    this.#at = at;
  }

  add(ms: number): void {
    let index = 0;
    while (index < latenessEdgesMs.length && ms > (latenessEdgesMs[index] ?? 0)) index += 1;
    const at = this.#at + index;
    this.#page[at] = (this.#page[at] ?? 0) + 1;
    const tenths = Math.min(longestTenths, Math.ceil(ms * tenthsAMs));
    if (tenths > (this.#page[this.#at + buckets] ?? 0)) this.#page[this.#at + buckets] = tenths;
  }

  get maxMs(): number {
    return (this.#page[this.#at + buckets] ?? 0) / tenthsAMs;
  }

  get total(): number {
    let total = 0;
    for (let bucket = 0; bucket < buckets; bucket++) total += this.#page[this.#at + bucket] ?? 0;
    return total;
  }

  /** Upper edge of the bucket that holds the quantile; the maximum beyond the last edge. */
  quantileMs(quantile: number): number {
    const { maxMs } = this;
    let left = quantile * this.total;
    for (const [index, edge] of latenessEdgesMs.entries()) {
      left -= this.#page[this.#at + index] ?? 0;
      if (left <= 0) return Math.min(edge, maxMs);
    }
    return maxMs;
  }
}

const numbers = { requests: 0, bytesOut: 1, bytesIn: 2, durationMs: 3, cpuMs: 4 } as const;
const numbersATable = 5;
const roomAStep = 4;
const tablePages = new Pages(32 * roomAStep * numbersATable, (numbers) => new Float64Array(numbers));
const noPage = new Float64Array(0);

const noNames: readonly string[] = [];
/** Lists of tables by what is in them: like equipment has the same. Bounded; what is over the bound is merely not shared. */
const namesShared = new Map<string, readonly string[]>();
const maxShared = 256;

function sharedNames(names: readonly string[]): readonly string[] {
  const key = names.join();
  const known = namesShared.get(key);
  if (known !== undefined) return known;
  if (namesShared.size < maxShared) namesShared.set(key, names);
  return names;
}

/** What the reads of one table cost, for people. */
type TableCost = Readonly<Record<keyof typeof numbers, number>> & { readonly table: string };

/**
 * What the reads of the tables of one equipment cost: one list of names for all like it, and numbers that stand in a page with those of other equipment. There
 * are ten thousand tables at a large site: an object for each was most of what is kept here.
 */
export class TableStatistics {
  #names = noNames;
  #page = noPage;
  #at = 0;

  add(cost: PollCost["tables"][number]): void {
    let place = this.#names.indexOf(cost.table);
    if (place < 0) {
      if (this.#names.length >= maxTables) return;
      place = this.#names.length;
      if (place % roomAStep === 0) this.#makeRoom(place);
      this.#names = sharedNames(this.#names.concat(cost.table));
    }
    const at = this.#at + place * numbersATable;
    this.#grow(at + numbers.requests, cost.requests);
    this.#grow(at + numbers.bytesOut, cost.bytesOut);
    this.#grow(at + numbers.bytesIn, cost.bytesIn);
    this.#grow(at + numbers.durationMs, cost.durationMs);
    this.#grow(at + numbers.cpuMs, cost.cpuMs);
  }

  shown(): readonly TableCost[] {
    return this.#names.map((table, place) => {
      const of = (number: keyof typeof numbers): number => this.#page[this.#at + place * numbersATable + numbers[number]] ?? 0;
      return {
        table,
        requests: of("requests"),
        bytesOut: of("bytesOut"),
        bytesIn: of("bytesIn"),
        durationMs: of("durationMs"),
        cpuMs: of("cpuMs"),
      };
    });
  }

  #grow(at: number, by: number): void {
    this.#page[at] = (this.#page[at] ?? 0) + by;
  }

  /** A longer stretch than that of `tables` tables. Most equipment has a few, and moves never. */
  #makeRoom(tables: number): void {
    const before = this.#page.subarray(this.#at, this.#at + tables * numbersATable);
    const { page, at } = tablePages.take((tables + roomAStep) * numbersATable);
    page.set(before, at);
    this.#page = page;
    this.#at = at;
  }
}

/** What the polls of one equipment cost since start; the numbers behind `gatehouse status`. */
export class PollStatistics {
  polls = 0;
  failures = 0;
  samples = 0;
  requests = 0;
  retries = 0;
  bytesOut = 0;
  bytesIn = 0;
  cpuMs = 0;
  durationMs = 0;
  durationMsMax = 0;
  /** Slots that the gateway itself missed: its loop was blocked, it was stopped, or no permit was free for equipment that answers. */
  missedSlots = 0;
  /** Of these: what was found before waited for the disk. */
  heldBackSlots = 0;
  /** Slots that came while the equipment still worked on the previous poll. */
  slowSlots = 0;
  /** Slots without a poll that could count because the equipment does not answer: it was probed, rested, or still timed out. */
  unreachableSlots = 0;
  readonly lateness = new LatenessHistogram();
  readonly tables = new TableStatistics();

  add(cost: PollCost, samples: number): void {
    this.samples += samples;
    this.requests += cost.requests;
    this.retries += cost.retries;
    this.bytesOut += cost.bytesOut;
    this.bytesIn += cost.bytesIn;
    this.cpuMs += cost.cpuMs;
    this.durationMs += cost.durationMs;
    this.durationMsMax = Math.max(this.durationMsMax, cost.durationMs);
    for (const share of cost.tables) this.tables.add(share);
  }
}

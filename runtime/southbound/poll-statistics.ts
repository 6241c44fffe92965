import type { PollCost } from "#ports/driver.ts";

/** Upper edges of the lateness histogram, milliseconds. */
const latenessEdgesMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] as const;
const maxTables = 128;

const buckets = latenessEdgesMs.length + 1;
const histogramsAPage = 64;
let page = new Uint32Array(0);
let used = 0;

/** Log-spaced histogram: bounded, mergeable, good enough for a percentile with its edge. */
export class LatenessHistogram {
  /** Shared by several, each with a stretch of its own: an array for each equipment would be three times as large. A page goes with the last of them. */
  readonly #page: Uint32Array;
  readonly #at: number;
  #total = 0;
  #maxMs = 0;

  constructor() {
    if (used + buckets > page.length) {
      page = new Uint32Array(histogramsAPage * buckets);
      used = 0;
    }
    this.#page = page;
    this.#at = used;
    used += buckets;
  }

  add(ms: number): void {
    let index = 0;
    while (index < latenessEdgesMs.length && ms > (latenessEdgesMs[index] ?? 0)) index += 1;
    const at = this.#at + index;
    this.#page[at] = (this.#page[at] ?? 0) + 1;
    this.#total += 1;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  get total(): number {
    return this.#total;
  }

  /** Upper edge of the bucket that holds the quantile; the maximum beyond the last edge. */
  quantileMs(quantile: number): number {
    let left = quantile * this.#total;
    for (const [index, edge] of latenessEdgesMs.entries()) {
      left -= this.#page[this.#at + index] ?? 0;
      if (left <= 0) return Math.min(edge, this.#maxMs);
    }
    return this.#maxMs;
  }
}

const numbers = { requests: 0, bytesOut: 1, bytesIn: 2, durationMs: 3, cpuMs: 4 } as const;
const numbersATable = 5;
const tablesAPage = 128;
let tablePage = new Float64Array(0);
let tablesUsed = 0;

/** What the reads of one table cost, in numbers that stand in a page with those of other tables: there are ten thousand of them at a large site. */
export class TableStatistics {
  readonly table: string;
  readonly #page: Float64Array;
  readonly #at: number;

  constructor(table: string) {
    if (tablesUsed + numbersATable > tablePage.length) {
      tablePage = new Float64Array(tablesAPage * numbersATable);
      tablesUsed = 0;
    }
    this.table = table;
    this.#page = tablePage;
    this.#at = tablesUsed;
    tablesUsed += numbersATable;
  }

  add(cost: PollCost["tables"][number]): void {
    this.#grow(numbers.requests, cost.requests);
    this.#grow(numbers.bytesOut, cost.bytesOut);
    this.#grow(numbers.bytesIn, cost.bytesIn);
    this.#grow(numbers.durationMs, cost.durationMs);
    this.#grow(numbers.cpuMs, cost.cpuMs);
  }

  /** For people. */
  shown(): Readonly<Record<keyof typeof numbers, number>> & { readonly table: string } {
    const of = (place: number): number => this.#page[this.#at + place] ?? 0;
    return {
      table: this.table,
      requests: of(numbers.requests),
      bytesOut: of(numbers.bytesOut),
      bytesIn: of(numbers.bytesIn),
      durationMs: of(numbers.durationMs),
      cpuMs: of(numbers.cpuMs),
    };
  }

  #grow(place: number, by: number): void {
    this.#page[this.#at + place] = (this.#page[this.#at + place] ?? 0) + by;
  }
}

const noTables: readonly TableStatistics[] = [];

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
  /** A list of its exact length: a map is five times as large, and there are few. */
  tables: readonly TableStatistics[] = noTables;

  add(cost: PollCost, samples: number): void {
    this.samples += samples;
    this.requests += cost.requests;
    this.retries += cost.retries;
    this.bytesOut += cost.bytesOut;
    this.bytesIn += cost.bytesIn;
    this.cpuMs += cost.cpuMs;
    this.durationMs += cost.durationMs;
    this.durationMsMax = Math.max(this.durationMsMax, cost.durationMs);
    for (const share of cost.tables) {
      let entry = this.tables.find(({ table }) => table === share.table);
      if (entry === undefined) {
        if (this.tables.length >= maxTables) continue;
        entry = new TableStatistics(share.table);
        this.tables = this.tables.concat(entry);
      }
      entry.add(share);
    }
  }
}

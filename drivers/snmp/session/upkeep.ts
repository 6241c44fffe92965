import { Pages } from "#model/pages.ts";
import type { TableCost, UpkeepCost } from "#ports/driver.ts";
import type { SnmpSession, SnmpSessionCounters } from "#ports/snmp.ts";
import { cpuMsPerRequest } from "./table-reading.ts";

type Kind = UpkeepCost["what"];

const kinds = ["probing", "rows", "inventory"] as const satisfies readonly Kind[];
const numbers = { times: 0, requests: 1, bytesOut: 2, bytesIn: 3, durationMs: 4 } as const;
const numbersAKind = 5;
const numbersInAll = kinds.length * numbersAKind;
const pages = new Pages(64 * numbersInAll, (cells) => new Float64Array(cells));

const nothing: readonly Kind[] = Object.freeze([]);

/** Where the counters stood. */
interface Mark {
  readonly counters: SnmpSessionCounters;
  readonly atMs: number;
}

/**
 * What one equipment was asked besides the values of its tables. Such work may go on beside polls where the agent is slow; a packet is told once: of what goes on
 * at once to what began last, and what a reading beside it was told to cost to the reading. Numbers in a page that equipment shares.
 */
export class Upkeep {
  readonly #page: Float64Array;
  readonly #at: number;
  /** What goes on, in the order it began. */
  #going = nothing;
  #mark: Mark | undefined;

  constructor() {
    const { page, at } = pages.take(numbersInAll);
    this.#page = page;
    this.#at = at;
  }

  begins(what: Kind, session: SnmpSession, nowMs: number): void {
    this.#settle(session, nowMs);
    this.#going = [...this.#going, what];
    this.#grow(what, "times", 1);
  }

  ends(what: Kind, session: SnmpSession, nowMs: number): void {
    this.#settle(session, nowMs);
    this.#going = this.#going.toSpliced(this.#going.indexOf(what), 1);
    if (this.#going.length > 0) return;
    this.#going = nothing;
    this.#mark = undefined;
  }

  /** A reading is over: what it cost is its own, also where something went on beside it. Hardly ever anything does. */
  leaveOut({ requests, bytesOut, bytesIn }: TableCost): void {
    const what = this.#going.at(-1);
    if (what === undefined) return;
    this.#grow(what, "requests", -requests);
    this.#grow(what, "bytesOut", -bytesOut);
    this.#grow(what, "bytesIn", -bytesIn);
  }

  /** Of the kinds that there were any of, with what goes on as far as it is. */
  shown(session: SnmpSession, nowMs: number): readonly UpkeepCost[] {
    if (this.#going.length > 0) this.#settle(session, nowMs);
    return kinds
      .map((what) => {
        const of = (number: keyof typeof numbers): number => Math.max(0, this.#page[this.#placeOf(what, number)] ?? 0);
        const requests = of("requests");
        const [times, bytesOut, bytesIn, durationMs] = [of("times"), of("bytesOut"), of("bytesIn"), of("durationMs")];
        return { what, times, requests, bytesOut, bytesIn, durationMs, cpuMs: requests * cpuMsPerRequest };
      })
      .filter(({ times }) => times > 0);
  }

  #settle(session: SnmpSession, nowMs: number): void {
    const what = this.#going.at(-1);
    const counters = session.counters();
    const mark = this.#mark;
    this.#mark = { counters, atMs: nowMs };
    if (what === undefined || mark === undefined) return;
    this.#grow(what, "requests", counters.requests - mark.counters.requests);
    this.#grow(what, "bytesOut", (counters.bytesOut ?? 0) - (mark.counters.bytesOut ?? 0));
    this.#grow(what, "bytesIn", (counters.bytesIn ?? 0) - (mark.counters.bytesIn ?? 0));
    this.#grow(what, "durationMs", nowMs - mark.atMs);
  }

  #placeOf(what: Kind, number: keyof typeof numbers): number {
    return this.#at + kinds.indexOf(what) * numbersAKind + numbers[number];
  }

  #grow(what: Kind, number: keyof typeof numbers, by: number): void {
    const place = this.#placeOf(what, number);
    this.#page[place] = (this.#page[place] ?? 0) + by;
  }
}

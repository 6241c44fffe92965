import type { GatewayError } from "#model/errors.ts";
import type { TableTrouble } from "#ports/driver.ts";
import type { Exchange } from "./exchange.ts";
import type { PolledTable } from "./polled-table.ts";
import { refuseSeries, tellSetAside } from "./table-notices.ts";

/** A table that failed this many times running is set aside for a while, so that it does not cost the others their poll. */
const failuresUntilSetAside = 3;
/** A routine survey that failed is tried again after this many polls, then after twice as many, up to the rare interval. */
const pollsBetweenSurveys = 5;
const mostDoublings = 16;

type Trouble = Omit<TableTrouble, "table">;
type Troubles = Map<PolledTable, Trouble>;

/** Mostly there are none: one for all equipment. */
const none: Troubles = new Map();

const noTables: readonly PolledTable[] = Object.freeze([]);
const noTroubles: readonly TableTrouble[] = Object.freeze([]);

/** Learning rows may take longer than a poll: no failure while it goes on. */
function isBeingLearnt({ mustLearn, survey }: PolledTable): boolean {
  return mustLearn && survey !== undefined;
}

/** The tables of one equipment that could not be read of late, or not whole. What is kept of each is made with its first trouble. */
export class TableTroubles {
  /** By failures of their readings. */
  #failing = none;
  /** By what is wrong with their rows. */
  #rows = none;

  /** Whether all tables could be read when they were last asked for. */
  get areNone(): boolean {
    return this.#failing.size === 0;
  }

  isFailing(table: PolledTable): boolean {
    return this.#failing.has(table);
  }

  /** Tables that failed lately come last, so that they cost nobody else the poll. */
  last(tables: readonly PolledTable[]): readonly PolledTable[] {
    if (this.areNone) return tables;
    const failures = (table: PolledTable): number => this.#failing.get(table)?.times ?? 0;
    return [...tables].sort((left, right) => failures(left) - failures(right));
  }

  /** Live ones that are left alone in this poll: what they would have said is missing, which is never silent. */
  setAside(tables: readonly PolledTable[], nowMs: number): readonly PolledTable[] {
    if (this.areNone) return noTables;
    return tables.filter((table) => table.isLive && table.setAsideUntilMs > nowMs && this.#failing.has(table));
  }

  /** Other tables are gone: their troubles are nobody's any more. */
  keepOnly(tables: readonly PolledTable[]): void {
    this.#failing = without(this.#failing, (table) => !tables.includes(table));
    this.#rows = without(this.#rows, (table) => !tables.includes(table));
  }

  /** It was read. */
  succeeded(table: PolledTable): void {
    if (this.#failing.size > 0) this.#failing = without(this.#failing, (one) => one === table);
    if (this.#rows.size > 0) this.#rows = without(this.#rows, (one, { state }) => one === table && state === "refused");
  }

  failed(table: PolledTable, error: GatewayError, exchange: Exchange): void {
    const nowMs = exchange.clock.monotonicMs();
    const before = this.#failing.get(table);
    const failures = before?.times ?? 0;
    const mayBeSetAside = !isBeingLearnt(table);
    // What was set aside before stays what it was while its rows are being learnt: should that fail, the next pause is longer.
    const times = mayBeSetAside ? failures + 1 : Math.max(failures, Math.min(failures + 1, failuresUntilSetAside - 1));
    const isSetAside = mayBeSetAside && times >= failuresUntilSetAside;
    if (isSetAside) {
      table.setAsideUntilMs = nowMs + pauseMs(table.intervalMs, times - failuresUntilSetAside + 1, exchange);
      tellSetAside(table.definition, times, error, exchange);
    }
    if (this.#failing === none) this.#failing = new Map();
    this.#failing.set(table, {
      state: isSetAside ? "set-aside" : "failing",
      sinceMs: before?.sinceMs ?? nowMs,
      againAtMs: isSetAside ? table.setAsideUntilMs : nowMs,
      times,
      code: error.code,
      reason: error.message,
    });
  }

  /** Its rows could not be learnt anew. The values can be read all the same: only the survey is put off. */
  surveyFailed(table: PolledTable, { code, message }: GatewayError, exchange: Exchange): void {
    const times = this.#timesOf(table, "unverified") + 1;
    const firstMs = exchange.pollIntervalMs * pollsBetweenSurveys;
    table.learnAtMs = exchange.clock.monotonicMs() + Math.max(firstMs, pauseMs(firstMs, times - 1, exchange));
    this.#note(table, { state: "unverified", times, againAtMs: table.learnAtMs, code, reason: message }, exchange);
  }

  /** Its rows were learnt. @param rowsMax where there are more than so many, and the rest is not read */
  surveyed(table: PolledTable, rowsMax: number | undefined, exchange: Exchange): void {
    if (rowsMax !== undefined) {
      const times = this.#timesOf(table, "cut") + 1;
      const reason = `more than ${rowsMax} rows; the rest is not read`;
      this.#note(table, { state: "cut", times, againAtMs: table.learnAtMs, code: "driver.limit", reason }, exchange);
    } else if (this.#rows.size > 0) this.#rows = without(this.#rows, (one, { state }) => one === table && state !== "refused");
  }

  /** It would be too many series: it is not asked for, nor are its rows, for longer and longer. */
  refused(table: PolledTable, exchange: Exchange): void {
    const { maxSeries } = exchange.settings;
    const times = this.#timesOf(table, "refused") + 1;
    table.setAsideUntilMs = exchange.clock.monotonicMs() + pauseMs(table.intervalMs, times, exchange);
    const reason = `its ${table.seriesCount} series would be more than ${maxSeries} with those of the tables before it`;
    this.#note(table, { state: "refused", times, againAtMs: table.setAsideUntilMs, code: "driver.limit", reason }, exchange);
    refuseSeries(table.definition, maxSeries, exchange);
  }

  /** For people. */
  shown(): readonly TableTrouble[] {
    if (this.#failing.size + this.#rows.size === 0) return noTroubles;
    return [...this.#failing, ...this.#rows].map(([{ definition }, trouble]) => ({ table: definition.table, ...trouble }));
  }

  #timesOf(table: PolledTable, state: Trouble["state"]): number {
    const known = this.#rows.get(table);
    return known?.state === state ? known.times : 0;
  }

  #note(table: PolledTable, trouble: Omit<Trouble, "sinceMs">, { clock }: Exchange): void {
    const before = this.#rows.get(table);
    const sinceMs = before?.state === trouble.state ? before.sinceMs : clock.monotonicMs();
    if (this.#rows === none) this.#rows = new Map();
    this.#rows.set(table, { ...trouble, sinceMs });
  }
}

/** Doubled each time, up to the rare interval. */
function pauseMs(intervalMs: number, doublings: number, { settings }: Exchange): number {
  return Math.min(intervalMs * 2 ** Math.min(doublings, mostDoublings), settings.rareIntervalMs);
}

function without(troubles: Troubles, isOver: (table: PolledTable, trouble: Trouble) => boolean): Troubles {
  for (const [table, trouble] of troubles) if (isOver(table, trouble)) troubles.delete(table);
  return troubles.size === 0 ? none : troubles;
}

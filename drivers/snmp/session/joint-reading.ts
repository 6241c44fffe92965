import { isGatewayError } from "#model/errors.ts";
import type { ColumnRequest, TableAnswer, TableColumn, TablePlan } from "#ports/snmp.ts";
import type { Exchange } from "./exchange.ts";
import type { AgentMoment, PolledTable } from "./polled-table.ts";
import { idOf, Shared } from "./shared.ts";
import type { TableReading } from "./table-reading.ts";

/** The columns of several tables in one plan, each asked for once, and where in it each table finds its own. */
interface JointLayout {
  readonly columns: readonly ColumnRequest[];
  /** By table, by its own plan's columns. */
  readonly places: readonly (readonly number[])[];
}

/** How tables are read together; one for all equipment that has such tables. */
interface Joint {
  readonly plan: TablePlan;
  readonly layout: JointLayout;
}

const jointsShared = new Shared<Joint>(1024);
const noTables: readonly PolledTable[] = Object.freeze([]);

/** An agent that did not answer the opening as asked is asked in its usual way for so long, then twice as long, up to the second. */
const closedS = 60;
const closedSMax = 3_600;

/** What a poll's first requests brought, not believed yet: the answer to its first question came with it. */
export interface EarlyAnswer {
  readonly tables: readonly PolledTable[];
  readonly answer: TableAnswer;
  readonly opening: NonNullable<TableAnswer["opening"]>;
}

/**
 * Live tables that have the same rows (what a profile adds to the interfaces, say) are read as one: their values fill the same answers, so that
 * there are fewer of them, and a column that several want is asked for once. What each table is told is what it would have been told alone.
 */
export class JointReading {
  /** Two or more; or one, which is read alone but for an opening. */
  #tables = noTables;
  #joint: Joint | undefined;
  /** TableBook.revision they were looked for at. */
  #revision = -1;
  /** Whole seconds, these three: times in milliseconds have fractions, and each such number is an object of its own. 0 = never was. */
  #apartUntilS = 0;
  #closedUntilS = 0;
  #closedS = closedS;

  /** Those of an equipment's tables that are read together; none or at least two. @param revision see TableBook.revision */
  of(tables: readonly PolledTable[], revision: number, nowMs: number): readonly PolledTable[] {
    if (revision !== this.#revision) this.#find(tables, revision);
    return nowMs < this.#apartUntilS * 1_000 || this.#tables.length < 2 ? noTables : this.#tables;
  }

  /** Those that the poll's first question can be asked along with; none or at least one. */
  ofOpening(tables: readonly PolledTable[], revision: number, nowMs: number): readonly PolledTable[] {
    if (revision !== this.#revision) this.#find(tables, revision);
    return nowMs < this.#apartUntilS * 1_000 || nowMs < this.#closedUntilS * 1_000 ? noTables : this.#tables;
  }

  #find(tables: readonly PolledTable[], revision: number): void {
    const found = jointTables(tables);
    const joint = found.length === 0 ? undefined : jointOf(found.flatMap(({ solePlan }) => solePlan ?? []));
    this.#revision = revision;
    // Of its exact length: gathering leaves room for sixteen more.
    this.#tables = found.slice();
    if (joint === this.#joint) return;
    this.#joint = joint;
    this.#apartUntilS = 0;
    this.#closedUntilS = 0;
  }

  /**
   * What each of these tables, which `of` named, gave. After an error or in want of time each is read alone in this poll and for a while: what one does
   * to a request costs no other. @returns `silence` after a timeout
   */
  async read(
    tables: readonly PolledTable[],
    moment: AgentMoment,
    exchange: Exchange,
  ): Promise<readonly TableReading[] | "silence" | "apart"> {
    const plan = this.#joint?.plan;
    if (plan === undefined) return "apart";
    let answer: TableAnswer;
    try {
      answer = await exchange.session.readTable(plan, exchange.deadlineMs, exchange.signal);
    } catch (error) {
      if (!isGatewayError(error) || exchange.outer.aborted) throw error;
      this.#part(exchange);
      return error.code === "driver.timeout" ? "silence" : "apart";
    }
    return this.#take(tables, answer, moment, exchange);
  }

  /**
   * Asks for these tables, which `ofOpening` named, and for the objects in the same requests. Nothing of it is believed before the objects' values were
   * looked at: then `takeEarly` or `drop`. @returns undefined where they did not come so: then all is asked for in the usual way. After silence as
   * well: an agent whose tables hang may still say that it is there, and one that is gone is not asked for them again.
   */
  async open(tables: readonly PolledTable[], oids: readonly string[], exchange: Exchange): Promise<EarlyAnswer | undefined> {
    const plan = this.#joint?.plan;
    if (plan === undefined) return undefined;
    try {
      const answer = await exchange.session.readTable(plan, exchange.deadlineMs, exchange.signal, oids);
      if (answer.opening !== undefined) return { tables, answer, opening: answer.opening };
      exchange.session.release?.(plan);
      this.#close(exchange);
      return undefined;
    } catch (error) {
      if (!isGatewayError(error) || exchange.outer.aborted) throw error;
      exchange.session.release?.(plan);
      this.#close(exchange);
      return undefined;
    }
  }

  takeEarly({ tables, answer }: EarlyAnswer, moment: AgentMoment, exchange: Exchange): readonly TableReading[] | "apart" {
    this.#closedS = closedS;
    return this.#take(tables, answer, moment, exchange);
  }

  /** Something has to be done before values are read: they are read again. */
  drop(exchange: Exchange): void {
    if (this.#joint !== undefined) exchange.session.release?.(this.#joint.plan);
  }

  #take(tables: readonly PolledTable[], answer: TableAnswer, moment: AgentMoment, exchange: Exchange): readonly TableReading[] | "apart" {
    const joint = this.#joint;
    if (joint === undefined) return "apart";
    if (!answer.complete) this.#part(exchange);
    const readings = tables.map((table, place) => {
      const reading = table.take([partOf(answer, joint.layout, place)], moment, exchange);
      // It was read alone before: what the engine keeps for that is of no use as long as this goes well.
      if (table.solePlan !== undefined && table.solePlan !== joint.plan) exchange.session.forget?.(table.solePlan);
      return reading;
    });
    exchange.session.release?.(joint.plan);
    return readings;
  }

  #close({ clock }: Exchange): void {
    this.#closedUntilS = Math.ceil(clock.monotonicMs() / 1_000) + this.#closedS;
    this.#closedS = Math.min(closedSMax, this.#closedS * 2);
  }

  #part({ clock, settings }: Exchange): void {
    this.#apartUntilS = Math.ceil((clock.monotonicMs() + settings.slowIntervalMs) / 1_000);
  }
}

/** The first live table that others share the rows of, with them; where there is none the first by itself. */
function jointTables(tables: readonly PolledTable[]): readonly PolledTable[] {
  const live = tables.filter(({ isLive, solePlan }) => isLive && solePlan !== undefined && isJoinable(solePlan));
  for (const first of live) {
    // Lists of rows are shared: equal ones are the same.
    const found = live.filter((table) => table.solePlan?.rows === first.solePlan?.rows);
    if (found.length > 1) return found;
  }
  return live.slice(0, 1);
}

/** Cells of texts stay with their plan between two reads: numbers beside them would have to stay as well. */
function isJoinable({ rows, columns }: TablePlan): boolean {
  return rows.length > 1 && columns.every(({ as }) => as === "counter" || as === "number");
}

function jointOf(plans: readonly TablePlan[]): Joint {
  return jointsShared.get(plans.map(idOf).join(), () => {
    const layout = layoutOf(plans);
    const [sole, ...others] = plans;
    if (sole !== undefined && others.length === 0) return { plan: sole, layout };
    return {
      plan: { table: plans.map(({ table }) => table).join("+"), columns: layout.columns, rows: plans[0]?.rows ?? [] },
      plans,
      layout,
    };
  });
}

function layoutOf(plans: readonly TablePlan[]): JointLayout {
  const nameOf = ({ oid, as }: ColumnRequest): string => `${oid} ${as}`;
  const columns: ColumnRequest[] = [];
  const placeOf = new Map<string, number>();
  const places = plans.map((plan) =>
    plan.columns.map((column) => {
      const place = placeOf.get(nameOf(column)) ?? columns.push(column) - 1;
      placeOf.set(nameOf(column), place);
      return place;
    }),
  );
  return { columns: Object.freeze(columns), places };
}

/** What an answer to all says of one table. Spelled out: hundreds a second. */
function partOf(answer: TableAnswer, { columns: asked, places }: JointLayout, table: number): TableAnswer {
  const own = places[table] ?? [];
  // Of its exact length: pushing makes room for half as many more, and sixteen.
  const columns = new Array<TableColumn>(own.length);
  for (let at = 0; at < own.length; at++) {
    const column = answer.columns[own[at] ?? -1];
    if (column !== undefined) columns[at] = column;
  }
  const share = shareOf(places, table);
  const { changed, complete, quarantined } = answer;
  return {
    columns,
    vanished: complete ? countVanished(columns) : 0,
    changed,
    requests: share(answer.requests),
    retries: share(answer.retries),
    bytesIn: share(answer.bytesIn),
    bytesOut: share(answer.bytesOut),
    durationMs: answer.durationMs / places.length,
    complete,
    unfit: share(answer.unfit ?? 0),
    ...(quarantined !== undefined && { quarantined: quarantined.filter((oid) => own.some((place) => asked[place]?.oid === oid)) }),
  };
}

/** A table's share of a whole number, by its columns; the shares of all add up to it. */
function shareOf(places: JointLayout["places"], table: number): (whole: number) => number {
  let all = 0;
  let before = 0;
  for (let at = 0; at < places.length; at++) {
    if (at === table) before = all;
    all += places[at]?.length ?? 0;
  }
  const own = places[table]?.length ?? 0;
  return (whole) => Math.round((whole * (before + own)) / all) - Math.round((whole * before) / all);
}

/** Rows of which no column has a value. */
function countVanished(columns: readonly TableColumn[]): number {
  const first = columns[0]?.present;
  let vanished = 0;
  if (first?.includes(0) !== true) return vanished;
  for (let row = 0; row < first.length; row++) {
    if (first[row] === 0 && columns.every(({ present }) => present[row] === 0)) vanished += 1;
  }
  return vanished;
}

import { isDeepStrictEqual } from "node:util";
import type { Equipment, EquipmentId } from "#model/equipment.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { TableTrouble } from "#ports/driver.ts";
import type { MetricSet } from "../metric-sets/metric-set.ts";
import type { SnmpSettings } from "../settings.ts";
import type { HeadReading } from "./agent-head.ts";
import { learnAnnounced } from "./announced-change.ts";
import type { Exchange } from "./exchange.ts";
import { gapReasonOf } from "./gaps.ts";
import { type EarlyAnswer, JointReading } from "./joint-reading.ts";
import { LackingTables } from "./lacking-tables.ts";
import { learnTable } from "./learn-table.ts";
import { LongTask, type SessionLife, shareOfRest } from "./long-task.ts";
import { PolledTable, type TableOwner } from "./polled-table.ts";
import { type KnownResults, type ProbeResult, probeTables } from "./probe-tables.ts";
import { dueTables, intervalAfterMs, nextDueMs, tableIntervalMs } from "./schedule.ts";
import { Shared, SharedLists } from "./shared.ts";
import { refusedTable, refuseTables } from "./table-notices.ts";
import type { TableReading } from "./table-reading.ts";
import { TableTroubles } from "./table-troubles.ts";
import { type TablesRead, TablesSoFar } from "./tables-read.ts";

const setsShared = new SharedLists<MetricSet>(64);
const noRevisions: ReadonlyMap<string, number> = new Map();
const revisionsShared = new Shared<ReadonlyMap<string, number>>(1024);

/** After this many tables in a row without an answer the agent is taken for gone in this poll. */
const timeoutsUntilGivenUp = 2;

/** Some agents' ifTableLastChange is their uptime: after so many changes that were none names are verified at the usual interval only. */
const fruitlessUntilDistrusted = 4;
/** Before all times that matter, seconds. */
const never = -1_000_000_000;

/** The tables of one equipment: found by probing, surveyed, read when due, set aside when they harm. */
export class TableBook implements TableOwner {
  readonly #equipment: Equipment;
  #sets: readonly MetricSet[];
  readonly #builtIn: readonly MetricSet[];
  #added: readonly MetricSet[] = [];
  readonly #known: KnownResults;
  readonly #life: SessionLife;
  /** Probing that goes on. */
  #probing: LongTask<ProbeResult> | undefined;
  #probed: ProbeResult | undefined;
  readonly lacking = new LackingTables();
  /** Whole seconds, as a number with a fraction would be an object of its own. */
  #probeAtS = 0;
  #probedAtS = never;
  #tables: readonly PolledTable[] = [];
  /** Announced changes after which nothing had changed, running. */
  #fruitless = 0;
  #revision = 0;
  /** How many shapes each table name has had, as many names as there are definitions; never changed, like equipment has the same. */
  #revisions = noRevisions;
  readonly #troubles = new TableTroubles();
  readonly #joint = new JointReading();

  constructor(equipment: Equipment, sets: readonly MetricSet[], known: KnownResults, life: SessionLife) {
    this.#equipment = equipment;
    this.#known = known;
    this.#sets = sets;
    this.#builtIn = sets;
    this.#life = life;
  }

  get probed(): ProbeResult | undefined {
    return this.#probed;
  }

  get tables(): readonly PolledTable[] {
    return this.#tables;
  }

  /** Grows whenever there may be other tables, or a table may have other rows. */
  get revision(): number {
    return this.#revision;
  }

  /** Sets that profiles add, besides the built-in ones; probed with the next poll where they are new. */
  addSets(sets: readonly MetricSet[]): void {
    if (sets.length === this.#added.length && sets.every((set, position) => set === this.#added[position])) return;
    this.#added = setsShared.get(sets);
    this.#sets = setsShared.get([...this.#builtIn, ...sets]);
    this.#probeAtS = 0;
    this.#stopProbing();
  }

  /** A restarted agent may have other tables; one that restarts all the time is not probed all the time. */
  #probeAgain(head: HeadReading, exchange: Exchange): void {
    const nowMs = exchange.clock.monotonicMs();
    if (!head.sysObjectIdChanged && nowMs < this.#probedAtS * 1_000 + exchange.settings.slowIntervalMs) return;
    this.#probeAtS = 0;
    this.#stopProbing();
  }

  #stopProbing(): void {
    this.#probing?.cancel();
    this.#probing = undefined;
  }

  /** The agent says that the rows of some tables changed. It is believed until it was wrong several times running. */
  #announced(restarted: boolean): void {
    if (restarted) this.#fruitless = 0;
    if (restarted || this.#fruitless >= fruitlessUntilDistrusted) return;
    learnAnnounced(this.#tables);
    this.#fruitless += 1;
  }

  /** Whether there is anything to prepare. */
  mustPrepare(head: HeadReading, exchange: Exchange): boolean {
    const isQuiet = head.verdict !== "restart" && !head.sysObjectIdChanged && !head.tablesChanged;
    return !isQuiet || this.#probed === undefined || exchange.clock.monotonicMs() >= this.#probeAtS * 1_000;
  }

  /** Takes notice of what the poll's first answer says, and probes when there is a reason. @throws GatewayError driver.* */
  async prepare(head: HeadReading, exchange: Exchange): Promise<void> {
    const nowMs = exchange.clock.monotonicMs();
    const restarted = head.verdict === "restart" || head.sysObjectIdChanged;
    if (restarted) this.#probeAgain(head, exchange);
    // Names are verified before any value is read after a restart or a change of the tables: values never get another row's name.
    if (restarted) for (const table of this.#tables) if (!table.definition.scalars) table.learnFirst();
    if (restarted || head.tablesChanged) this.#announced(restarted);
    if (this.#probed !== undefined && nowMs < this.#probeAtS * 1_000) return;
    const isUrgent = this.#probed === undefined || restarted;
    const untilMs = isUrgent ? exchange.deadlineMs : shareOfRest(exchange);
    const probed = await this.#probe(exchange, untilMs);
    if (probed === undefined) {
      if (this.#probed === undefined) throw new GatewayError("driver.limit", { message: "still finding out what the equipment has" });
      return;
    }
    const probedAtMs = exchange.clock.monotonicMs();
    this.#probedAtS = Math.round(probedAtMs / 1_000);
    const times = this.#probed === undefined ? "first" : "again";
    const againMs = intervalAfterMs(times, exchange.settings.inventoryIntervalMs, this.equipment, "probe");
    this.#probeAtS = Math.ceil((probedAtMs + againMs) / 1_000);
    this.#probed = probed.value;
    this.lacking.look(probed.value.lacking, probedAtMs);
    this.#tables = this.#tablesFor(probed.value, exchange);
    this.#troubles.keepOnly(this.#tables);
    this.#revision += 1;
  }

  async #probe(exchange: Exchange, untilMs: number): Promise<{ readonly value: ProbeResult } | undefined> {
    this.#probing ??= new LongTask(this.#life, "probing");
    const probing = this.#probing;
    try {
      return await probing.join(exchange, untilMs, (task) => probeTables(this.#sets, task, this.#known));
    } finally {
      if (!probing.isRunning) this.#probing = undefined;
    }
  }

  /** Where nothing but reading is to be done: asks for these objects along with live tables. @returns undefined: not now, or, later, not answered */
  readEarly(oids: readonly string[], exchange: Exchange): Promise<EarlyAnswer | undefined> | undefined {
    const nowMs = exchange.clock.monotonicMs();
    if (this.#probed === undefined || nowMs >= this.#probeAtS * 1_000) return undefined;
    const tables = this.#joint.ofOpening(this.#tables, this.#revision, nowMs);
    return this.#mayJoin(tables, tables, exchange) ? this.#joint.open(tables, oids, exchange) : undefined;
  }

  /** What `readEarly` brought is not to be believed. */
  drop(exchange: Exchange): void {
    this.#joint.drop(exchange);
  }

  /** @param early what `readEarly` brought in this poll */
  async read(head: HeadReading, exchange: Exchange, early?: EarlyAnswer): Promise<TablesRead> {
    const nowMs = exchange.clock.monotonicMs();
    const due = dueTables(this.#tables, nowMs, this.#equipment.pollIntervalMs);
    const read = new TablesSoFar();
    for (const table of this.#troubles.setAside(this.#tables, nowMs)) read.lacks(table, "skipped");
    const joint = early?.tables ?? this.#joint.of(this.#tables, this.#revision, nowMs);
    let outcome: readonly TableReading[] | "silence" | "apart" = "apart";
    if (early !== undefined) outcome = this.#joint.takeEarly(early, head.moment, exchange);
    else if (this.#mayJoin(joint, due, exchange)) outcome = await this.#joint.read(joint, head.moment, exchange);
    const readings = typeof outcome === "string" ? [] : outcome;
    for (let place = 0; place < readings.length; place++) this.#keep(joint[place], readings[place], read, nowMs);
    let timeouts = outcome === "silence" ? 1 : 0;
    for (const table of this.#troubles.last(due)) {
      if (readings.length > 0 && joint.includes(table)) continue;
      if (timeouts >= timeoutsUntilGivenUp || exchange.clock.monotonicMs() >= exchange.deadlineMs) {
        read.lacks(table, "skipped");
        continue;
      }
      try {
        // Hardly ever, and to wait for nothing costs as well.
        if (this.#mustSurvey(table, exchange)) await this.#survey(table, head, exchange);
        if (this.#exceedsSeries(table, exchange)) {
          this.#troubles.refused(table, exchange);
          continue;
        }
        this.#keep(table, await this.#readAlone(table, head, read, exchange), read, nowMs);
        timeouts = 0;
      } catch (error) {
        if (!isGatewayError(error) || exchange.outer.aborted) throw error;
        timeouts = error.code === "driver.timeout" ? timeouts + 1 : 0;
        read.lacks(table, gapReasonOf(error));
        this.#troubles.failed(table, error, exchange);
      }
    }
    return read;
  }

  /** What readings that fail cost is told from the second running on: to look before each would cost all that do not. */
  #readAlone(table: PolledTable, head: HeadReading, read: TablesSoFar, exchange: Exchange): Promise<TableReading> {
    return this.#troubles.isFailing(table) ? read.tried(table, head.moment, exchange) : table.read(head.moment, exchange);
  }

  /** Whether nothing is to be done for any of these tables but to read it. */
  #mayJoin(joint: readonly PolledTable[], due: readonly PolledTable[], exchange: Exchange): boolean {
    if (joint.length === 0 || !this.#troubles.areNone) return false;
    for (const table of joint) {
      if (!due.includes(table) || this.#mustSurvey(table, exchange) || this.#exceedsSeries(table, exchange)) return false;
    }
    return true;
  }

  #keep(table: PolledTable | undefined, reading: TableReading | undefined, read: TablesSoFar, nowMs: number): void {
    if (table === undefined || reading === undefined) return;
    read.add(table, reading);
    this.#life.upkeep.leaveOut(reading);
    this.#succeeded(table, nowMs);
  }

  #mustSurvey(table: PolledTable, exchange: Exchange): boolean {
    return table.mustLearn || table.survey !== undefined || exchange.clock.monotonicMs() >= table.learnAtMs;
  }

  /** Learns the rows of the table. @throws GatewayError driver.* when its values may not be read before that is done */
  async #survey(table: PolledTable, head: HeadReading, exchange: Exchange): Promise<void> {
    const types = this.#probed?.types;
    if (types === undefined) return;
    const common = { types, base: this.#baseOf(table), changedAtMs: head.changedAtMs, life: this.#life, troubles: this.#troubles };
    const found = await learnTable(table, common, exchange);
    if (found === undefined) return;
    this.#revision += 1;
    if (found === "changed" && table.definition.changeIndicator !== undefined) this.#fruitless = 0;
  }

  #tablesFor(probed: ProbeResult, exchange: Exchange): readonly PolledTable[] {
    const { slowIntervalMs, rareIntervalMs, maxTables } = exchange.settings;
    const known = new Map(this.#tables.map((table) => [table.definition.table, table]));
    const refused = probed.tables.slice(maxTables);
    if (refused.length > 0) refuseTables(refused, maxTables, exchange);
    return probed.tables.slice(0, maxTables).map((definition) => {
      const old = known.get(definition.table);
      if (old !== undefined && isDeepStrictEqual(old.definition, definition)) return old;
      const intervalMs = tableIntervalMs(definition.cadence, this.#equipment.pollIntervalMs, slowIntervalMs, rareIntervalMs);
      return new PolledTable(definition, intervalMs, this);
    });
  }

  get equipment(): EquipmentId {
    return this.#equipment.id;
  }

  nextRevision(table: string): number {
    const revision = (this.#revisions.get(table) ?? 0) + 1;
    const revisions = new Map(this.#revisions).set(table, revision);
    this.#revisions = revisionsShared.get([...revisions].join("\n"), () => revisions);
    return revision;
  }

  #baseOf(table: PolledTable): PolledTable | undefined {
    return this.#tables.find((candidate) => candidate.definition.table === table.definition.rowsOf);
  }

  #succeeded(table: PolledTable, nowMs: number): void {
    this.#troubles.succeeded(table);
    table.dueAtMs = nextDueMs(table, table.definition.table, this.#equipment.id, nowMs);
  }

  /** Whether there is no room for the series of this table beside those of the tables before it that have theirs. */
  #exceedsSeries(table: PolledTable, { settings }: Exchange): boolean {
    let left = settings.maxSeries;
    for (const candidate of this.#tables) {
      const isTooMuch = candidate.seriesCount > left;
      if (candidate === table) return isTooMuch;
      if (!isTooMuch) left -= candidate.seriesCount;
    }
    return false;
  }

  /** Tables that are not read whole with each of their turns, and why. */
  troubles({ maxTables }: SnmpSettings): readonly TableTrouble[] {
    const refused = this.#probed?.tables.slice(maxTables) ?? [];
    if (refused.length === 0) return this.#troubles.shown();
    return [...this.#troubles.shown(), ...refused.map(({ table }) => refusedTable(table, maxTables, this.#probedAtS, this.#probeAtS))];
  }
}

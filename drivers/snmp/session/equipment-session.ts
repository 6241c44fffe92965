import type { Command, CommandResult } from "#model/command.ts";
import type { Equipment } from "#model/equipment.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Inventory } from "#model/observation.ts";
import type { Report } from "#model/report.ts";
import { type Instant, monotonicMs, wallMs } from "#model/time.ts";
import type { DriverContext, DriverSession, PollCost, PollRequest, PollResult, SessionAccount, TableCost } from "#ports/driver.ts";
import type { SnmpSession, SnmpSessionCounters } from "#ports/snmp.ts";
import type { ProfileSource } from "../inventory/facts.ts";
import { InventoryDesk } from "../inventory/inventory-desk.ts";
import type { MetricSet } from "../metric-sets/metric-set.ts";
import { parseSettings, type SnmpSettings } from "../settings.ts";
import { AgentHead, type HeadReading, headOids } from "./agent-head.ts";
import { executeCommand } from "./commands.ts";
import type { Exchange } from "./exchange.ts";
import { gapReasonOf } from "./gaps.ts";
import { SessionLife } from "./long-task.ts";
import { Notices } from "./notices.ts";
import { pollDeadline } from "./poll-deadline.ts";
import type { KnownResults } from "./probe-tables.ts";
import type { ReportCells, ReportCellsPool } from "./report-cells.ts";
import { SharedLists } from "./shared.ts";
import { SystemTable } from "./system-table.ts";
import { TableBook } from "./table-book.ts";
import { cpuMsPerRequest, cpuMsPerValue } from "./table-reading.ts";
import type { TablesRead } from "./tables-read.ts";

export interface SessionParts {
  readonly sets: readonly MetricSet[];
  readonly profiles: ProfileSource | undefined;
  readonly known: KnownResults;
  readonly cells: ReportCellsPool;
  readonly snmp: SnmpSession;
}

const noCells: readonly ReportCells[] = [];
const setsShared = new SharedLists<MetricSet>(64);

/** What a poll begins with. */
interface PollOpening {
  readonly head: HeadReading;
  readonly observedAt: Instant;
  readonly plannedAtMs: number;
  readonly startedMs: number;
}

/** One equipment: what it has, when what is due, and what one poll makes of the agent's answers. */
export class EquipmentSession implements DriverSession {
  readonly #equipment: Equipment;
  readonly #context: DriverContext;
  readonly #snmp: SnmpSession;
  readonly #settings: SnmpSettings;
  readonly #notices: Notices;
  readonly #cells: ReportCellsPool;
  /** Requests up to the end of the last poll: what surveys sent in between belongs to the next one's cost. */
  #requests = 0;
  #retries = 0;
  #bytesOut = 0;
  #bytesIn = 0;
  /** What had come of the agent when the poll before was over. */
  #heardBytes: number | undefined = 0;
  readonly #life: SessionLife;
  readonly #head = new AgentHead();
  readonly #system: SystemTable;
  readonly #book: TableBook;
  readonly #inventory: InventoryDesk;
  /** Sets of profiles that the book was given. */
  #profileSets: readonly MetricSet[] = [];

  constructor(equipment: Equipment, context: DriverContext, parts: SessionParts) {
    this.#equipment = equipment;
    this.#context = context;
    this.#snmp = parts.snmp;
    this.#cells = parts.cells;
    this.#settings = parseSettings(equipment.settings);
    const sets = setsShared.get(parts.sets.filter((set) => this.#settings.sets[set.name] ?? set.optional !== true));
    this.#notices = new Notices(equipment.id);
    this.#system = new SystemTable(equipment.id, equipment.pollIntervalMs);
    this.#life = new SessionLife(context.clock);
    this.#book = new TableBook(equipment, sets, parts.known, this.#life);
    this.#inventory = new InventoryDesk(equipment, { sets: parts.sets, profiles: parts.profiles }, this.#life);
  }

  async poll(request: PollRequest, signal: AbortSignal): Promise<PollResult> {
    const { clock } = this.#context;
    const startedMs = clock.monotonicMs();
    const deadline = pollDeadline(clock, request.deadlineMs, signal);
    const exchange = this.#exchange(request, deadline.signal, signal);
    let isOver = false;
    try {
      // What hardly ever has anything to do is not waited for: that costs as well, and this is done hundreds of times a second.
      const settledOids = this.#head.settledOids;
      const asked = settledOids === undefined ? undefined : this.#book.readEarly(settledOids, exchange);
      const early = asked === undefined ? undefined : await asked;
      const { opening } = early ?? {};
      const head = opening === undefined ? await this.#head.read(exchange) : this.#head.take(opening.varbinds, opening.atMs, exchange);
      const observedAt = opening === undefined ? clock.now() : instantBefore(clock.now(), opening.atMs);
      this.#noticeHead(head, exchange);
      const isQuiet = !this.#book.mustPrepare(head, exchange);
      // A restart, changed tables: what came with that word may be from before, or have other names. It is asked for again.
      if (early !== undefined && !isQuiet) this.#book.drop(exchange);
      const unprepared = isQuiet ? undefined : await this.#prepare(head, exchange);
      const tables = unprepared ?? (await this.#book.read(head, exchange, isQuiet ? early : undefined));
      const inventory = this.#inventory.isDue(head, this.#book.revision, exchange)
        ? await this.#inventory.update(head, this.#book, exchange)
        : undefined;
      if (this.#inventory.profileSets !== this.#profileSets) this.#addProfileSets();
      // All that was asked has been waited for; after an error something may still look at the signal.
      isOver = true;
      return this.#result({ head, observedAt, plannedAtMs: request.plannedAtMs, startedMs }, tables, inventory);
    } catch (error) {
      throw this.#orSilence(error, deadline.signal, signal);
    } finally {
      deadline.done(isOver);
    }
  }

  /** Who said nothing until the poll's time was over is silent, however many attempts were left: no limit was reached, and nothing was read in part. */
  #orSilence(error: unknown, deadline: AbortSignal, outer: AbortSignal): unknown {
    const { bytesIn } = this.#snmp.counters();
    const wasSilent = bytesIn === this.#heardBytes;
    this.#heardBytes = bytesIn;
    if (!wasSilent || bytesIn === undefined || outer.aborted || error !== deadline.reason) return error;
    return new GatewayError("driver.timeout", {
      message: "no answer in the time a poll has (a wrong community looks the same)",
      cause: error,
    });
  }

  #exchange(request: PollRequest, signal: AbortSignal, outer: AbortSignal): Exchange {
    return {
      session: this.#snmp,
      clock: this.#context.clock,
      deadlineMs: request.deadlineMs,
      signal,
      outer,
      pollIntervalMs: this.#equipment.pollIntervalMs,
      settings: this.#settings,
      notices: this.#notices,
      cells: this.#cells,
    };
  }

  async probe(signal: AbortSignal): Promise<boolean> {
    await this.#snmp.get([headOids.sysUpTime], signal);
    return true;
  }

  account(): SessionAccount {
    return {
      upkeep: this.#life.upkeep.shown(this.#snmp, this.#context.clock.monotonicMs()),
      troubles: this.#book.troubles(this.#settings),
    };
  }

  execute(command: Command, signal: AbortSignal): Promise<CommandResult> {
    return executeCommand(command, { session: this.#snmp, clock: this.#context.clock, settings: this.#settings }, signal);
  }

  async close(): Promise<void> {
    this.#life.close(new GatewayError("driver.limit", { message: "the session is closed" }));
    this.#snmp.close();
  }

  #result(poll: PollOpening, tables: TablesRead, inventory: Inventory | undefined): PollResult {
    const { head, observedAt, plannedAtMs, startedMs } = poll;
    const system = this.#system.takeCells(this.#cells, this.#notices.anomalies);
    const ticks = head.uptime.sysUpTimeTicks;
    const report: Report = {
      kind: "report",
      equipment: this.#equipment.id,
      observedAt,
      plannedAtMs,
      ...(ticks !== undefined && { sysUpTimeTicks: ticks }),
      tables: [this.#system.report(system, head.uptime, observedAt), ...tables.reports],
      gaps: tables.gaps,
      lacking: this.#book.lacking.sure,
    };
    const values = tables.costs.reduce((sum, table) => sum + table.values, system.countPresent());
    const release = (): void => {
      this.#cells.giveBack(system);
      this.#giveBack(tables);
    };
    const cost = this.#cost(tables, values, startedMs);
    return { report, cost, events: this.#notices.take(), release, ...(inventory && { inventory }) };
  }

  #giveBack({ costs }: TablesRead): void {
    for (let table = 0; table < costs.length; table++) {
      const cells = costs[table]?.cells ?? noCells;
      for (let place = 0; place < cells.length; place++) {
        const one = cells[place];
        if (one !== undefined) this.#cells.giveBack(one);
      }
    }
  }

  #addProfileSets(): void {
    this.#profileSets = this.#inventory.profileSets;
    this.#book.addSets(this.#profileSets.filter((set) => this.#settings.sets[set.name] !== false));
  }

  /** @returns what stands for the tables where nothing could be prepared */
  async #prepare(head: HeadReading, exchange: Exchange): Promise<TablesRead | undefined> {
    try {
      await this.#book.prepare(head, exchange);
      return undefined;
    } catch (error) {
      if (!isGatewayError(error) || exchange.outer.aborted) throw error;
      // Nothing is known of this equipment's tables yet, or not any more: the poll stands for what it has, and says so.
      return { reports: [], gaps: [{ reason: gapReasonOf(error) }], costs: [] };
    }
  }

  #noticeHead(head: HeadReading, exchange: Exchange): void {
    if (head.verdict === "restart") {
      this.#notices.add({
        type: "agent.restarted",
        severity: "warning",
        text: "the agent restarted; counters begin anew",
        observedAt: exchange.clock.now(),
        attributes: { sysUpTimeS: (head.uptime.sysUpTimeTicks ?? 0) / 100 },
      });
    }
    if (head.uptimeDistrusted) {
      this.#notices.once("uptime", {
        type: "agent.uptime-unreliable",
        severity: "warning",
        text: "the agent's uptime begins anew with every poll and is not believed",
        observedAt: exchange.clock.now(),
        attributes: {},
      });
    }
    if (head.identityReset) {
      this.#notices.add({
        type: "identity.reset",
        severity: "warning",
        text: "the agent's SNMP engine lost its boots count, or is another one",
        observedAt: exchange.clock.now(),
        attributes: { engineBoots: head.uptime.engineBoots ?? -1 },
      });
    }
    if (head.verdict === "rollover") {
      this.#notices.add({
        type: "agent.uptime-rollover",
        severity: "indeterminate",
        text: "sysUpTime passed 497 days and began at zero; the agent did not restart",
        observedAt: exchange.clock.now(),
        attributes: {},
      });
    }
  }

  #cost(tables: TablesRead, values: number, startedMs: number): PollCost {
    const after = this.#snmp.counters();
    const requests = after.requests - this.#requests;
    const retries = after.retries - this.#retries;
    this.#requests = after.requests;
    this.#retries = after.retries;
    this.#heardBytes = after.bytesIn;
    const bytesOut = after.bytesOut === undefined ? sumOf(tables.costs, "bytesOut") : after.bytesOut - this.#bytesOut;
    const bytesIn = after.bytesIn === undefined ? sumOf(tables.costs, "bytesIn") : after.bytesIn - this.#bytesIn;
    this.#bytesOut = after.bytesOut ?? 0;
    this.#bytesIn = after.bytesIn ?? 0;
    const durationMs = this.#context.clock.monotonicMs() - startedMs;
    const cpuMs = requests * cpuMsPerRequest + values * cpuMsPerValue;
    const distrusted = this.#distrusted(after);
    return { requests, retries, bytesOut, bytesIn, durationMs, cpuMs, values, distrusted, tables: tables.costs };
  }

  #distrusted(counters: SnmpSessionCounters): Readonly<Record<string, number>> {
    const { decreased, implausible, widthChanged, malformed } = this.#notices.anomalies;
    return {
      counterDecreased: decreased,
      counterImplausible: implausible,
      counterWidthChanged: widthChanged,
      malformedValues: malformed,
      malformedAnswers: counters.malformedAnswers,
      forgedAnswers: counters.forgedAnswers,
      oidViolations: counters.oidViolations,
      lateAnswers: counters.lateAnswers,
      quarantinedColumns: counters.quarantinedColumns ?? 0,
    };
  }
}

function sumOf(costs: readonly TableCost[], what: "bytesOut" | "bytesIn"): number {
  return costs.reduce((sum, cost) => sum + cost[what], 0);
}

/** A moment a little earlier: the head may have come before the last of the values that it came along with. */
function instantBefore(now: Instant, atMs: number): Instant {
  return { ...now, wallMs: wallMs(Math.round(now.wallMs - (now.monotonicMs - atMs))), monotonicMs: monotonicMs(atMs) };
}

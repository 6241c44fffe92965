import type { EquipmentId } from "#model/equipment.ts";
import type { TableReport } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import type { TableAnswer } from "#ports/snmp.ts";
import type { ColumnDefinition, TableDefinition } from "../metric-sets/metric-set.ts";
import type { Exchange } from "./exchange.ts";
import { applyConditions, fillMean, fillOutput } from "./fill-columns.ts";
import { countRows, learnRows } from "./learn-rows.ts";
import { buildGroups, defaultSignature, existingColumns, type ReadGroup, type WireTypes } from "./read-groups.ts";
import { assignKeys, chooseRows, type LearntRow, type RowChoice } from "./row-keys.ts";
import { decideSources } from "./row-sources.ts";
import { buildOutputs, type TableOutput } from "./table-output.ts";

/** What reading a table gave, and what it cost. */
export interface TableReading {
  readonly reports: readonly TableReport[];
  readonly complete: boolean;
  readonly requests: number;
  readonly retries: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
}

/** A moment on the agent's clock and on ours, to tell how long lies between two readings. */
export interface AgentMoment {
  readonly monotonicMs: number;
  /** The agent's clock without roll-over (ours where its own is not sane), milliseconds since the first contact. */
  readonly agentMs: number;
  /** Grows with each restart of the agent: counters of different epochs are not comparable. */
  readonly epoch: number;
}

/** Sparse columns are common; three of them together are not sparse. */
const maxRowColumns = 3;

/** The row of scalars and aggregates. */
const onlyRow: LearntRow = Object.freeze({ index: "0", labels: Object.freeze({}), key: "" });

/** A walk for new rows that found none is not repeated for this long, doubled each time up to the rare interval. */
const firstHoldDownMs = 30_000;

/** One table of one equipment: which rows it has, how they are read, and what is reported of them. */
export class PolledTable {
  readonly definition: TableDefinition;
  readonly intervalMs: number;
  /** When the values are due, monotonic milliseconds. */
  dueAtMs = Number.NEGATIVE_INFINITY;
  /** When rows and labels are due to be learnt again. */
  learnAtMs = Number.NEGATIVE_INFINITY;
  /** Not asked for before this time: it failed too often. */
  setAsideUntilMs = Number.NEGATIVE_INFINITY;
  readonly #equipment: EquipmentId;
  #rows: readonly LearntRow[] = [];
  /** Rows asked for: those reported, and skipped ones where leaving them out would cost more than asking. */
  #planned: readonly LearntRow[] = [];
  #groups: readonly ReadGroup[] = [];
  #outputs: readonly TableOutput[] = [];
  #previous: AgentMoment | undefined;
  #holdDownMs = firstHoldDownMs;
  #walkAgainAtMs = Number.NEGATIVE_INFINITY;

  constructor(definition: TableDefinition, equipment: EquipmentId, intervalMs: number) {
    this.definition = definition;
    this.#equipment = equipment;
    this.intervalMs = intervalMs;
  }

  get rows(): readonly LearntRow[] {
    return this.#rows;
  }

  get outputs(): readonly TableOutput[] {
    return this.#outputs;
  }

  /** Whether rows and labels were learnt at least once. */
  get isLearnt(): boolean {
    return this.#groups.length > 0;
  }

  get seriesCount(): number {
    return this.#outputs.reduce((sum, output) => sum + output.rows.length * output.columns.length, 0);
  }

  /**
   * Learns rows, labels and sources anew. `base`: the table whose rows these are. `changedAtMs`: when the agent says that its rows
   * changed; counters are followed to other instances only if nothing was read since. @throws GatewayError driver.*
   */
  async learn(types: WireTypes, base: PolledTable | undefined, changedAtMs: number, exchange: Exchange): Promise<void> {
    const columns = existingColumns(this.definition, types);
    const before = this.#planned.length;
    const { planned, reported } = await this.#learnRows(columns, types, base, exchange);
    const signatures = await decideSources(columns, planned, types, exchange);
    this.#rows = reported;
    this.#planned = planned;
    this.#outputs = buildOutputs(this.#outputDefinition(base), columns, this.#reportedRows(), {
      equipment: this.#equipment,
      intervalMs: this.intervalMs,
      previous: this.#outputs,
      anomalies: exchange.notices.anomalies,
      speedOverrides: exchange.settings.speeds,
      mayFollow: this.#previous !== undefined && this.#previous.monotonicMs < changedAtMs,
    });
    const rows = planned.map((row, position) => ({ row, signature: signatures[position] ?? defaultSignature(columns, types) }));
    this.#groups = buildGroups(this.definition, columns, rows, this.#outputs, types);
    const nowMs = exchange.clock.monotonicMs();
    this.learnAtMs = nowMs + exchange.settings.rareIntervalMs;
    this.#holdDown(before === planned.length, nowMs, exchange.settings.rareIntervalMs);
  }

  /** Reads the values. @throws GatewayError driver.* when nothing of the table was obtained */
  async read(moment: AgentMoment, exchange: Exchange): Promise<TableReading> {
    if (this.definition.aggregate === "count") return this.#count(moment, exchange);
    const answers: TableAnswer[] = [];
    for (const group of this.#groups) {
      const answer = await exchange.session.readTable(group.plan, exchange.deadlineMs, exchange.signal);
      answers.push(answer);
      if ((answer.changed || answer.vanished > 0) && exchange.clock.monotonicMs() >= this.#walkAgainAtMs) this.learnAtMs = 0;
    }
    const { observedAt, elapsedMs } = this.#stamp(moment, exchange);
    this.#fill(answers, elapsedMs, exchange);
    return {
      reports: this.#outputs.map((output) => output.report(observedAt, elapsedMs)),
      complete: answers.every((answer) => answer.complete),
      requests: sum(answers, "requests"),
      retries: sum(answers, "retries"),
      bytesIn: sum(answers, "bytesIn"),
      bytesOut: sum(answers, "bytesOut"),
      durationMs: sum(answers, "durationMs"),
    };
  }

  /** Rows come and go too fast here for a plan: they are walked and counted. */
  async #count(moment: AgentMoment, exchange: Exchange): Promise<TableReading> {
    const startedMs = exchange.clock.monotonicMs();
    const before = exchange.session.counters().requests;
    const column = this.#outputs[0]?.columns[0];
    const count = column === undefined ? undefined : await countRows(this.definition, column.definition.oid, exchange);
    const { observedAt, elapsedMs } = this.#stamp(moment, exchange);
    if (column?.column.kind === "number") {
      column.column.present[0] = count === undefined ? 0 : 1;
      column.column.value[0] = count ?? 0;
    }
    return {
      reports: this.#outputs.map((output) => output.report(observedAt, elapsedMs)),
      complete: count !== undefined,
      requests: exchange.session.counters().requests - before,
      retries: 0,
      bytesIn: 0,
      bytesOut: 0,
      durationMs: observedAt.monotonicMs - startedMs,
    };
  }

  #stamp(moment: AgentMoment, exchange: Exchange): { readonly observedAt: Instant; readonly elapsedMs: number } {
    const observedAt = exchange.clock.now();
    const elapsedMs = this.#elapsed(moment, observedAt.monotonicMs);
    this.#previous = {
      ...moment,
      agentMs: moment.agentMs + (observedAt.monotonicMs - moment.monotonicMs),
      monotonicMs: observedAt.monotonicMs,
    };
    return { observedAt, elapsedMs };
  }

  /** Names must be verified before the next reading. */
  learnSoon(): void {
    this.learnAtMs = Number.NEGATIVE_INFINITY;
    this.#holdDownMs = firstHoldDownMs;
  }

  async #learnRows(
    columns: readonly ColumnDefinition[],
    types: WireTypes,
    base: PolledTable | undefined,
    exchange: Exchange,
  ): Promise<RowChoice> {
    if (columns.length === 0) return { planned: [], reported: [] };
    if (this.definition.scalars || this.definition.aggregate === "count") return { planned: [onlyRow], reported: [onlyRow] };
    if (base !== undefined) {
      const rows = await this.#rowsOfBase(columns, base, types, exchange);
      return { planned: rows, reported: rows };
    }
    const labels = (this.definition.labels ?? []).filter((label) => label.format === "index-name" || types.has(label.oid));
    const learnt = await learnRows(this.definition, rowColumnsOf(columns, types), labels, exchange);
    return chooseRows(assignKeys(this.definition, learnt.rows), exchange.settings.keepSkippedRows ? undefined : this.definition.skip);
  }

  /** Of the other table's rows those that have the first column. */
  async #rowsOfBase(columns: readonly ColumnDefinition[], base: PolledTable, types: WireTypes, exchange: Exchange): Promise<LearntRow[]> {
    const oids = columns.flatMap((column) => [column.oid, ...(column.fallback === undefined ? [] : [column.fallback])]);
    const requests = oids.filter((oid) => types.has(oid)).map((oid) => ({ oid, as: "number" as const }));
    if (base.rows.length === 0 || requests.length === 0) return [];
    const plan = { table: `${this.definition.table} rows`, columns: requests, rows: base.rows.map((row) => row.index) };
    const answer = await exchange.session.readTable(plan, exchange.deadlineMs, exchange.signal);
    return base.rows.filter((_, position) => answer.columns.some((column) => column.present[position] === 1));
  }

  #fill(answers: readonly TableAnswer[], elapsedMs: number, exchange: Exchange): void {
    const context = {
      elapsedMs,
      anomalies: exchange.notices.anomalies,
      limitDoubted: (output: TableOutput, row: number) => doubtLimit(output, row, exchange),
    };
    for (const [position, output] of this.#outputs.entries()) {
      output.clear();
      const routed = answers.flatMap((answer, order) => {
        const group = this.#groups[order];
        const routing = group?.routings[position];
        return group === undefined || routing === undefined ? [] : [{ answer, routing, rows: group.plan.rows.length }];
      });
      if (this.definition.aggregate !== undefined) fillMean(output, routed);
      else for (const { answer, routing } of routed) fillOutput(output, answer, routing, context);
      applyConditions(output);
      output.settle();
    }
  }

  /** By the agent's own clock if it is sane, else by ours; NaN on the first reading. Counters of another epoch are forgotten. */
  #elapsed(moment: AgentMoment, answeredMs: number): number {
    const previous = this.#previous;
    if (previous === undefined) return Number.NaN;
    if (previous.epoch !== moment.epoch) {
      for (const output of this.#outputs) output.reset();
      return answeredMs - previous.monotonicMs;
    }
    const agentElapsedMs = moment.agentMs + (answeredMs - moment.monotonicMs) - previous.agentMs;
    return agentElapsedMs > 0 ? agentElapsedMs : answeredMs - previous.monotonicMs;
  }

  /** An aggregate has one row whatever was read. */
  #reportedRows(): readonly LearntRow[] {
    return this.definition.aggregate === undefined ? this.#rows : [onlyRow];
  }

  #outputDefinition(base: PolledTable | undefined): TableDefinition {
    if (base === undefined) return this.definition;
    const { labels, indexLabel } = base.definition;
    return { ...this.definition, ...(labels && { labels }), ...(indexLabel && { indexLabel }) };
  }

  #holdDown(sameNumber: boolean, nowMs: number, maxMs: number): void {
    this.#holdDownMs = sameNumber ? Math.min(this.#holdDownMs * 2, maxMs) : firstHoldDownMs;
    this.#walkAgainAtMs = nowMs + this.#holdDownMs;
  }
}

/** Columns whose instances say which rows there are: value columns, since rows that only have a name have nothing to report. */
function rowColumnsOf(columns: readonly ColumnDefinition[], types: WireTypes): readonly string[] {
  const oids = columns.map((column) => (types.has(column.oid) ? column.oid : (column.fallback ?? column.oid)));
  return [...new Set(oids)].slice(0, maxRowColumns);
}

function sum(answers: readonly TableAnswer[], field: "requests" | "retries" | "bytesIn" | "bytesOut" | "durationMs"): number {
  return answers.reduce((total, answer) => total + answer[field], 0);
}

function doubtLimit(output: TableOutput, row: number, exchange: Exchange): void {
  const key = output.rows[row]?.key ?? "";
  exchange.notices.once(`speed ${output.shape.table} ${key}`, {
    type: "interface.speed-implausible",
    severity: "warning",
    text: `${key} carries more than its speed allows; the device's word for its speed is not believed`,
    observedAt: exchange.clock.now(),
    attributes: { table: output.shape.table, row: key, speedBitPerS: output.speeds[row] ?? 0 },
  });
}

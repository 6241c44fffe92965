import type { EquipmentId } from "#model/equipment.ts";
import type { TableReport } from "#model/report.ts";
import type { TableAnswer, TableColumn, TablePlan } from "#ports/snmp.ts";
import type { ColumnDefinition, TableDefinition } from "../metric-sets/metric-set.ts";
import type { Exchange } from "./exchange.ts";
import { applyConditions, fillAggregate, fillOutput } from "./fill-columns.ts";
import { learnRows } from "./learn-rows.ts";
import {
  buildGroups,
  type ColumnsByOid,
  decideSignature,
  defaultSignature,
  existingColumns,
  needsFallback,
  type ReadGroup,
  type Signature,
  type WireTypes,
} from "./read-groups.ts";
import { assignKeys, isSkipped, type LearntRow } from "./row-keys.ts";
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
  #columns: readonly ColumnDefinition[] = [];
  #rows: readonly LearntRow[] = [];
  #skipped: readonly LearntRow[] = [];
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

  get seriesCount(): number {
    return this.#outputs.reduce((sum, output) => sum + output.rows.length * output.columns.length, 0);
  }

  /** Learns rows, labels and sources anew. `base`: the table whose rows these are. @throws GatewayError driver.* */
  async learn(types: WireTypes, base: PolledTable | undefined, mayFollow: boolean, exchange: Exchange): Promise<void> {
    this.#columns = existingColumns(this.definition, types);
    const before = this.#rows.length + this.#skipped.length;
    const rows = await this.#learnRows(types, base, exchange);
    const signatures = await this.#decideSources(rows, types, exchange);
    this.#rows = rows;
    this.#outputs = buildOutputs(this.#outputDefinition(base), this.#columns, this.#reportedRows(), {
      equipment: this.#equipment,
      intervalMs: this.intervalMs,
      previous: this.#outputs,
      speedOverrides: exchange.settings.speeds,
      mayFollow,
    });
    this.#groups = buildGroups(
      this.definition,
      this.#columns,
      rows.map((row, position) => ({ row, signature: signatures[position] ?? defaultSignature(this.#columns, types) })),
      this.#outputs,
      types,
    );
    const nowMs = exchange.clock.monotonicMs();
    this.learnAtMs = nowMs + exchange.settings.rareIntervalMs;
    this.#holdDown(before === rows.length + this.#skipped.length, nowMs, exchange.settings.rareIntervalMs);
  }

  /** Reads the values. @throws GatewayError driver.* when nothing of the table was obtained */
  async read(moment: AgentMoment, exchange: Exchange): Promise<TableReading> {
    const answers: TableAnswer[] = [];
    for (const group of this.#groups) {
      const answer = await exchange.session.readTable(group.plan, exchange.deadlineMs, exchange.signal);
      answers.push(answer);
      if ((answer.changed || answer.vanished > 0) && exchange.clock.monotonicMs() >= this.#walkAgainAtMs) this.learnAtMs = 0;
    }
    const observedAt = exchange.clock.now();
    const elapsedMs = this.#elapsed(moment, observedAt.monotonicMs);
    this.#fill(answers, elapsedMs, exchange);
    this.#previous = {
      ...moment,
      agentMs: moment.agentMs + (observedAt.monotonicMs - moment.monotonicMs),
      monotonicMs: observedAt.monotonicMs,
    };
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

  /** Names must be verified before the next reading. */
  learnSoon(): void {
    this.learnAtMs = Number.NEGATIVE_INFINITY;
    this.#holdDownMs = firstHoldDownMs;
  }

  async #learnRows(types: WireTypes, base: PolledTable | undefined, exchange: Exchange): Promise<LearntRow[]> {
    if (this.definition.scalars) return [{ index: "0", labels: {}, key: "" }];
    const first = this.#columns[0];
    if (first === undefined) return [];
    if (base !== undefined) return this.#rowsOfBase(base, types, exchange);
    const labels = (this.definition.labels ?? []).filter((label) => types.has(label.oid));
    const rowColumns = [
      ...new Set([types.has(first.oid) ? first.oid : (first.fallback ?? first.oid), ...labels.slice(0, 1).map((l) => l.oid)]),
    ];
    const learnt = await learnRows(this.definition, rowColumns, labels, exchange);
    const keyed = assignKeys(this.definition, learnt.rows);
    const skip = exchange.settings.keepSkippedRows ? undefined : this.definition.skip;
    this.#skipped = keyed.filter((row) => isSkipped(skip, row.labels));
    return this.#skipped.length === 0 ? keyed : keyed.filter((row) => !isSkipped(skip, row.labels));
  }

  /** Of the other table's rows those that have the first column. */
  async #rowsOfBase(base: PolledTable, types: WireTypes, exchange: Exchange): Promise<LearntRow[]> {
    const oids = this.#columns.flatMap((column) => [column.oid, ...(column.fallback === undefined ? [] : [column.fallback])]);
    const columns = oids.filter((oid) => types.has(oid)).map((oid) => ({ oid, as: "number" as const }));
    if (base.rows.length === 0 || columns.length === 0) return [];
    const plan = { table: `${this.definition.table} rows`, columns, rows: base.rows.map((row) => row.index) };
    const answer = await exchange.session.readTable(plan, exchange.deadlineMs, exchange.signal);
    return base.rows.filter((_, position) => answer.columns.some((column) => column.present[position] === 1));
  }

  async #decideSources(rows: readonly LearntRow[], types: WireTypes, exchange: Exchange): Promise<readonly Signature[]> {
    const candidates = this.#columns.filter((column) => column.fallback !== undefined && types.has(column.fallback));
    if (candidates.length === 0 || rows.length === 0) return [];
    const own = await this.#readOnce(
      candidates.map((column) => column.oid),
      rows,
      types,
      exchange,
    );
    const doubtful = rows.map((_, position) => position).filter((position) => needsFallback(this.#columns, own, position));
    if (doubtful.length === 0) return [];
    const fallback = await this.#readOnce(
      candidates.map((column) => column.fallback ?? ""),
      doubtful.flatMap((position) => rows[position] ?? []),
      types,
      exchange,
    );
    const read = new Map([...own, ...fallback]);
    const place = new Map(doubtful.map((position, order) => [position, order]));
    return rows.map((_, position) => decideSignature(this.#columns, read, position, place.get(position) ?? -1));
  }

  async #readOnce(oids: readonly string[], rows: readonly LearntRow[], types: WireTypes, exchange: Exchange): Promise<ColumnsByOid> {
    const columns = oids
      .filter((oid) => types.has(oid))
      .map((oid) => ({ oid, as: isCounter(types, oid) ? ("counter" as const) : ("number" as const) }));
    if (columns.length === 0) return new Map();
    const plan: TablePlan = { table: `${this.definition.table} sources`, columns, rows: rows.map((row) => row.index) };
    const answer = await exchange.session.readTable(plan, exchange.deadlineMs, exchange.signal);
    return new Map(
      columns.flatMap(({ oid }, position): [string, TableColumn][] => {
        const column = answer.columns[position];
        return column === undefined ? [] : [[oid, column]];
      }),
    );
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
      if (this.definition.aggregate !== undefined) fillAggregate(output, routed, this.definition.aggregate);
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
    return this.definition.aggregate === undefined ? this.#rows : [{ index: "0", labels: {}, key: "" }];
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

function isCounter(types: WireTypes, oid: string): boolean {
  const type = types.get(oid);
  return type === "counter32" || type === "counter64";
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

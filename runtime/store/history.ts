import type { Column, Metric, Report, Row, TableReport, TableShape } from "#model/report.ts";
import type { History, HistorySeries } from "#ports/history.ts";
import { type HistoryBackend, type LocalHistoryParts, openLocalHistory } from "./history-backend.ts";
import type { HistoryAnswer, HistoryQuery } from "./history-query.ts";

/** Whether the site keeps a column of a row: `must` = whatever else there is, `may` = while there is room. */
export type HistorySelection = (shape: TableShape, metric: Metric, row: Row) => "must" | "may" | "no";

/** Traffic and trouble of interfaces; other counters only on request. */
const interfaceCounters = new Set([
  "ifHCInOctets",
  "ifHCOutOctets",
  "ifInOctets",
  "ifOutOctets",
  "ifInErrors",
  "ifOutErrors",
  "ifInDiscards",
  "ifOutDiscards",
]);

/** States first, then gauges, then the traffic of interfaces. */
export const defaultHistorySelection: HistorySelection = (_, metric) => {
  if (metric.kind === "state") return "must";
  if (metric.kind === "gauge") return "may";
  return metric.kind === "counter" && interfaceCounters.has(metric.name) ? "may" : "no";
};

/** Name of the series every equipment has: 1 where a poll was answered, 0 where it was not. */
export const reachableMetric = "reachable";

export interface HistoryLimits {
  readonly maxSeries: number;
  /** Of these, kept free for states. Availability and checks find room always: tables of rows make it. */
  readonly reservedSeries: number;
  readonly selection: HistorySelection;
}

export const defaultHistoryLimits: HistoryLimits = { maxSeries: 5_000, reservedSeries: 1_000, selection: defaultHistorySelection };

/** The history in this thread. */
export function openHistoryInline(parts: LocalHistoryParts & { readonly limits?: Partial<HistoryLimits> }): History {
  return new HistoryRecorder(openLocalHistory(parts), { ...defaultHistoryLimits, ...parts.limits });
}

interface Cell {
  readonly metric: number;
  readonly row: number;
  readonly isCounter: boolean;
}

interface Plan {
  /** undefined = of the equipment's availability. */
  readonly shape: TableShape | undefined;
  readonly table: number;
  readonly cells: readonly Cell[];
  readonly refused: number;
}

/** Checks are equipment of their own: whether they succeed, and how long the answer took. */
const checkPrefix = "check:";

/** Read only, by whoever takes rows. */
const answered = Float64Array.of(1);
const silent = Float64Array.of(0);
const noCells: readonly Cell[] = Object.freeze([]);
const noPlans: readonly Plan[] = Object.freeze([]);

/** Picks out of each report what the site keeps, and hands it on. Runs where the reports are made: a few microseconds a table. */
export class HistoryRecorder implements History {
  readonly #backend: HistoryBackend;
  readonly #limits: HistoryLimits;
  /**
   * By equipment, in lists of their exact length: what is picked of its availability and of each table, as long as the table's shape is the same object. Maps
   * of all tables of a site would be larger than the plans.
   */
  readonly #plans = new Map<string, readonly Plan[]>();
  /** By length; there are few, and together at most as long as there are series. */
  readonly #rooms = new Map<number, Float64Array>();
  #series = 0;
  #nextTable = 1;
  #undated = 0;

  constructor(backend: HistoryBackend, limits: HistoryLimits) {
    this.#backend = backend;
    this.#limits = limits;
  }

  record(report: Report): void {
    // Without a date a point has no place in a plot. It is not lost: the NOC gets it and can date it later.
    if (report.observedAt.quality === "unanchored") {
      this.#undated += 1;
      return;
    }
    const isDown = report.tables.length === 0 && report.gaps.some((gap) => gap.shape === undefined);
    if (isDown || report.tables.length > 0) {
      const plan = this.#known(report.equipment, undefined) ?? this.#planAvailability(report.equipment);
      if (plan.cells.length > 0) this.#backend.row(plan.table, report.observedAt.wallMs, isDown ? silent : answered);
    }
    for (const table of report.tables) this.#recordTable(table);
  }

  series(equipment?: string): Promise<readonly HistorySeries[]> {
    return this.#backend.series(equipment);
  }

  read(query: HistoryQuery): Promise<HistoryAnswer> {
    return this.#backend.read(query);
  }

  async stats(): Promise<{
    readonly bytes: number;
    readonly series: number;
    readonly refusedSeries: number;
    readonly undatedReports: number;
  }> {
    let refusedSeries = 0;
    for (const plans of this.#plans.values()) for (const plan of plans) refusedSeries += plan.refused;
    return { bytes: await this.#backend.bytes(), series: this.#series, refusedSeries, undatedReports: this.#undated };
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  #recordTable(table: TableReport): void {
    const plan = this.#known(table.shape.equipment, table.shape) ?? this.#planOf(table.shape);
    if (plan.cells.length === 0) return;
    const values = this.#room(plan.cells.length);
    for (let index = 0; index < plan.cells.length; index++) {
      const cell = plan.cells[index];
      if (cell !== undefined) values[index] = cellValue(table.columns[cell.metric], cell, table.elapsedMs);
    }
    this.#backend.row(plan.table, table.observedAt.wallMs, values);
  }

  /** Whoever takes rows copies them. */
  #room(values: number): Float64Array {
    const known = this.#rooms.get(values);
    if (known !== undefined) return known;
    const made = new Float64Array(values);
    this.#rooms.set(values, made);
    return made;
  }

  #known(equipment: string, shape: TableShape | undefined): Plan | undefined {
    const plans = this.#plans.get(equipment) ?? noPlans;
    for (let index = 0; index < plans.length; index++) if (plans[index]?.shape === shape) return plans[index];
    return undefined;
  }

  #planAvailability(equipment: string): Plan {
    const plan = this.#makePlan(equipment, undefined);
    this.#plans.set(equipment, (this.#plans.get(equipment) ?? noPlans).concat(plan));
    return plan;
  }

  #planOf(shape: TableShape): Plan {
    const { equipment, table } = shape;
    const plans = this.#plans.get(equipment) ?? noPlans;
    const known = plans.find((plan) => plan.shape?.table === table);
    if (known !== undefined) {
      this.#series -= known.cells.length;
      if (known.cells.length > 0) this.#backend.closeTable(known.table);
    }
    const plan = this.#makePlan(equipment, shape);
    this.#plans.set(equipment, plans.filter((one) => one !== known).concat(plan));
    return plan;
  }

  #makePlan(equipment: string, shape: TableShape | undefined): Plan {
    const cells: Cell[] = [];
    const series: HistorySeries[] = [];
    let refused = 0;
    const isOwn = shape === undefined || equipment.startsWith(checkPrefix);
    for (const { cell, one, isReserved } of candidates(equipment, shape, this.#limits.selection)) {
      const room = this.#limits.maxSeries - (isReserved || isOwn ? 0 : this.#limits.reservedSeries);
      if (this.#series + cells.length >= room && !(isOwn && this.#giveUpTable())) {
        refused += 1;
        continue;
      }
      cells.push(cell);
      series.push(one);
    }
    this.#series += cells.length;
    const table = this.#nextTable++;
    if (cells.length > 0) this.#backend.openTable(table, series);
    // Spread into, an object takes half as much again; most plans keep nothing, and there are six for each switch.
    return cells.length === 0 ? { shape, table: 0, cells: noCells, refused } : { shape, table, cells, refused };
  }

  /** The largest table of rows goes: one switch's ports make room for the availability of a hundred. @returns whether there was one */
  #giveUpTable(): boolean {
    let largest: { readonly equipment: string; readonly plan: Plan } | undefined;
    for (const [equipment, plans] of this.#plans) {
      if (equipment.startsWith(checkPrefix)) continue;
      for (const plan of plans)
        if (plan.shape !== undefined && plan.cells.length > (largest?.plan.cells.length ?? 0)) largest = { equipment, plan };
    }
    if (largest === undefined) return false;
    const { equipment, plan } = largest;
    this.#backend.closeTable(plan.table);
    this.#series -= plan.cells.length;
    const without: Plan = { shape: plan.shape, table: 0, cells: noCells, refused: plan.refused + plan.cells.length };
    this.#plans.set(
      equipment,
      (this.#plans.get(equipment) ?? noPlans).map((one) => (one === plan ? without : one)),
    );
    return true;
  }
}

interface Candidate {
  readonly cell: Cell;
  readonly one: HistorySeries;
  readonly isReserved: boolean;
}

function* candidates(equipment: string, shape: TableShape | undefined, selection: HistorySelection): Generator<Candidate> {
  if (shape === undefined) {
    const one = { equipment, table: "", rowKey: "", metric: reachableMetric, kind: "state", unit: "enum:reachable" } as const;
    yield { cell: { metric: 0, row: 0, isCounter: false }, one, isReserved: true };
    return;
  }
  for (const [metric, descriptor] of shape.metrics.entries()) {
    const { kind, name, unit } = descriptor;
    if (kind === "text") continue;
    for (const [row, described] of shape.rows.entries()) {
      const wish = selection(shape, descriptor, described);
      if (wish === "no") continue;
      const one = {
        equipment,
        table: shape.table,
        rowKey: described.key,
        metric: name,
        kind,
        unit: kind === "counter" ? `${unit}/s` : unit,
      };
      yield { cell: { metric, row, isCounter: kind === "counter" }, one, isReserved: wish === "must" };
    }
  }
}

/** NaN where there is no value: missing, or a counter whose increase is not known. */
function cellValue(column: Column | undefined, cell: Cell, elapsedMs: number): number {
  if (column === undefined || column.present[cell.row] !== 1) return Number.NaN;
  if (column.kind === "number") return column.value[cell.row] ?? Number.NaN;
  if (column.kind === "counter" && elapsedMs > 0) return ((column.increment[cell.row] ?? Number.NaN) * 1000) / elapsedMs;
  return Number.NaN;
}

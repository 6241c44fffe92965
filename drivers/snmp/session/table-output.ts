import type { EquipmentId } from "#model/equipment.ts";
import type { Column, Metric, NumberColumn, TableReport, TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import { rowFactor } from "../conversions/convert.ts";
import { type CounterAnomalies, CounterState } from "../counters/counter-column.ts";
import type { ColumnDefinition, SplitCase, TableDefinition } from "../metric-sets/metric-set.ts";
import { allLabels, type LearntRow, sameRow, speedOf } from "./row-keys.ts";

/** One reported column with what is needed to fill it. */
export interface OutputColumn {
  readonly definition: ColumnDefinition;
  readonly column: Column;
  readonly counter: CounterState | undefined;
  /** The text column's values, writable here only. */
  readonly texts: string[] | undefined;
  /** Per row: see rowFactor; undefined = the conversion needs none. */
  readonly factors: Float64Array | undefined;
  /** Set where the split rule gave this column a unit of its own. */
  readonly splitCase: SplitCase | undefined;
}

/** One reported table: its frozen shape and its reused columns. */
export class TableOutput {
  readonly shape: TableShape;
  readonly columns: readonly OutputColumn[];
  readonly rows: readonly LearntRow[];
  /** Speed of the row's link in bit/s, NaN = unknown; empty where no column is limited by it. */
  readonly speeds: Float64Array;
  /** Last ifCounterDiscontinuityTime of each row, NaN = none read yet; empty where the table has none. */
  readonly discontinuity: Float64Array;
  readonly #values: readonly Column[];

  constructor(shape: TableShape, columns: readonly OutputColumn[], rows: readonly LearntRow[], limits: RowLimits) {
    this.shape = shape;
    this.columns = columns;
    this.rows = rows;
    this.speeds = limits.speeds;
    this.discontinuity = limits.discontinuity;
    this.#values = columns.map((column) => column.column);
  }

  /** Made when needed, which is rarely: kept it would be as large as the rows. */
  rowOfKey(): ReadonlyMap<string, number> {
    return new Map(this.rows.map((row, position) => [row.key, position]));
  }

  report(observedAt: Instant, elapsedMs: number): TableReport {
    return { shape: this.shape, columns: this.#values, observedAt, elapsedMs };
  }

  /** Agent restart: no counter has a predecessor any more. */
  reset(): void {
    for (const column of this.columns) column.counter?.reset();
    this.discontinuity.fill(Number.NaN);
  }

  /** Marks every cell as not read; what the next answers fill is present again. */
  clear(): void {
    for (const { column } of this.columns) column.present.fill(0);
  }

  /** After all answers: counters without a reading in this poll have no predecessor in the next. */
  settle(): void {
    for (const { counter, column } of this.columns) {
      if (counter === undefined) continue;
      for (let row = 0; row < this.rows.length; row++) if (column.present[row] === 0) counter.miss(row);
    }
  }
}

/** What limits the counters of a table's rows. */
interface RowLimits {
  readonly speeds: Float64Array;
  readonly discontinuity: Float64Array;
}

export interface OutputOptions {
  readonly equipment: EquipmentId;
  readonly intervalMs: number;
  readonly previous: readonly TableOutput[];
  /** Speeds set by the operator, by row key, bit/s. */
  readonly speedOverrides: Readonly<Record<string, number>>;
  /** Rows whose counters may be followed to another instance: the move was seen at once, so nothing was read in between. */
  readonly mayFollow: boolean;
  readonly anomalies: CounterAnomalies;
  /** The equipment's own count per table name: it outlives tables that go and come again. */
  nextRevision(table: string): number;
}

/**
 * Builds the reported tables for a set of rows. Where rows and metrics are what they were the previous output is returned as it
 * is: shapes are compared by identity downstream.
 */
export function buildOutputs(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  rows: readonly LearntRow[],
  options: OutputOptions,
): TableOutput[] {
  return partition(definition, rows).map(({ suffix, splitCase, members }) =>
    buildOutput(definition, columns, { name: definition.table + suffix, splitCase, members }, options),
  );
}

interface Part {
  readonly suffix: string;
  readonly splitCase: SplitCase | undefined;
  readonly members: readonly LearntRow[];
}

function partition(definition: TableDefinition, rows: readonly LearntRow[]): Part[] {
  const split = definition.split;
  if (split === undefined) return [{ suffix: "", splitCase: undefined, members: rows }];
  return Object.entries(split.cases)
    .map(([value, splitCase]) => ({
      suffix: `/${splitCase.suffix}`,
      splitCase,
      members: rows.filter((row) => allLabels(definition.labels, row)[split.label] === value),
    }))
    .filter((part) => part.members.length > 0);
}

function buildOutput(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  part: { readonly name: string; readonly splitCase: SplitCase | undefined; readonly members: readonly LearntRow[] },
  options: OutputOptions,
): TableOutput {
  const previous = options.previous.find((output) => output.shape.table === part.name);
  const metrics = columns.map((column) => metricOf(column, part.splitCase));
  const unchanged = previous !== undefined && sameMetrics(previous.shape.metrics, metrics) && sameRows(previous.rows, part.members);
  const shape: TableShape = unchanged
    ? previous.shape
    : Object.freeze({
        equipment: options.equipment,
        table: part.name,
        revision: options.nextRevision(part.name),
        intervalMs: options.intervalMs,
        metrics: Object.freeze(metrics),
        rows: Object.freeze([...part.members]),
      });
  const output = new TableOutput(
    shape,
    outputColumns(definition, columns, part, unchanged ? previous.columns : undefined, options.anomalies),
    part.members,
    limitsOf(definition, columns, part.members, options),
  );
  if (previous !== undefined) carryOver(previous, output, unchanged, options.mayFollow);
  return output;
}

const noNumbers = new Float64Array(0);

function limitsOf(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  rows: readonly LearntRow[],
  options: OutputOptions,
): RowLimits {
  const overrides = new Map(Object.entries(options.speedOverrides));
  const limited = columns.some((column) => column.rateLimit !== undefined);
  return {
    speeds: limited
      ? Float64Array.from(rows, (row) => overrides.get(row.key) ?? speedOf(allLabels(definition.labels, row)) ?? Number.NaN)
      : noNumbers,
    discontinuity: definition.discontinuity === undefined ? noNumbers : new Float64Array(rows.length).fill(Number.NaN),
  };
}

const factored = new Set(["storage-units", "entity-sensor", "percent-of"]);

/** New columns share one block of memory per kind; with unchanged rows the old ones are used on. */
function outputColumns(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  part: Pick<Part, "splitCase" | "members">,
  reused: readonly OutputColumn[] | undefined,
  anomalies: CounterAnomalies,
): OutputColumn[] {
  const rows = part.members.length;
  const counters = columns.filter((column) => column.kind === "counter").length;
  const states = reused === undefined ? CounterState.allocate(rows, counters, anomalies) : [];
  const numbers = reused === undefined ? allocateNumbers(rows, columns.filter(isNumber).length) : [];
  let nextState = 0;
  let nextNumber = 0;
  return columns.map((column, position) => {
    const splitCase = part.splitCase?.metric === column.metric ? part.splitCase : undefined;
    const factors = factored.has(column.convert?.is ?? "")
      ? Float64Array.from(part.members, (row) => rowFactor(column.convert, allLabels(definition.labels, row)))
      : undefined;
    const old = reused?.[position];
    if (old !== undefined) return { ...old, definition: column, factors, splitCase };
    const rest = { definition: column, factors, splitCase };
    const counter = column.kind === "counter" ? states[nextState++] : undefined;
    if (counter !== undefined) return { ...rest, column: counter.column, counter, texts: undefined };
    const number = isNumber(column) ? numbers[nextNumber++] : undefined;
    if (number !== undefined) return { ...rest, column: number, counter: undefined, texts: undefined };
    const texts = new Array<string>(rows).fill("");
    return { ...rest, column: { kind: "text", present: new Uint8Array(rows), value: texts }, counter: undefined, texts };
  });
}

function isNumber(column: ColumnDefinition): boolean {
  return column.kind === "gauge" || column.kind === "state";
}

function allocateNumbers(rows: number, count: number): readonly NumberColumn[] {
  const cells = rows * count;
  const buffer = new ArrayBuffer(cells * 9);
  return Array.from({ length: count }, (_, column) => ({
    kind: "number",
    value: new Float64Array(buffer, column * rows * 8, rows),
    present: new Uint8Array(buffer, cells * 8 + column * rows, rows),
  }));
}

/** Counter history follows a row by its key. A row that moved without our seeing it at once begins anew. */
function carryOver(previous: TableOutput, output: TableOutput, unchanged: boolean, mayFollow: boolean): void {
  const rowOfKey = unchanged ? undefined : previous.rowOfKey();
  for (const [position, row] of output.rows.entries()) {
    const before = rowOfKey === undefined ? position : rowOfKey.get(row.key);
    if (before === undefined) continue;
    const moved = previous.rows[before]?.index !== row.index;
    if (moved && !mayFollow) continue;
    if (output.discontinuity.length > 0) output.discontinuity[position] = previous.discontinuity[before] ?? Number.NaN;
    if (unchanged) continue;
    for (const column of output.columns) {
      const old = previous.columns.find((candidate) => candidate.definition.metric === column.definition.metric);
      if (column.counter !== undefined && old?.counter !== undefined) column.counter.adopt(position, old.counter, before);
    }
  }
}

const metrics = new WeakMap<ColumnDefinition | SplitCase, Metric>();

/** One metric object for all equipment: metrics are compared by identity inside the gateway. */
function metricOf(column: ColumnDefinition, splitCase: SplitCase | undefined): Metric {
  const own = splitCase?.metric === column.metric ? splitCase : undefined;
  const known = metrics.get(own ?? column);
  if (known !== undefined) return known;
  const metric: Metric = Object.freeze({
    name: column.metric,
    kind: column.kind,
    unit: own?.unit ?? column.unit,
    scale: own?.scale ?? column.scale ?? (column.convert?.is === "divide" ? column.convert.by : 1),
  });
  metrics.set(own ?? column, metric);
  return metric;
}

function sameMetrics(before: readonly Metric[], after: readonly Metric[]): boolean {
  return before.length === after.length && before.every((metric, position) => metric === after[position]);
}

function sameRows(before: readonly LearntRow[], after: readonly LearntRow[]): boolean {
  return before.length === after.length && after.every((row, position) => sameRow(before[position], row));
}

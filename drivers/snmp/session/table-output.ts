import type { EquipmentId } from "#model/equipment.ts";
import type { Column, Metric, Row, TableReport, TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import { rowFactor } from "../conversions/convert.ts";
import { type CounterAnomalies, CounterState } from "../counters/counter-column.ts";
import type { ColumnDefinition, SplitCase, TableDefinition } from "../metric-sets/metric-set.ts";
import { type LearntRow, speedOf } from "./row-keys.ts";

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
  /** Speed of the row's link in bit/s, NaN = unknown. */
  readonly speeds: Float64Array;
  /** Last ifCounterDiscontinuityTime of each row, NaN = none read yet. */
  readonly discontinuity: Float64Array;
  readonly #values: readonly Column[];
  readonly #rowOfKey: ReadonlyMap<string, number>;

  constructor(shape: TableShape, columns: readonly OutputColumn[], rows: readonly LearntRow[], speeds: Float64Array) {
    this.shape = shape;
    this.columns = columns;
    this.rows = rows;
    this.speeds = speeds;
    this.discontinuity = new Float64Array(rows.length).fill(Number.NaN);
    this.#values = columns.map((column) => column.column);
    this.#rowOfKey = new Map(rows.map((row, position) => [row.key, position]));
  }

  rowOfKey(key: string): number | undefined {
    return this.#rowOfKey.get(key);
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

export interface OutputOptions {
  readonly equipment: EquipmentId;
  readonly intervalMs: number;
  readonly previous: readonly TableOutput[];
  /** Speeds set by the operator, by row key, bit/s. */
  readonly speedOverrides: Readonly<Record<string, number>>;
  /** Rows whose counters may be followed to another instance: the move was seen at once, so nothing was read in between. */
  readonly mayFollow: boolean;
  readonly anomalies: CounterAnomalies;
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
      members: rows.filter((row) => row.labels[split.label] === value),
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
  const rows = part.members.map((row) => Object.freeze(rowOf(definition, row)));
  const speeds = Float64Array.from(part.members, (row) => options.speedOverrides[row.key] ?? speedOf(row.labels) ?? Number.NaN);
  const moved = previous !== undefined && part.members.some((row, position) => previous.rows[position]?.index !== row.index);
  const unchanged = previous !== undefined && !moved && sameMetrics(previous.shape.metrics, metrics) && sameRows(previous.shape.rows, rows);
  const shape: TableShape = unchanged
    ? previous.shape
    : Object.freeze({
        equipment: options.equipment,
        table: part.name,
        revision: (previous?.shape.revision ?? 0) + 1,
        intervalMs: options.intervalMs,
        metrics: Object.freeze(metrics),
        rows: Object.freeze(rows),
      });
  const output = new TableOutput(
    shape,
    columns.map((column, position) => outputColumn(column, part, unchanged ? previous.columns[position] : undefined, options.anomalies)),
    part.members,
    speeds,
  );
  if (previous !== undefined) carryOver(previous, output, unchanged, options.mayFollow);
  return output;
}

function outputColumn(
  definition: ColumnDefinition,
  part: Pick<Part, "splitCase" | "members">,
  reused: OutputColumn | undefined,
  anomalies: CounterAnomalies,
): OutputColumn {
  const rows = part.members.length;
  const splitCase = part.splitCase?.metric === definition.metric ? part.splitCase : undefined;
  const is = definition.convert?.is;
  const factored = is === "storage-units" || is === "entity-sensor" || is === "percent-of";
  const factors = factored ? Float64Array.from(part.members, (row) => rowFactor(definition.convert, row.labels)) : undefined;
  if (reused !== undefined) return { definition, column: reused.column, counter: reused.counter, texts: reused.texts, factors, splitCase };
  if (definition.kind === "counter") {
    const counter = new CounterState(rows, anomalies);
    return { definition, column: counter.column, counter, texts: undefined, factors, splitCase };
  }
  const present = new Uint8Array(rows);
  const texts = definition.kind === "text" ? new Array<string>(rows).fill("") : undefined;
  const column: Column =
    texts === undefined ? { kind: "number", present, value: new Float64Array(rows) } : { kind: "text", present, value: texts };
  return { definition, column, counter: undefined, texts, factors, splitCase };
}

/** Counter history follows a row by its key. A row that moved without our seeing it at once begins anew. */
function carryOver(previous: TableOutput, output: TableOutput, unchanged: boolean, mayFollow: boolean): void {
  for (const [position, row] of output.rows.entries()) {
    const before = unchanged ? position : previous.rowOfKey(row.key);
    if (before === undefined) continue;
    const moved = previous.rows[before]?.index !== row.index;
    if (moved && !mayFollow) continue;
    output.discontinuity[position] = previous.discontinuity[before] ?? Number.NaN;
    if (unchanged) continue;
    for (const column of output.columns) {
      const old = previous.columns.find((candidate) => candidate.definition.metric === column.definition.metric);
      if (column.counter !== undefined && old?.counter !== undefined) column.counter.adopt(position, old.counter, before);
    }
  }
}

function metricOf(column: ColumnDefinition, splitCase: SplitCase | undefined): Metric {
  const own = splitCase?.metric === column.metric ? splitCase : undefined;
  return Object.freeze({
    name: column.metric,
    kind: column.kind,
    unit: own?.unit ?? column.unit,
    scale: own?.scale ?? column.scale ?? (column.convert?.is === "divide" ? column.convert.by : 1),
  });
}

function rowOf(definition: TableDefinition, row: LearntRow): Row {
  if (definition.scalars || definition.aggregate !== undefined) return { key: "", labels: {} };
  const labels: Record<string, string> = { [definition.indexLabel ?? "index"]: row.index };
  for (const label of definition.labels ?? []) {
    const value = row.labels[label.name];
    if (!label.hidden && value !== undefined && value !== "") labels[label.name] = value;
  }
  return { key: row.key, labels: Object.freeze(labels) };
}

function sameMetrics(before: readonly Metric[], after: readonly Metric[]): boolean {
  return (
    before.length === after.length &&
    before.every((metric, position) => {
      const other = after[position];
      return metric.name === other?.name && metric.kind === other.kind && metric.unit === other.unit && metric.scale === other.scale;
    })
  );
}

function sameRows(before: readonly Row[], after: readonly Row[]): boolean {
  return before.length === after.length && before.every((row, position) => sameRow(row, after[position]));
}

function sameRow(before: Row, after: Row | undefined): boolean {
  if (after === undefined || before.key !== after.key) return false;
  const names = Object.keys(before.labels);
  return names.length === Object.keys(after.labels).length && names.every((name) => before.labels[name] === after.labels[name]);
}

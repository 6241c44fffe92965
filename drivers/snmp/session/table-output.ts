import type { EquipmentId } from "#model/equipment.ts";
import type { Metric, TableReport, TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import { rowFactor } from "../conversions/convert.ts";
import { CounterMemory } from "../counters/counter-memory.ts";
import type { ColumnDefinition, SplitCase, TableDefinition } from "../metric-sets/metric-set.ts";
import type { LabelReader } from "./hidden-labels.ts";
import { OutputColumn } from "./output-column.ts";
import { formOfTable, type ReportCells, type TableForm } from "./report-cells.ts";
import { type LearntRow, sameRow, sharedRows, speedOf } from "./row-keys.ts";
import { idOf, Shared, sharedNumbers } from "./shared.ts";
import { WatchedStates } from "./watched-states.ts";

/** One reported table: its frozen shape, and what is kept of it between two polls. */
export class TableOutput {
  readonly shape: TableShape;
  readonly columns: readonly OutputColumn[];
  readonly rows: readonly LearntRow[];
  readonly form: TableForm;
  readonly memory: CounterMemory;
  /** Speed of the row's link in bit/s, NaN = unknown; empty where no column is limited by it. Others may have the same: see forgetSpeed. */
  speeds: Float64Array;
  /** Last ifCounterDiscontinuityTime of each row, NaN = none read yet; empty where the table has none. Others may have the same: see `setDiscontinuity`. */
  discontinuity: Float64Array;
  /** The state that the rows' speed hangs on; undefined where it hangs on none. */
  readonly watched: WatchedStates | undefined;

  constructor(shape: TableShape, columns: readonly OutputColumn[], rows: readonly LearntRow[], kept: Kept) {
    this.shape = shape;
    this.columns = columns;
    this.rows = rows;
    this.form = kept.form;
    this.memory = kept.memory;
    this.speeds = kept.speeds;
    this.discontinuity = kept.discontinuity;
    this.watched = kept.watched;
  }

  /** Made when needed, which is rarely: kept it would be as large as the rows. */
  rowOfKey(): ReadonlyMap<string, number> {
    return new Map(this.rows.map((row, position) => [row.key, position]));
  }

  report(cells: ReportCells, observedAt: Instant, elapsedMs: number): TableReport {
    this.memory.reports += 1;
    return { shape: this.shape, columns: cells.columns, observedAt, elapsedMs, sequence: this.memory.reports };
  }

  /** What was learnt of a row's speed is not believed any more. */
  forgetSpeed(row: number): void {
    if (Number.isNaN(this.speeds[row])) return;
    this.speeds = this.speeds.slice();
    this.speeds[row] = Number.NaN;
  }

  /** Nearly all rows of nearly all equipment say the same, and go on saying it. */
  setDiscontinuity(times: Float64Array): void {
    this.discontinuity = sharedNumbers(times);
  }

  /** Agent restart: no counter has a predecessor any more. */
  reset(): void {
    this.memory.reset();
    this.setDiscontinuity(unread(this.discontinuity.length));
  }

  /** After all answers: counters without a reading in this poll have no predecessor in the next. @returns how many cells have a value */
  settle(cells: ReportCells): number {
    const count = cells.countPresent();
    if (count === cells.cells) return count;
    for (const counter of cells.counters) {
      if (counter === undefined) continue;
      const { present } = counter.column;
      for (let row = 0; row < present.length; row++) if (present[row] === 0) counter.miss(row);
    }
    return count;
  }
}

interface Kept extends RowLimits {
  readonly form: TableForm;
  readonly memory: CounterMemory;
  readonly watched: WatchedStates | undefined;
}

/** What limits the counters of a table's rows. */
interface RowLimits {
  readonly speeds: Float64Array;
  readonly discontinuity: Float64Array;
}

/** The equipment's own count of shapes per table name: it outlives tables that go and come again. */
export interface RevisionSource {
  readonly equipment: EquipmentId;
  nextRevision(table: string): number;
}

export interface OutputOptions {
  readonly intervalMs: number;
  readonly previous: readonly TableOutput[];
  /** Of the rows. */
  readonly labels: LabelReader;
  /** Speeds set by the operator, by row key, bit/s. */
  readonly speedOverrides: Readonly<Record<string, number>>;
  /** Rows whose counters may be followed to another instance: the move was seen at once, so nothing was read in between. */
  readonly mayFollow: boolean;
  readonly owner: RevisionSource;
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
  return partition(definition, rows, options.labels).map(({ suffix, splitCase, members }) =>
    buildOutput(definition, columns, { name: definition.table + suffix, splitCase, members }, options),
  );
}

interface Part {
  readonly suffix: string;
  readonly splitCase: SplitCase | undefined;
  readonly members: readonly LearntRow[];
}

function partition(definition: TableDefinition, rows: readonly LearntRow[], labels: LabelReader): Part[] {
  const split = definition.split;
  if (split === undefined) return [{ suffix: "", splitCase: undefined, members: rows }];
  return Object.entries(split.cases)
    .map(([value, splitCase]) => ({
      suffix: `/${splitCase.suffix}`,
      splitCase,
      members: sharedRows(rows.filter((row) => labels.of(row)[split.label] === value)),
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
  const metrics = metricsOf(columns, part.splitCase);
  const unchanged = previous !== undefined && sameMetrics(previous.shape.metrics, metrics) && sameRows(previous.rows, part.members);
  const shape: TableShape = unchanged
    ? previous.shape
    : Object.freeze({
        equipment: options.owner.equipment,
        table: part.name,
        revision: options.owner.nextRevision(part.name),
        intervalMs: options.intervalMs,
        metrics,
        rows: Object.isFrozen(part.members) ? part.members : Object.freeze([...part.members]),
      });
  const rows = part.members;
  const watches = columns.some((column) => column.kind !== "counter" && column.metric === definition.speedChangesWith);
  const counters = columns.filter((column) => column.kind === "counter").length;
  const output = new TableOutput(shape, outputColumns(definition, columns, part, options.labels), unchanged ? previous.rows : rows, {
    ...limitsOf(definition, columns, rows, options, unchanged ? previous : undefined),
    form: formOfTable(columns, rows.length),
    memory: unchanged ? previous.memory : new CounterMemory(rows.length, counters),
    watched: unchanged ? previous.watched : watches ? new WatchedStates(rows.length) : undefined,
  });
  if (previous !== undefined && !unchanged) carryOver(previous, output, options.mayFollow);
  return output;
}

const noNumbers = new Float64Array(0);
function unread(rows: number): Float64Array {
  return new Float64Array(rows).fill(Number.NaN);
}

function limitsOf(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  rows: readonly LearntRow[],
  options: OutputOptions,
  same: Pick<TableOutput, "discontinuity"> | undefined,
): RowLimits {
  const overrides = new Map(Object.entries(options.speedOverrides));
  const limited = columns.some((column) => column.rateLimit !== undefined);
  return {
    speeds: limited
      ? sharedNumbers(Float64Array.from(rows, (row) => overrides.get(row.key) ?? speedOf(options.labels.of(row)) ?? Number.NaN))
      : noNumbers,
    discontinuity: same?.discontinuity ?? (definition.discontinuity === undefined ? noNumbers : sharedNumbers(unread(rows.length))),
  };
}

const factored = new Set(["storage-units", "entity-sensor", "percent-of"]);

const shared = new Shared<readonly OutputColumn[]>(1024);
const sharedMetrics = new Shared<readonly Metric[]>(1024);
function keyOf(columns: readonly ColumnDefinition[], splitCase: SplitCase | undefined): string {
  return [...columns, ...(splitCase === undefined ? [] : [splitCase])].map(idOf).join();
}

/** One list for all equipment: what follows from it is then made once, too. */
function metricsOf(columns: readonly ColumnDefinition[], splitCase: SplitCase | undefined): readonly Metric[] {
  return sharedMetrics.get(keyOf(columns, splitCase), () => Object.freeze(columns.map((column) => metricOf(column, splitCase))));
}

/** Equal for all equipment, except where rows have factors of their own. */
function outputColumns(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  part: Pick<Part, "splitCase" | "members">,
  labels: LabelReader,
): readonly OutputColumn[] {
  const metrics = columns.map((column) => column.metric);
  const make = (): readonly OutputColumn[] => {
    let counters = 0;
    return columns.map(
      (column) =>
        new OutputColumn(column, definition, {
          counter: column.kind === "counter" ? counters++ : -1,
          factors: factored.has(column.convert?.is ?? "")
            ? Float64Array.from(part.members, (row) => rowFactor(column.convert, labels.of(row)))
            : undefined,
          splitCase: part.splitCase?.metric === column.metric ? part.splitCase : undefined,
          metrics,
        }),
    );
  };
  if (columns.some((column) => factored.has(column.convert?.is ?? ""))) return make();
  return shared.get(`${keyOf(columns, part.splitCase)} ${definition.speedChangesWith ?? ""}`, make);
}

/** Counter history follows a row by its key. A row that moved without our seeing it at once begins anew. */
function carryOver(previous: TableOutput, output: TableOutput, mayFollow: boolean): void {
  const rowOfKey = previous.rowOfKey();
  const discontinuity = output.discontinuity.slice();
  for (const [position, row] of output.rows.entries()) {
    const before = rowOfKey.get(row.key);
    if (before === undefined) continue;
    const old = previous.rows[before];
    const moved = old?.index !== row.index;
    // A number is no name: where its other labels differ, something else has it now.
    if (moved ? !mayFollow : row.key === row.index && !sameRow(old, row)) continue;
    if (discontinuity.length > 0) discontinuity[position] = previous.discontinuity[before] ?? Number.NaN;
    for (const column of output.columns) {
      const from = previous.columns.find((candidate) => candidate.definition.metric === column.definition.metric);
      if (column.counter < 0 || from === undefined || from.counter < 0) continue;
      const { memory } = output;
      memory.adopt(column.counter * memory.rows + position, previous.memory, from.counter * previous.memory.rows + before);
    }
  }
  output.setDiscontinuity(discontinuity);
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

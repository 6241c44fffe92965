import type { Column, NumberColumn } from "#model/report.ts";
import type { TableAnswer, TableColumn } from "#ports/snmp.ts";
import { convertBytes, convertNumber, convertText } from "../conversions/convert.ts";
import { labelText } from "../conversions/label-text.ts";
import { type CounterAnomalies, type CounterState, wordsOf } from "../counters/counter-column.ts";
import type { Conversion } from "../metric-sets/metric-set.ts";
import type { NumberReading, OutputColumn } from "./output-column.ts";
import type { ReportCells } from "./report-cells.ts";
import type { TableOutput } from "./table-output.ts";

/** Where the answers of one plan go in one output. */
export interface AnswerRouting {
  /** Output row of each row of the plan, -1 = not in this output. */
  readonly target: Int32Array;
  /** Per output column: position in the answer's columns, -1 = not asked. */
  readonly source: Int32Array;
  /** Per output column: 1 = the source is the fallback column. */
  readonly isFallback: Uint8Array;
  /** Position of the discontinuity column, -1 = none. */
  readonly discontinuity: number;
}

/** What filling one table needs besides answers; one for all of its outputs and columns. */
export interface FillContext {
  /** Since the previous report of the table; NaN on the first. */
  readonly elapsedMs: number;
  readonly anomalies: CounterAnomalies;
  /** Speeds are out of date: a link changed its state, or carries more than its speed. */
  speedsStale(): void;
  /** A row's link speed contradicts its counters for good. */
  limitDoubted(output: TableOutput, row: number): void;
}

/** Without a word about the link's speed nothing faster than this is believed: 1.6 Tbit/s. */
const fastestLinkBitsPerS = 1.6e12;
const speedTolerance = 1.1;
/** Timing of the two answers is known to about this. */
const elapsedSlackMs = 250;

/** Takes over one answer into one output. Every cell it carries a usable value for becomes present. Allocates nothing per row. */
export function fillOutput(
  output: TableOutput,
  cells: ReportCells,
  answer: TableAnswer,
  routing: AnswerRouting,
  context: FillContext,
): void {
  const { target, source, isFallback } = routing;
  if (routing.discontinuity >= 0) checkDiscontinuity(output, cells, answer.columns[routing.discontinuity], target);
  const bitsPerSpeed = (speedTolerance * (context.elapsedMs + elapsedSlackMs)) / 1000;
  const limits = { perBit: Number.NaN, speeds: output.speeds, fastest: fastestLinkBitsPerS };
  const noticed = (state: CounterState, row: number, doubted: boolean): void => {
    if (doubted) context.limitDoubted(output, row);
    else if (state.isRefused(row)) context.speedsStale();
  };
  const { columns } = output;
  for (let position = 0; position < columns.length; position++) {
    const column = columns[position];
    const from = answer.columns[source[position] ?? -1];
    if (column === undefined || from === undefined) continue;
    if (column.counter >= 0) {
      const state = cells.counters[position];
      if (state === undefined) continue;
      if (from.as === "counter") {
        // What a counter may grow by at most in the time that passed, per bit/s of its link's speed.
        limits.perBit = bitsPerSpeed / column.bitsPerUnit;
        // A state that was read just now may have made them another list.
        limits.speeds = output.speeds;
        state.takeAll(from.words ?? wordsOf(from.value), from, target, limits, noticed);
      } else if (from.as === "number") fillCounterFromNumbers(state, from, target, context);
    } else if (column.isText) fillText(column, position, from, target, cells);
    else fillNumber(output, { column, from, isFallback: isFallback[position] === 1 }, target, cells.columns[position], context);
  }
}

/** Agents that declare a counter as INTEGER or Gauge32: 32 bits, negative is nonsense. */
function fillCounterFromNumbers(
  state: CounterState,
  source: Extract<TableColumn, { as: "number" }>,
  target: Int32Array,
  context: FillContext,
): void {
  for (let row = 0; row < target.length; row++) {
    const to = target[row] ?? -1;
    if (to < 0 || source.present[row] !== 1) continue;
    const value = source.value[row] ?? -1;
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) state.take(to, 0, value, 32, Number.NaN);
    else context.anomalies.malformed += 1;
  }
}

interface NumberSource {
  readonly column: OutputColumn;
  readonly from: TableColumn;
  readonly isFallback: boolean;
}

function fillNumber(output: TableOutput, of: NumberSource, target: Int32Array, cells: Column | undefined, context: FillContext): void {
  if (cells?.kind !== "number") return;
  const { column, from, isFallback } = of;
  const reading = isFallback ? column.fallback : column.own;
  const watched = column.isWatched && output.watched !== undefined;
  if (from.as === "number" && reading.conversion === undefined && column.divisor === 1 && !watched && column.factors === undefined) {
    fillPlainNumbers(from, reading, target, cells, column.isState ? context.anomalies : undefined);
    return;
  }
  const { low, high } = reading;
  const { present, value } = cells;
  for (let row = 0; row < target.length; row++) {
    const to = target[row] ?? -1;
    if (to < 0 || from.present[row] !== 1) continue;
    const number = numberAt(from, row, reading.conversion, column.factors?.[to] ?? 1) / column.divisor;
    // NaN compares false both ways and is left out here too.
    if (number >= low && number <= high) {
      if (watched) noteWatched(output, to, number, context);
      value[to] = number;
      present[to] = 1;
    } else if (column.isState) context.anomalies.malformed += 1;
  }
}

/** The usual column: what the agent says is what is reported. Apart from the others so that nothing but numbers passes here. */
function fillPlainNumbers(
  from: Extract<TableColumn, { as: "number" }>,
  { low, high }: NumberReading,
  target: Int32Array,
  { present, value }: NumberColumn,
  anomalies: CounterAnomalies | undefined,
): void {
  const { value: read, present: isRead } = from;
  for (let row = 0; row < target.length; row++) {
    const to = target[row] ?? -1;
    if (to < 0 || isRead[row] !== 1) continue;
    const number = read[row] ?? Number.NaN;
    if (number >= low && number <= high) {
      value[to] = number;
      present[to] = 1;
    } else if (anomalies !== undefined) anomalies.malformed += 1;
  }
}

/** Stands for every state that is none of 1 to 254. */
const noByte = 255;

function noteWatched(output: TableOutput, row: number, state: number, context: FillContext): void {
  const now = state > 0 && state < noByte && Number.isInteger(state) ? state : noByte;
  const before = output.watched?.note(row, now) ?? 0;
  // Zero is no state: the column is new. On the first reading nothing is known of the state before: the speed has just been read.
  if (before === 0 || before === now || Number.isNaN(context.elapsedMs) || output.speeds.length === 0) return;
  output.forgetSpeed(row);
  context.speedsStale();
}

function numberAt(source: TableColumn, row: number, conversion: Conversion | undefined, factor: number): number {
  switch (source.as) {
    case "number":
      return convertNumber(conversion, source.value[row] ?? Number.NaN, factor);
    case "counter":
      // A size that the agent calls Counter64: exact to 2^53, nearest double above.
      return convertNumber(conversion, Number(source.value[row] ?? 0n), factor);
    case "text":
      return convertText(conversion, source.value[row] ?? "");
    case "bytes":
      return convertBytes(conversion, source.value[row] ?? new Uint8Array());
  }
}

function fillText(column: OutputColumn, position: number, source: TableColumn, target: Int32Array, cells: ReportCells): void {
  const texts = cells.texts[position];
  const present = cells.columns[position]?.present;
  if (texts === undefined || present === undefined || (source.as !== "text" && source.as !== "bytes")) return;
  const conversion = column.definition.convert;
  const format = conversion?.is === "octets" ? conversion.format : "auto";
  for (let row = 0; row < target.length; row++) {
    const to = target[row] ?? -1;
    if (to < 0 || source.present[row] !== 1) continue;
    const value = source.value[row];
    texts[to] = conversion?.is === "own-text" && value instanceof Uint8Array ? conversion.text(value) : labelText(format, undefined, value);
    present[to] = 1;
  }
}

/** A changed discontinuity time means that the row's counters began anew (RFC 2863 ifCounterDiscontinuityTime). */
function checkDiscontinuity(output: TableOutput, cells: ReportCells, source: TableColumn | undefined, target: Int32Array): void {
  if (source?.as !== "number") return;
  let times: Float64Array | undefined;
  for (let row = 0; row < target.length; row++) {
    const to = target[row] ?? -1;
    if (to < 0 || source.present[row] !== 1) continue;
    const now = source.value[row] ?? Number.NaN;
    const before = output.discontinuity[to] ?? Number.NaN;
    if (before === now) continue;
    times ??= output.discontinuity.slice();
    times[to] = now;
    if (Number.isNaN(before)) continue;
    for (const counter of cells.counters) counter?.resetRow(to);
  }
  if (times !== undefined) output.setDiscontinuity(times);
}

/** onlyIf rules: a sensor that is not ok has no value. */
export function applyConditions(output: TableOutput, cells: ReportCells): void {
  for (let position = 0; position < output.columns.length; position++) {
    const column = output.columns[position];
    if (column === undefined || column.conditionAt < 0) continue;
    const present = cells.columns[position]?.present;
    const other = cells.columns[column.conditionAt];
    if (present === undefined || other?.kind !== "number") continue;
    for (let row = 0; row < output.rows.length; row++) {
      if (other.present[row] !== 1 || other.value[row] === column.conditionValue) continue;
      cells.counters[position]?.withhold(row);
      present[row] = 0;
    }
  }
}

/** One row over all rows read: the mean of each column. */
export function fillMeans(output: TableOutput, cells: ReportCells, answers: readonly RoutedAnswer[]): void {
  for (let position = 0; position < output.columns.length; position++) fillMean(output, cells, position, answers);
}

function fillMean(output: TableOutput, cells: ReportCells, position: number, answers: readonly RoutedAnswer[]): void {
  const column = output.columns[position];
  const mean = cells.columns[position];
  if (column === undefined || mean?.kind !== "number") return;
  let sum = 0;
  let count = 0;
  const [low, high] = column.definition.range ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
  for (const { answer, routing, rows } of answers) {
    const source = answer.columns[routing.source[position] ?? -1];
    for (let row = 0; source !== undefined && row < rows; row++) {
      if (source.present[row] !== 1) continue;
      const value = numberAt(source, row, column.definition.convert, 1);
      if (!(value >= low && value <= high)) continue;
      sum += value;
      count += 1;
    }
  }
  if (count === 0) return;
  mean.value[0] = Math.round((sum / count) * 100) / 100;
  mean.present[0] = 1;
}

/** An answer with the way it goes. */
export interface RoutedAnswer {
  readonly answer: TableAnswer;
  readonly routing: AnswerRouting;
  readonly rows: number;
}

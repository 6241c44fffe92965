import type { TableAnswer, TableColumn } from "#ports/snmp.ts";
import { convertBytes, convertNumber, convertText } from "../conversions/convert.ts";
import { labelText } from "../conversions/label-text.ts";
import { type CounterAnomalies, type CounterState, wordsOf } from "../counters/counter-column.ts";
import type { ColumnDefinition } from "../metric-sets/metric-set.ts";
import type { ReportCells } from "./report-cells.ts";
import type { OutputColumn, TableOutput } from "./table-output.ts";

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

export interface FillContext {
  readonly cells: ReportCells;
  /** Since the previous report of the table; NaN on the first. */
  readonly elapsedMs: number;
  readonly anomalies: CounterAnomalies;
  /** The state that the rows' speed hangs on. */
  readonly speedChangesWith: string | undefined;
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
const bitsPerOctet = 8;
/** 64 octets of frame, 20 of preamble and gap (IEEE 802.3). */
const bitsPerSmallestFrame = 672;

/** Takes over one answer into one output. Every cell it carries a usable value for becomes present. Allocates nothing per row. */
export function fillOutput(output: TableOutput, answer: TableAnswer, routing: AnswerRouting, context: FillContext): void {
  if (routing.discontinuity >= 0) checkDiscontinuity(output, context.cells, answer.columns[routing.discontinuity], routing.target);
  for (let position = 0; position < output.columns.length; position++) {
    const column = output.columns[position];
    const source = answer.columns[routing.source[position] ?? -1];
    if (column === undefined || source === undefined) continue;
    if (column.counter >= 0) fillCounter(output, position, source, routing.target, context);
    else if (column.definition.kind === "text") fillText(column, position, source, routing.target, context);
    else fillNumber(output, position, source, routing, context);
  }
}

function fillCounter(output: TableOutput, position: number, source: TableColumn, target: Int32Array, context: FillContext): void {
  const state = context.cells.counters[position];
  const column = output.columns[position];
  if (state === undefined || column === undefined) return;
  if (source.as === "counter") {
    const words = source.words ?? wordsOf(source.value);
    const perBit = growthPerBit(column.definition, context.elapsedMs);
    const limits = { perBit, speeds: output.speeds, fastest: fastestLinkBitsPerS };
    state.takeAll({ words, present: source.present, target, bits: source.bits }, limits, (row, doubted) => {
      if (doubted) context.limitDoubted(output, row);
      else if (state.isRefused(row)) context.speedsStale();
    });
  } else if (source.as === "number") fillCounterFromNumbers(state, source, target, context);
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

/** What a counter may grow by at most in the time that passed, per bit/s of its link's speed; NaN = not limited. */
function growthPerBit(definition: ColumnDefinition, elapsedMs: number): number {
  if (definition.rateLimit === undefined) return Number.NaN;
  const bitsPerUnit = definition.rateLimit === "octets" ? bitsPerOctet : bitsPerSmallestFrame;
  return (speedTolerance * (elapsedMs + elapsedSlackMs)) / 1000 / bitsPerUnit;
}

function fillNumber(output: TableOutput, position: number, source: TableColumn, routing: AnswerRouting, context: FillContext): void {
  const column = output.columns[position];
  const cells = context.cells.columns[position];
  if (column === undefined || cells?.kind !== "number") return;
  const { definition, factors, splitCase } = column;
  const isFallback = routing.isFallback[position] === 1;
  const conversion = isFallback ? (definition.fallbackConvert ?? definition.convert) : definition.convert;
  const ownRange = isFallback ? (definition.fallbackRange ?? definition.range) : definition.range;
  const [low, high] = splitCase?.range ?? ownRange ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
  const { present, value } = cells;
  const watched = definition.metric === context.speedChangesWith ? output.watched : undefined;
  for (let row = 0; row < routing.target.length; row++) {
    const to = routing.target[row] ?? -1;
    if (to < 0 || source.present[row] !== 1) continue;
    let number = numberAt(source, row, conversion, factors?.[to] ?? 1);
    if (splitCase?.divide !== undefined) number /= splitCase.divide;
    // NaN compares false both ways and is left out here too.
    if (number >= low && number <= high) {
      if (watched !== undefined) {
        // Zero is no state: the column is new.
        if (watched[to] !== 0 && watched[to] !== number) forgetSpeed(output, to, context);
        watched[to] = number;
      }
      value[to] = number;
      present[to] = 1;
    } else if (definition.kind === "state") context.anomalies.malformed += 1;
  }
}

function forgetSpeed(output: TableOutput, row: number, context: FillContext): void {
  // On the first reading nothing is known of the state before: the speed has just been read.
  if (Number.isNaN(context.elapsedMs) || output.speeds.length === 0) return;
  output.speeds[row] = Number.NaN;
  context.speedsStale();
}

function numberAt(source: TableColumn, row: number, conversion: ColumnDefinition["convert"], factor: number): number {
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

function fillText(column: OutputColumn, position: number, source: TableColumn, target: Int32Array, { cells }: FillContext): void {
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
  for (let row = 0; row < target.length; row++) {
    const to = target[row] ?? -1;
    if (to < 0 || source.present[row] !== 1) continue;
    const now = source.value[row] ?? Number.NaN;
    const before = output.discontinuity[to] ?? Number.NaN;
    output.discontinuity[to] = now;
    if (Number.isNaN(before) || before === now) continue;
    for (const counter of cells.counters) counter?.resetRow(to);
  }
}

/** onlyIf rules: a sensor that is not ok has no value. */
export function applyConditions(output: TableOutput, cells: ReportCells): void {
  for (let position = 0; position < output.columns.length; position++) {
    const rule = output.columns[position]?.definition.onlyIf;
    const present = cells.columns[position]?.present;
    if (rule === undefined || present === undefined) continue;
    const other = cells.columns[output.columns.findIndex((candidate) => candidate.definition.metric === rule.metric)];
    if (other?.kind !== "number") continue;
    for (let row = 0; row < output.rows.length; row++) {
      if (other.present[row] === 1 && other.value[row] !== rule.equals) present[row] = 0;
    }
  }
}

/** One row over all rows read: the mean of each column. */
export function fillMean(
  output: TableOutput,
  cells: ReportCells,
  answers: readonly { readonly answer: TableAnswer; readonly routing: AnswerRouting; readonly rows: number }[],
): void {
  for (const [position, column] of output.columns.entries()) {
    const mean = cells.columns[position];
    if (mean?.kind !== "number") continue;
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
    if (count === 0) continue;
    mean.value[0] = Math.round((sum / count) * 100) / 100;
    mean.present[0] = 1;
  }
}

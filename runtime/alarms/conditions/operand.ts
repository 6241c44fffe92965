import type { TableReport, TableShape } from "#model/report.ts";
import type { Operand } from "./definition.ts";

/** Writes one number per row into `out`; NaN = no verdict. Compiled once per shape: no name is looked up while polling. */
export type OperandReader = (table: TableReport, out: Float64Array, rows: number) => void;

const perHourMs = 3_600_000;
/** A second number per row while an operand is worked out: one for all, as they are read one after the other. */
let second = new Float64Array(64);

function secondOf(rows: number): Float64Array {
  if (second.length < rows) second = new Float64Array(rows);
  return second;
}

/** undefined = the shape lacks a part of it. */
export function compileOperand(operand: Operand, shape: TableShape): OperandReader | undefined {
  const at = (metric: string) => shape.metrics.findIndex((one) => one.name === metric);
  switch (operand.is) {
    case "value": {
      const index = at(operand.metric);
      return index < 0 ? undefined : (table, out, rows) => readNumbers(table, index, out, rows);
    }
    case "share":
      return compileShare(at(operand.part), at(operand.whole), operand.isFree === true);
    case "rate": {
      const columns = operand.metrics.map(at);
      return columns.some((index) => index < 0) ? undefined : (table, out, rows) => readRate(table, columns, out, rows);
    }
    case "bad-share":
      return compileBadShare(operand.bad.map(at), operand.all.map(at), operand.least);
    default:
      return compileChange(at(operand.metric), operand.overMs, shape.rows.length);
  }
}

function readNumbers(table: TableReport, index: number, out: Float64Array, rows: number): void {
  const column = table.columns[index];
  if (column?.kind !== "number") {
    out.fill(Number.NaN, 0, rows);
    return;
  }
  const { present, value } = column;
  for (let row = 0; row < rows; row++) out[row] = present[row] === 1 ? (value[row] ?? Number.NaN) : Number.NaN;
}

/** Increments of several counters added up; NaN where one is not known. */
function addIncrements(table: TableReport, columns: readonly number[], out: Float64Array, rows: number): void {
  for (let place = 0; place < columns.length; place++) {
    const column = table.columns[columns[place] ?? -1];
    if (column?.kind !== "counter") {
      out.fill(Number.NaN, 0, rows);
      return;
    }
    const { present, increment } = column;
    for (let row = 0; row < rows; row++) {
      const own = present[row] === 1 ? (increment[row] ?? Number.NaN) : Number.NaN;
      out[row] = place === 0 ? own : (out[row] ?? 0) + own;
    }
  }
  if (columns.length === 0) out.fill(0, 0, rows);
}

function readRate(table: TableReport, columns: readonly number[], out: Float64Array, rows: number): void {
  addIncrements(table, columns, out, rows);
  const seconds = table.elapsedMs / 1_000;
  for (let row = 0; row < rows; row++) out[row] = seconds > 0 ? (out[row] ?? Number.NaN) / seconds : Number.NaN;
}

function compileShare(part: number, whole: number, isFree: boolean): OperandReader | undefined {
  if (part < 0 || whole < 0) return undefined;
  return (table, out, rows) => {
    const wholes = secondOf(rows);
    readNumbers(table, part, out, rows);
    readNumbers(table, whole, wholes, rows);
    for (let row = 0; row < rows; row++) {
      const all = wholes[row] ?? Number.NaN;
      const percent = all > 0 ? (100 * (out[row] ?? Number.NaN)) / all : Number.NaN;
      out[row] = isFree ? 100 - percent : percent;
    }
  };
}

function compileBadShare(bad: readonly number[], all: readonly number[], least: number): OperandReader | undefined {
  const badColumns = bad.filter((index) => index >= 0);
  if (badColumns.length === 0 || all.some((index) => index < 0)) return undefined;
  return (table, out, rows) => {
    const counted = secondOf(rows);
    addIncrements(table, badColumns, out, rows);
    addIncrements(table, all, counted, rows);
    for (let row = 0; row < rows; row++) {
      const wrong = out[row] ?? Number.NaN;
      const sum = wrong + (counted[row] ?? Number.NaN);
      if (Number.isNaN(sum)) out[row] = Number.NaN;
      else out[row] = wrong < least || sum === 0 ? 0 : (100 * wrong) / sum;
    }
  };
}

/** Keeps one older value per row; the slope is taken over at least `overMs`, so that jitter is no change. */
function compileChange(index: number, overMs: number, capacity: number): OperandReader | undefined {
  if (index < 0) return undefined;
  const before = new Float64Array(capacity).fill(Number.NaN);
  const beforeMs = new Float64Array(capacity);
  const slope = new Float64Array(capacity).fill(Number.NaN);
  return (table, out, rows) => {
    const nowMs = table.observedAt.monotonicMs;
    readNumbers(table, index, out, rows);
    for (let row = 0; row < rows; row++) {
      const value = out[row] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const old = before[row] ?? Number.NaN;
      const sinceMs = nowMs - (beforeMs[row] ?? 0);
      if (Number.isNaN(old) || sinceMs > 4 * overMs) {
        slope[row] = Number.NaN;
      } else if (sinceMs < overMs) {
        out[row] = slope[row] ?? Number.NaN;
        continue;
      } else slope[row] = ((value - old) * perHourMs) / sinceMs;
      before[row] = value;
      beforeMs[row] = nowMs;
      out[row] = slope[row] ?? Number.NaN;
    }
  };
}

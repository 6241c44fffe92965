import type { DecodedCell } from "#model/chunk.ts";
import { limits, type RawGroup, seriesState, WireFloat, type WireInteger, type WireValue } from "./layout.ts";

/**
 * The last cell of each series of a group, which holds its value or absolute; undefined = not known. Most values stay as they are, so the
 * very same object serves row after row.
 */
export type GroupMemory = (DecodedCell | undefined)[];

const unchanged: DecodedCell = Object.freeze({ state: "unchanged" });
const missing: DecodedCell = Object.freeze({ state: "missing" });

/** Absolutes are modulo 2^64, like the counters they come from. */
export function uint64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** `null` = as before, `false` = no data: the marks, whatever the state said. */
export function wireValueAt(group: RawGroup, state: number, at: number, row: number): WireValue {
  if (state === seriesState.unchanged) return null;
  if (state === seriesState.missing) return false;
  return group.vals[state === seriesState.constant ? at : at + row] ?? null;
}

export type Rebases = ReadonlyMap<number, WireInteger> | undefined;

export function rebaseMap(group: RawGroup): Rebases {
  if (group.rebase.length === 0) return undefined;
  return new Map(group.rebase.map(([series, row, absolute]) => [series * limits.rows + row, absolute]));
}

interface SeriesRows {
  readonly index: number;
  readonly rows: readonly DecodedCell[][];
  readonly valueAt: (row: number) => WireValue;
}

export function resolveCounter(series: SeriesRows & { readonly rebases: Rebases }, memory: GroupMemory): void {
  const { index, rows, valueAt, rebases } = series;
  for (const [row, cells] of rows.entries()) {
    const value = valueAt(row);
    if (value === false) {
      cells.push(missing);
      continue;
    }
    const rebased = rebases?.get(index * limits.rows + row) ?? undefined;
    const cell = counterCell(value, memory[index], rebased);
    memory[index] = cell;
    cells.push(cell);
  }
}

function counterCell(value: WireValue, before: DecodedCell | undefined, rebased: WireInteger | undefined): DecodedCell {
  const known = before?.state === "counter" ? before.absolute : undefined;
  if ((value === null || value === 0) && rebased === undefined) {
    if (before?.state === "counter" && before.increment === 0) return before;
    return { state: "counter", increment: 0, absolute: known };
  }
  const step = value === true ? 0 : integerOf(value);
  const increment = value === true ? Number.NaN : Number(step);
  if (rebased !== undefined && rebased !== null) return { state: "counter", increment, absolute: uint64(BigInt(rebased)) };
  return { state: "counter", increment, absolute: known === undefined ? undefined : uint64(known + BigInt(step)) };
}

export function resolveGauge(series: SeriesRows & { readonly scale: number; readonly perRow: boolean }, memory: GroupMemory): void {
  const { index, rows, valueAt, scale, perRow } = series;
  let last: number | bigint = 0;
  for (const [row, cells] of rows.entries()) {
    const value = valueAt(row);
    if (value === false) {
      cells.push(missing);
      continue;
    }
    if (value !== null) {
      const float = floatOf(value);
      if (float !== undefined) memory[index] = { state: "value", value: float };
      else {
        // The first integer stands for itself, the following ones are differences; a constant is the same integer in each row.
        last = perRow ? sum(last, integerOf(value)) : integerOf(value);
        memory[index] = { state: "value", value: Number(last) / scale };
      }
    }
    cells.push(memory[index] ?? unchanged);
  }
}

export function resolveText(series: SeriesRows, memory: GroupMemory): void {
  const { index, rows, valueAt } = series;
  for (const [row, cells] of rows.entries()) {
    const value = valueAt(row);
    if (value === false) {
      cells.push(missing);
      continue;
    }
    if (typeof value === "string") memory[index] = { state: "value", value };
    cells.push(memory[index] ?? unchanged);
  }
}

/** The value if it travels as a float: unscaled and absolute. */
function floatOf(value: WireValue): number | undefined {
  if (value instanceof WireFloat) return value.value;
  if (typeof value === "number") return Number.isInteger(value) ? undefined : value;
  return typeof value === "string" && value.startsWith("f") ? Number(value.slice(1)) : undefined;
}

function integerOf(value: WireValue): number | bigint {
  if (typeof value === "number" || typeof value === "bigint") return value;
  return typeof value === "string" ? BigInt(value) : 0;
}

function sum(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === "number" && typeof b === "number" && Number.isSafeInteger(a + b)) return a + b;
  const exact = BigInt(a) + BigInt(b);
  return exact >= BigInt(Number.MIN_SAFE_INTEGER) && exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact;
}

import { kindCounter, kindGauge, type RawGroup, seriesState, WireFloat, type WireInteger, type WireValue } from "./layout.ts";

interface Cell {
  readonly state: number;
  readonly value: WireValue;
}

/** Reads the cells of one-row groups in series order. */
class RowCursor {
  readonly #group: RawGroup;
  #next = 0;

  constructor(group: RawGroup) {
    this.#group = group;
  }

  cell(series: number): Cell {
    const state = stateOf(this.#group.state, series);
    if (state !== seriesState.constant && state !== seriesState.perRow) return { state, value: null };
    this.#next += 1;
    return { state: seriesState.constant, value: this.#group.vals[this.#next - 1] ?? null };
  }
}

export function stateOf(state: Uint8Array, series: number): number {
  return ((state[series >>> 2] ?? 0) >>> ((series & 3) << 1)) & 3;
}

export function sameValue(a: WireValue, b: WireValue): boolean {
  if (a instanceof WireFloat) return b instanceof WireFloat && Object.is(a.value, b.value);
  return Object.is(a, b);
}

/**
 * Makes one group of n rows from n groups of one row, without the dictionary: the frames' kinds say which series are counters. Exact: the
 * cells that come out of the decoder are the same.
 */
export function mergeRows(
  rows: readonly RawGroup[],
  shape: { readonly rowCount: number; readonly kinds: Uint8Array },
  intervalMs: number,
): RawGroup {
  const [first] = rows;
  if (first !== undefined && rows.length === 1) return first;
  const cursors = rows.map((row) => new RowCursor(row));
  const state = new Uint8Array((shape.rowCount * shape.kinds.length + 3) >>> 2);
  const vals: WireValue[] = [];
  let series = 0;
  for (const kind of shape.kinds) {
    for (let row = 0; row < shape.rowCount; row++, series++) {
      const cells = cursors.map((cursor) => cursor.cell(series));
      const merged = kind === kindCounter ? mergeCounter(cells, vals) : mergeAbsolute(cells, kind === kindGauge, vals);
      const at = series >>> 2;
      state[at] = (state[at] ?? 0) | (merged << ((series & 3) << 1));
    }
  }
  return {
    gid: first?.gid ?? 0,
    dts: rows.map((row, index) => {
      const dt = row.dts[0] ?? 0;
      return index === 0 ? dt : dt - (rows[index - 1]?.dts[0] ?? 0) - intervalMs;
    }),
    state,
    vals,
    base: first?.base,
    rebase: rebasesOf(rows),
  };
}

function rebasesOf(rows: readonly RawGroup[]): readonly (readonly [number, number, WireInteger])[] {
  const all: (readonly [number, number, WireInteger])[] = [];
  for (const [index, row] of rows.entries()) {
    for (const [series, , absolute] of row.rebase) all.push([series, index, absolute]);
  }
  return all;
}

/** Increments of n rows. Appends to `vals`, returns the state. */
function mergeCounter(cells: readonly Cell[], vals: WireValue[]): number {
  const values = cells.map((cell): WireValue => {
    if (cell.state === seriesState.missing) return false;
    return cell.state === seriesState.unchanged ? 0 : cell.value;
  });
  const [first = false] = values;
  if (values.every((value) => value === 0)) return seriesState.unchanged;
  if (first === false || !values.every((value) => sameValue(value, first))) return appendRows(values, vals);
  vals.push(first);
  return seriesState.constant;
}

/** Gauges (first absolute, then differences) and texts of n rows. */
function mergeAbsolute(cells: readonly Cell[], isGauge: boolean, vals: WireValue[]): number {
  const values = cells.map((cell): WireValue => {
    if (cell.state === seriesState.missing) return false;
    return cell.state === seriesState.unchanged ? null : cell.value;
  });
  const [first = null] = values;
  if (values.every((value) => value === null)) return seriesState.unchanged;
  // Said once and unchanged ever since is constant. Looked at before the differences are taken: 9, 18 has the differences 9, 9.
  const isConstant =
    first !== null && first !== false && values.every((value, index) => (index > 0 && value === null) || sameValue(value, first));
  if (!isConstant) return appendRows(isGauge ? differences(values) : values, vals);
  vals.push(first);
  return seriesState.constant;
}

function appendRows(values: readonly WireValue[], vals: WireValue[]): number {
  if (values.every((value) => value === false)) return seriesState.missing;
  vals.push(...values);
  return seriesState.perRow;
}

/** The first integer stays absolute, later ones become the difference to the integer before; marks and floats stay. */
function differences(values: readonly WireValue[]): WireValue[] {
  let last: number | bigint | undefined;
  return values.map((value): WireValue => {
    if (typeof value !== "number" && typeof value !== "bigint") return value;
    if (typeof value === "number" && !Number.isInteger(value)) return value;
    const before = last;
    last = value;
    if (before === undefined) return value;
    const exact = BigInt(value) - BigInt(before);
    return exact >= BigInt(Number.MIN_SAFE_INTEGER) && exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact;
  });
}

import { headerBytes } from "./ber.ts";
import { kind } from "./plan-sets.ts";
import type { CompiledPlan, Group } from "./table-plan.ts";

/** Value lengths assumed before the first read, by `kind`. */
const assumedBytes = [6, 4, 16, 16];

/**
 * Bytes of each varbind of a group, by (column, row), as the values of the last read would take them. Agents that write numbers longer than needed
 * are known by the longest value seen; their columns are sized by that.
 */
export function cellSizes(plan: CompiledPlan, group: Group): Uint16Array {
  const rowCount = group.rows.length;
  const sizes = new Uint16Array(group.columns.length * rowCount);
  for (let x = 0; x < group.columns.length; x++) sizeColumn(plan, group, x, sizes.subarray(x * rowCount, (x + 1) * rowCount));
  return sizes;
}

function sizeColumn(plan: CompiledPlan, group: Group, x: number, sizes: Uint16Array): void {
  const column = group.columns[x] ?? 0;
  const longest = plan.valueBytes[plan.valueBytesAt + column] || assumedBytes[plan.columns.kinds[column] ?? 0] || 0;
  let isPadded = true;
  for (let y = 0; y < sizes.length; y++) {
    const length = valueLength(plan, column, group.rows[y] ?? 0) ?? longest;
    if (length >= longest) isPadded = false;
    sizes[y] = Math.min(0xff00, length);
  }
  const prefixBytes = plan.columns.prefixBytes(column);
  for (let y = 0; y < sizes.length; y++) {
    const nameBytes = prefixBytes + plan.rows.indexBytes(group.rows[y] ?? 0);
    sizes[y] = varbindBytes(nameBytes, isPadded ? longest : (sizes[y] ?? 0));
  }
}

/** Bytes of the value that a cell holds; undefined when it holds none or its length cannot be told. */
function valueLength(plan: CompiledPlan, column: number, row: number): number | undefined {
  if (!plan.holdsValues) return undefined;
  const { arena } = plan;
  const cell = column * plan.rows.count + row;
  if (arena.present[cell] !== 1) return undefined;
  switch (plan.columns.kinds[column]) {
    case kind.counter:
      return unsignedLength(arena.words[2 * cell] ?? 0, arena.words[2 * cell + 1] ?? 0);
    case kind.number:
      return integerLength(arena.numbers[cell] ?? 0);
    case kind.text:
      // Text beyond ASCII takes up to three bytes a unit, and a NUL may have been cut off.
      return 1 + 3 * (arena.texts[column]?.[row]?.length ?? 0) > 48 ? undefined : 1 + (arena.texts[column]?.[row]?.length ?? 0);
    default:
      return arena.blobs[column]?.[row]?.length;
  }
}

/** Minimal BER of an unsigned number: a leading zero keeps it positive. */
function unsignedLength(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
  return (bits >>> 3) + 1;
}

/** Minimal BER of a whole number; undefined for fractions, which come as Opaque. */
function integerLength(value: number): number | undefined {
  if (!Number.isInteger(value)) return undefined;
  const magnitude = value < 0 ? -value - 1 : value;
  let bytes = 1;
  for (let limit = 128; magnitude >= limit; limit *= 256) bytes += 1;
  return bytes;
}

/** Bytes of a varbind whose name and value have contents of these lengths. */
function varbindBytes(nameBytes: number, valueBytes: number): number {
  const content = headerBytes(nameBytes) + nameBytes + headerBytes(valueBytes) + valueBytes;
  return headerBytes(content) + content;
}

import { pdu } from "./answer.ts";
import { integerValue, tags, unsigned64Value, unsignedValue } from "./ber.ts";
import type { CellArena } from "./cell-arena.ts";
import { dottedOid, isWellFormedOid } from "./oid.ts";
import { opaqueNumber } from "./opaque.ts";
import { kind } from "./plan-sets.ts";
import type { Block, CompiledPlan } from "./table-plan.ts";
import { readVarbind, varbindSpan } from "./values.ts";

/**
 * The hot path: reads varbinds as long as each is exactly the predicted cell in the plainest encoding, and stores its value. Returns how many
 * there were, or -1 when something follows them; the caller looks at the rest with more care, and at values of unfitting type, too.
 * Names are compared by words, those at the ends of prefix and index with some bytes for a second time: a name of 12 bytes costs four comparisons.
 */
export function readPredicted(plan: CompiledPlan, block: Block, bytes: Uint8Array, from: number, end: number): number {
  const { starts: prefixStarts, words: prefixWords, wordStarts, ends: prefixEnds, kinds } = plan.columns;
  const { bytes: indexes, starts: indexStarts, ends: indexEnds, count: rowCount } = plan.rows;
  const { columnFrom, columnTo, rowFrom, rowTo } = block;
  const { columns, rows } = block.group;
  const { valueBytes, valueBytesAt, arena } = plan;
  const { wide } = arena;
  let count = 0;
  if (!plan.columns.haveEnds) return count;
  const view = viewOf(bytes);
  let at = from;
  for (let y = rowFrom; y < rowTo; y++) {
    const row = rows[y] ?? 0;
    const indexStart = indexStarts[row] ?? 0;
    const indexEnd = indexStarts[row + 1] ?? 0;
    const indexBytes = indexEnd - indexStart;
    const endOfIndex = indexEnds[row] ?? 0;
    for (let x = columnFrom; x < columnTo; x++) {
      const column = columns[x] ?? 0;
      const prefixBytes = (prefixStarts[column + 1] ?? 0) - (prefixStarts[column] ?? 0);
      if (at + 6 > end) return count;
      const opening = view.getUint32(at, true);
      const nameBytes = opening >>> 24;
      const contentBytes = (opening >>> 8) & 0xff;
      const valueAt = at + 4 + nameBytes;
      const next = at + 2 + contentBytes;
      if ((opening & 0xff00ff) !== openingTags || contentBytes > 0x7f || next > end || valueAt + 2 > next) return count;
      // This also refuses long forms of the value's length: such a length byte is above what is left.
      if (nameBytes !== prefixBytes + indexBytes || next !== valueAt + 2 + view.getUint8(valueAt + 1)) return count;
      let name = at + 4;
      const wordEnd = wordStarts[column + 1] ?? 0;
      for (let word = wordStarts[column] ?? 0; word < wordEnd; word++, name += 4) {
        if (view.getInt32(name, true) !== prefixWords[word]) return count;
      }
      const endOfPrefix = prefixEnds[column] ?? 0;
      if (view.getInt32(at + prefixBytes, true) !== endOfPrefix) return count;
      if (indexBytes > 3) {
        name = at + 4 + prefixBytes;
        for (let offset = indexStart; offset < indexEnd; offset++) if (bytes[name++] !== indexes[offset]) return count;
      } else if (view.getInt32(valueAt - 4, true) !== ((endOfPrefix >>> (8 * indexBytes)) | endOfIndex)) return count;
      const tag = view.getUint8(valueAt);
      const isCounter = kinds[column] === kind.counter && (tag === tags.counter64 || tag === tags.counter32);
      if (!(isCounter && storePlainCounter(arena, column * rowCount + row, view, valueAt, next))) {
        varbindSpan.tag = tag;
        varbindSpan.valueStart = valueAt + 2;
        varbindSpan.valueEnd = next;
        // Exceptions mean holes, which shift what follows; a value that does not fit costs itself only.
        if (!storeCell(plan, column, row, bytes)) {
          if (tag >= tags.noSuchObject) return count;
          plan.unfit += 1;
        }
      } else {
        if (tag === tags.counter64) wide[column] = 1;
        if (next - valueAt - 2 > (valueBytes[valueBytesAt + column] ?? 0)) noteLength(plan, column, next - valueAt - 2);
      }
      at = next;
      count += 1;
    }
  }
  return at === end ? count : -1;
}

let viewed: Uint8Array = new Uint8Array(0);
let lastView = new DataView(viewed.buffer);

/** Datagrams that come in bunches lie in one block for good: a view for each answer would cost as much as a dozen of its varbinds. */
function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return lastView;
}

/** Tags of a varbind and its name as they stand in a little-endian word: 30 .. 06 .. */
const openingTags = 0x06_00_30;

/** Stores a Counter32 of 1..5 or a Counter64 of 1..8 bytes; false for any other form. */
function storePlainCounter(arena: CellArena, cell: number, view: DataView, valueAt: number, next: number): boolean {
  const start = valueAt + 2;
  const length = next - start;
  if (length < 1 || length > 8) return false;
  let low: number;
  let high: number;
  if (length < 4) {
    low = view.getInt8(start);
    for (let at = start + 1; at < next; at++) low = (low << 8) | view.getUint8(at);
    high = low >> 31;
  } else {
    low = view.getInt32(next - 4);
    high = length === 4 ? low >> 31 : view.getInt8(start);
    for (let at = start + 1; at < next - 4; at++) high = (high << 8) | view.getUint8(at);
  }
  if (view.getUint8(valueAt) === tags.counter32) {
    // Five bytes begin with a zero that only keeps the number positive.
    if (length > 4 && (length > 5 || high !== 0)) return false;
    high = 0;
  }
  arena.words[2 * cell] = low;
  arena.words[2 * cell + 1] = high;
  arena.present[cell] = 1;
  return true;
}

function noteLength(plan: CompiledPlan, column: number, length: number): void {
  const at = plan.valueBytesAt + column;
  if (length > (plan.valueBytes[at] ?? 0)) plan.valueBytes[at] = length;
}

/** Where the cells of an answer begin behind a sentinel that found nothing new; -1 when it needs a closer look. */
export function passSentinel(plan: CompiledPlan, block: Block, bytes: Uint8Array, at: number): number {
  if (!readVarbind(bytes, at, pdu.varbindsEnd)) return -1;
  const { nameStart, nameEnd, tag, end } = varbindSpan;
  if (tag === tags.endOfMibView) return end;
  return plan.columns.isUnder(block.group.columns[block.columnFrom] ?? 0, bytes, nameStart, nameEnd) ? -1 : end;
}

/** Stores the value in `varbindSpan` if its type and bytes fit the column; false and nothing stored otherwise. */
export function storeCell(plan: CompiledPlan, column: number, row: number, bytes: Uint8Array): boolean {
  const cell = column * plan.rows.count + row;
  const as = plan.columns.kinds[column];
  const { arena } = plan;
  let isStored: boolean;
  if (as === kind.counter) isStored = storeCounter(plan, column, cell, bytes);
  else if (as === kind.number) isStored = storeNumber(arena, cell, bytes);
  else if (as === kind.text) isStored = storeText(arena.texts[column] ?? [], row, bytes);
  else isStored = storeBlob(arena.blobs[column] ?? [], row, bytes);
  if (!isStored) return false;
  arena.present[cell] = 1;
  noteLength(plan, column, varbindSpan.valueEnd - varbindSpan.valueStart);
  return true;
}

/** Any type that counts upwards from zero will do; agents are not strict about Counter, Gauge and INTEGER. */
function storeCounter(plan: CompiledPlan, column: number, cell: number, bytes: Uint8Array): boolean {
  const { tag, valueStart: start, valueEnd: end } = varbindSpan;
  const { words } = plan.arena;
  if (tag === tags.counter64) {
    const value = unsigned64Value(bytes, start, end);
    if (value === undefined) return false;
    words[2 * cell] = Number(value & 0xffff_ffffn);
    words[2 * cell + 1] = Number(value >> 32n);
    plan.arena.wide[column] = 1;
    return true;
  }
  if (tag !== tags.counter32 && tag !== tags.gauge32 && tag !== tags.timeTicks && tag !== tags.integer) return false;
  const value = tag === tags.integer ? integerValue(bytes, start, end) : unsignedValue(bytes, start, end);
  if (Number.isNaN(value) || value < 0) return false;
  words[2 * cell] = value;
  words[2 * cell + 1] = 0;
  return true;
}

function storeNumber(arena: CellArena, cell: number, bytes: Uint8Array): boolean {
  const { tag, valueStart: start, valueEnd: end } = varbindSpan;
  let value: number;
  if (tag === tags.integer) value = integerValue(bytes, start, end);
  else if (tag === tags.gauge32 || tag === tags.timeTicks || tag === tags.counter32) value = unsignedValue(bytes, start, end);
  else if (tag === tags.counter64) value = Number(unsigned64Value(bytes, start, end) ?? Number.NaN);
  else if (tag === tags.opaque) value = opaqueNumber(bytes, start, end);
  else return false;
  if (!Number.isFinite(value)) return false;
  arena.numbers[cell] = value;
  return true;
}

const decoder = new TextDecoder();

function storeText(texts: string[], row: number, bytes: Uint8Array): boolean {
  const { tag, valueStart: start, valueEnd: end } = varbindSpan;
  if (tag === tags.octetString) {
    let stop = end;
    while (stop > start && bytes[stop - 1] === 0) stop--;
    if (!isSameText(texts[row] ?? "", bytes, start, stop)) texts[row] = decoder.decode(bytes.subarray(start, stop));
    return true;
  }
  if (tag === tags.ipAddress && end - start === 4) texts[row] = bytes.subarray(start, end).join(".");
  else if (tag === tags.oid && isWellFormedOid(bytes, start, end)) texts[row] = dottedOid(bytes, start, end);
  else return false;
  return true;
}

/** Plain ASCII that did not change since the last poll needs no new string. */
function isSameText(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f || code !== bytes[start + index]) return false;
  }
  return true;
}

function storeBlob(blobs: Uint8Array[], row: number, bytes: Uint8Array): boolean {
  const { tag, valueStart: start, valueEnd: end } = varbindSpan;
  if (tag !== tags.octetString && tag !== tags.opaque && tag !== tags.ipAddress) return false;
  const known = blobs[row];
  let isSame = known !== undefined && known.length === end - start;
  for (let index = start; isSame && index < end; index++) isSame = known?.[index - start] === bytes[index];
  if (!isSame) blobs[row] = new Uint8Array(bytes.subarray(start, end));
  return true;
}

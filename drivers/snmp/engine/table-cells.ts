import { integerValue, tags, unsigned64Value, unsignedValue } from "./ber.ts";
import { dottedOid, isWellFormedOid } from "./oid.ts";
import type { Block } from "./table-layout.ts";
import type { ColumnStore, CompiledPlan } from "./table-plan.ts";

/** Bits of the widest counter that `readPredicted` or `storeCell` met in a column since `bits` was set to 32. */
function noteBits(store: ColumnStore, bits: 32 | 64): void {
  if (store.answer.bits !== bits && bits === 64) store.answer.bits = bits;
}

/**
 * The hot path: reads varbinds as long as each is exactly the predicted cell in the plainest encoding, and stores its value. Returns how many
 * there were; the caller looks at the rest, if there is any, with more care. Values of unfitting type are left to that, too.
 */
export function readPredicted(plan: CompiledPlan, block: Block, bytes: Uint8Array, from: number, end: number): number {
  const { columns, rowBytes, rowStarts } = plan;
  const { columns: blockColumns, rows } = block;
  const width = blockColumns.length;
  const height = rows.length;
  let at = from;
  for (let y = 0; y < height; y++) {
    const row = rows[y] ?? 0;
    const indexStart = rowStarts[row] ?? 0;
    const indexBytes = (rowStarts[row + 1] ?? 0) - indexStart;
    for (let x = 0; x < width; x++) {
      const store = columns[blockColumns[x] ?? 0];
      if (store === undefined || at + 6 > end) return y * width + x;
      const { prefix } = store;
      const prefixBytes = prefix.length;
      const nameBytes = bytes[at + 3] ?? 0;
      const contentBytes = bytes[at + 1] ?? 0;
      const valueAt = at + 4 + nameBytes;
      const next = at + 2 + contentBytes;
      const valueBytes = bytes[valueAt + 1] ?? 0;
      if (
        bytes[at] !== tags.sequence ||
        bytes[at + 2] !== tags.oid ||
        nameBytes !== prefixBytes + indexBytes ||
        contentBytes > 0x7f ||
        valueBytes > 0x7f ||
        next !== valueAt + 2 + valueBytes ||
        next > end
      ) {
        return y * width + x;
      }
      // From the back: what differs between neighbours differs there.
      let name = valueAt - 1;
      for (let offset = indexStart + indexBytes - 1; offset >= indexStart; offset--)
        if (bytes[name--] !== rowBytes[offset]) return y * width + x;
      for (let offset = prefixBytes - 1; offset >= 0; offset--) if (bytes[name--] !== prefix[offset]) return y * width + x;
      if (!storeCell(store, row, bytes, bytes[valueAt] ?? 0, valueAt + 2, next)) return y * width + x;
      at = next;
    }
  }
  return at === end ? width * height : -1;
}

/** Stores a value if its type and bytes fit the column; false and nothing stored otherwise. */
export function storeCell(store: ColumnStore, row: number, bytes: Uint8Array, tag: number, start: number, end: number): boolean {
  let isStored: boolean;
  switch (store.as) {
    case "counter":
      isStored = storeCounter(store, row, bytes, tag, start, end);
      break;
    case "number":
      isStored = storeNumber(store, row, bytes, tag, start, end);
      break;
    case "text":
      isStored = storeText(store, row, bytes, tag, start, end);
      break;
    default:
      isStored = storeBlob(store, row, bytes, tag, start, end);
  }
  if (!isStored) return false;
  store.present[row] = 1;
  if (end - start > store.valueBytes) store.valueBytes = end - start;
  return true;
}

function storeCounter(store: ColumnStore, row: number, bytes: Uint8Array, tag: number, start: number, end: number): boolean {
  if (tag === tags.counter64) {
    let at = start;
    if (end - start === 9 && bytes[start] === 0) at += 1;
    const length = end - at;
    if (length < 1 || length > 8) return false;
    const sign = (bytes[at] ?? 0) > 0x7f ? -1 : 0;
    let high = sign;
    let low = sign;
    for (const lowAt = end - 4; at < lowAt; at++) high = (high << 8) | (bytes[at] ?? 0);
    for (; at < end; at++) low = (low << 8) | (bytes[at] ?? 0);
    store.words[2 * row] = low;
    store.words[2 * row + 1] = high;
    noteBits(store, 64);
    return true;
  }
  if (tag !== tags.counter32 && tag !== tags.gauge32 && tag !== tags.timeTicks && tag !== tags.integer) return false;
  const value = tag === tags.integer ? integerValue(bytes, start, end) : unsignedValue(bytes, start, end);
  if (Number.isNaN(value) || value < 0) return false;
  store.words[2 * row] = value;
  store.words[2 * row + 1] = 0;
  return true;
}

function storeNumber(store: ColumnStore, row: number, bytes: Uint8Array, tag: number, start: number, end: number): boolean {
  let value: number;
  if (tag === tags.integer) value = integerValue(bytes, start, end);
  else if (tag === tags.gauge32 || tag === tags.timeTicks || tag === tags.counter32) value = unsignedValue(bytes, start, end);
  else if (tag === tags.counter64) value = Number(unsigned64Value(bytes, start, end) ?? Number.NaN);
  else if (tag === tags.opaque) value = opaqueNumber(bytes, start, end);
  else return false;
  if (!Number.isFinite(value)) return false;
  store.numbers[row] = value;
  return true;
}

/** Numbers wrapped in Opaque by Net-SNMP (float, double, counter64, int64, uint64), and BER REAL in decimal form (ISO 6093). NaN otherwise. */
export function opaqueNumber(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  if (length >= 3 && view.getUint8(0) === 0x9f && view.getUint8(2) === length - 3) {
    const kind = view.getUint8(1);
    if (kind === 0x78 && length === 7) return view.getFloat32(3);
    if (kind === 0x79 && length === 11) return view.getFloat64(3);
    if (kind === 0x76 || kind === 0x7b) return Number(unsigned64Value(bytes, start + 3, end) ?? Number.NaN);
    if (kind === 0x7a && length > 3 && length <= 11) return Number(BigInt.asIntN(64, unsigned64Value(bytes, start + 3, end) ?? 0n));
  }
  if (length > 3 && view.getUint8(0) === 0x09 && view.getUint8(1) === length - 2 && view.getUint8(2) <= 3) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start + 3, length - 3)
      .toString("latin1")
      .trim();
    return /^[-+]?\d*\.?\d+(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  }
  return Number.NaN;
}

const decoder = new TextDecoder();

function storeText(store: ColumnStore, row: number, bytes: Uint8Array, tag: number, start: number, end: number): boolean {
  if (tag === tags.octetString) {
    let stop = end;
    while (stop > start && bytes[stop - 1] === 0) stop--;
    if (!isSameText(store.texts[row] ?? "", bytes, start, stop)) store.texts[row] = decoder.decode(bytes.subarray(start, stop));
    return true;
  }
  if (tag === tags.ipAddress && end - start === 4) store.texts[row] = bytes.subarray(start, end).join(".");
  else if (tag === tags.oid && isWellFormedOid(bytes, start, end)) store.texts[row] = dottedOid(bytes, start, end);
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

function storeBlob(store: ColumnStore, row: number, bytes: Uint8Array, tag: number, start: number, end: number): boolean {
  if (tag !== tags.octetString && tag !== tags.opaque && tag !== tags.ipAddress) return false;
  const known = store.blobs[row];
  let isSame = known !== undefined && known.length === end - start;
  for (let index = start; isSame && index < end; index++) isSame = known?.[index - start] === bytes[index];
  if (!isSame) store.blobs[row] = Uint8Array.prototype.slice.call(bytes, start, end);
  return true;
}

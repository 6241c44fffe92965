import type { CounterColumn, NumberColumn, TextColumn } from "#model/report.ts";
import type { GroupForm } from "./group-form.ts";
import { type GroupMemory, noShort } from "./group-memory.ts";
import type { GroupScratch } from "./group-scratch.ts";
import { limits } from "./layout.ts";

const twoTo32 = 4_294_967_296;
const textEncoder = new TextEncoder();

/** One column of a group: its first series, and which rows of the report are its. */
export interface Range {
  readonly column: number;
  readonly series: number;
  readonly fromRow: number;
  readonly rowCount: number;
  readonly keyed: boolean;
  readonly form: GroupForm;
}

/**
 * Most values of a site pass here, so: every column in one loop over its arrays, values written into the frame in line, nothing touched for a counter
 * that stands still.
 */
export function encodeCounters(column: CounterColumn, memory: GroupMemory, range: Range, scratch: GroupScratch): void {
  const { present, increment, absolute, previous } = column;
  const { known } = memory;
  const { fromRow, rowCount, keyed } = range;
  const said = memory.before(range.column, previous);
  // Halves instead of BigInts: a BigInt per value costs more than everything else here.
  const halves = range.form.halves.of(absolute);
  const before = range.form.halvesBefore.of(said);
  const { state, out } = scratch;
  let bytes = out.room(rowCount * longestUint);
  let end = out.end;
  let samples = 0;
  let written = 0;
  let series = range.series;
  const knownAt = memory.knownPlaceOf(range.column);
  let at = (absolute.byteOffset >>> 2) + (fromRow << 1);
  let beforeAt = (said.byteOffset >>> 2) + (said === previous ? fromRow << 1 : 0);
  for (let row = 0; row < rowCount; row++, series++, at += 2, beforeAt += 2) {
    const from = fromRow + row;
    const low = halves[at] ?? 0;
    const high = halves[at + 1] ?? 0;
    const step = increment[from] ?? Number.NaN;
    const whole = step >>> 0;
    const isKnown = (((known[knownAt + (row >>> 3)] ?? 0) >>> (row & 7)) & 1) === 1;
    if (present[from] === 1 && isKnown && whole === step && !keyed) {
      // The usual counter: known, and its increment leads to its absolute.
      const sum = ((before[beforeAt] ?? 0) + whole) >>> 0;
      const carried = ((before[beforeAt + 1] ?? 0) + (sum < whole ? 1 : 0)) >>> 0;
      if (sum === low && carried === high) {
        samples += 1;
        if (whole === 0) continue;
        state[series >>> 2] = (state[series >>> 2] ?? 0) | (1 << ((series & 3) << 1));
        end = putUint(bytes, end, whole);
        written += 1;
        continue;
      }
    }
    const lowBefore = before[beforeAt] ?? 0;
    const highBefore = before[beforeAt + 1] ?? 0;
    if (present[from] !== 1) {
      scratch.setState(series, 3);
      if (keyed) writeBase(scratch, isKnown, lowBefore, highBefore);
      continue;
    }
    samples += 1;
    out.wroteTo(end);
    encodeCounter({ low, high, step, series, keyed, isKnown, lowBefore, highBefore }, scratch);
    known[knownAt + (row >>> 3)] = (known[knownAt + (row >>> 3)] ?? 0) | (1 << (row & 7));
    bytes = out.room(rowCount * longestUint);
    end = out.end;
  }
  out.wroteTo(end);
  scratch.samples += samples;
  scratch.valCount += written;
  memory.remember(range.column, column, fromRow);
}

/** Below 2^32. */
const longestUint = 5;

/** CBOR's unsigned integer in its shortest form. @returns behind it */
function putUint(bytes: Uint8Array, end: number, value: number): number {
  if (value < 24) {
    bytes[end] = value;
    return end + 1;
  }
  if (value < 0x100) {
    bytes[end] = 24;
    bytes[end + 1] = value;
    return end + 2;
  }
  if (value < 0x1_0000) {
    bytes[end] = 25;
    bytes[end + 1] = value >>> 8;
    bytes[end + 2] = value;
    return end + 3;
  }
  bytes[end] = 26;
  bytes[end + 1] = value >>> 24;
  bytes[end + 2] = value >>> 16;
  bytes[end + 3] = value >>> 8;
  bytes[end + 4] = value;
  return end + 5;
}

function writeBase(scratch: GroupScratch, isKnown: boolean, low: number, high: number): void {
  scratch.baseCount += 1;
  if (isKnown) scratch.base.uint64(low, high);
  else scratch.base.null();
}

interface CounterCell {
  readonly low: number;
  readonly high: number;
  readonly step: number;
  readonly series: number;
  readonly keyed: boolean;
  /** Readers have what was said before. */
  readonly isKnown: boolean;
  readonly lowBefore: number;
  readonly highBefore: number;
}

/** A counter that is not the usual case or has to be said anew: the increment where it is valid, and the absolute where increments do not lead to it. */
function encodeCounter(cell: CounterCell, scratch: GroupScratch): void {
  const { low, high, step, series } = cell;
  // Any integral double below 2^64 is exact, and so are its halves; only writing one beyond 2^53 takes a BigInt.
  const valid = step >= 0 && step < twoTo32 * twoTo32 && Math.floor(step) === step;
  if (!valid || step !== 0) {
    scratch.setState(series, 1);
    scratch.valCount += 1;
    if (!valid) scratch.out.boolean(true);
    else if (step <= Number.MAX_SAFE_INTEGER) scratch.out.uint(step);
    else scratch.out.bigint(BigInt(step));
  }
  const stepLow = valid ? step % twoTo32 : 0;
  const stepHigh = valid ? Math.floor(step / twoTo32) : 0;
  if (cell.keyed) {
    const borrow = low < stepLow ? 1 : 0;
    writeBase(scratch, true, (low - stepLow) >>> 0, (high - stepHigh - borrow) >>> 0);
  } else {
    const sum = cell.lowBefore + stepLow;
    const carry = sum >= twoTo32 ? 1 : 0;
    const follows = sum >>> 0 === low && (cell.highBefore + stepHigh + carry) >>> 0 === high;
    if (!cell.isKnown || !follows) {
      scratch.rebaseCount += 1;
      scratch.rebase.array(3);
      scratch.rebase.uint(series);
      scratch.rebase.uint(0);
      scratch.rebase.uint64(low, high);
    }
  }
}

export function encodeNumbers(
  column: NumberColumn,
  memory: GroupMemory,
  range: Range & { readonly scale: number; readonly place: number },
  scratch: GroupScratch,
): void {
  const { present, value } = column;
  const { known, shorts } = memory;
  const knownAt = memory.knownPlaceOf(range.column);
  const { scale, place } = range;
  const { out } = scratch;
  let samples = 0;
  let written = 0;
  for (let row = 0; row < range.rowCount; row++) {
    const from = range.fromRow + row;
    const series = range.series + row;
    if (present[from] !== 1) {
      scratch.setState(series, 3);
      continue;
    }
    samples += 1;
    const v = value[from] ?? 0;
    const isKnown = ((known[knownAt + (row >>> 3)] ?? 0) >>> (row & 7)) & 1;
    const scaled = Math.round(v * scale);
    // Integral only where the reader's division gives the very same double back.
    const isIntegral = scaled <= Number.MAX_SAFE_INTEGER && scaled >= -Number.MAX_SAFE_INTEGER && scaled / scale === v && !Object.is(v, -0);
    const short = isIntegral && (scaled | 0) === scaled ? scaled : noShort;
    if (isKnown === 1 && shorts[place + row] === short && (short !== noShort || Object.is(v, memory.longOf(place + row)))) continue;
    if (isKnown === 0) known[knownAt + (row >>> 3)] = (known[knownAt + (row >>> 3)] ?? 0) | (1 << (row & 7));
    shorts[place + row] = short;
    if (short === noShort) memory.rememberLong(place + row, v);
    scratch.setState(series, 1);
    written += 1;
    if (isIntegral) out.int(scaled);
    else out.float(v);
  }
  scratch.samples += samples;
  scratch.valCount += written;
}

export function encodeTexts(
  column: TextColumn,
  memory: GroupMemory,
  range: Range & { readonly last: string[] },
  scratch: GroupScratch,
): void {
  const { present, value } = column;
  const { known } = memory;
  const knownAt = memory.knownPlaceOf(range.column);
  const { last } = range;
  for (let row = 0; row < range.rowCount; row++) {
    const from = range.fromRow + row;
    const series = range.series + row;
    if (present[from] !== 1) {
      scratch.setState(series, 3);
      continue;
    }
    const text = value[from] ?? "";
    const knownByte = knownAt + (row >>> 3);
    const bit = 1 << (row & 7);
    const marks = known[knownByte] ?? 0;
    if ((marks & bit) !== 0 && text === last[row]) {
      scratch.samples += 1;
      continue;
    }
    if (scratch.valBytes > limits.frameTextBytes) {
      // A device may answer with any amount of text; the frame stays within its bound, and the loss is counted.
      scratch.refusedTexts += 1;
      known[knownByte] = marks & ~bit;
      scratch.setState(series, 3);
      continue;
    }
    scratch.samples += 1;
    scratch.valCount += 1;
    known[knownByte] = marks | bit;
    last[row] = text;
    scratch.setState(series, 1);
    scratch.out.textBytes(boundedText(text, scratch));
  }
}

function boundedText(text: string, scratch: GroupScratch): Uint8Array {
  const utf8 = textEncoder.encode(text);
  if (utf8.length <= limits.textBytes) return utf8;
  scratch.cutTexts += 1;
  let end: number = limits.textBytes;
  // Not in the middle of a character: continuation bytes are 10xxxxxx.
  while (end > 0 && ((utf8[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return utf8.subarray(0, end);
}

/** A column of which the report has nothing. */
export function encodeAbsent(kind: "counter" | "number" | "text", memory: GroupMemory, range: Range, scratch: GroupScratch): void {
  for (let row = 0; row < range.rowCount; row++) scratch.setState(range.series + row, 3);
  if (kind !== "counter" || !range.keyed) return;
  const said = memory.before(range.column, undefined);
  const before = range.form.halvesBefore.of(said);
  const knownAt = memory.knownPlaceOf(range.column);
  for (let row = 0; row < range.rowCount; row++) {
    const isKnown = (((memory.known[knownAt + (row >>> 3)] ?? 0) >>> (row & 7)) & 1) === 1;
    const at = (said.byteOffset >>> 2) + 2 * row;
    writeBase(scratch, isKnown, before[at] ?? 0, before[at + 1] ?? 0);
  }
}

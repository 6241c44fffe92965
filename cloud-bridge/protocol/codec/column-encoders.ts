import type { CounterColumn, NumberColumn, TextColumn } from "#model/report.ts";
import { CborWriter } from "./cbor-writer.ts";
import type { GroupShape } from "./dictionary-writer.ts";
import { limits } from "./layout.ts";

const noHalves = new Uint32Array(0);
const twoTo32 = 4_294_967_296;
const textEncoder = new TextEncoder();

/** What was last said about one column of a group. `known` = said since the last key-frame, so that a reader has it. */
interface CounterMemory {
  readonly kind: "counter";
  readonly known: Uint8Array;
  /** Low and high halves of the last absolute, alternating. */
  readonly last: Uint32Array;
  /** The producer's array and its halves: producers keep their arrays, and making a view costs more than the column's rows. */
  source: BigUint64Array | undefined;
  halves: Uint32Array;
}

interface NumberMemory {
  readonly kind: "number";
  readonly known: Uint8Array;
  readonly last: Float64Array;
  readonly scale: number;
}

interface TextMemory {
  readonly kind: "text";
  readonly known: Uint8Array;
  readonly last: string[];
}

export type ColumnMemory = CounterMemory | NumberMemory | TextMemory;

/** Scratch of an encoder, shared by its groups: nothing is allocated per value. */
export class GroupScratch {
  readonly out = new CborWriter(32_768);
  readonly vals = new CborWriter(16_384);
  readonly base = new CborWriter(16_384);
  readonly rebase = new CborWriter(1_024);
  state = new Uint8Array(1_024);
  valCount = 0;
  baseCount = 0;
  rebaseCount = 0;
  samples = 0;
  /** Text values cut to the longest allowed, since start. */
  cutTexts = 0;
  /** Text values left out because the frame was full, since start. */
  refusedTexts = 0;

  begin(series: number): void {
    const stateBytes = (series + 3) >>> 2;
    if (this.state.length < stateBytes) this.state = new Uint8Array(stateBytes * 2);
    this.state.fill(0, 0, stateBytes);
    this.vals.reset();
    this.base.reset();
    this.rebase.reset();
    this.valCount = 0;
    this.baseCount = 0;
    this.rebaseCount = 0;
    this.samples = 0;
  }
}

/** Nothing said yet, for each column of the group. One block for all columns: a buffer of its own costs more than what a column keeps in it. */
export function memoryOf(group: GroupShape): ColumnMemory[] {
  const rows = group.rowCount;
  const { metrics } = group.shape;
  const block = new ArrayBuffer(metrics.length * rows * 9);
  return metrics.map((metric, column): ColumnMemory => {
    const at = column * rows * 8;
    const known = new Uint8Array(block, metrics.length * rows * 8 + column * rows, rows);
    if (metric.kind === "counter") {
      return { kind: "counter", known, last: new Uint32Array(block, at, rows * 2), source: undefined, halves: noHalves };
    }
    if (metric.kind === "text") return { kind: "text", known, last: new Array<string>(rows).fill("") };
    const scale = Number.isSafeInteger(metric.scale) && metric.scale > 0 ? metric.scale : 0;
    return { kind: "number", known, last: new Float64Array(block, at, rows), scale };
  });
}

interface Range {
  readonly series: number;
  readonly fromRow: number;
  readonly rowCount: number;
}

function setState(state: Uint8Array, series: number, value: number): void {
  const at = series >>> 2;
  state[at] = (state[at] ?? 0) | (value << ((series & 3) << 1));
}

export function encodeCounters(
  column: CounterColumn,
  memory: CounterMemory,
  range: Range & { readonly keyed: boolean },
  scratch: GroupScratch,
): void {
  const { present, increment, absolute } = column;
  const { known, last } = memory;
  const { fromRow, rowCount, keyed } = range;
  // Halves instead of BigInts: a BigInt per value costs more than everything else here. Little-endian machines only.
  if (memory.source !== absolute) {
    memory.source = absolute;
    memory.halves = new Uint32Array(absolute.buffer, absolute.byteOffset, absolute.length * 2);
  }
  const { halves } = memory;
  const { state, vals } = scratch;
  let samples = 0;
  for (let row = 0; row < rowCount; row++) {
    const from = fromRow + row;
    const at = row << 1;
    if (present[from] !== 1) {
      setState(scratch.state, range.series + row, 3);
      if (keyed) writeBase(scratch, known[row] === 1, last[at] ?? 0, last[at + 1] ?? 0);
      continue;
    }
    samples += 1;
    const low = halves[from << 1] ?? 0;
    const high = halves[(from << 1) + 1] ?? 0;
    const step = increment[from] ?? Number.NaN;
    if (!keyed && known[row] === 1 && step >= 0 && step < twoTo32 && Math.floor(step) === step) {
      // The usual counter: known, and its increment leads to its absolute. In line, without an object: this is most of all work.
      const sum = (last[at] ?? 0) + step;
      if (sum >>> 0 === low && ((last[at + 1] ?? 0) + (sum >= twoTo32 ? 1 : 0)) >>> 0 === high) {
        if (step === 0) continue;
        setState(state, range.series + row, 1);
        vals.uint(step);
        scratch.valCount += 1;
        last[at] = low;
        last[at + 1] = high;
        continue;
      }
    }
    encodeCounter({ low, high, step, series: range.series + row, row, keyed }, memory, scratch);
  }
  scratch.samples += samples;
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
  readonly row: number;
  readonly keyed: boolean;
}

/** A counter that is not the usual case or has to be said anew: the increment where it is valid, and the absolute where increments do not lead to it. */
function encodeCounter(cell: CounterCell, memory: CounterMemory, scratch: GroupScratch): void {
  const { low, high, step, series, row } = cell;
  const at = row << 1;
  // Any integral double below 2^64 is exact, and so are its halves; only writing one beyond 2^53 takes a BigInt.
  const valid = step >= 0 && step < twoTo32 * twoTo32 && Math.floor(step) === step;
  if (!valid || step !== 0) {
    setState(scratch.state, series, 1);
    scratch.valCount += 1;
    if (!valid) scratch.vals.boolean(true);
    else if (step <= Number.MAX_SAFE_INTEGER) scratch.vals.uint(step);
    else scratch.vals.bigint(BigInt(step));
  }
  const stepLow = valid ? step % twoTo32 : 0;
  const stepHigh = valid ? Math.floor(step / twoTo32) : 0;
  if (cell.keyed) {
    const borrow = low < stepLow ? 1 : 0;
    writeBase(scratch, true, (low - stepLow) >>> 0, (high - stepHigh - borrow) >>> 0);
  } else {
    const sum = (memory.last[at] ?? 0) + stepLow;
    const carry = sum >= twoTo32 ? 1 : 0;
    const follows = sum >>> 0 === low && ((memory.last[at + 1] ?? 0) + stepHigh + carry) >>> 0 === high;
    if (memory.known[row] !== 1 || !follows) {
      scratch.rebaseCount += 1;
      scratch.rebase.array(3);
      scratch.rebase.uint(series);
      scratch.rebase.uint(0);
      scratch.rebase.uint64(low, high);
    }
  }
  memory.known[row] = 1;
  memory.last[at] = low;
  memory.last[at + 1] = high;
}

export function encodeNumbers(column: NumberColumn, memory: NumberMemory, range: Range, scratch: GroupScratch): void {
  const { present, value } = column;
  const { known, last, scale } = memory;
  const { vals, state } = scratch;
  let samples = 0;
  let written = 0;
  for (let row = 0; row < range.rowCount; row++) {
    const from = range.fromRow + row;
    if (present[from] !== 1) {
      setState(state, range.series + row, 3);
      continue;
    }
    samples += 1;
    const v = value[from] ?? 0;
    if (known[row] === 1 && Object.is(v, last[row])) continue;
    known[row] = 1;
    last[row] = v;
    setState(state, range.series + row, 1);
    written += 1;
    const scaled = Math.round(v * scale);
    // Integral only where the reader's division gives the very same double back.
    if (scaled <= Number.MAX_SAFE_INTEGER && scaled >= -Number.MAX_SAFE_INTEGER && scaled / scale === v && !Object.is(v, -0))
      vals.int(scaled);
    else vals.float(v);
  }
  scratch.samples += samples;
  scratch.valCount += written;
}

export function encodeTexts(column: TextColumn, memory: TextMemory, range: Range, scratch: GroupScratch): void {
  const { present, value } = column;
  const { known, last } = memory;
  for (let row = 0; row < range.rowCount; row++) {
    const from = range.fromRow + row;
    if (present[from] !== 1) {
      setState(scratch.state, range.series + row, 3);
      continue;
    }
    const text = value[from] ?? "";
    if (known[row] === 1 && text === last[row]) {
      scratch.samples += 1;
      continue;
    }
    if (scratch.vals.length > limits.frameTextBytes) {
      // A device may answer with any amount of text; the frame stays within its bound, and the loss is counted.
      scratch.refusedTexts += 1;
      known[row] = 0;
      setState(scratch.state, range.series + row, 3);
      continue;
    }
    scratch.samples += 1;
    scratch.valCount += 1;
    known[row] = 1;
    last[row] = text;
    setState(scratch.state, range.series + row, 1);
    scratch.vals.textBytes(boundedText(text, scratch));
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

export function encodeAbsent(
  memory: ColumnMemory,
  range: { readonly series: number; readonly rowCount: number; readonly keyed: boolean },
  scratch: GroupScratch,
): void {
  for (let row = 0; row < range.rowCount; row++) {
    setState(scratch.state, range.series + row, 3);
    if (memory.kind === "counter" && range.keyed)
      writeBase(scratch, memory.known[row] === 1, memory.last[row * 2] ?? 0, memory.last[row * 2 + 1] ?? 0);
  }
}

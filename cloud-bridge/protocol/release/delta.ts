import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import type { Readable, Transform } from "node:stream";
import { constants, createZstdDecompress, zstdCompressSync } from "node:zlib";
import { untrusted } from "./metadata.ts";

/**
 * Differences of two programs: "GHD1", then zstd (window 1 MiB) over pairs of instructions, all numbers as LEB128:
 * copy length, where in the old file relative to the end of the last copy (zigzag), literal length, literal bytes.
 * Applying needs the old file at hand and buffers of 64 KiB, nothing that grows with the files.
 */
const magic = Buffer.from("GHD1");
const windowLog = 20;
const blockBytes = 32;
/** What has to agree for a copy to go on behind a changed place, at the same distance as before it. */
const resumedBytes = 12;
const copyBytes = 65_536;
/** Multiplier of the rolling hash; any odd number of that size does. */
const multiplier = 0x01000193;

/** Makes a delta; needs both files and an index in memory (the NOC's end has it). */
export function makeDelta(old: Uint8Array, next: Uint8Array): Uint8Array {
  const index = indexOf(old);
  const out: Buffer[] = [];
  let at = 0;
  let oldEnd = 0;
  while (at < next.length || at === 0) {
    const match = at >= next.length ? undefined : findMatch(old, next, at, index, oldEnd);
    const literalEnd = match?.at ?? next.length;
    // A copy follows the literals before it: an instruction is (copy, literals), the first copy may be empty.
    out.push(...instruction(0, 0, next.subarray(at, literalEnd)));
    if (match === undefined) break;
    const { from, length } = match;
    out.push(...instruction(length, from - oldEnd, new Uint8Array(0)));
    oldEnd = from + length;
    at = match.at + length;
  }
  const params = { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: windowLog };
  return Buffer.concat([magic, zstdCompressSync(Buffer.concat(out), { params })]);
}

function instruction(copyLength: number, jump: number, literal: Uint8Array): readonly Buffer[] {
  if (copyLength === 0 && literal.length === 0) return [];
  return [number(copyLength), number(jump < 0 ? -2 * jump - 1 : 2 * jump), number(literal.length), Buffer.from(literal)];
}

function number(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Hash of each aligned block of the old file -> its position; an open table, the last stays: what changes most lies last. */
function indexOf(old: Uint8Array): { readonly table: Int32Array; readonly mask: number } {
  const blocks = Math.floor(old.length / blockBytes);
  const size = 2 ** Math.ceil(Math.log2(Math.max(blocks * 2, 16)));
  const table = new Int32Array(size).fill(-1);
  for (let block = 0; block < blocks; block++) {
    const slot = slotOf(hashAt(old, block * blockBytes), size - 1);
    table[slot] = block * blockBytes;
  }
  return { table, mask: size - 1 };
}

const slotOf = (hash: number, mask: number) => ((hash ^ (hash >>> 15)) & mask) >>> 0;

function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let i = 0; i < blockBytes; i++) hash = (Math.imul(hash, multiplier) + (bytes[at + i] ?? 0)) | 0;
  return hash;
}

let leaving = 1;
for (let i = 0; i < blockBytes - 1; i++) leaving = Math.imul(leaving, multiplier);

interface Match {
  readonly at: number;
  readonly from: number;
  readonly length: number;
}

function findMatch(
  old: Uint8Array,
  next: Uint8Array,
  start: number,
  index: ReturnType<typeof indexOf>,
  expected: number,
): Match | undefined {
  let hash = hashAt(next, start);
  for (let at = start; at + blockBytes <= next.length; at++) {
    const same = expected + at - start;
    const straight = commonLength(old, same, next, at);
    if (straight >= resumedBytes) return { at, from: same, length: straight };
    const from = index.table[slotOf(hash, index.mask)] ?? -1;
    if (from >= 0) {
      const length = commonLength(old, from, next, at);
      if (length >= blockBytes) return widened(old, next, start, { at, from, length });
    }
    hash = (Math.imul(hash - Math.imul(next[at] ?? 0, leaving), multiplier) + (next[at + blockBytes] ?? 0)) | 0;
  }
  return undefined;
}

function commonLength(old: Uint8Array, from: number, next: Uint8Array, at: number): number {
  let length = 0;
  while (from + length < old.length && at + length < next.length && old[from + length] === next[at + length]) length++;
  return length;
}

/** A block matched somewhere in its middle belongs to a longer match that began before it. */
function widened(old: Uint8Array, next: Uint8Array, start: number, match: Match): Match {
  let back = 0;
  while (match.at - back > start && match.from - back > 0 && old[match.from - back - 1] === next[match.at - back - 1]) back++;
  return { at: match.at - back, from: match.from - back, length: match.length + back };
}

/**
 * The new program, in pieces of at most 64 KiB; each is good until the next is asked for. @param maxBytes more than that is not produced
 * @throws GatewayError update.untrusted when the delta makes no sense over this old file
 */
export async function* applyDelta(packed: string, base: string, maxBytes: number): AsyncGenerator<Uint8Array> {
  const old = openSync(base, "r");
  const input = createReadStream(packed, { highWaterMark: copyBytes });
  const zstd = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: windowLog } });
  const reader = new PieceReader(input, zstd);
  // One buffer for all copies: fresh ones would pile up until somebody collects them.
  const piece = Buffer.allocUnsafeSlow(copyBytes);
  let oldEnd = 0;
  let produced = 0;
  try {
    reader.start();
    for (;;) {
      const copyLength = await reader.number();
      if (copyLength === undefined) return;
      const jump = await reader.number();
      const literalLength = await reader.number();
      if (jump === undefined || literalLength === undefined) throw untrusted("the delta ends in an instruction");
      produced += copyLength + literalLength;
      if (produced > maxBytes) throw untrusted("the delta makes more than the program it is said to make");
      if (copyLength > 0) {
        const from = oldEnd + (jump % 2 === 1 ? -(jump + 1) / 2 : jump / 2);
        if (from < 0) throw untrusted("the delta copies from before the old program");
        yield* copied(old, from, copyLength, piece);
        oldEnd = from + copyLength;
      }
      yield* reader.bytes(literalLength);
    }
  } finally {
    closeSync(old);
    input.destroy();
    zstd.destroy();
  }
}

function* copied(old: number, from: number, length: number, piece: Buffer): Generator<Uint8Array> {
  for (let done = 0; done < length; ) {
    const got = readSync(old, piece, 0, Math.min(copyBytes, length - done), from + done);
    if (got === 0) throw untrusted("the delta copies from beyond the old program");
    yield piece.subarray(0, got);
    done += got;
  }
}

/** Numbers and bytes out of the unpacked stream. */
class PieceReader {
  readonly #input: Readable;
  readonly #zstd: Transform;
  #pieces: AsyncIterator<Buffer> | undefined;
  #piece: Buffer = Buffer.alloc(0);

  constructor(input: Readable, zstd: Transform) {
    this.#input = input;
    this.#zstd = zstd;
  }

  start(): void {
    let isFirst = true;
    const body = this.#input.map((piece: Buffer) => {
      const rest = isFirst ? piece.subarray(magic.length) : piece;
      if (isFirst && !piece.subarray(0, magic.length).equals(magic)) throw untrusted("the file is not a delta");
      isFirst = false;
      return rest;
    });
    body.on("error", (error) => this.#zstd.destroy(error));
    this.#pieces = body.pipe(this.#zstd)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async #fill(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const next = await this.#pieces?.next().catch((cause: unknown) => {
        throw untrusted("the delta does not unpack", cause);
      });
      if (next === undefined || next.done === true) return false;
      this.#piece = next.value;
    }
    return true;
  }

  /** The next number; undefined at the end. */
  async number(): Promise<number | undefined> {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 42; factor *= 128) {
      if (!(await this.#fill())) {
        if (factor > 1) throw untrusted("the delta ends in a number");
        return undefined;
      }
      const byte = this.#piece[0] ?? 0;
      this.#piece = this.#piece.subarray(1);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw untrusted("the delta has a number without end");
  }

  async *bytes(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (!(await this.#fill())) throw untrusted("the delta ends before its literals");
      const piece = this.#piece.subarray(0, left);
      this.#piece = this.#piece.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
}

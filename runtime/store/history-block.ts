import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { GatewayError } from "#model/errors.ts";

/** Points of one series: as many columns of `times.length` values as the block's width, one after the other. NaN = no point. */
export interface BlockSeries {
  readonly id: number;
  readonly times: readonly number[];
  readonly values: Float64Array;
}

/** Columns of a bin, in the order in which they stand in a block of bins. */
export const binWidth = 5;
const maxBlockBytes = 64 * 1024 * 1024;

interface BlockHeader {
  readonly base: number;
  /** Distinct time lines, as differences. */
  readonly lines: readonly (readonly number[])[];
  /** [series, time line, values] */
  readonly series: readonly (readonly [number, number, number])[];
}

/** Series of one table share their times; the bytes of the values are sorted by significance, which is what makes them compress. */
export function encodeBlock(series: readonly BlockSeries[]): Uint8Array {
  const lines: number[][] = [];
  const lineOf = new Map<readonly number[], number>();
  const base = Math.min(...series.map((one) => one.times[0] ?? Number.POSITIVE_INFINITY));
  for (const { times } of series) {
    if (lineOf.has(times)) continue;
    lineOf.set(times, lines.push(times.map((time, index) => time - (index === 0 ? base : (times[index - 1] ?? 0)))) - 1);
  }
  const header: BlockHeader = { base, lines, series: series.map(({ id, times, values }) => [id, lineOf.get(times) ?? 0, values.length]) };
  const json = Buffer.from(JSON.stringify(header));
  const count = series.reduce((sum, one) => sum + one.values.length, 0);
  const bytes = Buffer.alloc(4 + json.length + count * 8);
  bytes.writeUInt32LE(json.length);
  json.copy(bytes, 4);
  const flat = new Float64Array(count);
  let at = 0;
  for (const { values } of series) {
    flat.set(values, at);
    at += values.length;
  }
  const source = new Uint8Array(flat.buffer);
  const planes = bytes.subarray(4 + json.length);
  for (let plane = 0; plane < 8; plane += 1) for (let n = 0; n < count; n += 1) planes[plane * count + n] = source[n * 8 + plane] ?? 0;
  return zstdCompressSync(bytes);
}

/** @param wanted ids to take out; absent = all. @throws GatewayError buffer.corrupt */
export function decodeBlock(packed: Uint8Array, wanted?: ReadonlySet<number>): readonly BlockSeries[] {
  try {
    const bytes = zstdDecompressSync(packed, { maxOutputLength: maxBlockBytes });
    const jsonBytes = bytes.readUInt32LE(0);
    const header = JSON.parse(bytes.toString("utf8", 4, 4 + jsonBytes)) as BlockHeader;
    const planes = bytes.subarray(4 + jsonBytes);
    const count = planes.length / 8;
    const lines = header.lines.map((line) => {
      let time = header.base;
      return line.map((step) => (time += step));
    });
    const found: BlockSeries[] = [];
    let at = 0;
    for (const [id, line, length] of header.series) {
      // A turned bit in a length must not reserve the memory it names.
      if (!Number.isSafeInteger(length) || length < 0 || at + length > count) throw new RangeError("length of a series");
      const times = lines[line];
      if (times !== undefined && (wanted === undefined || wanted.has(id)))
        found.push({ id, times, values: valuesAt(planes, count, at, length) });
      at += length;
    }
    return found;
  } catch (error) {
    throw new GatewayError("buffer.corrupt", { message: "a block of the history cannot be read", cause: error });
  }
}

function valuesAt(planes: Uint8Array, count: number, from: number, length: number): Float64Array {
  const values = new Float64Array(length);
  const target = new Uint8Array(values.buffer);
  for (let plane = 0; plane < 8; plane += 1) {
    for (let n = 0; n < length; n += 1) target[n * 8 + plane] = planes[plane * count + from + n] ?? 0;
  }
  return values;
}

/** Keys, marks and limits of the telemetry chunk (../README.md section "Chunk"). */

/** Keys of the chunk's CBOR map; never reused. `json` is the name in the JSON serialisation. */
export const chunkKey = {
  v: 0,
  stream: 1,
  seq: 2,
  dictionary: 3,
  flags: 4,
  t0: 5,
  interval: 6,
  rows: 7,
  groups: 8,
  clock: 9,
  misses: 10,
} as const;
export const jsonName = ["v", "s", "q", "d", "f", "t", "i", "n", "g", "clk", "miss"] as const;

export const flagKeyFrame = 1;
export { unanchoredFlag as flagUnanchored } from "#model/chunk.ts";

/** Two bits per series. */
export const seriesState = { unchanged: 0, constant: 1, perRow: 2, missing: 3 } as const;

/** Kinds in a frame's prefix; index = byte, value = the dictionary's letter. */
export const kindLetters = ["c", "g", "s"] as const;
export const kindCounter = 0;
export const kindGauge = 1;
export const kindText = 2;

export const limits = {
  /** Hard limit of an encoded chunk (PROTOCOL section 2). */
  chunkBytes: 98_304,
  /** What a chunk may be after decompression. */
  unpackedBytes: 4_194_304,
  depth: 12,
  /** CBOR items and JSON brackets of one payload. */
  items: 1_000_000,
  containers: 200_000,
  rows: 60,
  /** Rows x series of one chunk, and series of one dictionary record. */
  cells: 1_000_000,
  recordSeries: 200_000,
  /** Raw size a frame is planned for: tables are split into groups of row ranges so that one frame stays below it. */
  frameBytes: 24_576,
  /** Longest text value in UTF-8 bytes; what is longer is cut and counted. */
  textBytes: 1_024,
  /** From this frame size on texts are left out (and counted), whatever a device sends. */
  frameTextBytes: 49_152,
} as const;

/** A float whose value is integral (or -0): told apart from an integer, which is scaled and may be a delta. */
export class WireFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/**
 * One element of `vals`. `null` = as before; `false` = no data in this row; `true` = a counter's value without a valid
 * increment (its absolute is in `base` or `rebase`).
 */
export type WireValue = number | bigint | string | boolean | null | WireFloat;
export type WireInteger = number | bigint | string | null;

/** A group as it stands in a chunk, before the dictionary is known. */
export interface RawGroup {
  readonly gid: number;
  readonly dts: readonly number[];
  readonly state: Uint8Array;
  readonly vals: readonly WireValue[];
  readonly base: readonly WireInteger[] | undefined;
  /** [series, row, absolute] */
  readonly rebase: readonly (readonly [number, number, WireInteger])[];
}

/** [gid, row, reason, ms after t0] */
export type RawMiss = readonly [number, number, number, number];

export interface RawBody {
  readonly groups: readonly RawGroup[];
  readonly misses: readonly RawMiss[];
}

/**
 * Prefix of a group frame's payload, in front of the finished CBOR of the group. It lets the store's worker merge rows without a
 * dictionary. Little endian: u8 type, u16 revisions ahead of the slot's, u32 gid, u16 rows, u16 columns, u8 kind per column.
 */
export const frameTypeGroup = 1;
/** u8 type, u16 revisions ahead, then per miss: u32 gid, u8 reason, i32 ms after t0. */
export const frameTypeMisses = 2;
export const groupPrefixBytes = 11;
export const missPrefixBytes = 3;
export const missEntryBytes = 9;

/** The head of a chunk as its keys stand on the wire. */
export interface WireHead {
  readonly stream: string;
  readonly seq: number;
  readonly dictionaryRevision: number;
  readonly flags: number;
  readonly t0: number;
  readonly intervalMs: number;
  readonly rows: number;
  /** Only where the clock is unanchored. */
  readonly bootId: string | undefined;
}

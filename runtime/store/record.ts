import { crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Slot, StreamClass } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import type { GapRecord } from "#model/observation.ts";
import { letGo, ownBytes, roomFor } from "#model/own-bytes.ts";
import type { Ranges } from "./ranges.ts";

/** Everything in the ring starts and ends on such a border: a flash page or a file-system block never holds parts of two records. */
export const blockBytes = 4096;
export const headerBytes = 192;
const magic = 0x314a4847; // "GHJ1"
export const recordVersion = 1;

/** Whether a program that knows `known` reads what a newer one wrote: it says so itself, 0 = it does not. */
export function isReadable(written: { readonly version: number; readonly compatibleFrom: number }, known: number): boolean {
  return written.version <= known || (written.compatibleFrom > 0 && written.compatibleFrom <= known);
}
/** Bound of the unpacked descriptive part: a damaged length must not take the memory. */
const maxMetaBytes = 64 * 1024 * 1024;

export const recordFlag = { cleanStop: 1, start: 2 } as const;

/** Fixed head of a journal record. All counts are totals since the buffer was created, so any two records tell what lies between them. */
export interface RecordHeader {
  readonly version: number;
  /** The oldest version whose program reads this record without loss: what a newer one added may be ignored. 0 = none but its own. */
  readonly compatibleFrom: number;
  readonly flags: number;
  /** 16 hex digits; records of another buffer that once used this space are not ours. */
  readonly bufferId: string;
  readonly seq: number;
  /** The record before this one; a record that failed to sync is on nobody's chain. 0 = none. */
  readonly previousSeq: number;
  readonly previousOffset: number;
  readonly previousCrc: number;
  /** Oldest record still needed when this one was written. */
  readonly tailSeq: number;
  readonly tailOffset: number;
  readonly totalBytes: number;
  readonly metaBytes: number;
  readonly metaRawBytes: number;
  readonly blobBytes: number;
  /** Every frame up to here is in this record or an earlier one. */
  readonly lastPosition: number;
  readonly polled: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly bootId: string;
  readonly payloadCrc: number;
}

/** Small state as it stood after the record; the newest record's counts. */
export interface Snapshot {
  readonly v: 1;
  readonly streams: readonly StreamSnapshot[];
  readonly position: number;
  readonly sinceMs: number;
  readonly restarts: number;
  readonly drops: readonly GapRecord[];
  /** Gap records nobody has taken yet. */
  readonly gaps: readonly GapRecord[];
  /** Last drop entry of the backlog database that is in the totals. */
  readonly dropId: number;
  /** Wall time of the last durable telemetry frame. */
  readonly polledAtMs?: number;
  readonly pollBootId?: string;
}

export interface StreamSnapshot {
  readonly id: string;
  readonly cls: StreamClass;
  readonly open: boolean;
  readonly next: number;
  readonly ack: number;
  readonly x?: Ranges;
  readonly tomb?: Ranges;
  /** What lies in the backlog database: chunks, samples, first and last seq. */
  readonly back?: readonly [number, number, number, number];
}

/** [slot index, position, samples, priority, wallMs, monotonicMs, payload bytes] */
export type FrameEntry = readonly [number, number, number, number, number, number, number];

/** What is known of a sealed chunk besides its bytes. */
export interface ChunkFacts {
  readonly seq: number;
  readonly samples: number;
  readonly priority: number;
  readonly sealedAtMs: number;
  /** Wall times of the oldest and newest frame in it. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Bytes. */
  readonly size: number;
  /** CRC-32 of the bytes. */
  readonly crc: number;
}

export function factsOf(chunk: ChunkFacts): ChunkFacts {
  const { seq, samples, priority, sealedAtMs, fromMs, toMs, size, crc } = chunk;
  return { seq, samples, priority, sealedAtMs, fromMs, toMs, size, crc };
}

export interface ChunkEntry extends ChunkFacts {
  readonly stream: string;
  readonly cls: StreamClass;
  /** Slot whose frames up to `lastPosition` it holds; absent for dictionaries and JSON, whose frames are never in the journal apart from their chunk. */
  readonly slotId?: number;
  readonly lastPosition: number;
}

export interface RecordBody {
  readonly snapshot: Snapshot;
  readonly slots: readonly Slot[];
  readonly frames: readonly FrameEntry[];
  readonly chunks: readonly ChunkEntry[];
}

export interface DecodedRecord {
  readonly body: RecordBody;
  /** One per body.frames. */
  readonly payloads: readonly Uint8Array[];
}

/** Compresses the descriptive part together with the frames' payloads. */
export function packMeta(body: RecordBody, payloads: readonly Uint8Array[]): { readonly packed: Uint8Array; readonly rawBytes: number } {
  const json = Buffer.from(JSON.stringify(body));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const raw = Buffer.concat([length, json, ...payloads]);
  const rawBytes = raw.length;
  const room = roomFor(rawBytes);
  const packed = ownBytes(zstdCompressSync(raw, { chunkSize: room }), room);
  letGo(raw);
  return { packed, rawBytes };
}

/** @throws GatewayError buffer.corrupt */
export function unpackMeta(packed: Uint8Array, rawBytes: number): DecodedRecord {
  try {
    const raw = zstdDecompressSync(packed, { maxOutputLength: Math.min(rawBytes, maxMetaBytes) });
    const jsonBytes = raw.readUInt32LE(0);
    const body = JSON.parse(raw.toString("utf8", 4, 4 + jsonBytes)) as RecordBody;
    let offset = 4 + jsonBytes;
    const payloads = body.frames.map((entry) => {
      const payload = raw.subarray(offset, offset + entry[6]);
      offset += entry[6];
      return payload;
    });
    if (offset !== raw.length) throw new RangeError("length of the payloads");
    return { body, payloads };
  } catch (error) {
    // The bytes matched their checksum and still make no sense: foreign or a bug of an older version, in any case not readable.
    throw new GatewayError("buffer.corrupt", { message: "journal record cannot be read", cause: error });
  }
}

export function encodeHeader(header: RecordHeader, into: Buffer): void {
  into.fill(0, 0, headerBytes);
  into.writeUInt32LE(magic, 0);
  into.writeUInt16LE(header.version, 4);
  into.writeUInt16LE(header.flags, 6);
  into.write(header.bufferId, 8, 8, "hex");
  const longs = [
    header.seq,
    header.previousSeq,
    header.previousOffset,
    header.tailSeq,
    header.tailOffset,
    header.lastPosition,
    header.polled,
    header.delivered,
    header.dropped,
    header.wallMs,
    header.monotonicMs,
  ];
  for (const [index, value] of longs.entries()) into.writeDoubleLE(value, 16 + index * 8);
  const words = [header.previousCrc, header.totalBytes, header.metaBytes, header.metaRawBytes, header.blobBytes, header.payloadCrc];
  for (const [index, value] of words.entries()) into.writeUInt32LE(value, 104 + index * 4);
  into.write(header.bootId.slice(0, 8), 128, 8, "latin1");
  into.writeUInt16LE(header.compatibleFrom, 136);
  into.writeUInt32LE(crc32(into.subarray(0, headerBytes - 4)), headerBytes - 4);
}

/** undefined: no intact header stands here. */
export function decodeHeader(bytes: Uint8Array): RecordHeader | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < headerBytes || view.readUInt32LE(0) !== magic) return undefined;
  if (headerCrc(view) !== crc32(view.subarray(0, headerBytes - 4))) return undefined;
  const long = (index: number): number => view.readDoubleLE(16 + index * 8);
  const word = (index: number): number => view.readUInt32LE(104 + index * 4);
  return {
    version: view.readUInt16LE(4),
    flags: view.readUInt16LE(6),
    bufferId: view.toString("hex", 8, 16),
    seq: long(0),
    previousSeq: long(1),
    previousOffset: long(2),
    tailSeq: long(3),
    tailOffset: long(4),
    lastPosition: long(5),
    polled: long(6),
    delivered: long(7),
    dropped: long(8),
    wallMs: long(9),
    monotonicMs: long(10),
    previousCrc: word(0),
    totalBytes: word(1),
    metaBytes: word(2),
    metaRawBytes: word(3),
    blobBytes: word(4),
    payloadCrc: word(5),
    bootId: view.toString("latin1", 128, 136).replaceAll("\0", ""),
    compatibleFrom: view.readUInt16LE(136),
  };
}

/** Checksum that the next record names as its predecessor's. */
export function headerCrc(bytes: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32LE(headerBytes - 4);
}

/** Whether a damaged header of this buffer may stand here. */
export function resemblesHeader(bytes: Uint8Array, bufferId: string): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < headerBytes) return false;
  return view.readUInt32LE(0) === magic || view.toString("hex", 8, 16) === bufferId;
}

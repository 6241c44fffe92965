import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import type { Slot } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import { ownBytes, roomFor } from "#model/own-bytes.ts";
import type { ChunkAssembler, ChunkHead } from "#ports/codec.ts";
import { CborWriter } from "./cbor-writer.ts";
import { chunkJson } from "./chunk-json.ts";
import { type FrameView, groupBytes, mergeGroups, missesOfFrame, viewFrame } from "./frame-view.ts";
import type { WireHead } from "./layout.ts";
import { chunkKey, flagUnanchored, frameTypeMisses, type RawBody, type RawMiss } from "./layout.ts";

export interface AssemblerOptions {
  readonly serialisation?: "cbor" | "json";
  readonly compression?: "zstd" | "gzip" | "none";
}

type FrameParts = Parameters<ChunkAssembler["assemble"]>[1];

/** JSON batches below this many bytes travel as they are. */
const compressFromBytes = 2_048;
const textEncoder = new TextEncoder();
const inventoryMark = textEncoder.encode('{"k":"inventory"');

/** Makes the wire's bytes. Default: CBOR and zstd at level 3. The same bytes for the same input. */
export function createChunkAssembler(options: AssemblerOptions = {}): ChunkAssembler {
  const serialisation = options.serialisation ?? "cbor";
  const compression = options.compression ?? "zstd";
  const writer = new CborWriter(65_536);

  function assembleGroups(head: ChunkHead, slot: Slot, frames: FrameParts): Uint8Array {
    const views = frames.map((frame) => viewFrame(frame.payload));
    if (serialisation === "json")
      return textEncoder.encode(chunkJson(headOf(head, slot, views), mergeGroups(views, slot.intervalMs), missesOf(views)));
    writeCbor(writer, headOf(head, slot, views), views, slot.intervals);
    // Without compression the writer's own buffer must not leave: the next chunk is written into it.
    return compression === "none" ? writer.take() : writer.view();
  }

  return {
    // Payloads are never larger than what they become: at compression ratio 1 the chunk still is below the hard limit.
    maxFrameBytes: serialisation === "json" && compression === "none" ? 24_576 : 65_536,
    assemble(head, frames) {
      const [first] = frames;
      if (first === undefined) throw new GatewayError("codec.malformed", { message: "a chunk without frames" });
      if (first.kind === "dict") return compress(dictionaryBytes(head, first.payload), compression);
      if (first.kind === "json") return batchBytes(head, frames, compression);
      if (head.slot === undefined) throw new GatewayError("codec.malformed", { message: "telemetry without a slot" });
      return compress(assembleGroups(head, head.slot, frames), compression);
    },
  };
}

function compress(bytes: Uint8Array, compression: "zstd" | "gzip" | "none"): Uint8Array {
  if (compression === "none") return bytes;
  const chunkSize = roomFor(bytes.length);
  if (compression === "gzip") return ownBytes(gzipSync(bytes, { level: 6, chunkSize }), chunkSize);
  return ownBytes(zstdCompressSync(bytes, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: 3 } }), chunkSize);
}

function headOf(head: ChunkHead, slot: Slot, views: readonly FrameView[]): WireHead {
  return {
    stream: head.stream,
    seq: head.seq,
    dictionaryRevision: slot.dictionaryRevision + views.reduce((most, view) => Math.max(most, view.revisionsAhead), 0),
    flags: slot.flags,
    t0: slot.t0,
    intervalMs: slot.intervalMs,
    rows: slot.intervals === 1 ? 1 : mostRows(views),
    bootId: (slot.flags & flagUnanchored) === 0 ? undefined : slot.bootId,
  };
}

/** Of the group that has most; 1 at least. */
function mostRows(views: readonly FrameView[]): number {
  const rowsOf = new Map<number, number>();
  for (const view of views) if (!isOfMisses(view)) rowsOf.set(view.gid, (rowsOf.get(view.gid) ?? 0) + 1);
  return Math.max(1, ...rowsOf.values());
}

function missesOf(views: readonly FrameView[]): RawMiss[] {
  const misses: RawMiss[] = [];
  // Seldom there, and the count of rows costs more than all else of a chunk's head.
  if (!views.some(isOfMisses)) return misses;
  const rows = new Map<number, number>();
  for (const view of views) {
    if (isOfMisses(view)) misses.push(...missesOfFrame(view, rows));
    else rows.set(view.gid, (rows.get(view.gid) ?? 0) + 1);
  }
  return misses;
}

function isOfMisses({ type }: FrameView): boolean {
  return type === frameTypeMisses;
}

function writeCbor(writer: CborWriter, head: WireHead, views: readonly FrameView[], intervals: number): void {
  const misses = missesOf(views);
  const groupViews = views.some(isOfMisses) ? views.filter((view) => !isOfMisses(view)) : views;
  writer.reset();
  writer.map(9 + (head.bootId === undefined ? 0 : 1) + (misses.length === 0 ? 0 : 1));
  writer.uint(chunkKey.v);
  writer.uint(1);
  writer.uint(chunkKey.stream);
  writer.text(head.stream);
  const numbers = [
    [chunkKey.seq, head.seq],
    [chunkKey.dictionary, head.dictionaryRevision],
    [chunkKey.flags, head.flags],
    [chunkKey.t0, head.t0],
    [chunkKey.interval, head.intervalMs],
    [chunkKey.rows, head.rows],
  ] as const;
  for (const [key, value] of numbers) {
    writer.uint(key);
    writer.int(value);
  }
  writer.uint(chunkKey.groups);
  if (intervals === 1) writeGroupsAsTheyAre(writer, groupViews);
  else writeMerged(writer, mergeGroups(groupViews, head.intervalMs));
  if (head.bootId !== undefined) {
    writer.uint(chunkKey.clock);
    writer.map(1);
    writer.uint(2);
    writer.text(head.bootId);
  }
  if (misses.length > 0) {
    writer.uint(chunkKey.misses);
    writer.array(misses.length);
    for (const miss of misses) {
      writer.array(4);
      for (const value of miss) writer.int(value);
    }
  }
}

/** One interval per chunk: the frames' bytes were final when they were made. */
function writeGroupsAsTheyAre(writer: CborWriter, views: readonly FrameView[]): void {
  writer.array(views.length);
  for (const view of views) writer.raw(groupBytes(view));
}

function writeMerged(writer: CborWriter, groups: RawBody["groups"]): void {
  writer.array(groups.length);
  for (const group of groups) {
    const rebased = group.rebase.length > 0;
    writer.array(rebased ? 6 : group.base === undefined ? 4 : 5);
    writer.uint(group.gid);
    writer.array(group.dts.length);
    for (const dt of group.dts) writer.int(dt);
    writer.bytes(group.state);
    writer.array(group.vals.length);
    for (const value of group.vals) writer.value(value);
    if (group.base !== undefined) {
      writer.array(group.base.length);
      for (const value of group.base) writer.integer(value);
    } else if (rebased) writer.null();
    if (!rebased) continue;
    writer.array(group.rebase.length);
    for (const [series, row, absolute] of group.rebase) {
      writer.array(3);
      writer.uint(series);
      writer.uint(row);
      writer.integer(absolute);
    }
  }
}

/** The record's text is final but for the place in the stream, which is put in front. */
function dictionaryBytes(head: ChunkHead, payload: Uint8Array): Uint8Array {
  const place = textEncoder.encode(`{"s":"${head.stream}","q":${head.seq},`);
  return joined([place, payload.subarray(1)]);
}

function batchBytes(head: ChunkHead, frames: FrameParts, compression: "zstd" | "gzip" | "none"): Uint8Array {
  const isInventory = frames.every((frame) => startsWith(frame.payload, inventoryMark));
  const at = Math.round(Math.max(...frames.map((frame) => frame.wallMs)));
  const name = isInventory ? `"mode":"delta","add"` : `"e"`;
  const parts: Uint8Array[] = [textEncoder.encode(`{"v":1,"s":"${head.stream}","q":${head.seq},"at":${at},${name}:[`)];
  const comma = Uint8Array.of(0x2c);
  for (const [index, frame] of frames.entries()) {
    if (index > 0) parts.push(comma);
    parts.push(frame.payload);
  }
  parts.push(Uint8Array.of(0x5d, 0x7d));
  const bytes = joined(parts);
  return bytes.length < compressFromBytes ? bytes : compress(bytes, compression);
}

function startsWith(bytes: Uint8Array, mark: Uint8Array): boolean {
  return bytes.length >= mark.length && mark.every((byte, index) => bytes[index] === byte);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

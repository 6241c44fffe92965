import { type Frame, type Slot, salvagedFlag } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import type { DiskFile } from "./disk.ts";
import { FrameBatch } from "./held-frame.ts";
import type { OpenGroup } from "./open-group.ts";
import { type ChunkEntry, type DecodedRecord, factsOf, headerBytes, recordFlag, type Snapshot, unpackMeta } from "./record.ts";
import type { Ring } from "./ring.ts";
import type { FoundRecord, RingScan } from "./ring-scan.ts";
import type { StreamTable } from "./streams.ts";

/** What the journal said at a start. */
export interface Recovered {
  readonly snapshot: Snapshot;
  readonly lastRecord: FoundRecord;
  readonly position: number;
  readonly clean: boolean;
  /** Chunks or records between tail and head that are unreadable. */
  readonly damaged: boolean;
}

interface FoundFrame {
  readonly frame: Frame;
  readonly recordSeq: number;
}

/** Unsealed frames by slot, then by position. */
type FoundFrames = Map<number, Map<number, FoundFrame>>;

/** Rebuilds the index of sealed chunks and the frames that are not sealed from the records found. */
export function recoverJournal(
  file: DiskFile,
  scan: RingScan,
  into: { readonly ring: Ring; readonly streams: StreamTable; readonly open: OpenGroup },
): Recovered | undefined {
  const lastRecord = scan.records.at(-1);
  if (lastRecord === undefined) return undefined;
  const snapshot = readRecord(file, lastRecord).body.snapshot;
  for (const stream of snapshot.streams) into.streams.restore(stream);
  const frames: FoundFrames = new Map();
  let position = Math.max(snapshot.position, lastRecord.header.lastPosition);
  let damaged = scan.missing > 0;
  for (const record of scan.records) {
    const decoded = tryRead(file, record);
    if (decoded === undefined) {
      damaged = true;
      continue;
    }
    position = Math.max(position, takeFrames(decoded, record, frames));
    takeChunks(decoded, record, frames, into);
  }
  // What a lost record had sealed cannot be told from what was still open: from here on neither is taken for the next thing after its predecessor.
  const salvaged = damaged || scan.suspect ? salvagedSlots() : undefined;
  const unsealed = [...frames.values()].flatMap((slot) => [...slot]).sort((a, b) => a[0] - b[0]);
  const batch = FrameBatch.of(unsealed.map(([, { frame }]) => salvaged?.(frame) ?? frame));
  for (const [index, held] of batch.hold((at) => unsealed[at]?.[0] ?? 0).entries()) {
    const recordSeq = unsealed[index]?.[1].recordSeq ?? 0;
    into.open.restore(held, recordSeq);
    into.ring.retain(recordSeq, 1);
  }
  for (const stream of into.streams.all()) stream.sortRing();
  const clean = (lastRecord.header.flags & recordFlag.cleanStop) !== 0 && !scan.suspect;
  return { snapshot, lastRecord, position, clean, damaged };
}

/** Marks frames by their slot; frames of one slot go on sharing one. */
function salvagedSlots(): (frame: Frame) => Frame {
  const slots = new Map<number, Slot>();
  return (frame) => {
    if (frame.slot === undefined) return frame;
    const slot = slots.get(frame.slot.id) ?? { ...frame.slot, flags: frame.slot.flags | salvagedFlag };
    slots.set(slot.id, slot);
    return { ...frame, slot };
  };
}

function readRecord(file: DiskFile, record: FoundRecord): DecodedRecord {
  return unpackMeta(file.read(record.offset + headerBytes, record.header.metaBytes), record.header.metaRawBytes);
}

function tryRead(file: DiskFile, record: FoundRecord): DecodedRecord | undefined {
  try {
    return readRecord(file, record);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return undefined;
  }
}

function takeFrames(decoded: DecodedRecord, record: FoundRecord, frames: FoundFrames): number {
  let position = 0;
  for (const [index, entry] of decoded.body.frames.entries()) {
    const slot = decoded.body.slots[entry[0]];
    const payload = decoded.payloads[index];
    if (slot === undefined || payload === undefined) continue;
    const ofSlot = frames.get(slot.id) ?? new Map<number, FoundFrame>();
    frames.set(slot.id, ofSlot.set(entry[1], { frame: frameOf(entry, slot, payload), recordSeq: record.header.seq }));
    position = Math.max(position, entry[1]);
  }
  return position;
}

function frameOf(entry: DecodedRecord["body"]["frames"][number], slot: Slot, payload: Uint8Array): Frame {
  const [, , samples, priority, wallMs, monotonicMs] = entry;
  return {
    streamClass: "T",
    kind: "group",
    slot,
    samples,
    urgent: false,
    priority: isPriority(priority) ? priority : 2,
    wallMs,
    monotonicMs,
    bootId: slot.bootId,
    payload,
  };
}

function isPriority(value: number): value is Frame["priority"] {
  return value >= 0 && value <= 5 && Number.isInteger(value);
}

function takeChunks(
  decoded: DecodedRecord,
  record: FoundRecord,
  frames: FoundFrames,
  into: { readonly ring: Ring; readonly streams: StreamTable },
): void {
  let offset = record.offset + headerBytes + record.header.metaBytes;
  for (const entry of decoded.body.chunks) {
    forgetSealed(frames, entry);
    const stream = into.streams.get(entry.stream);
    if (stream !== undefined && entry.seq < stream.nextSeq && !stream.isDone(entry.seq)) {
      const older = stream.removeFromRing(entry.seq);
      if (older !== undefined) into.ring.release(older.recordSeq, 1);
      stream.addToRing({ ...factsOf(entry), recordSeq: record.header.seq, offset });
      into.ring.retain(record.header.seq, 1);
    }
    offset += entry.size;
  }
}

function forgetSealed(frames: FoundFrames, entry: ChunkEntry): void {
  if (entry.slotId === undefined) return;
  const ofSlot = frames.get(entry.slotId);
  if (ofSlot === undefined) return;
  for (const position of ofSlot.keys()) if (position <= entry.lastPosition) ofSlot.delete(position);
}

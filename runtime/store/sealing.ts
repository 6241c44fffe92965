import { crc32 } from "node:zlib";
import type { Slot } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import { letGo } from "#model/own-bytes.ts";
import type { ChunkAssembler } from "#ports/codec.ts";
import type { CommitPlan, Seal } from "./commit-plan.ts";
import type { HeldFrame } from "./held-frame.ts";
import { type ChunkEntry, type ChunkFacts, type FrameEntry, factsOf } from "./record.ts";
import type { Ring } from "./ring.ts";
import type { OutboxStream, StreamTable } from "./streams.ts";

/** A chunk that has its seq and bytes and waits for its record. */
export interface SealedChunk {
  readonly stream: OutboxStream;
  readonly entry: ChunkEntry;
  readonly bytes: Uint8Array;
}

/** Frames no assembler could make a chunk of; a bug somewhere, but one that must not block what comes after. */
export interface RefusedFrames {
  readonly frames: readonly HeldFrame[];
  readonly error: GatewayError;
}

export interface Sealed {
  readonly chunks: readonly SealedChunk[];
  readonly refused: readonly RefusedFrames[];
}

/** Gives each seal of a plan its stream and seq and assembles it. Takes the numbers; `undo` gives them back when the record fails, `letGo` frees what has been written. */
export function sealPlan(
  plan: CommitPlan,
  streams: StreamTable,
  assembler: ChunkAssembler,
  nowMs: number,
): Sealed & { readonly undo: () => void; readonly letGo: () => void } {
  const before = new Map<OutboxStream, number>();
  const chunks: SealedChunk[] = [];
  const refused: RefusedFrames[] = [];
  const undo = () => {
    for (const [stream, nextSeq] of before) stream.nextSeq = nextSeq;
  };
  const seal = (frames: readonly HeldFrame[], from: Seal): void => {
    const stream = streams.openStream(from.streamClass);
    if (!before.has(stream)) before.set(stream, stream.nextSeq);
    const seq = stream.nextSeq;
    const head = { stream: stream.id, seq, ...(from.slot === undefined ? {} : { slot: from.slot }) };
    try {
      const bytes = assembler.assemble(head, frames);
      chunks.push({ stream, bytes, entry: entryOf({ stream, seq, from, frames, bytes, nowMs }) });
      stream.nextSeq += 1;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (frames.length === 1) {
        refused.push({ frames, error });
        return;
      }
      const half = Math.ceil(frames.length / 2);
      seal(frames.slice(0, half), from);
      seal(frames.slice(half), from);
    }
  };
  try {
    for (const item of plan.seals) seal(item.frames, item);
  } catch (error) {
    undo();
    throw error;
  }
  return {
    chunks,
    refused,
    undo,
    letGo: () => {
      for (const { bytes } of chunks) letGo(bytes);
    },
  };
}

function entryOf(made: {
  readonly stream: OutboxStream;
  readonly seq: number;
  readonly from: Seal;
  readonly frames: readonly HeldFrame[];
  readonly bytes: Uint8Array;
  readonly nowMs: number;
}): ChunkEntry {
  const { stream, seq, from, frames, bytes } = made;
  let samples = 0;
  let priority = 0;
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  for (let place = 0; place < frames.length; place++) {
    const frame = frames[place];
    if (frame === undefined) continue;
    samples += frame.samples;
    // The chunk lives as long as the most precious thing in it.
    priority = Math.max(priority, frame.priority);
    fromMs = Math.min(fromMs, frame.wallMs);
    toMs = Math.max(toMs, frame.wallMs);
  }
  return {
    stream: stream.id,
    cls: stream.streamClass,
    seq,
    samples,
    priority,
    sealedAtMs: made.nowMs,
    fromMs,
    toMs,
    size: bytes.length,
    crc: crc32(bytes),
    lastPosition: frames.at(-1)?.position ?? 0,
    ...(from.slot === undefined ? {} : { slotId: from.slot.id }),
  };
}

/** Journal entries of frames that stay unsealed, with each slot written once. */
export function journalEntries(journal: readonly HeldFrame[]): {
  readonly slots: readonly Slot[];
  readonly frames: readonly FrameEntry[];
  readonly payloads: readonly Uint8Array[];
} {
  const slots: Slot[] = [];
  const indexOf = new Map<Slot, number>();
  const frames: FrameEntry[] = [];
  const payloads: Uint8Array[] = [];
  for (const held of journal) {
    const { slot } = held;
    if (slot === undefined) continue;
    let index = indexOf.get(slot);
    if (index === undefined) {
      index = slots.push(slot) - 1;
      indexOf.set(slot, index);
    }
    frames.push([index, held.position, held.samples, held.priority, held.wallMs, held.monotonicMs, held.bytes]);
    payloads.push(held.payload);
  }
  return { slots, frames, payloads };
}

/** Entry of a chunk that is written once more, with the same seq and bytes. */
export function carriedEntry({ stream, chunk }: { readonly stream: OutboxStream; readonly chunk: ChunkFacts }): ChunkEntry {
  return { ...factsOf(chunk), stream: stream.id, cls: stream.streamClass, lastPosition: 0 };
}

export function samplesOf(frames: readonly HeldFrame[]): number {
  return frames.reduce((sum, held) => sum + held.samples, 0);
}

/** Samples that become durable with this plan. */
export function freshSamples(plan: CommitPlan): number {
  const fresh = (sum: number, held: HeldFrame) => (held.recordSeq === undefined ? sum + held.samples : sum);
  return plan.seals.reduce((sum, { frames }) => frames.reduce(fresh, sum), samplesOf(plan.journal));
}

/** These frames are in a chunk now: the records that made them durable hold them no longer. Frames of one record stand together, mostly. */
export function releaseRecords(ring: Ring, frames: readonly HeldFrame[]): void {
  let record: number | undefined;
  let count = 0;
  for (let place = 0; place < frames.length; place++) {
    const recordSeq = frames[place]?.recordSeq;
    if (recordSeq !== record && record !== undefined) ring.release(record, count);
    if (recordSeq !== record) count = 0;
    record = recordSeq;
    count += 1;
  }
  if (record !== undefined) ring.release(record, count);
}

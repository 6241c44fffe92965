import { crc32 } from "node:zlib";
import type { Chunk, StreamAck, StreamId } from "#model/chunk.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { GapRecord } from "#model/observation.ts";
import type { ReadQuery } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Backlog, BacklogChunk } from "./backlog.ts";
import type { BacklogKeeper } from "./backlog-keeper.ts";
import type { StoreLedger } from "./ledger.ts";
import { hasSeq, type Ranges } from "./ranges.ts";
import { type ChunkFacts, factsOf } from "./record.ts";
import type { Ring } from "./ring.ts";
import type { OutboxStream, RingChunk, StreamTable } from "./streams.ts";

export interface OutboxParts {
  readonly ring: Ring;
  readonly streams: StreamTable;
  readonly keeper: BacklogKeeper;
  readonly ledger: StoreLedger;
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  readonly log: Logger;
}

const describePage = 256;

/** Sealed chunks wherever they lie, journal or backlog: reading, acknowledging, giving up. */
export class Outbox {
  readonly streams: StreamTable;
  readonly #ring: Ring;
  readonly #keeper: BacklogKeeper;
  readonly #ledger: StoreLedger;
  readonly #clock: OutboxParts["clock"];
  readonly #log: Logger;
  /** Gone from the books, still in the backlog. */
  #removed: { readonly stream: string; readonly ranges: Ranges }[] = [];

  constructor(parts: OutboxParts) {
    this.streams = parts.streams;
    this.#ring = parts.ring;
    this.#keeper = parts.keeper;
    this.#ledger = parts.ledger;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** Samples in sealed chunks. */
  get samples(): number {
    let samples = 0;
    for (const stream of this.streams.all()) samples += stream.samples;
    return samples;
  }

  read(query: ReadQuery): readonly Chunk[] {
    const stream = this.streams.get(query.stream);
    if (stream === undefined) return [];
    const chunks: Chunk[] = [];
    let bytes = 0;
    for (const facts of this.#from(stream, query)) {
      if (chunks.length >= query.maxChunks || (chunks.length > 0 && bytes + facts.size > query.maxBytes)) break;
      const content = this.bytesOf(stream, facts);
      if (content === undefined) continue;
      const { seq, samples, sealedAtMs } = facts;
      chunks.push({ stream: stream.id, streamClass: stream.streamClass, seq, bytes: content, samples, sealedAtMs });
      bytes += content.length;
    }
    return chunks;
  }

  /** @returns samples that were not acknowledged before */
  acknowledge(ack: StreamAck): number {
    const stream = this.streams.get(ack.stream);
    if (stream === undefined) return 0;
    let fresh = stream.newlyAcked(ack);
    const inBacklog = fresh.filter(
      ([from, to]) => stream.backlog.chunks > 0 && from <= stream.backlog.lastSeq && to >= stream.backlog.firstSeq,
    );
    let samples = 0;
    if (inBacklog.length > 0) {
      const sums = this.#keeper.attempt((backlog) => backlog.sums(stream.id, inBacklog))?.value;
      // A backlog that cannot answer leaves its part of the acknowledgement to the next one: they are cumulative.
      if (sums === undefined) fresh = fresh.filter(([from]) => from > stream.backlog.lastSeq);
      else {
        samples += sums.samples;
        stream.forgetBacklog(sums);
        this.#removed.push({ stream: stream.id, ranges: inBacklog });
      }
    }
    for (const [from, to] of fresh) {
      for (const chunk of this.#takeFromRing(stream, from, to)) samples += chunk.samples;
      stream.finish(from, to);
    }
    stream.pruneTombstones(ack.upTo);
    return samples;
  }

  reject(id: StreamId, seq: number, reason: string): void {
    const stream = this.streams.get(id);
    if (stream === undefined || stream.isDone(seq)) return;
    const chunk = this.#take(stream, seq);
    if (chunk === undefined) return;
    this.#log.warn({ stream: id, seq, samples: chunk.samples }, "the NOC refuses a chunk for good");
    this.#keeper.attempt((backlog) => backlog.bury(id, chunk, reason, this.#clock.now().wallMs));
    this.giveUp(stream, chunk, "poison");
  }

  /** Removes a chunk from the journal and tombstones it. */
  drop(stream: OutboxStream, chunk: RingChunk, reason: GapRecord["reason"]): void {
    if (stream.removeFromRing(chunk.seq) === undefined) return;
    this.#ring.release(chunk.recordSeq, 1);
    this.giveUp(stream, chunk, reason);
  }

  /** Tombstone and gap record for a chunk that is no longer stored. */
  giveUp(stream: OutboxStream, chunk: ChunkFacts, reason: GapRecord["reason"]): void {
    stream.entomb(chunk.seq, chunk.seq);
    const { seq, fromMs, toMs, samples } = chunk;
    this.#ledger.drop({
      kind: "gap",
      observedAt: this.#clock.now(),
      reason,
      stream: stream.id,
      fromSeq: seq,
      toSeq: seq,
      fromMs,
      toMs,
      samples,
    });
  }

  /** undefined: the bytes are no longer what was sealed, and the chunk was given up; or they cannot be had now. */
  bytesOf(stream: OutboxStream, facts: ChunkFacts): Uint8Array | undefined {
    const bytes = this.#rawBytes(stream, facts.seq);
    if (bytes === undefined) return undefined;
    if (crc32(bytes) === facts.crc && bytes.length === facts.size) return bytes;
    this.#log.error({ stream: stream.id, seq: facts.seq, code: "buffer.corrupt" }, "a sealed chunk changed on the medium");
    const lost = this.#take(stream, facts.seq);
    if (lost !== undefined) this.giveUp(stream, lost, "corrupt");
    return undefined;
  }

  /** For what was found to be gone from the books without passing through here. */
  removeLater(stream: string, ranges: Ranges): void {
    this.#removed.push({ stream, ranges });
  }

  /** Deletes from the backlog what is gone from the books. Only after a record that knows of it: else a cut would turn it into a loss. */
  sweep(): void {
    if (this.#removed.length === 0) return;
    const gone = this.#removed;
    const swept = this.#keeper.attempt((backlog) => {
      backlog.remove(gone);
      for (const id of new Set(gone.map((item) => item.stream))) this.#refresh(backlog, id);
    });
    if (swept === undefined) return;
    this.#removed = [];
    this.#keeper.proven();
  }

  /** Streams that are closed, empty and deleted everywhere: a row left behind would bring its stream back. */
  forgetDrained(): void {
    const pending = new Set(this.#removed.map((item) => item.stream));
    this.streams.forgetDrained((id) => pending.has(id));
  }

  /** First and oldest of what is left in the backlog. */
  #refresh(backlog: Backlog, id: string): void {
    const stream = this.streams.get(id);
    if (stream === undefined || stream.backlog.chunks === 0) return;
    const first = backlog.describe(id, stream.ackedUpTo + 1, 1)[0];
    if (first === undefined) return;
    stream.backlog.firstSeq = first.seq;
    stream.backlog.oldestSealedAtMs = first.sealedAtMs;
  }

  /** In order of seq, without what is done or skipped. Mostly the backlog's come first; chunks that were carried along stand among them. */
  *#from(stream: OutboxStream, query: ReadQuery): Generator<ChunkFacts> {
    const first = Math.max(query.fromSeq, stream.ackedUpTo + 1);
    let seq = Math.max(first, stream.ring.keys().next().value ?? stream.nextSeq);
    const wanted = (facts: ChunkFacts): boolean => !stream.isDone(facts.seq) && !hasSeq(query.skip ?? [], facts.seq);
    for (const row of this.#backlogFrom(stream, first)) {
      for (const chunk of stream.ringBetween(seq, row.seq - 1)) if (wanted(chunk)) yield chunk;
      seq = Math.max(seq, row.seq);
      if (wanted(row) && !stream.ring.has(row.seq)) yield row;
    }
    for (const chunk of stream.ringBetween(seq, stream.nextSeq - 1)) if (wanted(chunk)) yield chunk;
  }

  *#backlogFrom(stream: OutboxStream, fromSeq: number): Generator<ChunkFacts> {
    for (let seq = fromSeq; stream.backlog.chunks > 0 && seq <= stream.backlog.lastSeq; ) {
      const from = seq;
      const page = this.#keeper.attempt((backlog) => backlog.describe(stream.id, from, describePage))?.value ?? [];
      yield* page;
      const last = page.at(-1)?.seq ?? seq;
      if (page.length < describePage || last < from) return;
      seq = last + 1;
    }
  }

  #rawBytes(stream: OutboxStream, seq: number): Uint8Array | undefined {
    const inRing = stream.ring.get(seq);
    if (inRing === undefined) return this.#keeper.attempt((backlog) => backlog.bytesOf(stream.id, seq) ?? new Uint8Array())?.value;
    try {
      return this.#ring.read(inRing.offset, inRing.size);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      // A sector that cannot be read will not be readable later: the same as other bytes.
      return error instanceof GatewayError ? new Uint8Array() : undefined;
    }
  }

  /** Removes one chunk from where it lies. */
  #take(stream: OutboxStream, seq: number): BacklogChunk | undefined {
    const bytes = this.#rawBytes(stream, seq) ?? new Uint8Array();
    const chunk = stream.removeFromRing(seq);
    if (chunk !== undefined) {
      this.#ring.release(chunk.recordSeq, 1);
      return { ...factsOf(chunk), bytes };
    }
    const row = this.#keeper.attempt((backlog) => backlog.describe(stream.id, seq, 1)[0])?.value;
    if (row === undefined || row.seq !== seq) return undefined;
    stream.forgetBacklog({ chunks: 1, samples: row.samples, bytes: row.size });
    this.#removed.push({ stream: stream.id, ranges: [[seq, seq]] });
    return { ...row, bytes };
  }

  #takeFromRing(stream: OutboxStream, from: number, to: number): RingChunk[] {
    const taken: RingChunk[] = [];
    for (const chunk of stream.ringBetween(Math.max(from, stream.ring.keys().next().value ?? to + 1), to)) {
      stream.removeFromRing(chunk.seq);
      this.#ring.release(chunk.recordSeq, 1);
      taken.push(chunk);
    }
    return taken;
  }
}

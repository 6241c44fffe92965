import { crc32 } from "node:zlib";
import type { Chunk, StreamAck, StreamId } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { GapRecord } from "#model/observation.ts";
import type { BufferStats, ReadQuery } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Backlog, BacklogBatch, BacklogChunk } from "./backlog.ts";
import type { StoreLedger } from "./ledger.ts";
import { hasSeq, type Ranges } from "./ranges.ts";
import { type ChunkFacts, factsOf } from "./record.ts";
import type { Ring } from "./ring.ts";
import type { Space } from "./space.ts";
import type { OutboxStream, RingChunk, StreamTable } from "./streams.ts";

export interface OutboxParts {
  readonly streams: StreamTable;
  readonly backlog: Backlog;
  readonly space: Space;
  readonly ledger: StoreLedger;
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  readonly log: Logger;
}

/** The journal begins to be emptied into the backlog when this much of it is needed ... */
const crowdedShare = 0.75;
/** ... this much at a time, in one transaction. */
const spillShare = 0.125;
const describePage = 256;

/** Sealed chunks wherever they lie, journal or backlog: reading, acknowledging, giving up, moving out of the way. */
export class Outbox {
  readonly streams: StreamTable;
  lastEvictionId: number;
  readonly #backlog: Backlog;
  readonly #space: Space;
  readonly #ledger: StoreLedger;
  readonly #clock: OutboxParts["clock"];
  readonly #log: Logger;
  /** Acknowledged in memory; deleted once a durable record knows of it. */
  #acknowledged: { readonly stream: string; readonly ranges: Ranges }[] = [];
  #deletable: { readonly stream: string; readonly ranges: Ranges }[] = [];
  #state: BufferStats["state"] = "ok";
  #deadLetters: number;

  constructor(parts: OutboxParts, lastEvictionId: number) {
    this.streams = parts.streams;
    this.#backlog = parts.backlog;
    this.#space = parts.space;
    this.#ledger = parts.ledger;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.lastEvictionId = lastEvictionId;
    this.#deadLetters = parts.backlog.deadLetters;
  }

  read(ring: Ring, query: ReadQuery): readonly Chunk[] {
    const stream = this.streams.get(query.stream);
    if (stream === undefined) return [];
    const chunks: Chunk[] = [];
    let bytes = 0;
    for (const found of this.#from(stream, query)) {
      if (chunks.length >= query.maxChunks || (chunks.length > 0 && bytes + found.size > query.maxBytes)) break;
      const content = this.#bytesOf(ring, stream, found);
      if (content === undefined) continue;
      const { seq, samples, sealedAtMs } = found;
      chunks.push({ stream: stream.id, streamClass: stream.streamClass, seq, bytes: content, samples, sealedAtMs });
      bytes += content.length;
    }
    return chunks;
  }

  /** @returns samples that were not acknowledged before */
  acknowledge(ring: Ring, ack: StreamAck): number {
    const stream = this.streams.get(ack.stream);
    if (stream === undefined) return 0;
    const fresh = stream.newlyAcked(ack);
    const inBacklog = fresh.filter(
      ([from, to]) => stream.backlog.chunks > 0 && from <= stream.backlog.lastSeq && to >= stream.backlog.firstSeq,
    );
    // Asked before anything changes: a backlog that cannot answer leaves the acknowledgement for the next one.
    const sums = this.#backlog.sums(stream.id, inBacklog);
    let samples = sums.samples;
    for (const [from, to] of fresh) {
      for (const chunk of takeFromRing(ring, stream, from, to)) samples += chunk.samples;
      stream.finish(from, to);
    }
    if (sums.chunks > 0) {
      this.#forget(stream, sums);
      this.#acknowledged.push({ stream: stream.id, ranges: inBacklog });
    }
    stream.pruneTombstones(ack.upTo);
    return samples;
  }

  reject(ring: Ring, id: StreamId, seq: number, reason: string): void {
    const stream = this.streams.get(id);
    if (stream === undefined || stream.isDone(seq)) return;
    const chunk = this.#take(ring, stream, seq);
    if (chunk === undefined) return;
    this.#log.warn({ stream: id, seq, samples: chunk.samples }, "the NOC refuses a chunk for good");
    this.#attempt(() => {
      this.#backlog.bury(id, chunk, reason, this.#clock.now().wallMs);
      this.#deadLetters = this.#backlog.deadLetters;
    });
    this.#entomb(stream, chunk, "poison");
  }

  /** Whether the journal should be emptied; its oldest frames must be sealed for that. */
  crowded(ring: Ring): { readonly upToRecord: number } | undefined {
    if (ring.usedBytes < ring.capacityBytes * crowdedShare) return undefined;
    const upToRecord = ring.oldest(ring.capacityBytes * spillShare).at(-1);
    return upToRecord === undefined ? undefined : { upToRecord };
  }

  /** The newest durable record knows every acknowledgement made before it. */
  recorded(): void {
    this.#deletable.push(...this.#acknowledged);
    this.#acknowledged = [];
  }

  /** Moves the journal's oldest part into the backlog until it is no longer crowded. */
  relieve(ring: Ring): void {
    for (let crowded = this.crowded(ring); crowded !== undefined; crowded = this.crowded(ring)) {
      const before = ring.usedBytes;
      const upToRecord = crowded.upToRecord;
      if (!this.#attempt(() => this.#spill(ring, upToRecord)) || ring.usedBytes === before) return;
    }
  }

  /** What may wait until after a commit: deleting and evicting. @returns whether counts changed that the next record should hold */
  settle(): boolean {
    const evictionBefore = this.lastEvictionId;
    const sound = this.#attempt(() => {
      for (const { stream, ranges } of this.#deletable) this.#backlog.remove(stream, ranges);
      this.#deletable = [];
      this.#evict(0);
    });
    if (sound) this.#state = "ok";
    this.streams.forgetDrained();
    return this.lastEvictionId !== evictionBefore;
  }

  facts(): Pick<BufferStats, "databaseBytes" | "budgetBytes" | "writtenBytes" | "state" | "deadLetters"> & { readonly samples: number } {
    let samples = 0;
    for (const stream of this.streams.all()) samples += stream.samples;
    return {
      samples,
      databaseBytes: this.#space.databaseBytes,
      budgetBytes: this.#space.budgetBytes,
      writtenBytes: this.#backlog.writtenBytes,
      state: this.#state,
      deadLetters: this.#deadLetters,
    };
  }

  close(): void {
    this.#attempt(() => {
      for (const { stream, ranges } of this.#deletable) this.#backlog.remove(stream, ranges);
      this.#backlog.close();
    });
  }

  /** In order of seq, without what is done or skipped. */
  *#from(stream: OutboxStream, query: ReadQuery): Generator<ChunkFacts> {
    let seq = Math.max(query.fromSeq, stream.ackedUpTo + 1);
    const wanted = (candidate: number): boolean => !stream.isDone(candidate) && !hasSeq(query.skip ?? [], candidate);
    while (stream.backlog.chunks > 0 && seq <= stream.backlog.lastSeq) {
      const page = this.#backlog.describe(stream.id, seq, describePage);
      for (const row of page) if (wanted(row.seq) && !stream.ring.has(row.seq)) yield row;
      if (page.length < describePage) break;
      seq = (page.at(-1)?.seq ?? seq) + 1;
    }
    seq = Math.max(query.fromSeq, stream.ackedUpTo + 1, stream.ring.keys().next().value ?? stream.nextSeq);
    for (; seq < stream.nextSeq; seq += 1) {
      const chunk = stream.ring.get(seq);
      if (chunk !== undefined && wanted(seq)) yield chunk;
    }
  }

  /** undefined: the bytes are no longer what was sealed; the chunk was given up with a gap record. */
  #bytesOf(ring: Ring, stream: OutboxStream, facts: ChunkFacts): Uint8Array | undefined {
    const inRing = stream.ring.get(facts.seq);
    const bytes = inRing === undefined ? this.#backlog.bytesOf(stream.id, facts.seq) : ring.read(inRing.offset, inRing.size);
    if (bytes !== undefined && crc32(bytes) === facts.crc) return bytes;
    const lost = this.#take(ring, stream, facts.seq);
    this.#log.error({ stream: stream.id, seq: facts.seq, code: "buffer.corrupt" }, "a sealed chunk changed on the medium");
    if (lost !== undefined) this.#entomb(stream, lost, "corrupt");
    return undefined;
  }

  /** Removes one chunk from where it lies. */
  #take(ring: Ring, stream: OutboxStream, seq: number): BacklogChunk | undefined {
    const chunk = stream.removeFromRing(seq);
    if (chunk !== undefined) {
      ring.release(chunk.recordSeq, 1);
      return { ...factsOf(chunk), bytes: ring.read(chunk.offset, chunk.size) };
    }
    const row = this.#backlog.describe(stream.id, seq, 1)[0];
    if (row === undefined || row.seq !== seq) return undefined;
    const bytes = this.#backlog.bytesOf(stream.id, seq) ?? new Uint8Array();
    this.#forget(stream, { chunks: 1, samples: row.samples, bytes: row.size });
    this.#acknowledged.push({ stream: stream.id, ranges: [[seq, seq]] });
    return { ...row, bytes };
  }

  #entomb(stream: OutboxStream, chunk: ChunkFacts, reason: GapRecord["reason"]): void {
    stream.entomb(chunk.seq, chunk.seq);
    this.#ledger.drop({
      kind: "gap",
      observedAt: this.#clock.now(),
      reason,
      stream: stream.id,
      fromSeq: chunk.seq,
      toSeq: chunk.seq,
      fromMs: chunk.fromMs,
      toMs: chunk.toMs,
      samples: chunk.samples,
    });
  }

  #forget(stream: OutboxStream, gone: { readonly chunks: number; readonly samples: number; readonly bytes: number }): void {
    stream.backlog.chunks -= gone.chunks;
    stream.backlog.samples -= gone.samples;
    stream.backlog.bytes -= gone.bytes;
  }

  #spill(ring: Ring, upToRecord: number): void {
    const moving = new Map<OutboxStream, RingChunk[]>();
    const batches: BacklogBatch[] = [];
    let bytes = 0;
    for (const stream of this.streams.all()) {
      const chunks: RingChunk[] = [];
      for (const chunk of stream.ring.values()) {
        if (chunk.recordSeq > upToRecord) break;
        chunks.push(chunk);
        bytes += chunk.size;
      }
      if (chunks.length === 0) continue;
      moving.set(stream, chunks);
      const rows = chunks.flatMap((chunk) => {
        const content = this.#bytesOf(ring, stream, chunk);
        return content === undefined ? [] : [{ ...factsOf(chunk), bytes: content }];
      });
      batches.push({ stream: stream.id, streamClass: stream.streamClass, chunks: rows });
    }
    if (bytes === 0) return;
    this.#evict(bytes);
    this.#space.withRescue(
      () => this.#backlog.insert(batches),
      () => this.#evictSome(2 * bytes),
    );
    for (const [stream, chunks] of moving) for (const chunk of chunks) movedToBacklog(ring, stream, chunk);
  }

  #evict(incomingBytes: number): void {
    while (this.#space.isOver(incomingBytes)) if (!this.#evictSome(this.#space.evictionBytes)) return;
  }

  #evictSome(bytes: number): boolean {
    const evicted = this.#backlog.evict(bytes, (id, seq) => this.streams.get(id)?.isDone(seq) ?? false);
    for (const run of evicted) {
      const stream = this.streams.get(run.stream);
      this.lastEvictionId = run.id;
      if (stream === undefined) continue;
      this.#forget(stream, { chunks: run.toSeq - run.fromSeq + 1, samples: run.samples, bytes: run.bytes });
      stream.entomb(run.fromSeq, run.toSeq);
      const { fromSeq, toSeq, fromMs, toMs, samples } = run;
      this.#ledger.drop({
        kind: "gap",
        observedAt: this.#clock.now(),
        reason: "cap",
        stream: run.stream,
        fromSeq,
        toSeq,
        fromMs,
        toMs,
        samples,
      });
    }
    return evicted.length > 0;
  }

  /** Runs what may fail at the backlog without failing the journal. */
  #attempt(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (this.#state === "ok") this.#log.error({ code: error.code, ...error.fields }, "the backlog cannot be written");
      this.#state = error.code === "buffer.disk-full" ? "disk-full" : error.code === "buffer.denied" ? "read-only" : "io";
      return false;
    }
  }
}

function takeFromRing(ring: Ring, stream: OutboxStream, from: number, to: number): RingChunk[] {
  const taken: RingChunk[] = [];
  const first = Math.max(from, stream.ring.keys().next().value ?? to + 1);
  for (let seq = first; seq <= to; seq += 1) {
    const chunk = stream.removeFromRing(seq);
    if (chunk === undefined) continue;
    ring.release(chunk.recordSeq, 1);
    taken.push(chunk);
  }
  return taken;
}

function movedToBacklog(ring: Ring, stream: OutboxStream, chunk: RingChunk): void {
  if (stream.removeFromRing(chunk.seq) === undefined) return;
  ring.release(chunk.recordSeq, 1);
  const counts = stream.backlog;
  if (counts.chunks === 0) {
    counts.firstSeq = chunk.seq;
    counts.oldestSealedAtMs = chunk.sealedAtMs;
  }
  counts.chunks += 1;
  counts.samples += chunk.samples;
  counts.bytes += chunk.size;
  counts.firstSeq = Math.min(counts.firstSeq, chunk.seq);
  counts.lastSeq = Math.max(counts.lastSeq, chunk.seq);
}

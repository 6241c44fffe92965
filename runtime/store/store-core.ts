import type { Chunk, Frame, StreamAck, StreamClass, StreamId } from "#model/chunk.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { GapRecord } from "#model/observation.ts";
import type { BufferStats, Position, ReadQuery } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { ChunkAssembler } from "#ports/codec.ts";
import type { Logger } from "#ports/logger.ts";
import { type CommitPlan, isEmpty } from "./commit-plan.ts";
import { CommitTimes } from "./commit-times.ts";
import { DiskHealth } from "./disk-health.ts";
import { FrameBatch, type HeldFrame } from "./held-frame.ts";
import type { PendingGaps } from "./ledger.ts";
import { type ChunkFacts, factsOf, recordFlag } from "./record.ts";
import { carriedEntry, freshSamples, journalEntries, releaseRecords, type Sealed, samplesOf, sealPlan } from "./sealing.ts";
import { recordShare, type StoreSettings } from "./settings.ts";
import { snapshotOf, statsOf } from "./stats.ts";
import type { StoreInventory } from "./store-inventory.ts";
import type { RingChunk } from "./streams.ts";

export interface StoreParts {
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  readonly assembler: ChunkAssembler;
  readonly log: Logger;
  readonly settings: StoreSettings;
}

/**
 * The buffer without threads, timers or promises: frames in, durable records and sealed chunks out. The caller looks at `dueAtMs` and calls
 * `commit`. Every method is synchronous and, but for `append`, may take as long as the disk takes.
 */
export class StoreCore {
  /** Everything up to here survives a power cut. */
  durablePosition: Position;
  /** Chunks sealed and durable since the start: grows = there is something to read. */
  sealedChunks = 0;
  readonly #parts: StoreParts;
  readonly #stock: StoreInventory;
  readonly #times = new CommitTimes();
  readonly #maxRecordBytes: number;
  readonly #health: DiskHealth;
  #position: number;
  /** When the next record is due for what is not frames: acknowledgements, gap records, streams opened. Infinity = nothing waits. */
  #dirtyDueMs = Number.POSITIVE_INFINITY;
  #hasBegun = false;
  #closed = false;

  constructor(parts: StoreParts, inventory: StoreInventory) {
    this.#parts = parts;
    this.#stock = inventory;
    this.#health = new DiskHealth(parts.log);
    this.#position = inventory.position;
    this.#maxRecordBytes = inventory.ring.capacityBytes * recordShare;
    this.durablePosition = inventory.position as Position;
  }

  /** Admits frames; they are in memory only. The caller holds back while `isFull`. @throws GatewayError buffer.closed */
  append(frames: readonly Frame[] | FrameBatch): Position {
    if (this.#closed) throw new GatewayError("buffer.closed");
    const nowMs = this.#parts.clock.monotonicMs();
    const first = this.#position + 1;
    for (const held of FrameBatch.of(frames).hold((index) => first + index)) {
      this.#position = held.position;
      this.#stock.open.add(held, nowMs);
      if (held.kind === "group") this.#reportRestart(held);
    }
    return this.#position as Position;
  }

  get isFull(): boolean {
    return this.#stock.open.isFull;
  }

  /** Monotonic time at which `commit` is due; Infinity = nothing waits, -Infinity = now. */
  get dueAtMs(): number {
    if (!this.#hasBegun) return this.#health.retryAtMs;
    const due = Math.min(this.#stock.open.dueAtMs(this.#parts.clock.now().bootId), this.#dirtyDueMs);
    return Math.max(due, this.#health.retryAtMs);
  }

  /**
   * Makes everything admitted durable and seals what is ready. A disk that refuses leaves everything as it was, and a later call tries again.
   * @param force seals open slots too
   * @returns false when the disk refused
   */
  commit(force: boolean): boolean {
    const isDurable = this.#guarded(() => {
      this.#begin();
      do this.#relieve();
      while (this.#commitOne(force, 0));
      this.#settle();
    });
    // A journal that is full waits for the backlog: whether that is back must be looked for even while no record can be written.
    if (!isDurable) this.#stock.keeper.mend();
    return isDurable;
  }

  read(query: ReadQuery): readonly Chunk[] {
    const { ring, outbox, ledger } = this.#stock;
    // Nothing may be published that a power cut could still take away, and its seq with it.
    if (ring.isUnsure) return [];
    const reports = ledger.unrecorded.length;
    const chunks = outbox.read(query);
    if (ledger.unrecorded.length !== reports) this.#touch(); // Damage was found and given up.
    return chunks;
  }

  acknowledge(ack: StreamAck): void {
    this.#stock.ledger.delivered += this.#stock.outbox.acknowledge(ack);
    this.#touch(this.#parts.settings.ackWindowMs);
  }

  /** The new stream, or the old one where the disk refuses now: then it goes on. */
  splitStream(streamClass: StreamClass): StreamId {
    // What was admitted before belongs to the old stream: its dictionary is there, and its chunks would be unreadable in the new one.
    if (!this.commit(true)) return this.#stock.outbox.streams.openStream(streamClass).id;
    this.#touch();
    return this.#stock.outbox.streams.split(streamClass).id;
  }

  reject(stream: StreamId, seq: number, reason: string): void {
    this.#stock.outbox.reject(stream, seq, reason);
    this.#touch();
    this.commit(false);
  }

  get pendingGaps(): PendingGaps {
    return this.#stock.ledger.pending;
  }

  /** Up to report number `upTo`; forgotten on the medium with the next record. */
  takeGaps(upTo = Number.POSITIVE_INFINITY): readonly GapRecord[] {
    const gaps = this.#stock.ledger.take(upTo);
    if (gaps.length > 0) this.#touch(this.#parts.settings.ackWindowMs);
    return gaps;
  }

  stats(): BufferStats {
    return statsOf(this.#stock, this.#times, this.#health.state);
  }

  /** The record every start begins with: it proves that the disk takes writes, seals what the last process left, and says who begins. */
  begin(): boolean {
    return this.#guarded(() => this.#begin());
  }

  #begin(): void {
    if (this.#hasBegun) return;
    do this.#relieve();
    while (this.#commitOne(true, recordFlag.start));
    this.#hasBegun = true;
  }

  /** Seals and commits all, marks the stop as clean, lets go of the files. @returns whether everything is durable */
  close(): boolean {
    if (this.#closed) return true;
    this.#closed = true;
    const isSound = this.commit(true) && this.#guarded(() => void this.#commitOne(true, recordFlag.cleanStop));
    const { openFrames: frames, openSamples: samples } = this.#stock.open;
    if (frames > 0) this.#parts.log.error({ frames, samples }, "the disk refused the last frames before the stop");
    if (isSound) this.#stock.outbox.sweep();
    this.#stock.keeper.close();
    this.#stock.ring.close();
    return isSound;
  }

  #guarded(work: () => void): boolean {
    try {
      work();
      this.#health.sound();
      return true;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#health.refused(error, this.#parts.clock.monotonicMs());
      return false;
    }
  }

  /** Something that belongs into the next record, which may wait this long. */
  #touch(patienceMs = this.#parts.settings.durabilityWindowMs): void {
    this.#dirtyDueMs = Math.min(this.#dirtyDueMs, this.#parts.clock.monotonicMs() + patienceMs);
  }

  /** Empties the oldest part of a crowded journal; the record that follows makes the room usable. */
  #relieve(): void {
    const { relief, open } = this.#stock;
    const crowdedUpTo = relief.crowdedUpTo;
    if (crowdedUpTo === undefined) return;
    // Frames cannot move: those in the way are sealed, early if need be. Each record takes some of them.
    while (open.oldestRecord <= crowdedUpTo) this.#write(open.planToFree(crowdedUpTo, this.#maxRecordBytes), 0);
    relief.relieve();
    if (relief.carried.length > 0) this.#touch();
  }

  /** What may wait until a record is durable. */
  #settle(): void {
    this.#stock.keeper.mend();
    this.#stock.outbox.sweep();
    if (this.#stock.relief.trim()) this.#touch();
    this.#stock.space.ensureBallast();
    this.#stock.outbox.forgetDrained();
  }

  /** One record. @returns whether another follows at once */
  #commitOne(force: boolean, flags: number): boolean {
    const plan = this.#stock.open.plan(this.#parts.clock.now(), force, this.#maxRecordBytes);
    if (isEmpty(plan) && flags === 0 && this.#dirtyDueMs === Number.POSITIVE_INFINITY) return false;
    this.#write(plan, flags);
    return plan.more;
  }

  #write(plan: CommitPlan, flags: number): void {
    const { open, ring, outbox, relief, tenure } = this.#stock;
    const now = this.#parts.clock.now();
    const sealed = sealPlan(plan, outbox.streams, this.#parts.assembler, now.wallMs);
    const carried = relief.carried;
    const startedMs = this.#parts.clock.monotonicMs();
    try {
      const position = open.durableAfter(plan, this.#position);
      const journal = journalEntries(plan.journal);
      tenure.notePolls(plan);
      const body = {
        snapshot: snapshotOf(this.#stock, position),
        slots: journal.slots,
        frames: journal.frames,
        chunks: [...sealed.chunks.map((chunk) => chunk.entry), ...carried.map(carriedEntry)],
      };
      const { seq, blobOffsets } = ring.append(
        { body, payloads: journal.payloads, blobs: [...sealed.chunks, ...carried].map((chunk) => chunk.bytes) },
        { ...now, ...this.#countsAfter(plan, sealed), flags, lastPosition: position },
      );
      this.#apply(plan, sealed, seq, blobOffsets);
      sealed.letGo();
      this.durablePosition = position as Position;
      this.#times.add(this.#parts.clock.monotonicMs() - startedMs);
    } catch (error) {
      sealed.undo();
      throw error;
    }
  }

  #countsAfter(plan: CommitPlan, sealed: Sealed): { readonly polled: number; readonly delivered: number; readonly dropped: number } {
    const { polled, delivered, dropped } = this.#stock.ledger;
    const refused = sealed.refused.reduce((sum, item) => sum + samplesOf(item.frames), 0);
    return { polled: polled + freshSamples(plan), delivered, dropped: dropped + refused };
  }

  #apply(plan: CommitPlan, sealed: Sealed, recordSeq: number, blobOffsets: readonly number[]): void {
    const { ring, open, ledger, relief } = this.#stock;
    ledger.polled += freshSamples(plan);
    for (const { frames } of plan.seals) releaseRecords(ring, frames);
    open.committed(plan, recordSeq, this.#parts.clock.monotonicMs());
    const carried = relief.carried;
    for (const { chunk } of carried) ring.release(chunk.recordSeq, 1);
    const placed = (facts: ChunkFacts, index: number): RingChunk => {
      const offset = blobOffsets[index];
      if (offset === undefined) throw new Error("a chunk without a place in its record");
      return { ...factsOf(facts), recordSeq, offset };
    };
    for (const [index, { stream, entry }] of sealed.chunks.entries()) stream.addToRing(placed(entry, index));
    for (const [index, { stream, chunk }] of carried.entries()) stream.relocate(placed(chunk, sealed.chunks.length + index));
    ring.retain(recordSeq, plan.journal.length + sealed.chunks.length + carried.length);
    relief.rewritten();
    ledger.recorded();
    this.#dirtyDueMs = Number.POSITIVE_INFINITY;
    for (const { frames, error } of sealed.refused) {
      const samples = samplesOf(frames);
      this.#parts.log.error({ code: error.code, samples }, "frames could not be made into a chunk");
      ledger.drop({ kind: "gap", observedAt: this.#parts.clock.now(), reason: "poison", samples });
      this.#touch();
    }
    this.sealedChunks += sealed.chunks.length;
  }

  /** The first poll after an unclean start ends the time of which nothing is known. */
  #reportRestart(first: HeldFrame): void {
    const gap = this.#stock.tenure.takeRestart(first, this.#parts.clock.now());
    if (gap !== undefined) this.#stock.ledger.drop(gap);
  }
}

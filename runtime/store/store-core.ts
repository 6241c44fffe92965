import type { Chunk, Frame, StreamAck, StreamClass, StreamId } from "#model/chunk.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { GapRecord } from "#model/observation.ts";
import type { BufferStats, Position, ReadQuery } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { ChunkAssembler } from "#ports/codec.ts";
import type { Logger } from "#ports/logger.ts";
import { CommitTimes } from "./commit-times.ts";
import type { PendingGaps, StoreLedger } from "./ledger.ts";
import type { CommitPlan, OpenGroup } from "./open-group.ts";
import type { Outbox } from "./outbox.ts";
import { factsOf, recordFlag, type Snapshot } from "./record.ts";
import type { Ring } from "./ring.ts";
import { journalEntries, type Sealed, sealPlan } from "./sealing.ts";
import { recordShare, type StoreSettings } from "./settings.ts";
import type { Tenure } from "./tenure.ts";

export interface StoreParts {
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  readonly assembler: ChunkAssembler;
  readonly log: Logger;
  readonly settings: StoreSettings;
}

/** What opening left behind for the core; made by `openStore`. */
export interface StoreInventory {
  readonly ring: Ring;
  readonly open: OpenGroup;
  readonly ledger: StoreLedger;
  readonly outbox: Outbox;
  readonly tenure: Tenure;
  readonly position: number;
}

const retryMs = { first: 1_000, max: 60_000 } as const;

/**
 * The buffer without threads, timers or promises: frames in, durable records and sealed chunks out. The caller looks at `dueAtMs` and calls
 * `commit`. Every method is synchronous and, but for `append`, may take as long as the disk takes.
 */
export class StoreCore {
  /** Everything up to here survives a power cut. */
  durablePosition: Position;
  /** Chunks sealed and durable since the start: grows = there is something to read. */
  sealedChunks = 0;
  state: BufferStats["state"] = "ok";
  readonly #parts: StoreParts;
  readonly #ring: Ring;
  readonly #open: OpenGroup;
  readonly #ledger: StoreLedger;
  readonly #outbox: Outbox;
  readonly #tenure: Tenure;
  readonly #times = new CommitTimes();
  #position: number;
  #dirtySinceMs: number | undefined;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #retryDelayMs: number = retryMs.first;
  #polledAtMs: number | undefined;
  #pollBootId: string | undefined;
  #closed = false;

  constructor(parts: StoreParts, inventory: StoreInventory) {
    this.#parts = parts;
    this.#ring = inventory.ring;
    this.#open = inventory.open;
    this.#ledger = inventory.ledger;
    this.#outbox = inventory.outbox;
    this.#tenure = inventory.tenure;
    this.#position = inventory.position;
    this.durablePosition = inventory.position as Position;
    this.#polledAtMs = inventory.tenure.polledAtMs;
    this.#pollBootId = inventory.tenure.pollBootId;
  }

  /** Admits frames; they are in memory only. The caller holds back while `isFull`. @throws GatewayError buffer.closed */
  append(frames: readonly Frame[]): Position {
    if (this.#closed) throw new GatewayError("buffer.closed");
    const nowMs = this.#parts.clock.monotonicMs();
    for (const frame of frames) {
      this.#position += 1;
      this.#open.add(frame, this.#position, nowMs);
      if (frame.kind === "group") this.#reportRestart(frame);
    }
    return this.#position as Position;
  }

  get isFull(): boolean {
    return this.#open.isFull;
  }

  /** Monotonic time at which `commit` is due; Infinity = nothing waits, -Infinity = now. */
  get dueAtMs(): number {
    const dirty = this.#dirtySinceMs === undefined ? Number.POSITIVE_INFINITY : this.#dirtySinceMs + this.#parts.settings.ackWindowMs;
    const due = Math.min(this.#open.dueAtMs(this.#parts.clock.now().bootId), dirty);
    return Math.max(due, this.#retryAtMs);
  }

  /**
   * Makes everything admitted durable and seals what is ready. A disk that refuses leaves everything as it was, and a later call tries again.
   * @param force seals open slots too
   * @returns false when the disk refused
   */
  commit(force: boolean): boolean {
    try {
      let more = true;
      while (more) {
        this.#relieve();
        more = this.#commitOne(force, 0);
      }
      this.#recovered();
      if (this.#outbox.settle()) this.#dirtySinceMs ??= this.#parts.clock.monotonicMs();
      return true;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#refused(error);
      return false;
    }
  }

  /** Empties the oldest part of a crowded journal; the record that follows makes the room usable. */
  #relieve(): void {
    const crowded = this.#outbox.crowded(this.#ring);
    if (crowded === undefined) return;
    // Frames cannot move: those in the way are sealed, early if need be.
    if (this.#open.oldestRecord <= crowded.upToRecord) this.#commitOne(true, 0);
    this.#outbox.relieve(this.#ring);
  }

  read(query: ReadQuery): readonly Chunk[] {
    return this.#outbox.read(this.#ring, query);
  }

  acknowledge(ack: StreamAck): void {
    this.#ledger.delivered += this.#outbox.acknowledge(this.#ring, ack);
    this.#dirtySinceMs ??= this.#parts.clock.monotonicMs();
  }

  /** Durable on return unless the disk refuses; the id holds in any case. */
  splitStream(streamClass: StreamClass): StreamId {
    // What was admitted before belongs to the old stream.
    this.commit(true);
    const stream = this.#outbox.streams.split(streamClass);
    this.#dirtySinceMs ??= this.#parts.clock.monotonicMs();
    return stream.id;
  }

  reject(stream: StreamId, seq: number, reason: string): void {
    this.#outbox.reject(this.#ring, stream, seq, reason);
    this.#dirtySinceMs ??= this.#parts.clock.monotonicMs();
    this.commit(false);
  }

  get pendingGaps(): PendingGaps {
    return this.#ledger.pending;
  }

  /** Up to report number `upTo`; forgotten on the medium with the next record. */
  takeGaps(upTo = Number.POSITIVE_INFINITY): readonly GapRecord[] {
    const gaps = this.#ledger.take(upTo);
    if (gaps.length > 0) this.#dirtySinceMs ??= this.#parts.clock.monotonicMs();
    return gaps;
  }

  stats(): BufferStats {
    const { polled, delivered, dropped, drops, sinceMs, restarts } = this.#ledger;
    const facts = this.#outbox.facts();
    return {
      streams: [...this.#outbox.streams.all()].map((stream) => stream.state()),
      ledger: {
        polled: polled + this.#open.openSamples,
        delivered,
        buffered: facts.samples + this.#open.heldSamples,
        dropped,
        drops,
        sinceMs,
        restarts,
      },
      openFrames: this.#open.openFrames,
      openBytes: this.#open.openBytes,
      journalBytes: this.#ring.usedBytes,
      databaseBytes: facts.databaseBytes,
      budgetBytes: facts.budgetBytes,
      writtenBytes: this.#ring.writtenBytes + facts.writtenBytes,
      commits: this.#times.count,
      commitMsMax: this.#times.maxMs,
      commitMsP99: this.#times.p99Ms,
      state: this.state === "ok" ? facts.state : this.state,
      deadLetters: facts.deadLetters,
    };
  }

  /** Seals and commits all, marks the stop as clean, lets go of the files. @returns whether everything is durable */
  close(): boolean {
    if (this.#closed) return true;
    this.#closed = true;
    let sound = this.commit(true);
    if (sound) sound = this.#mark(recordFlag.cleanStop);
    this.#outbox.close();
    this.#ring.close();
    return sound;
  }

  /** The record every start begins with: it proves that the disk takes writes, and that this start was. */
  begin(): boolean {
    return this.#mark(recordFlag.start);
  }

  #mark(flag: number): boolean {
    try {
      this.#commitOne(true, flag);
      return true;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#refused(error);
      return false;
    }
  }

  /** One record. @returns whether another follows at once */
  #commitOne(force: boolean, flags: number): boolean {
    const now = this.#parts.clock.now();
    const plan = this.#open.plan(now, force, this.#ring.capacityBytes * recordShare);
    const isEmpty = plan.seals.length === 0 && plan.journal.length === 0;
    if (isEmpty && flags === 0 && this.#dirtySinceMs === undefined) return false;
    const sealed = sealPlan(plan, this.#outbox.streams, this.#parts.assembler, now.wallMs);
    const startedMs = this.#parts.clock.monotonicMs();
    try {
      const fresh = freshSamples(plan);
      const refusedSamples = sealed.refused.reduce((sum, item) => sum + samplesOf(item.frames), 0);
      const position = this.#open.durableAfter(plan, this.#position);
      const journal = journalEntries(plan.journal);
      this.#notePolls(plan);
      const { seq, blobOffsets } = this.#ring.append(
        {
          body: {
            snapshot: this.#snapshot(position),
            slots: journal.slots,
            frames: journal.frames,
            chunks: sealed.chunks.map((chunk) => chunk.entry),
          },
          payloads: journal.payloads,
          blobs: sealed.chunks.map((chunk) => chunk.bytes),
        },
        {
          flags,
          lastPosition: position,
          polled: this.#ledger.polled + fresh,
          delivered: this.#ledger.delivered,
          dropped: this.#ledger.dropped + refusedSamples,
          wallMs: now.wallMs,
          monotonicMs: now.monotonicMs,
          bootId: now.bootId,
        },
      );
      this.#ledger.polled += fresh;
      this.#apply(plan, sealed, seq, blobOffsets);
      this.durablePosition = position as Position;
      this.#times.add(this.#parts.clock.monotonicMs() - startedMs);
      return plan.more;
    } catch (error) {
      sealed.undo();
      throw error;
    }
  }

  #apply(plan: CommitPlan, sealed: Sealed, recordSeq: number, blobOffsets: readonly number[]): void {
    for (const seal of plan.seals) {
      for (const held of seal.frames) if (held.recordSeq !== undefined) this.#ring.release(held.recordSeq, 1);
    }
    this.#open.committed(plan, recordSeq, this.#parts.clock.monotonicMs());
    this.#ring.retain(recordSeq, plan.journal.length + sealed.chunks.length);
    for (const [index, chunk] of sealed.chunks.entries()) {
      const offset = blobOffsets[index];
      if (offset === undefined) throw new Error("a sealed chunk without a place in its record");
      chunk.stream.addToRing({ ...factsOf(chunk.entry), recordSeq, offset });
    }
    for (const item of sealed.refused) {
      const samples = samplesOf(item.frames);
      this.#parts.log.error({ code: item.error.code, samples }, "frames could not be made into a chunk");
      this.#ledger.drop({ kind: "gap", observedAt: this.#parts.clock.now(), reason: "poison", samples });
    }
    this.#dirtySinceMs = sealed.refused.length > 0 ? this.#parts.clock.monotonicMs() : undefined;
    this.#outbox.recorded();
    this.sealedChunks += sealed.chunks.length;
  }

  #snapshot(position: number): Snapshot {
    return {
      v: 1,
      streams: [...this.#outbox.streams.all()].map((stream) => stream.snapshot()),
      position,
      sinceMs: this.#ledger.sinceMs,
      restarts: this.#ledger.restarts,
      drops: this.#ledger.drops,
      gaps: this.#ledger.pending.gaps,
      dropId: this.#outbox.lastEvictionId,
      ...(this.#polledAtMs === undefined ? {} : { polledAtMs: this.#polledAtMs }),
      ...(this.#pollBootId === undefined ? {} : { pollBootId: this.#pollBootId }),
    };
  }

  #notePolls(plan: CommitPlan): void {
    for (const held of [...plan.journal, ...plan.seals.flatMap((seal) => seal.frames)]) {
      if (held.frame.kind !== "group" || held.recordSeq !== undefined) continue;
      this.#polledAtMs = Math.max(this.#polledAtMs ?? 0, held.frame.wallMs);
      this.#pollBootId = held.frame.bootId;
    }
  }

  /** The first poll after an unclean start ends the time of which nothing is known. */
  #reportRestart(frame: Frame): void {
    const gap = this.#tenure.takeRestart(frame, this.#parts.clock.now());
    if (gap !== undefined) this.#ledger.drop(gap);
  }

  #refused(error: GatewayError): void {
    const state =
      error.code === "buffer.disk-full" || error.code === "buffer.full" ? "disk-full" : error.code === "buffer.denied" ? "read-only" : "io";
    if (this.state !== state) this.#parts.log.error({ code: error.code, ...error.fields }, "the buffer cannot be written");
    this.state = state;
    this.#retryAtMs = this.#parts.clock.monotonicMs() + this.#retryDelayMs;
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, retryMs.max);
  }

  #recovered(): void {
    if (this.state !== "ok") this.#parts.log.info({}, "the buffer can be written again");
    this.state = "ok";
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
    this.#retryDelayMs = retryMs.first;
  }
}

function samplesOf(frames: CommitPlan["journal"]): number {
  return frames.reduce((sum, held) => sum + held.frame.samples, 0);
}

/** Samples that become durable with this plan. */
function freshSamples(plan: CommitPlan): number {
  let samples = samplesOf(plan.journal);
  for (const seal of plan.seals) for (const held of seal.frames) if (held.recordSeq === undefined) samples += held.frame.samples;
  return samples;
}

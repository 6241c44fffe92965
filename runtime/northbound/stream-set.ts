import type { Chunk, StreamId } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Buffer, StreamState } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { UplinkLeaf } from "#ports/uplink.ts";
import { leafOfStream } from "#ports/uplink.ts";
import type { DrainMemory } from "./drain-memory.ts";
import type { Lane, LaneName } from "./lanes.ts";
import { StreamCursor } from "./stream-cursor.ts";

/** Streams drained at a time; further ones wait for earlier ones to be done. */
const maxStreams = 128;
const readAheadChunks = 8;
const readAheadBytes = 262_144;
const retryReadMs = 5_000;
/** A stream whose chunks stay unacknowledged again and again is probed with a few, so that it cannot hold the lane's share. */
const probeChunks = 4;

export interface Candidate {
  readonly lane: Lane;
  readonly cursor: StreamCursor;
  readonly chunk: Chunk;
  readonly leaf: UplinkLeaf;
}

interface StreamSetParts {
  readonly buffer: Buffer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly memory: DrainMemory;
  readonly lanes: Readonly<Record<LaneName, Lane>>;
  /** Called when something was read. */
  readonly wake: () => void;
  /** Called with what is no GatewayError: a bug. */
  readonly crash: (error: unknown) => void;
}

/** Which streams there are, and the chunks read ahead of each. Reads run beside each other: a slow backlog read never delays a live one. */
export class StreamSet {
  readonly #parts: StreamSetParts;
  readonly #cursors = new Map<StreamId, StreamCursor>();
  /** Closed, and all that was in them delivered or given up: nothing to send, but the NOC's word on what was given up still counts. */
  #settled: ReadonlySet<StreamId> = new Set();
  readonly #reading = new Map<StreamCursor, Promise<void>>();
  #tail: { readonly cursor: StreamCursor; readonly chunk: Chunk }[] = [];
  #pausedUntilMs = 0;
  /** Grows with every seal: an empty answer to an older question does not mean drained. */
  #generation = 0;

  constructor(parts: StreamSetParts) {
    this.#parts = parts;
  }

  get(stream: StreamId): StreamCursor | undefined {
    return this.#cursors.get(stream);
  }

  isSettled(stream: StreamId): boolean {
    return this.#settled.has(stream);
  }

  all(): Iterable<StreamCursor> {
    return this.#cursors.values();
  }

  /** Learns the streams from the buffer and sorts them into lanes. @throws GatewayError buffer.* */
  async refresh(): Promise<void> {
    const { streams } = await this.#parts.buffer.stats();
    const alive = new Set<StreamId>();
    const settled = new Set<StreamId>();
    for (const state of streams) {
      if (!state.open && state.firstSeq >= state.nextSeq) {
        settled.add(state.stream);
        continue;
      }
      if (alive.size >= maxStreams && !state.open) continue;
      alive.add(state.stream);
      this.#learn(state);
    }
    for (const [stream, cursor] of this.#cursors) {
      if (!alive.has(stream) && cursor.unacked.size === 0) this.#cursors.delete(stream);
    }
    this.#settled = settled;
    this.#sort();
  }

  /** The open streams got something new; reading them again shows what. */
  sealed(): void {
    this.#generation += 1;
    for (const cursor of this.#cursors.values()) if (cursor.open) cursor.drained = false;
  }

  /** Newest chunks of a stream that is about to be drained as backlog: sent first and live, so that the NOC sees the present at once. */
  async readTail(stream: StreamId, fromSeq: number): Promise<void> {
    const cursor = this.#cursors.get(stream);
    if (cursor === undefined) return;
    const chunks = await this.#parts.buffer.read({ stream, fromSeq, maxChunks: readAheadChunks, maxBytes: readAheadBytes });
    this.#tail = chunks.filter((chunk) => cursor.wants(chunk.seq)).map((chunk) => ({ cursor, chunk }));
  }

  /** Reads the first chunks of what goes first, so that the order of a session's first messages is by lane and not by who was read sooner. */
  async prime(lanes: readonly Lane[], nowMs: number): Promise<void> {
    for (const lane of lanes) for (const cursor of lane.cursors) if (this.#isAllowed(cursor)) this.#readAhead(lane, cursor, nowMs);
    await Promise.all([...this.#reading.values()]);
  }

  /** The next chunk of a lane that may go, still in its queue; reads ahead as a side effect. */
  candidate(lane: Lane, nowMs: number): Candidate | undefined {
    if (lane.name === "live") {
      const tail = this.#tail.find(({ cursor, chunk }) => cursor.wants(chunk.seq));
      if (tail !== undefined && this.#parts.memory.nocOn) return { lane, ...tail, leaf: leafOfStream[tail.cursor.streamClass] };
    }
    for (const cursor of lane.cursors) {
      if (!this.#isAllowed(cursor)) continue;
      const atCap = cursor.unacked.size >= this.#capOf(lane, cursor);
      if (!atCap) this.#readAhead(lane, cursor, nowMs);
      const chunk = atCap ? undefined : cursor.queue[0];
      if (chunk !== undefined) return { lane, cursor, chunk, leaf: this.#leafOf(lane, cursor) };
      // Backlog goes stream by stream; the next begins when this one has nothing to send.
      if (lane.name === "backlog" && !atCap && !cursor.drained) return undefined;
    }
    return undefined;
  }

  taken(candidate: Candidate): void {
    const { cursor, chunk } = candidate;
    if (cursor.queue[0] === chunk) cursor.queue.shift();
    else this.#tail = this.#tail.filter((entry) => entry.chunk !== chunk);
  }

  /** When a chunk that is to be sent again, or reading as such, becomes due. What is due already waits for an event, not for time. */
  nextRetryMs(nowMs: number): number {
    let dueMs = this.#pausedUntilMs > nowMs ? this.#pausedUntilMs : Number.POSITIVE_INFINITY;
    for (const cursor of this.#cursors.values()) {
      for (const atMs of cursor.retries.values()) if (atMs > nowMs) dueMs = Math.min(dueMs, atMs);
    }
    return dueMs;
  }

  #learn(state: StreamState): void {
    const known = this.#cursors.get(state.stream);
    if (known !== undefined) known.refresh(state);
    else this.#cursors.set(state.stream, new StreamCursor(state));
  }

  #sort(): void {
    const { lanes } = this.#parts;
    const byLane: Record<LaneName, StreamCursor[]> = { urgent: [], live: [], backlog: [] };
    for (const cursor of this.#cursors.values()) byLane[laneOf(cursor)].push(cursor);
    const rank = (cursor: StreamCursor) => "ESTCI".indexOf(cursor.streamClass);
    for (const name of ["urgent", "live", "backlog"] as const) {
      // Array.sort is stable: within a class the buffer's order, oldest first, remains.
      lanes[name].cursors = byLane[name].sort((a, b) => rank(a) - rank(b));
    }
  }

  #isAllowed(cursor: StreamCursor): boolean {
    return this.#parts.memory.nocOn || cursor.streamClass === "E";
  }

  #leafOf(lane: Lane, cursor: StreamCursor): UplinkLeaf {
    return lane.name === "backlog" ? "bf" : leafOfStream[cursor.streamClass];
  }

  #capOf(lane: Lane, cursor: StreamCursor): number {
    return cursor.rewinds >= 2 ? Math.min(probeChunks, lane.maxUnacked) : lane.maxUnacked;
  }

  #readAhead(lane: Lane, cursor: StreamCursor, nowMs: number): void {
    if (this.#reading.has(cursor) || nowMs < this.#pausedUntilMs) return;
    const retry = dueRetry(cursor, nowMs);
    if (retry === undefined && (cursor.drained || cursor.queue.length > 0)) return;
    const room = Math.max(1, Math.min(readAheadChunks, this.#capOf(lane, cursor) - cursor.unacked.size));
    const reading = retry === undefined ? this.#readNext(cursor, room) : this.#readAgain(lane, cursor, retry);
    const settled = reading.catch((error: unknown) => this.#readFailed(error)).finally(() => this.#readDone(cursor));
    this.#reading.set(cursor, settled);
  }

  async #readNext(cursor: StreamCursor, maxChunks: number): Promise<void> {
    const { stream, nextRead: fromSeq, ranges: skip } = cursor;
    const generation = this.#generation;
    const chunks = await this.#parts.buffer.read({ stream, fromSeq, maxChunks, maxBytes: readAheadBytes, skip });
    // An acknowledgement or a rewind may have moved the cursor meanwhile; then this answer is of yesterday.
    if (cursor.nextRead !== fromSeq) return;
    const last = chunks.at(-1);
    if (last === undefined) {
      cursor.drained = generation === this.#generation;
      return;
    }
    cursor.nextRead = last.seq + 1;
    cursor.endSeq = Math.max(cursor.endSeq, last.seq + 1);
    cursor.queue.push(...chunks.filter((chunk) => cursor.wants(chunk.seq)));
  }

  async #readAgain(lane: Lane, cursor: StreamCursor, seq: number): Promise<void> {
    const [chunk] = await this.#parts.buffer.read({ stream: cursor.stream, fromSeq: seq, maxChunks: 1, maxBytes: readAheadBytes });
    if (!cursor.retries.delete(seq)) return;
    // Not there any more: given up or evicted, and a gap record says so.
    if (chunk?.seq !== seq || !cursor.wants(seq)) return;
    cursor.queue.unshift(chunk);
    lane.resentChunks += 1;
    this.#parts.memory.counters.resentChunks += 1;
  }

  #readFailed(error: unknown): void {
    if (!isGatewayError(error)) {
      this.#parts.crash(error);
      return;
    }
    if (error.code === "buffer.closed") {
      this.#pausedUntilMs = Number.POSITIVE_INFINITY;
      return;
    }
    this.#pausedUntilMs = this.#parts.clock.monotonicMs() + retryReadMs;
    this.#parts.logger.warn({ code: error.code }, "the buffer could not be read for sending");
  }

  #readDone(cursor: StreamCursor): void {
    this.#reading.delete(cursor);
    this.#parts.wake();
  }
}

function laneOf(cursor: StreamCursor): LaneName {
  switch (cursor.streamClass) {
    case "E":
    case "S":
      return "urgent";
    case "C":
    case "I":
      return "live";
    case "T":
      return cursor.open ? "live" : "backlog";
  }
}

function dueRetry(cursor: StreamCursor, nowMs: number): number | undefined {
  for (const [seq, atMs] of cursor.retries) if (atMs <= nowMs) return seq;
  return undefined;
}

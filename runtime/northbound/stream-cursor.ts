import type { Chunk, StreamAck, StreamClass, StreamId } from "#model/chunk.ts";
import type { StreamState } from "#ports/buffer.ts";

/** One chunk that was published in this session and that the NOC has not acknowledged. */
export interface Sent {
  readonly bytes: number;
  readonly sentAtMs: number;
  /** PUBACK is here. Until then the chunk is never sent again on this connection. */
  confirmed: boolean;
}

/** What an acknowledgement did to a cursor. */
export type AckOutcome = "progress" | "stale" | "impossible";

type Range = readonly [number, number];

/**
 * How far one stream is: acknowledged, published, to be read next, to be sent again. Pure bookkeeping on the caller's time; one per stream
 * and session: the next session starts from what the buffer still has.
 */
export class StreamCursor {
  readonly stream: StreamId;
  readonly streamClass: StreamClass;
  open: boolean;
  /** Everything up to here is the NOC's, or was given up here. */
  acked: number;
  /** How far the NOC itself says that it is; behind `acked` until it has been told what was given up. */
  confirmedUpTo = 0;
  /** Beyond `acked`, ascending. */
  ranges: readonly Range[] = [];
  /** One past the newest seq known to exist. */
  endSeq: number;
  /** Next seq to read from the buffer. */
  nextRead: number;
  /** Nothing more to read until something is sealed. */
  drained = false;
  readonly unacked = new Map<number, Sent>();
  unackedBytes = 0;
  /** Read ahead, ascending. */
  queue: Chunk[] = [];
  /** seq -> monotonic ms from when on it is to be sent again. */
  readonly retries = new Map<number, number>();
  /** Too large for this broker: passed over for the rest of the session. */
  readonly held = new Set<number>();
  /** Published to nobody, and made so lately that it was never published before: an acknowledgement of one unmasks the code. */
  readonly unmatched = new Set<number>();
  /** Since when the NOC owes an acknowledgement of this stream; undefined = it owes none. */
  waitingSinceMs: number | undefined;
  /** Resends from the start in a row without an acknowledgement. */
  rewinds = 0;
  #newestAckedSentAtMs = Number.NEGATIVE_INFINITY;

  constructor(state: StreamState) {
    this.stream = state.stream;
    this.streamClass = state.streamClass;
    this.open = state.open;
    this.acked = state.firstSeq - 1;
    this.endSeq = state.nextSeq;
    this.nextRead = state.firstSeq;
  }

  /** Takes over what the buffer says; it knows of evictions and of new chunks. */
  refresh(state: StreamState): void {
    this.open = state.open;
    if (state.nextSeq > this.endSeq) {
      this.endSeq = state.nextSeq;
      this.drained = false;
    }
    if (state.firstSeq - 1 > this.acked) this.#advance(state.firstSeq - 1);
  }

  isAcked(seq: number): boolean {
    return seq <= this.acked || this.ranges.some(([from, to]) => seq >= from && seq <= to);
  }

  /** Whether a chunk that was read is to be sent now. */
  wants(seq: number): boolean {
    return !this.isAcked(seq) && !this.unacked.has(seq) && !this.held.has(seq) && !this.retries.has(seq);
  }

  sent(seq: number, bytes: number, nowMs: number): Sent {
    const entry: Sent = { bytes, sentAtMs: nowMs, confirmed: false };
    this.#forget(seq);
    this.unacked.set(seq, entry);
    this.unackedBytes += bytes;
    this.retries.delete(seq);
    this.waitingSinceMs ??= nowMs;
    return entry;
  }

  /** The publication failed or the chunk is gone: it no longer counts as under way. */
  unsent(seq: number): void {
    this.#forget(seq);
    if (this.unacked.size === 0) this.waitingSinceMs = undefined;
  }

  /**
   * Applies the NOC's word. A seq that does not exist yet makes the whole entry impossible: taking it would skip chunks that are still to
   * be made. Going backwards is stale: what was deleted cannot be sent again.
   */
  acknowledge(ack: StreamAck, nowMs: number): AckOutcome {
    const last = ack.ranges.at(-1)?.[1] ?? ack.upTo;
    // A closed stream makes no more: beyond its end the NOC knows what damage to the journal made the gateway forget.
    if (this.open && Math.max(last, ack.upTo) >= this.endSeq) return "impossible";
    const before = this.unacked.size;
    const advanced = ack.upTo > this.acked;
    if (advanced) this.#advance(ack.upTo);
    this.confirmedUpTo = Math.max(this.confirmedUpTo, ack.upTo);
    // As long as the NOC has not been told what was given up here, it stands behind that and all it has beyond comes as ranges.
    this.ranges = ack.ranges.flatMap(([from, to]) => (to > this.acked ? [[Math.max(from, this.acked + 1), to] as const] : []));
    for (const [seq, entry] of this.unacked) {
      if (!this.isAcked(seq)) continue;
      this.#newestAckedSentAtMs = Math.max(this.#newestAckedSentAtMs, entry.sentAtMs);
      this.#forget(seq);
    }
    for (const seq of this.retries.keys()) if (this.isAcked(seq)) this.retries.delete(seq);
    this.queue = this.queue.filter((chunk) => !this.isAcked(chunk.seq));
    if (!advanced && this.unacked.size === before) return "stale";
    this.rewinds = 0;
    this.waitingSinceMs = this.unacked.size === 0 ? undefined : nowMs;
    return "progress";
  }

  /** Whether the NOC has something that was published to nobody; forgets what is settled. */
  hasAckedUnmatched(): boolean {
    let found = false;
    for (const seq of this.unmatched) {
      if (!this.isAcked(seq)) continue;
      found = true;
      this.unmatched.delete(seq);
    }
    return found;
  }

  /** Published, older than `ageMs`, and something published later is committed: lost between broker and NOC. */
  holes(nowMs: number, ageMs: number): readonly number[] {
    return [...this.unacked].flatMap(([seq, entry]) => (this.#isHole(entry) && entry.sentAtMs + ageMs <= nowMs ? [seq] : []));
  }

  /** When the next hole becomes due; infinity = there is none. */
  nextHoleMs(ageMs: number): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const entry of this.unacked.values()) if (this.#isHole(entry)) dueMs = Math.min(dueMs, entry.sentAtMs + ageMs);
    return dueMs;
  }

  /** Starts again behind what is acknowledged; what still waits for its PUBACK stays under way. */
  rewind(nowMs: number): void {
    for (const [seq, entry] of this.unacked) if (entry.confirmed) this.#forget(seq);
    this.queue = [];
    this.retries.clear();
    this.nextRead = this.acked + 1;
    this.drained = false;
    this.rewinds += 1;
    this.waitingSinceMs = nowMs;
  }

  #isHole(entry: Sent): boolean {
    return entry.confirmed && entry.sentAtMs < this.#newestAckedSentAtMs;
  }

  #advance(seq: number): void {
    this.acked = seq;
    if (this.nextRead <= seq) this.nextRead = seq + 1;
    for (const held of this.held) if (held <= seq) this.held.delete(held);
    for (const sent of this.unacked.keys()) if (sent <= seq) this.#noteAcked(sent);
  }

  #noteAcked(seq: number): void {
    const entry = this.unacked.get(seq);
    if (entry !== undefined) this.#newestAckedSentAtMs = Math.max(this.#newestAckedSentAtMs, entry.sentAtMs);
    this.#forget(seq);
  }

  #forget(seq: number): void {
    const entry = this.unacked.get(seq);
    if (entry === undefined) return;
    this.unacked.delete(seq);
    this.unackedBytes -= entry.bytes;
  }
}

import { isStreamId, type StreamAck, type StreamClass, type StreamId } from "#model/chunk.ts";
import type { StreamState } from "#ports/buffer.ts";
import type { Entropy } from "#ports/entropy.ts";
import { above, hasSeq, type Ranges, withRange } from "./ranges.ts";
import type { ChunkFacts, StreamSnapshot } from "./record.ts";

/** A sealed chunk whose bytes lie in the journal. */
export interface RingChunk extends ChunkFacts {
  readonly recordSeq: number;
  readonly offset: number;
}

/** What lies in the backlog database of one stream. */
export interface BacklogCounts {
  chunks: number;
  samples: number;
  bytes: number;
  firstSeq: number;
  lastSeq: number;
  oldestSealedAtMs: number;
}

export const emptyBacklog: Readonly<BacklogCounts> = { chunks: 0, samples: 0, bytes: 0, firstSeq: 0, lastSeq: 0, oldestSealedAtMs: 0 };

/** Streams that are not drained; more than this and a class is not split further. */
export const maxStreams = 64;
/** A damaged journal's streams are replaced up to here: rather too many streams than a number used twice. */
const maxStreamsAfterDamage = 2 * maxStreams;
/** Dropped ranges of one stream; beyond it neighbours are joined by dropping what lies between. */
export const maxTombstones = 64;

/** One stream of chunks with what the NOC has of it. */
export class OutboxStream {
  readonly id: StreamId;
  readonly streamClass: StreamClass;
  open: boolean;
  nextSeq: number;
  /** Everything up to here is at the NOC or was given up. */
  ackedUpTo: number;
  acked: Ranges;
  tombstones: Ranges;
  /** By seq, ascending. */
  readonly ring = new Map<number, RingChunk>();
  readonly backlog: BacklogCounts = { ...emptyBacklog };
  #ringBytes = 0;
  #ringSamples = 0;

  constructor(from: StreamSnapshot & { readonly id: StreamId }) {
    this.id = from.id;
    this.streamClass = from.cls;
    this.open = from.open;
    this.nextSeq = from.next;
    this.ackedUpTo = from.ack;
    this.acked = from.x ?? [];
    this.tombstones = from.tomb ?? [];
  }

  get samples(): number {
    return this.#ringSamples + this.backlog.samples;
  }

  get chunks(): number {
    return this.ring.size + this.backlog.chunks;
  }

  get isDrained(): boolean {
    return this.chunks === 0;
  }

  isDone(seq: number): boolean {
    return seq <= this.ackedUpTo || hasSeq(this.acked, seq);
  }

  addToRing(chunk: RingChunk): void {
    this.ring.set(chunk.seq, chunk);
    this.#ringBytes += chunk.size;
    this.#ringSamples += chunk.samples;
  }

  /** The same chunk at another place. */
  relocate(chunk: RingChunk): void {
    // Replaced, not removed and added: its turn in the order stays.
    if (this.ring.has(chunk.seq)) this.ring.set(chunk.seq, chunk);
  }

  /** Restores the order after chunks were found in the order of their records. */
  sortRing(): void {
    const sorted = [...this.ring].sort((a, b) => a[0] - b[0]);
    this.ring.clear();
    for (const [seq, chunk] of sorted) this.ring.set(seq, chunk);
  }

  /**
   * What the ring has from `from` to `to`, ascending. Costs what is there or what is asked for, whichever is less: a damaged number can leave a hole of
   * any size. Chunks may be removed meanwhile.
   */
  *ringBetween(from: number, to: number): Generator<RingChunk> {
    if (to - from < this.ring.size) {
      for (let seq = from; seq <= to; seq += 1) {
        const chunk = this.ring.get(seq);
        if (chunk !== undefined) yield chunk;
      }
      return;
    }
    for (const chunk of this.ring.values()) {
      if (chunk.seq > to) return;
      if (chunk.seq >= from) yield chunk;
    }
  }

  removeFromRing(seq: number): RingChunk | undefined {
    const chunk = this.ring.get(seq);
    if (chunk === undefined) return undefined;
    this.ring.delete(seq);
    this.#ringBytes -= chunk.size;
    this.#ringSamples -= chunk.samples;
    return chunk;
  }

  /** The bytes of a journal chunk are in the backlog now. */
  moveToBacklog(seq: number): RingChunk | undefined {
    const chunk = this.removeFromRing(seq);
    if (chunk === undefined) return undefined;
    const counts = this.backlog;
    const first = counts.chunks === 0;
    counts.chunks += 1;
    counts.samples += chunk.samples;
    counts.bytes += chunk.size;
    counts.firstSeq = first ? seq : Math.min(counts.firstSeq, seq);
    counts.lastSeq = first ? seq : Math.max(counts.lastSeq, seq);
    counts.oldestSealedAtMs = first ? chunk.sealedAtMs : Math.min(counts.oldestSealedAtMs, chunk.sealedAtMs);
    return chunk;
  }

  forgetBacklog(gone: { readonly chunks: number; readonly samples: number; readonly bytes: number }): void {
    this.backlog.chunks -= gone.chunks;
    this.backlog.samples -= gone.samples;
    this.backlog.bytes -= gone.bytes;
  }

  /** Ranges that `ack` adds to what was known; seqs never sealed are left out. */
  newlyAcked(ack: StreamAck): Ranges {
    const last = this.nextSeq - 1;
    let fresh: Ranges = [];
    const claims = [[this.ackedUpTo + 1, ack.upTo] as const, ...ack.ranges.slice(0, 32)];
    for (const [from, to] of claims) {
      const low = Math.max(from, this.ackedUpTo + 1);
      const high = Math.min(to, last);
      if (low <= high) fresh = subtract(low, high, this.acked).reduce<Ranges>((sum, range) => withRange(sum, range[0], range[1]), fresh);
    }
    return fresh;
  }

  /** Marks a range as done: acknowledged, or given up (`tombstone`). */
  finish(from: number, to: number): void {
    this.acked = withRange(this.acked, from, to);
    const first = this.acked[0];
    if (first !== undefined && first[0] <= this.ackedUpTo + 1) {
      this.ackedUpTo = Math.max(this.ackedUpTo, first[1]);
      this.acked = above(this.acked, this.ackedUpTo);
    }
  }

  /** The cumulative acknowledgement passed these: the NOC has been told. */
  pruneTombstones(upTo: number): void {
    this.tombstones = above(this.tombstones, upTo);
  }

  entomb(from: number, to: number): void {
    this.tombstones = withRange(this.tombstones, from, to);
    this.finish(from, to);
  }

  state(): StreamState {
    const first = this.ring.values().next().value;
    const oldest = this.backlog.chunks > 0 ? this.backlog.oldestSealedAtMs : first?.sealedAtMs;
    return {
      stream: this.id,
      streamClass: this.streamClass,
      open: this.open,
      firstSeq: this.ackedUpTo + 1,
      nextSeq: this.nextSeq,
      bytes: this.#ringBytes + this.backlog.bytes,
      samples: this.samples,
      oldestSealedAtMs: oldest,
    };
  }

  snapshot(): StreamSnapshot {
    const { chunks, samples, firstSeq, lastSeq } = this.backlog;
    return {
      id: this.id,
      cls: this.streamClass,
      open: this.open,
      next: this.nextSeq,
      ack: this.ackedUpTo,
      ...(this.acked.length > 0 ? { x: this.acked } : {}),
      ...(this.tombstones.length > 0 ? { tomb: this.tombstones } : {}),
      ...(chunks > 0 ? { back: [chunks, samples, firstSeq, lastSeq] as const } : {}),
    };
  }
}

/** All streams: one open per class, older ones until they are drained. */
export class StreamTable {
  readonly #streams = new Map<string, OutboxStream>();
  readonly #entropy: Entropy;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  get(id: string): OutboxStream | undefined {
    return this.#streams.get(id);
  }

  all(): IterableIterator<OutboxStream> {
    return this.#streams.values();
  }

  get size(): number {
    return this.#streams.size;
  }

  /** A stream known from the journal or the backlog. */
  restore(snapshot: StreamSnapshot): OutboxStream | undefined {
    if (!isStreamId(snapshot.id)) return undefined;
    const known = this.#streams.get(snapshot.id);
    if (known !== undefined) return known;
    const stream = new OutboxStream({ ...snapshot, id: snapshot.id });
    this.#streams.set(stream.id, stream);
    return stream;
  }

  /** The stream that new chunks of the class go to; made if there is none. */
  openStream(streamClass: StreamClass): OutboxStream {
    for (const stream of this.#streams.values()) if (stream.open && stream.streamClass === streamClass) return stream;
    return this.#create(streamClass);
  }

  /** Closes the open stream of the class and opens a new one. An open stream that never carried anything stays. */
  split(streamClass: StreamClass): OutboxStream {
    const current = this.openStream(streamClass);
    if (current.nextSeq === 1 || this.#streams.size >= maxStreams) return current;
    current.open = false;
    return this.#create(streamClass);
  }

  /**
   * A stream of a new name for the class, because records that used numbers of the open one may be lost: what the NOC has under such a number it
   * would take for a duplicate, and acknowledge. That holds as well for a stream which, as far as is known here, never carried anything.
   */
  replace(streamClass: StreamClass): OutboxStream {
    const current = [...this.#streams.values()].find((stream) => stream.open && stream.streamClass === streamClass);
    if (current === undefined) return this.#create(streamClass);
    if (current.nextSeq === 1) this.#streams.delete(current.id);
    else if (this.#streams.size >= maxStreamsAfterDamage) return current;
    current.open = false;
    return this.#create(streamClass);
  }

  /** Forgets streams that are closed and empty. @param isNeeded where something of the stream is still to be deleted */
  forgetDrained(isNeeded: (stream: string) => boolean): void {
    const drained = [...this.#streams.values()].filter((stream) => !stream.open && stream.isDrained && !isNeeded(stream.id));
    for (const [index, stream] of drained.entries()) {
      // Tombstones wait for the NOC to pass them; the oldest streams' do not, where too many wait.
      if (stream.tombstones.length === 0 || index < drained.length - maxStreams / 2) this.#streams.delete(stream.id);
    }
  }

  #create(streamClass: StreamClass): OutboxStream {
    const id = Buffer.from(this.#entropy.bytes(6)).toString("hex");
    const stream = this.restore({ id, cls: streamClass, open: true, next: 1, ack: 0 });
    if (stream === undefined) throw new Error("six random bytes are not a stream id");
    return stream;
  }
}

function subtract(from: number, to: number, known: Ranges): Ranges {
  const rest: (readonly [number, number])[] = [];
  let low = from;
  for (const range of known) {
    if (range[1] < low) continue;
    if (range[0] > to) break;
    if (range[0] > low) rest.push([low, range[0] - 1]);
    low = range[1] + 1;
  }
  if (low <= to) rest.push([low, to]);
  return rest;
}

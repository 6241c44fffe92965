import type { Chunk, Frame, StreamAck, StreamClass, StreamId } from "../../../runtime/model/chunk.ts";
import type { GapRecord } from "../../../runtime/model/observation.ts";
import type { Buffer, BufferStats, Position, ReadQuery, StreamState } from "../../../runtime/ports/buffer.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";

interface Stream {
  readonly id: StreamId;
  readonly streamClass: StreamClass;
  open: boolean;
  nextSeq: number;
  readonly chunks: Map<number, Chunk>;
}

/** The buffer's port in memory: for tests of those who read from it. `put` seals a chunk of its own, `hold` leaves it for `sealNow`. */
export class MemoryBuffer implements Buffer {
  readonly #clock: Clock;
  readonly #streams = new Map<StreamId, Stream>();
  readonly #held: { readonly streamClass: StreamClass; readonly bytes: Uint8Array }[] = [];
  #waiting: (() => void)[] = [];
  #made = 0;
  /** `stream:seq` in the order of rejection. */
  readonly rejected: string[] = [];
  /** Acknowledgements received, in order. */
  readonly acks: StreamAck[] = [];
  /** Every chunk ever sealed: `stream:seq`. */
  readonly sealedKeys: string[] = [];
  reads = 0;
  readonly #known = new WeakMap<Uint8Array, Chunk>();
  /** Called for each chunk that an acknowledgement deletes. */
  onDelete: (chunk: Chunk) => void = () => undefined;
  /** Between what a read found and its answer: for slow disks. */
  readDelay: (() => Promise<void>) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(streamClass: StreamClass, bytes: Uint8Array | number, samples = 1): Chunk {
    const stream = this.#openStream(streamClass);
    const chunk: Chunk = {
      stream: stream.id,
      streamClass,
      seq: stream.nextSeq,
      bytes: typeof bytes === "number" ? new Uint8Array(bytes) : bytes,
      samples,
      sealedAtMs: this.#clock.now().wallMs,
    };
    stream.nextSeq += 1;
    stream.chunks.set(chunk.seq, chunk);
    this.#known.set(chunk.bytes, chunk);
    this.sealedKeys.push(`${chunk.stream}:${chunk.seq}`);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
    return chunk;
  }

  /** In an open slot: sealed by `sealNow` into whatever stream is open then. */
  hold(streamClass: StreamClass, bytes: Uint8Array): void {
    this.#held.push({ streamClass, bytes });
  }

  /** Which chunk these very bytes are. */
  identify(bytes: Uint8Array): Chunk | undefined {
    return this.#known.get(bytes);
  }

  get remaining(): number {
    let count = 0;
    for (const stream of this.#streams.values()) count += stream.chunks.size;
    return count;
  }

  streamOf(streamClass: StreamClass): StreamId {
    return this.#openStream(streamClass).id;
  }

  append(frames: readonly Frame[]): Position {
    for (const frame of frames) this.hold(frame.streamClass, frame.payload);
    return 0 as Position;
  }

  durable(): Promise<void> {
    return Promise.resolve();
  }

  async read(query: ReadQuery): Promise<readonly Chunk[]> {
    this.reads += 1;
    const stream = this.#streams.get(query.stream);
    const found: Chunk[] = [];
    let bytes = 0;
    for (let seq = query.fromSeq; stream !== undefined && seq < stream.nextSeq && found.length < query.maxChunks; seq++) {
      const chunk = stream.chunks.get(seq);
      if (chunk === undefined || (query.skip ?? []).some(([from, to]) => seq >= from && seq <= to)) continue;
      if (found.length > 0 && bytes + chunk.bytes.length > query.maxBytes) break;
      found.push(chunk);
      bytes += chunk.bytes.length;
    }
    await this.readDelay?.();
    return found;
  }

  acknowledge(ack: StreamAck): Promise<void> {
    this.acks.push(ack);
    const stream = this.#streams.get(ack.stream);
    if (stream !== undefined && ack.upTo < stream.nextSeq) {
      for (const [seq, chunk] of stream.chunks) {
        if (seq > ack.upTo && !ack.ranges.some(([from, to]) => seq >= from && seq <= to)) continue;
        stream.chunks.delete(seq);
        this.onDelete(chunk);
      }
      if (!stream.open && stream.chunks.size === 0) this.#streams.delete(stream.id);
    }
    return Promise.resolve();
  }

  /** Gives up the oldest chunks of a stream, as for lack of room. */
  evict(id: StreamId, upTo: number): void {
    const stream = this.#streams.get(id);
    for (const seq of stream?.chunks.keys() ?? []) if (seq <= upTo) stream?.chunks.delete(seq);
  }

  sealNow(): Promise<void> {
    for (const { streamClass, bytes } of this.#held.splice(0)) this.put(streamClass, bytes);
    return Promise.resolve();
  }

  splitStream(streamClass: StreamClass): Promise<StreamId> {
    for (const stream of this.#streams.values()) {
      if (stream.streamClass !== streamClass || !stream.open) continue;
      stream.open = false;
      if (stream.chunks.size === 0) this.#streams.delete(stream.id);
    }
    return Promise.resolve(this.#openStream(streamClass).id);
  }

  reject(stream: StreamId, seq: number, reason: string): Promise<void> {
    this.rejected.push(`${stream}:${seq} ${reason}`);
    this.#streams.get(stream)?.chunks.delete(seq);
    return Promise.resolve();
  }

  sealed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const aborted = () => reject(signal.reason);
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiting.push(() => {
        signal.removeEventListener("abort", aborted);
        resolve();
      });
    });
  }

  takeGaps(): readonly GapRecord[] {
    return [];
  }

  stats(): Promise<BufferStats> {
    const streams = [...this.#streams.values()].map((stream): StreamState => {
      const [first] = stream.chunks.keys();
      return {
        stream: stream.id,
        streamClass: stream.streamClass,
        open: stream.open,
        firstSeq: first ?? stream.nextSeq,
        nextSeq: stream.nextSeq,
        bytes: [...stream.chunks.values()].reduce((sum, chunk) => sum + chunk.bytes.length, 0),
        samples: stream.chunks.size,
        oldestSealedAtMs: first === undefined ? undefined : stream.chunks.get(first)?.sealedAtMs,
      };
    });
    const ledger = { polled: 0, delivered: 0, buffered: 0, dropped: 0, drops: [], sinceMs: 0, restarts: 0 };
    const none = { openFrames: 0, openBytes: 0, journalBytes: 0, databaseBytes: 0, budgetBytes: 0, writtenBytes: 0, commits: 0 };
    return Promise.resolve({ streams, ledger, ...none, commitMsMax: 0, commitMsP99: 0, state: "ok", deadLetters: this.rejected.length });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #openStream(streamClass: StreamClass): Stream {
    for (const stream of this.#streams.values()) if (stream.streamClass === streamClass && stream.open) return stream;
    this.#made += 1;
    const id = (streamClass.charCodeAt(0).toString(16) + this.#made.toString(16).padStart(10, "0")) as StreamId;
    const stream: Stream = { id, streamClass, open: true, nextSeq: 1, chunks: new Map() };
    this.#streams.set(id, stream);
    return stream;
  }
}

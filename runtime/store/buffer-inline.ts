import type { Chunk, Frame, StreamAck, StreamClass, StreamId } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import type { GapRecord } from "#model/observation.ts";
import type { Buffer as BufferPort, BufferStats, Position, ReadQuery } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { ChunkAssembler } from "#ports/codec.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Disk } from "./disk.ts";
import { FrameBatch } from "./held-frame.ts";
import type { PendingGaps } from "./ledger.ts";
import { openStore } from "./open-store.ts";
import { defaultStoreSettings, type StoreSettings } from "./settings.ts";
import type { StoreCore } from "./store-core.ts";

export interface InlineBufferParts {
  /** The state folder: `new NodeDisk(folder)`, or a simulated one. */
  readonly disk: Disk;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly assembler: ChunkAssembler;
  /** Absent keys take `defaultStoreSettings`. */
  readonly settings?: Partial<StoreSettings>;
}

interface Waiter {
  readonly position: Position;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

interface Blocked {
  readonly batch: FrameBatch;
  readonly resolve: (position: Position) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The buffer in the caller's thread: for the simulation, for tools, and inside the worker. Each commit blocks as long as the disk takes.
 * @throws GatewayError buffer.busy | buffer.denied | buffer.version | buffer.disk-full
 */
export function openBufferInline(parts: InlineBufferParts): InlineBuffer {
  const { disk, clock, entropy, logger: log, assembler } = parts;
  const settings = { ...defaultStoreSettings, ...parts.settings };
  const { core, release } = openStore({ disk, clock, entropy, log, assembler, settings });
  return new InlineBuffer(core, clock, release);
}

/** What the thread that owns the store tells the one that does not. */
export interface StoreProgress {
  readonly durable: Position;
  readonly sealedChunks: number;
  readonly gaps: PendingGaps;
}

/** One for all: a reason of its own for each would take a stack trace every time. */
const earlier = new Error("earlier");

export class InlineBuffer implements BufferPort {
  readonly #core: StoreCore;
  readonly #clock: Clock;
  readonly #release: () => void;
  readonly #stop = new AbortController();
  readonly #ticking: Promise<void>;
  #nap = new AbortController();
  #napUntilMs = Number.POSITIVE_INFINITY;
  #waiters: Waiter[] = [];
  #blocked: Blocked[] = [];
  #sealWaiters = new Set<() => void>();
  #sealedSeen = 0;
  #closing: Promise<void> | undefined;
  #onProgress: ((progress: StoreProgress) => void) | undefined;

  constructor(core: StoreCore, clock: Clock, release: () => void) {
    this.#core = core;
    this.#clock = clock;
    this.#release = release;
    this.#sealedSeen = core.sealedChunks;
    this.#ticking = this.#tick();
  }

  /** One listener; called with the state as it is and after each change. */
  watch(onProgress: (progress: StoreProgress) => void): void {
    this.#onProgress = onProgress;
    onProgress(this.progress);
  }

  get progress(): StoreProgress {
    return { durable: this.#core.durablePosition, sealedChunks: this.#core.sealedChunks, gaps: this.#core.pendingGaps };
  }

  append(frames: readonly Frame[] | FrameBatch): Position | Promise<Position> {
    const batch = FrameBatch.of(frames);
    if (this.#closing !== undefined) throw new GatewayError("buffer.closed");
    // Those who wait go first: order of admission is order of the journal.
    if (this.#blocked.length === 0 && !this.#core.isFull) return this.#admit(batch);
    return new Promise((resolve, reject) => {
      this.#blocked.push({ batch, resolve, reject });
    });
  }

  durable(position: Position): Promise<void> {
    if (position <= this.#core.durablePosition) return Promise.resolve();
    if (this.#closing !== undefined) return Promise.reject(new GatewayError("buffer.closed"));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ position, resolve, reject });
    });
  }

  async read(query: ReadQuery): Promise<readonly Chunk[]> {
    this.#mustBeOpen();
    return this.#core.read(query);
  }

  async acknowledge(ack: StreamAck): Promise<void> {
    this.#mustBeOpen();
    this.#core.acknowledge(ack);
    this.#wake();
  }

  async sealNow(): Promise<void> {
    this.#mustBeOpen();
    this.#core.commit(true);
    this.#announce();
  }

  async splitStream(streamClass: StreamClass): Promise<StreamId> {
    this.#mustBeOpen();
    const stream = this.#core.splitStream(streamClass);
    this.#announce();
    return stream;
  }

  async reject(stream: StreamId, seq: number, reason: string): Promise<void> {
    this.#mustBeOpen();
    this.#core.reject(stream, seq, reason);
    this.#announce();
  }

  sealed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted || this.#closing !== undefined) {
        reject(signal.aborted ? signal.reason : new GatewayError("buffer.closed"));
        return;
      }
      const finished = () => {
        signal.removeEventListener("abort", aborted);
        this.#sealWaiters.delete(finished);
        if (this.#closing === undefined) resolve();
        else reject(new GatewayError("buffer.closed"));
      };
      const aborted = () => {
        this.#sealWaiters.delete(finished);
        reject(signal.reason);
      };
      this.#sealWaiters.add(finished);
      signal.addEventListener("abort", aborted, { once: true });
    });
  }

  takeGaps(upTo = Number.POSITIVE_INFINITY): readonly GapRecord[] {
    return this.#core.takeGaps(upTo);
  }

  async stats(): Promise<BufferStats> {
    this.#mustBeOpen();
    return this.#core.stats();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop.abort(new GatewayError("buffer.closed"));
    this.#nap.abort(this.#stop.signal.reason);
    await this.#ticking;
    try {
      this.#core.close();
    } finally {
      this.#release();
    }
    this.#announce();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new GatewayError("buffer.closed"));
    for (const blocked of this.#blocked.splice(0)) blocked.reject(new GatewayError("buffer.closed"));
    for (const finished of this.#sealWaiters) finished();
  }

  #admit(batch: FrameBatch): Position {
    const position = this.#core.append(batch);
    this.#wake();
    return position;
  }

  /** Commits at once what is due now; else sees to it that the ticker wakes in time. */
  #wake(): void {
    const dueMs = this.#core.dueAtMs;
    if (dueMs < this.#napUntilMs) this.#nap.abort(earlier);
  }

  async #tick(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const waitMs = this.#core.dueAtMs - this.#clock.monotonicMs();
      if (waitMs <= 0) {
        this.#core.commit(false);
        this.#announce();
        // A turn for others between commits that follow each other.
        await Promise.resolve();
        continue;
      }
      this.#nap = new AbortController();
      this.#napUntilMs = this.#clock.monotonicMs() + waitMs;
      try {
        await this.#clock.sleep(waitMs, this.#nap.signal);
      } catch (reason) {
        if (!this.#nap.signal.aborted) throw reason;
      }
    }
  }

  #announce(): void {
    const durable = this.#core.durablePosition;
    const ready = this.#waiters.filter((waiter) => waiter.position <= durable);
    if (ready.length > 0) this.#waiters = this.#waiters.filter((waiter) => waiter.position > durable);
    for (const waiter of ready) waiter.resolve();
    while (!this.#core.isFull && this.#closing === undefined) {
      const blocked = this.#blocked.shift();
      if (blocked === undefined) break;
      blocked.resolve(this.#core.append(blocked.batch));
    }
    this.#onProgress?.(this.progress);
    if (this.#core.sealedChunks === this.#sealedSeen) return;
    this.#sealedSeen = this.#core.sealedChunks;
    for (const finished of [...this.#sealWaiters]) finished();
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new GatewayError("buffer.closed");
  }
}

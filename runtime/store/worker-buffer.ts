import type { Worker } from "node:worker_threads";
import type { Chunk, Frame, StreamAck, StreamClass, StreamId } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import type { GapRecord } from "#model/observation.ts";
import type { Buffer as BufferPort, BufferStats, Position, ReadQuery } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { StoreProgress } from "./buffer-inline.ts";
import { FramePack } from "./frame-pack.ts";
import type { PendingGaps } from "./ledger.ts";
import { defaultStoreSettings, openGroupBounds } from "./settings.ts";
import { type FromStore, type StoreCall, type StoreCalls, type ToStore, unpackError } from "./worker-messages.ts";

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

interface Waiter {
  readonly position: Position;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Frames gather for so long before they change threads: a message and its wake-ups cost more than the frames in it. */
const mostGatherMs = 250;
/** Of the durability window, which counts from their arrival there. */
const gatherShare = 1 / 40;
const gatherBytes = 262_144;

interface Batch {
  readonly position: number;
  readonly frames: number;
  readonly bytes: number;
}

/** The main thread's end: counts what is on its way, so that the far side is never handed more than it may hold. */
export class WorkerBuffer implements BufferPort {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #logger: Logger;
  readonly #calls = new Map<number, Pending>();
  readonly #sealWaiters = new Set<() => void>();
  #waiters: Waiter[] = [];
  #blocked: {
    readonly frames: readonly Frame[];
    readonly resolve: (position: Position) => void;
    readonly reject: (reason: unknown) => void;
  }[] = [];
  #inFlight: Batch[] = [];
  #openBytes = 0;
  #openFrames = 0;
  readonly #outgoing = new FramePack();
  #position = 0 as Position;
  #durable = 0 as Position;
  #sealedChunks = 0;
  #gaps: PendingGaps = { before: 0, gaps: [] };
  #gapsTaken = 0;
  #nextCall = 1;
  #closing: Promise<void> | undefined;
  #death: Error | undefined;
  readonly #gather: { readonly clock: Clock; readonly ms: number; readonly ended: AbortController } | undefined;

  /** @param clock absent: frames change threads as soon as the present task is over */
  constructor(worker: Worker, logger: Logger, clock?: Clock, durabilityWindowMs = defaultStoreSettings.durabilityWindowMs) {
    this.#worker = worker;
    this.#logger = logger;
    const ms = Math.min(mostGatherMs, durabilityWindowMs * gatherShare);
    this.#gather = clock === undefined ? undefined : { clock, ms, ended: new AbortController() };
    this.ready = new Promise((resolve, reject) => {
      worker.on("message", (message: FromStore) => {
        if (message.kind === "ready") {
          this.#position = message.progress.durable;
          this.#progress(message.progress);
          resolve();
        } else if (message.kind === "failed") reject(unpackError(message.error));
        else this.#receive(message);
      });
      worker.on("error", (error) => {
        reject(error);
        this.#died(error instanceof Error ? error : new Error(String(error)));
      });
      worker.on("exit", (code) => {
        const error = new Error(`the store's thread ended with ${code}`);
        reject(error);
        this.#died(this.#closing === undefined ? error : new GatewayError("buffer.closed"));
      });
    });
    this.ready.catch(() => undefined); // Its caller awaits it; after that the rejections above mean nothing.
  }

  append(frames: readonly Frame[]): Position | Promise<Position> {
    this.#mustBeOpen();
    if (this.#blocked.length === 0 && !this.#isFull) return this.#admit(frames);
    // Payloads are the encoder's again when this returns.
    const kept = frames.map((frame) => ({ ...frame, payload: new Uint8Array(frame.payload) }));
    return new Promise((resolve, reject) => {
      this.#blocked.push({ frames: kept, resolve, reject });
    });
  }

  durable(position: Position): Promise<void> {
    if (position <= this.#durable) return Promise.resolve();
    queueMicrotask(() => this.#flush());
    return new Promise((resolve, reject) => {
      const gone = this.#gone();
      if (gone !== undefined) reject(gone);
      else this.#waiters.push({ position, resolve, reject });
    });
  }

  async read(query: ReadQuery): Promise<readonly Chunk[]> {
    return (await this.#call({ op: "read", args: { query } })) as readonly Chunk[];
  }

  async acknowledge(ack: StreamAck): Promise<void> {
    await this.#call({ op: "acknowledge", args: { ack } });
  }

  async sealNow(): Promise<void> {
    await this.#call({ op: "sealNow", args: {} });
  }

  async splitStream(streamClass: StreamClass): Promise<StreamId> {
    return (await this.#call({ op: "splitStream", args: { streamClass } })) as StreamId;
  }

  async reject(stream: StreamId, seq: number, reason: string): Promise<void> {
    await this.#call({ op: "reject", args: { stream, seq, reason } });
  }

  sealed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const gone = signal.aborted ? signal.reason : this.#gone();
      if (gone !== undefined) {
        reject(gone);
        return;
      }
      const finished = () => {
        signal.removeEventListener("abort", aborted);
        this.#sealWaiters.delete(finished);
        const reason = this.#gone();
        if (reason === undefined) resolve();
        else reject(reason);
      };
      const aborted = () => {
        this.#sealWaiters.delete(finished);
        reject(signal.reason);
      };
      this.#sealWaiters.add(finished);
      signal.addEventListener("abort", aborted, { once: true });
    });
  }

  takeGaps(): readonly GapRecord[] {
    const { before, gaps } = this.#gaps;
    const fresh = gaps.slice(Math.max(0, this.#gapsTaken - before));
    if (fresh.length === 0) return fresh;
    this.#gapsTaken = before + gaps.length;
    if (this.#gone() === undefined) this.#post({ kind: "gapsTaken", upTo: this.#gapsTaken });
    return fresh;
  }

  async stats(): Promise<BufferStats> {
    return (await this.#call({ op: "stats", args: {} })) as BufferStats;
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      const closed = this.#death === undefined ? this.#call({ op: "close", args: {} }).then(() => undefined) : Promise.resolve();
      this.#closing = closed.finally(() => this.#settleAll(new GatewayError("buffer.closed")));
    }
    return this.#closing;
  }

  get #isFull(): boolean {
    return this.#openBytes >= openGroupBounds.maxOpenBytes || this.#openFrames >= openGroupBounds.maxOpenFrames;
  }

  #admit(frames: readonly Frame[]): Position {
    const outgoing = this.#outgoing;
    if (outgoing.frames === 0) this.#flushLater();
    const bytesBefore = outgoing.bytes;
    for (const frame of frames) outgoing.add(frame);
    this.#openBytes += outgoing.bytes - bytesBefore;
    this.#openFrames += frames.length;
    this.#position = (this.#position + frames.length) as Position;
    if (outgoing.bytes >= gatherBytes) this.#flush();
    return this.#position;
  }

  #flushLater(): void {
    const flush = (): void => this.#flush();
    const gather = this.#gather;
    if (gather === undefined) queueMicrotask(flush);
    // Rejects only when the buffer ended, and its end has flushed already.
    else gather.clock.sleep(gather.ms, gather.ended.signal).then(flush, () => undefined);
  }

  #flush(): void {
    const { frames, bytes } = this.#outgoing;
    if (frames === 0 || this.#death !== undefined) return;
    this.#inFlight.push({ position: this.#position, frames, bytes });
    const packed = this.#outgoing.take();
    this.#worker.postMessage({ kind: "append", frames: packed } satisfies ToStore, [packed.payloads]);
  }

  #call<K extends keyof StoreCalls>(call: StoreCall & { readonly op: K }): Promise<unknown> {
    const gone = this.#gone();
    if (gone !== undefined) return Promise.reject(gone);
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#post({ kind: "call", id, ...call });
    });
  }

  /** In order with the frames admitted so far. */
  #post(message: ToStore): void {
    this.#flush();
    this.#worker.postMessage(message);
  }

  #receive(message: Exclude<FromStore, { kind: "ready" | "failed" }>): void {
    if (message.kind === "log") this.#logger[message.level](message.fields, message.sentence);
    else if (message.kind === "progress") this.#progress(message.progress);
    else {
      const pending = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (message.error === undefined) pending?.resolve(message.value);
      else pending?.reject(unpackError(message.error));
    }
  }

  #progress(progress: StoreProgress): void {
    this.#durable = progress.durable;
    this.#gaps = progress.gaps;
    while (this.#inFlight[0] !== undefined && this.#inFlight[0].position <= progress.durable) {
      const batch = this.#inFlight.shift();
      this.#openBytes -= batch?.bytes ?? 0;
      this.#openFrames -= batch?.frames ?? 0;
    }
    const ready = this.#waiters.filter((waiter) => waiter.position <= progress.durable);
    if (ready.length > 0) this.#waiters = this.#waiters.filter((waiter) => waiter.position > progress.durable);
    for (const waiter of ready) waiter.resolve();
    while (!this.#isFull && this.#gone() === undefined) {
      const blocked = this.#blocked.shift();
      if (blocked === undefined) break;
      blocked.resolve(this.#admit(blocked.frames));
    }
    if (progress.sealedChunks === this.#sealedChunks) return;
    this.#sealedChunks = progress.sealedChunks;
    for (const finished of [...this.#sealWaiters]) finished();
  }

  #mustBeOpen(): void {
    const gone = this.#gone();
    if (gone !== undefined) throw gone;
  }

  #gone(): Error | undefined {
    return this.#death ?? (this.#closing === undefined ? undefined : new GatewayError("buffer.closed"));
  }

  #died(error: Error): void {
    this.#death ??= error;
    this.#settleAll(this.#death);
  }

  #settleAll(reason: Error): void {
    this.#gather?.ended.abort(reason);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
    for (const blocked of this.#blocked.splice(0)) blocked.reject(reason);
    for (const finished of [...this.#sealWaiters]) finished();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(reason);
  }
}

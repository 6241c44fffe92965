import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { NocStore } from "../store/store.ts";
import type { BatchResult, BatchWriter } from "./batch.ts";
import type { Delivery, GatewayNews } from "./delivery.ts";
import type { IngestLimits } from "./limits.ts";
import type { Telemetry } from "./telemetry.ts";

export interface IngestCounters {
  readonly messages: number;
  readonly chunks: number;
  readonly samples: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly commits: number;
  readonly failedCommits: number;
  /** Longest transaction, milliseconds. */
  readonly commitMsMax: number;
  /** Waiting to be committed. */
  readonly queued: number;
}

export interface IngestParts {
  readonly store: NocStore;
  readonly writer: BatchWriter;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly limits: IngestLimits;
  /** Told after each commit, in order. Must not throw. */
  readonly onCommitted: (news: readonly GatewayNews[]) => void;
}

/** Longest pause between two tries to commit, ms. */
const maxRetryMs = 5_000;
/** How often streams that wait for a lost predecessor are looked at, ms. */
const settleEveryMs = 5_000;
/** The same while none waits. */
const longPauseMs = 600_000;
/** One for all: a reason of its own for each would take a stack trace every time. */
const awake = new Error("awake");

/**
 * The one writer: takes what the broker delivered, commits it in batches, then PUBACKs and lets the acks go. A message is PUBACKed after
 * its transaction is on disk and never before; when the store fails nothing is acknowledged and the same batch is tried again.
 */
export class Ingest {
  readonly #parts: IngestParts;
  readonly #queue: Delivery[] = [];
  #wake: (() => void) | undefined;
  #counters = { messages: 0, chunks: 0, samples: 0, duplicates: 0, refused: 0, commits: 0, failedCommits: 0, commitMsMax: 0 };

  constructor(parts: IngestParts) {
    this.#parts = parts;
  }

  get counters(): IngestCounters {
    return { ...this.#counters, queued: this.#queue.length };
  }

  /** False = more than the Receive Maximum is waiting: the broker breaks its word, and the connection should be dropped. */
  offer(delivery: Delivery): boolean {
    if (this.#queue.length >= this.#parts.limits.receiveMaximum * 2) return false;
    this.#queue.push(delivery);
    this.#wake?.();
    return true;
  }

  async run(signal: AbortSignal): Promise<void> {
    let more = true;
    // What an earlier run left is looked at first.
    let waits = true;
    let settledMs = this.#parts.clock.monotonicMs();
    while (!signal.aborted) {
      if (this.#queue.length === 0 && !more) await this.#idle(signal, waits);
      if (signal.aborted) return;
      const batch = this.#queue.splice(0, this.#parts.limits.batchMessages);
      const nowMs = this.#parts.clock.monotonicMs();
      if (batch.length > 0) {
        more = (await this.#commit(batch, signal)).more || more;
        waits = true;
      }
      if (batch.length > 0 && nowMs - settledMs < settleEveryMs) continue;
      settledMs = nowMs;
      // Transactions on this thread only take turns with each other: without this the sockets would not be served until all is done.
      await this.#parts.clock.sleep(0, signal);
      const settled = await this.#settle(signal, more);
      more = settled.more;
      waits = settled.waits;
    }
  }

  /** Until something was offered, or it is time to look at waiting streams. */
  async #idle(signal: AbortSignal, waits: boolean): Promise<void> {
    const inner = new AbortController();
    const abort = () => inner.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const offered = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const pause = this.#parts.clock.sleep(waits ? settleEveryMs : longPauseMs, inner.signal).catch(() => undefined);
    try {
      await Promise.race([offered, pause]);
    } finally {
      this.#wake = undefined;
      inner.abort(awake);
      signal.removeEventListener("abort", abort);
    }
  }

  async #commit(batch: readonly Delivery[], signal: AbortSignal): Promise<BatchResult> {
    const result = await this.#persist(signal, (nowMs) =>
      this.#parts.store.transaction((tx) => this.#parts.writer.write(tx, batch, nowMs)),
    );
    this.#counters.messages += batch.length;
    for (const delivery of batch) delivery.puback();
    this.#parts.onCommitted(result.news);
    return result;
  }

  async #settle(signal: AbortSignal, all: boolean): Promise<BatchResult> {
    const result = await this.#persist(signal, (nowMs) => this.#parts.store.transaction((tx) => this.#parts.writer.settle(tx, nowMs, all)));
    // Whatever is found to be missing now has no message of its own to be answered with.
    const asking = result.news.filter((one) => one.neededRevisions.length > 0);
    if (asking.length > 0) this.#parts.onCommitted(asking);
    return result;
  }

  /** Tries until it is committed, or the signal aborts (then rejects: nothing was acknowledged). */
  async #persist(signal: AbortSignal, work: (nowMs: number) => Promise<BatchResult>): Promise<BatchResult> {
    const { clock, logger, entropy } = this.#parts;
    for (let failures = 0; ; failures++) {
      const startedMs = clock.monotonicMs();
      try {
        const result = await work(clock.now().wallMs);
        this.#count(result, clock.monotonicMs() - startedMs);
        if (failures > 0) logger.info({ failures }, "the store takes writes again");
        return result;
      } catch (error) {
        this.#parts.telemetry.forget();
        if (!isGatewayError(error) || !error.retryable) throw error;
        if (failures === 0) logger.warn({ code: error.code, ...error.fields }, "the store does not take writes, nothing is acknowledged");
        this.#counters.failedCommits += 1;
        await clock.sleep(Math.min(maxRetryMs, 100 * 2 ** Math.min(failures, 10)) * (0.5 + entropy.random() / 2), signal);
      }
    }
  }

  #count(result: BatchResult, durationMs: number): void {
    const counters = this.#counters;
    counters.chunks += result.chunks;
    counters.samples += result.samples;
    counters.duplicates += result.duplicates;
    counters.refused += result.refused;
    counters.commits += 1;
    counters.commitMsMax = Math.max(counters.commitMsMax, durationMs);
  }
}

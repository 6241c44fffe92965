import type { StreamAck, StreamId } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { NocAcknowledgement } from "#ports/uplink.ts";
import type { DrainMemory } from "./drain-memory.ts";
import { applyGrants, type Lane, type LaneName } from "./lanes.ts";
import type { Refusals } from "./refusals.ts";
import type { StreamSet } from "./stream-set.ts";

/** A dictionary is sent again at most this often, whatever the NOC asks. */
const dictionaryEveryMs = 30_000;
const resyncEveryMs = 60_000;

interface AcknowledgementParts {
  readonly buffer: Buffer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly memory: DrainMemory;
  readonly streams: StreamSet;
  readonly lanes: Readonly<Record<LaneName, Lane>>;
  readonly refusals: Refusals;
  readonly onDictionaryNeeded: (revision: number) => void;
  readonly onResync: () => void;
  readonly wake: () => void;
  readonly crash: (error: unknown) => void;
}

/**
 * The NOC's acknowledgements. Taken at once into the cursors; handed to the buffer one call at a time, merged per stream meanwhile, so that
 * a flood of them costs one entry per stream of ours.
 */
export class Acknowledgements {
  readonly #parts: AcknowledgementParts;
  readonly #pending = new Map<StreamId, StreamAck>();
  #flushing = false;
  #dictionaryAtMs = Number.NEGATIVE_INFINITY;
  #resyncAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: AcknowledgementParts) {
    this.#parts = parts;
  }

  apply(message: NocAcknowledgement): void {
    const { memory, clock, lanes, wake } = this.#parts;
    const nowMs = clock.monotonicMs();
    memory.counters.acknowledgements += 1;
    memory.lastAckAtMs = nowMs;
    applyGrants(memory.grants, message.grants);
    lanes.live.maxUnacked = memory.grants.liveWindow;
    lanes.backlog.maxUnacked = memory.grants.backlogWindow;
    for (const entry of message.rejected) this.#rejected(entry.stream, entry.seq, entry.code);
    for (const ack of message.streams) this.#applyOne(ack, nowMs);
    if (message.neededDictionaries.length > 0) this.#dictionaryNeeded(Math.max(...message.neededDictionaries), nowMs);
    if (message.resync && nowMs - this.#resyncAtMs >= resyncEveryMs) {
      this.#resyncAtMs = nowMs;
      this.#parts.onResync();
    }
    void this.#flush();
    wake();
  }

  #rejected(stream: StreamId, seq: number, code: string): void {
    const cursor = this.#parts.streams.get(stream);
    if (cursor === undefined) this.#parts.memory.counters.unknownAcks += 1;
    else this.#parts.refusals.rejectedByNoc({ cursor }, seq, code);
  }

  #applyOne(ack: StreamAck, nowMs: number): void {
    const { memory, streams } = this.#parts;
    const cursor = streams.get(ack.stream);
    if (cursor === undefined) {
      if (streams.isSettled(ack.stream)) this.#pending.set(ack.stream, { ...ack, ranges: [] });
      else memory.counters.unknownAcks += 1;
      return;
    }
    const before = cursor.unacked.size;
    const outcome = cursor.acknowledge(ack, nowMs);
    memory.counters.acknowledgedChunks += before - cursor.unacked.size;
    if (cursor.hasAckedUnmatched()) memory.believesUnmatched = false;
    if (outcome === "impossible") {
      memory.counters.impossibleAcks += 1;
      return;
    }
    // The NOC's own word: the buffer says again what it gave up until the NOC has passed it.
    this.#pending.set(ack.stream, { stream: ack.stream, upTo: cursor.confirmedUpTo, ranges: cursor.ranges });
  }

  #dictionaryNeeded(revision: number, nowMs: number): void {
    if (nowMs - this.#dictionaryAtMs < dictionaryEveryMs) return;
    this.#dictionaryAtMs = nowMs;
    this.#parts.onDictionaryNeeded(revision);
  }

  async #flush(): Promise<void> {
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      for (let [next] = this.#pending.values(); next !== undefined; [next] = this.#pending.values()) {
        this.#pending.delete(next.stream);
        await this.#parts.buffer.acknowledge(next);
      }
    } catch (error) {
      // The buffer cannot write now. Acknowledgements are cumulative: the next one says it again.
      if (isGatewayError(error)) this.#parts.logger.warn({ code: error.code }, "an acknowledgement could not be stored");
      else this.#parts.crash(error);
    } finally {
      this.#flushing = false;
    }
  }
}

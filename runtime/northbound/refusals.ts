import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { SessionEnd, UplinkLimits } from "#ports/uplink.ts";
import { chunkKey, type DrainMemory, maxTries } from "./drain-memory.ts";
import type { Lane } from "./lanes.ts";
import type { Candidate } from "./stream-set.ts";

/** MQTT 5 reason codes that decide what becomes of a chunk (PROTOCOL 3.5). */
const notAuthorized = 0x87;
const topicNameInvalid = 0x90;
const packetTooLarge = 0x95;
const quotaExceeded = 0x97;
const payloadFormatInvalid = 0x99;
const malformedPacket = 0x81;
const protocolError = 0x82;

const poisonCodes: ReadonlySet<number> = new Set([topicNameInvalid, payloadFormatInvalid]);
/** A DISCONNECT with one of these is about what was sent, not about the line. */
const blamingCodes: ReadonlySet<number> = new Set([malformedPacket, protocolError, topicNameInvalid, packetTooLarge, payloadFormatInvalid]);

const notAuthorizedPauseMs = 300_000;
const quotaPauseMs = 30_000;
const poisonRetryMs = 5_000;
const firstBackoffMs = 1_000;
const maxBackoffMs = 60_000;
const maxUnmatchedPauseMs = 30_000;
const maxUnmatched = 64;
const nobodyListens = "nobody listens";
const maxHeld = 256;
/** Chunks sent one at a time at most while looking for the one the broker disconnects on. */
const maxAlone = 32;
/** What the codec may produce at most; a broker that takes less than this is misconfigured, and that is not the chunk's fault. */
const contractChunkBytes = 98_304;

interface RefusalParts {
  readonly buffer: Buffer;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly memory: DrainMemory;
  readonly limits: UplinkLimits;
  /** Wall time at which the session began. */
  readonly sinceWallMs: number;
  readonly wake: () => void;
  readonly crash: (error: unknown) => void;
}

/** What becomes of a chunk that was not taken. Never blocks the chunks behind it, never gives up data for a fault that is not the chunk's. */
export class Refusals {
  readonly #parts: RefusalParts;
  readonly #inARow = new Map<string, number>();
  readonly #unmatchedInARow = new Map<string, number>();
  #toldTooSmall = false;
  #acceptedAlone = 0;

  constructor(parts: RefusalParts) {
    this.#parts = parts;
  }

  /** PUBACK with success. */
  accepted(candidate: Candidate): void {
    const { suspects } = this.#parts.memory;
    this.#inARow.delete(candidate.lane.name);
    this.#unmatchedInARow.delete(candidate.lane.name);
    candidate.cursor.unmatched.delete(candidate.chunk.seq);
    if (suspects.size === 0) return;
    suspects.delete(chunkKey(candidate.cursor.stream, candidate.chunk.seq));
    this.#acceptedAlone += 1;
    // Suspects are sent again first; one that has not come by now was acknowledged or evicted meanwhile.
    if (this.#acceptedAlone >= maxAlone) suspects.clear();
  }

  /**
   * PUBACK with success, but nobody had subscribed: the NOC's workers are away. The lane waits a little, longer each time, instead of
   * pouring a window of chunks into nothing and then waiting for the patience with acknowledgements to end.
   */
  unmatched(candidate: Candidate): void {
    const { memory, clock, sinceWallMs } = this.#parts;
    const { lane, cursor, chunk } = candidate;
    const nowMs = clock.monotonicMs();
    memory.counters.unmatchedPublications += 1;
    if (chunk.sealedAtMs >= sinceWallMs && cursor.unmatched.size < maxUnmatched) cursor.unmatched.add(chunk.seq);
    cursor.unsent(chunk.seq);
    if (!lane.isPaused(nowMs)) {
      const inARow = (this.#unmatchedInARow.get(lane.name) ?? 0) + 1;
      this.#unmatchedInARow.set(lane.name, inARow);
      const ceilingMs = Math.min(maxUnmatchedPauseMs, firstBackoffMs * 2 ** Math.min(inARow - 1, 16));
      lane.pause(nowMs + ceilingMs * (0.5 + 0.5 * this.#parts.entropy.random()), nobodyListens);
    }
    cursor.retries.set(chunk.seq, lane.pausedUntilMs);
  }

  /** The NOC said that it is there: what waited for a listener goes now. */
  listened(lanes: readonly Lane[]): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#unmatchedInARow.clear();
    for (const lane of lanes) {
      if (lane.pauseReason !== nobodyListens) continue;
      lane.resume(nobodyListens);
      for (const cursor of lane.cursors) for (const seq of cursor.retries.keys()) cursor.retries.set(seq, nowMs);
    }
  }

  /** The broker, or our own size check, refused the publication. */
  refused(candidate: Candidate, error: GatewayError): void {
    const { memory, clock, logger } = this.#parts;
    const { lane, cursor, chunk } = candidate;
    cursor.unsent(chunk.seq);
    memory.counters.refusedPublications += 1;
    const nowMs = clock.monotonicMs();
    const reasonCode = typeof error.fields.reasonCode === "number" ? error.fields.reasonCode : undefined;
    if (error.code === "uplink.too-large" || reasonCode === packetTooLarge) this.#tooLarge(candidate);
    else if (reasonCode === notAuthorized) this.#pause(candidate, notAuthorizedPauseMs, "not authorized");
    else if (reasonCode === quotaExceeded) this.#pause(candidate, quotaPauseMs, "quota exceeded");
    else if (reasonCode !== undefined && poisonCodes.has(reasonCode)) this.#poison(candidate, error.message);
    else {
      const inARow = (this.#inARow.get(lane.name) ?? 0) + 1;
      this.#inARow.set(lane.name, inARow);
      const ceilingMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(inARow, 16));
      cursor.retries.set(chunk.seq, nowMs + ceilingMs);
      // One refusal may be the chunk's; several in a row are the lane's.
      if (inARow >= 3) lane.pause(nowMs + this.#parts.entropy.random() * ceilingMs, "refused");
      logger.debug({ lane: lane.name, reasonCode, code: error.code }, "the broker refused a publication");
    }
  }

  /** The NOC said in an ack that it cannot store this chunk. Counts once per delivery. */
  rejectedByNoc(candidate: Pick<Candidate, "cursor">, seq: number, code: string): void {
    const { cursor } = candidate;
    const sent = cursor.unacked.get(seq);
    if (sent?.confirmed !== true) return;
    cursor.unsent(seq);
    this.#countTry(cursor, seq, `noc: ${/^[a-z0-9.-]{1,40}$/.test(code) ? code : "refused"}`);
  }

  /**
   * The broker ended the session for what it was sent. With one chunk under way that chunk is to blame; with several, the next session sends
   * them one at a time and finds out.
   */
  async sessionEnded(end: SessionEnd, inFlight: readonly Pick<Candidate, "cursor" | "chunk">[]): Promise<void> {
    if (!end.brokerInitiated || end.reasonCode === undefined || !blamingCodes.has(end.reasonCode)) return;
    const { memory } = this.#parts;
    const [only] = inFlight;
    if (inFlight.length === 1 && only !== undefined) {
      const key = chunkKey(only.cursor.stream, only.chunk.seq);
      memory.suspects.add(key);
      if (memory.refused(key) >= maxTries) await this.#giveUp(only.cursor.stream, only.chunk.seq, "the broker disconnects on it");
      return;
    }
    memory.suspects.clear();
    for (const { cursor, chunk } of inFlight) memory.suspects.add(chunkKey(cursor.stream, chunk.seq));
  }

  #tooLarge(candidate: Candidate): void {
    const { limits, logger } = this.#parts;
    const { cursor, chunk } = candidate;
    if (chunk.bytes.length > contractChunkBytes) {
      this.#poison(candidate, "larger than a chunk may be");
      return;
    }
    // Another broker, or this one put right, will take it: it waits on flash, the others pass.
    if (cursor.held.size < maxHeld) cursor.held.add(chunk.seq);
    else cursor.retries.set(chunk.seq, this.#parts.clock.monotonicMs() + notAuthorizedPauseMs);
    if (this.#toldTooSmall) return;
    this.#toldTooSmall = true;
    const fields = { bytes: chunk.bytes.length, maxPayloadBytes: limits.maxPayloadBytes, contractChunkBytes };
    logger.warn(fields, "the broker's maximum packet size is too small, larger chunks are held back");
  }

  #pause(candidate: Candidate, pauseMs: number, reason: string): void {
    const { clock, logger } = this.#parts;
    const { lane, cursor, chunk } = candidate;
    const untilMs = clock.monotonicMs() + pauseMs;
    cursor.retries.set(chunk.seq, untilMs);
    if (!lane.isPaused(clock.monotonicMs())) logger.warn({ lane: lane.name, reason, pauseMs }, "the broker stopped a lane");
    lane.pause(untilMs, reason);
  }

  #poison(candidate: Candidate, reason: string): void {
    this.#countTry(candidate.cursor, candidate.chunk.seq, reason);
  }

  #countTry(cursor: Candidate["cursor"], seq: number, reason: string): void {
    const { memory, clock, crash, wake } = this.#parts;
    if (memory.refused(chunkKey(cursor.stream, seq)) < maxTries) {
      cursor.retries.set(seq, clock.monotonicMs() + poisonRetryMs);
      return;
    }
    cursor.held.add(seq);
    this.#giveUp(cursor.stream, seq, reason).then(wake, crash);
  }

  async #giveUp(stream: Candidate["cursor"]["stream"], seq: number, reason: string): Promise<void> {
    const { buffer, memory, logger } = this.#parts;
    memory.forget(chunkKey(stream, seq));
    memory.counters.rejectedChunks += 1;
    logger.error({ stream, seq, reason, tries: maxTries }, "a chunk was refused for good and moved to the dead letters");
    try {
      await buffer.reject(stream, seq, reason);
    } catch (error) {
      // The buffer cannot write now; the chunk stays and will be refused again.
      if (!isGatewayError(error)) throw error;
      logger.warn({ code: error.code }, "a dead letter could not be written");
    }
  }
}

import type { StreamId } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { NocAcknowledgement, SessionEnd, UplinkSession } from "#ports/uplink.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { chunkKey, type DrainMemory } from "./drain-memory.ts";
import { ChunkRate, Lane, type LaneName, orderOf } from "./lanes.ts";
import { Refusals } from "./refusals.ts";
import type { StreamCursor } from "./stream-cursor.ts";
import { type Candidate, StreamSet } from "./stream-set.ts";
import { WakeUp } from "./wake-up.ts";
import type { PublishWindow } from "./window.ts";

/** A chunk published before one that the NOC has committed is missing there after this time. */
const holeAgeMs = 5_000;
/** No acknowledgement of a stream for this long: start again behind what is acknowledged. Doubles up to the maximum, jittered. */
const firstAckTimeoutMs = 30_000;
const maxAckTimeoutMs = 600_000;
/** Streams are asked for at most this often, and at least this often. */
const refreshMinMs = 1_000;
const refreshMaxMs = 60_000;

export interface DrainParts {
  readonly session: UplinkSession;
  readonly window: PublishWindow;
  readonly buffer: Buffer;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly memory: DrainMemory;
  readonly onDictionaryNeeded: (revision: number) => void;
  readonly onResync: () => void;
}

/** Empties the buffer over one session: what goes next, what goes again, what the NOC has. Lives as long as the session. */
export class Drain {
  readonly lanes: Readonly<Record<LaneName, Lane>>;
  readonly #parts: DrainParts;
  readonly #wakeUp: WakeUp;
  readonly #streams: StreamSet;
  readonly #refusals: Refusals;
  readonly #acknowledgements: Acknowledgements;
  readonly #rate: ChunkRate;
  readonly #inFlight = new Set<Candidate>();
  readonly #ackTimeouts = new WeakMap<StreamCursor, { readonly rewinds: number; readonly ms: number }>();
  #ended: SessionEnd | undefined;
  #crashed: { readonly error: unknown } | undefined;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #sealedSinceRefresh = true;

  constructor(parts: DrainParts) {
    const { session, clock } = parts;
    const lane = (name: LaneName) => new Lane(name, session.limits.receiveMaximum);
    this.#parts = parts;
    this.lanes = { urgent: lane("urgent"), live: lane("live"), backlog: lane("backlog") };
    this.lanes.live.maxUnacked = parts.memory.grants.liveWindow;
    this.lanes.backlog.maxUnacked = Math.min(this.lanes.backlog.maxUnacked, parts.memory.grants.backlogWindow);
    this.#wakeUp = new WakeUp(clock);
    this.#rate = new ChunkRate(clock.monotonicMs());
    const shared = { ...parts, wake: this.#wakeUp.wake, crash: (error: unknown) => this.#crash(error) };
    this.#streams = new StreamSet({ ...shared, lanes: this.lanes });
    this.#refusals = new Refusals({ ...shared, limits: session.limits, sinceWallMs: clock.now().wallMs });
    this.#acknowledgements = new Acknowledgements({ ...shared, streams: this.#streams, refusals: this.#refusals, lanes: this.lanes });
  }

  /** Takes an acknowledgement in; returns at once. */
  acknowledge(message: NocAcknowledgement): void {
    this.#acknowledgements.apply(message);
  }

  /** The NOC announced itself, which it does whenever it comes back. */
  nocAnnounced(on: boolean): void {
    if (on) this.#refusals.listened(Object.values(this.lanes));
    this.#wakeUp.wake();
  }

  /** Something happened outside: look again. */
  wake(): void {
    this.#wakeUp.wake();
  }

  /** Learns the streams; call before `run`. `tail` = first seq of the old stream's newest chunks, to be sent ahead of the backlog. */
  async prepare(tail: { readonly stream: StreamId; readonly fromSeq: number } | undefined): Promise<void> {
    const { clock } = this.#parts;
    await this.#refresh();
    if (tail !== undefined) await this.#streams.readTail(tail.stream, tail.fromSeq);
    await this.#streams.prime([this.lanes.urgent, this.lanes.live], clock.monotonicMs());
  }

  /** Runs until the session is closed or the signal aborts; both are regular. Throws only for a bug, or GatewayError buffer.*. */
  async run(signal: AbortSignal): Promise<void> {
    const { session, clock } = this.#parts;
    const over = new AbortController();
    const stop = () => {
      over.abort(new Error("drain over"));
      this.#wakeUp.wake();
    };
    signal.addEventListener("abort", stop, { once: true });
    void session.closed.then((end) => {
      this.#ended = end;
      stop();
    });
    if (signal.aborted) stop();
    const watching = this.#watchSeals(over.signal);
    try {
      while (!over.signal.aborted && this.#crashed === undefined) {
        const nowMs = clock.monotonicMs();
        if (this.#refreshDueMs() <= nowMs) void this.#refreshBeside();
        this.#resendWhatIsLost(nowMs);
        while (this.#sendOne(nowMs));
        await this.#wakeUp.sleep(this.#nextDueMs() - clock.monotonicMs());
      }
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
      await watching;
    }
    if (this.#crashed !== undefined) throw this.#crashed.error;
    if (this.#ended !== undefined) await this.#refusals.sessionEnded(this.#ended, [...this.#inFlight]);
  }

  async #watchSeals(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        // Asked before looking, so that nothing sealed in between is missed.
        const sealed = this.#parts.buffer.sealed(signal);
        this.#streams.sealed();
        this.#sealedSinceRefresh = true;
        this.#wakeUp.wake();
        await sealed;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isGatewayError(error) && error.code === "buffer.closed") return;
      this.#crash(error);
    }
  }

  #refreshDueMs(): number {
    return this.#refreshedAtMs + (this.#sealedSinceRefresh ? refreshMinMs : refreshMaxMs);
  }

  async #refresh(): Promise<void> {
    this.#refreshedAtMs = this.#parts.clock.monotonicMs();
    this.#sealedSinceRefresh = false;
    await this.#streams.refresh();
  }

  /** Beside the sending, which a slow disk must not delay. */
  async #refreshBeside(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      if (!isGatewayError(error)) this.#crash(error);
      // Asked again when the next refresh is due.
      else this.#parts.logger.debug({ code: error.code }, "the buffer's streams could not be listed");
    }
    this.#wakeUp.wake();
  }

  #resendWhatIsLost(nowMs: number): void {
    for (const cursor of this.#streams.all()) {
      for (const seq of cursor.holes(nowMs, holeAgeMs)) {
        cursor.unsent(seq);
        cursor.retries.set(seq, nowMs);
      }
      if (this.#ackDueMs(cursor) <= nowMs) cursor.rewind(nowMs);
    }
  }

  /** When the patience with the NOC ends for this stream; infinity = it owes nothing. */
  #ackDueMs(cursor: StreamCursor): number {
    const { memory } = this.#parts;
    if (cursor.waitingSinceMs === undefined || !(memory.nocOn || cursor.streamClass === "E")) return Number.POSITIVE_INFINITY;
    let timeout = this.#ackTimeouts.get(cursor);
    if (timeout?.rewinds !== cursor.rewinds) {
      const ms = Math.min(maxAckTimeoutMs, firstAckTimeoutMs * 2 ** Math.min(cursor.rewinds, 10));
      timeout = { rewinds: cursor.rewinds, ms: ms * (0.8 + 0.4 * this.#parts.entropy.random()) };
      this.#ackTimeouts.set(cursor, timeout);
    }
    return cursor.waitingSinceMs + timeout.ms;
  }

  #sendOne(nowMs: number): boolean {
    const { memory, window } = this.#parts;
    // A suspect goes alone, so that the next DISCONNECT names the culprit.
    if (memory.suspects.size > 0 && this.#inFlight.size > 0) return false;
    // All lanes are asked before one is chosen: asking reads ahead, and a lane with nothing read would never be seen waiting.
    const lanes = Object.values(this.lanes).filter((lane) => !lane.isPaused(nowMs));
    const candidates = new Map(lanes.map((lane) => [lane, this.#streams.candidate(lane, nowMs)]));
    for (const lane of orderOf(lanes)) {
      const candidate = candidates.get(lane);
      if (candidate === undefined) continue;
      const { length } = candidate.chunk.bytes;
      if (!lane.hasRoom(length)) continue;
      if (lane.name === "backlog" && this.#rate.waitMs(memory.grants.backlogChunksPerSecond, nowMs) > 0) continue;
      // No smaller chunk of a lower lane may slip past: the room it takes is what this one waits for.
      if (!window.hasRoom(length)) return false;
      for (const other of Object.values(this.lanes)) other.passedOver = other === lane || !other.hasQueued ? 0 : other.passedOver + 1;
      this.#send(candidate, nowMs);
      return true;
    }
    return false;
  }

  #send(candidate: Candidate, nowMs: number): void {
    const { lane, cursor, chunk, leaf } = candidate;
    const { session, window, memory, clock } = this.#parts;
    const { length } = chunk.bytes;
    this.#streams.taken(candidate);
    if (lane.name === "backlog") this.#rate.take();
    const entry = cursor.sent(chunk.seq, length, nowMs);
    window.take(length);
    lane.inFlight += 1;
    lane.inFlightBytes += length;
    lane.sentChunks += 1;
    lane.sentBytes += length;
    memory.counters.sentChunks += 1;
    memory.counters.sentBytes += length;
    memory.chunkRate.add(1, nowMs);
    memory.byteRate.add(length, nowMs);
    this.#inFlight.add(candidate);
    let unmatched = false;
    const onUnmatched = () => {
      unmatched = memory.believesUnmatched;
    };
    session
      .publish(leaf, chunk.bytes, { onUnmatched })
      .then(
        () => {
          entry.confirmed = true;
          lane.learn(nowMs, clock.monotonicMs());
          window.learn(nowMs, clock.monotonicMs());
          if (unmatched) this.#refusals.unmatched(candidate);
          else this.#refusals.accepted(candidate);
          this.#landed(candidate);
        },
        (error: unknown) => this.#failed(candidate, error),
      )
      .catch((error: unknown) => this.#crash(error));
  }

  #failed(candidate: Candidate, error: unknown): void {
    if (!isGatewayError(error)) throw error;
    // A lost session ends the drain; the chunk stays "in flight" for the question of who is to blame.
    if (error.code === "uplink.lost" || error.code === "uplink.no-puback") return;
    this.#refusals.refused(candidate, error);
    this.#landed(candidate);
  }

  #landed(candidate: Candidate): void {
    const { lane, chunk } = candidate;
    this.#inFlight.delete(candidate);
    lane.inFlight -= 1;
    lane.inFlightBytes -= chunk.bytes.length;
    this.#parts.window.give(chunk.bytes.length);
    this.#wakeUp.wake();
  }

  #nextDueMs(): number {
    const nowMs = this.#parts.clock.monotonicMs();
    let dueMs = Math.min(this.#refreshDueMs(), this.#streams.nextRetryMs(nowMs));
    for (const cursor of this.#streams.all()) dueMs = Math.min(dueMs, cursor.nextHoleMs(holeAgeMs), this.#ackDueMs(cursor));
    for (const lane of Object.values(this.lanes)) if (lane.isPaused(nowMs)) dueMs = Math.min(dueMs, lane.pausedUntilMs);
    const { backlogChunksPerSecond } = this.#parts.memory.grants;
    if (backlogChunksPerSecond !== undefined && this.lanes.backlog.cursors.length > 0) {
      const waitMs = this.#rate.waitMs(backlogChunksPerSecond, nowMs);
      if (waitMs > 0) dueMs = Math.min(dueMs, nowMs + waitMs);
    }
    return dueMs;
  }

  /** `stream:seq` of what is under way, for tests and status; at most the window. */
  get underWay(): readonly string[] {
    return [...this.#inFlight].map(({ cursor, chunk }) => chunkKey(cursor.stream, chunk.seq));
  }

  #crash(error: unknown): void {
    this.#crashed ??= { error };
    this.#wakeUp.wake();
  }
}

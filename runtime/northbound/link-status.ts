import type { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { SessionEnd, UplinkLimits, UplinkSession } from "#ports/uplink.ts";
import type { Drain } from "./drain.ts";
import type { DrainCounters, DrainMemory } from "./drain-memory.ts";
import type { LaneName } from "./lanes.ts";
import type { PublishWindow } from "./window.ts";

export interface LaneStatus {
  readonly lane: LaneName;
  readonly streams: number;
  /** Published, no PUBACK yet. */
  readonly inFlight: number;
  /** Published, not acknowledged by the NOC. */
  readonly unacknowledged: number;
  readonly window: number;
  readonly sentChunks: number;
  readonly sentBytes: number;
  readonly resentChunks: number;
  /** Larger than this broker takes; waiting for another. */
  readonly heldBack: number;
  readonly paused: string | undefined;
}

/** What `gatehouse status` shows of the link. */
export interface LinkStatus {
  readonly state: "idle" | "connecting" | "waiting" | "connected";
  /** Number of this connection, counted over restarts. */
  readonly connection: number | undefined;
  /** Wall time, Unix ms. */
  readonly connectedSinceMs: number | undefined;
  /** Attempts since the last connection. */
  readonly attempts: number;
  readonly nextAttemptInMs: number | undefined;
  readonly lastError:
    | { readonly code: string; readonly reason: string; readonly reasonCode: number | undefined; readonly atMs: number }
    | undefined;
  readonly limits: UplinkLimits | undefined;
  /** The NOC acknowledged something in this session: the way is open in both directions. */
  readonly answered: boolean;
  readonly lastAckAgoMs: number | undefined;
  readonly nocOn: boolean;
  readonly grants: { readonly liveWindow: number; readonly backlogWindow: number; readonly backlogChunksPerSecond: number | null };
  readonly inFlight: number;
  readonly inFlightBytes: number;
  readonly lanes: readonly LaneStatus[];
  readonly counters: Readonly<DrainCounters>;
  /** Published over roughly the last minute, payload. */
  readonly chunksPerSecond: number;
  readonly bytesPerSecond: number;
  readonly bytesIn: number | undefined;
  readonly bytesOut: number | undefined;
}

const silenceLookMs = 60_000;

interface LiveParts {
  readonly session: UplinkSession;
  readonly window: PublishWindow;
  readonly drain: Drain;
}

/** Remembers what happened to the link, and logs it: transitions only, however long an outage lasts. */
export class LinkStatusKeeper {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #memory: DrainMemory;
  #state: LinkStatus["state"] = "idle";
  #attempts = 0;
  #connectedSinceMs: number | undefined;
  #openedAtMs = 0;
  #nextAttemptAtMs: number | undefined;
  #lastError: LinkStatus["lastError"];
  /** What was logged last: the same again is silent. */
  #told: string | undefined;
  #silent = false;

  constructor(clock: Clock, logger: Logger, memory: DrainMemory) {
    this.#clock = clock;
    this.#logger = logger;
    this.#memory = memory;
  }

  connecting(): void {
    this.#state = "connecting";
    this.#attempts += 1;
    this.#nextAttemptAtMs = undefined;
  }

  waiting(delayMs: number): void {
    this.#state = "waiting";
    this.#nextAttemptAtMs = this.#clock.monotonicMs() + delayMs;
  }

  connected(session: UplinkSession): void {
    this.#state = "connected";
    this.#connectedSinceMs = this.#clock.now().wallMs;
    this.#openedAtMs = this.#clock.monotonicMs();
    this.#logger.info({ connection: session.connection, attempts: this.#attempts, ...session.limits }, "connected to the noc's broker");
    this.#attempts = 0;
    this.#told = undefined;
  }

  failed(error: GatewayError): void {
    const reason = typeof error.fields.reason === "string" ? error.fields.reason : error.message;
    const reasonCode = typeof error.fields.reasonCode === "number" ? error.fields.reasonCode : undefined;
    this.#note(error.code, reason, reasonCode);
    const told = `${error.code} ${reasonCode ?? ""}`;
    if (this.#told === told) return;
    this.#told = told;
    this.#logger.warn({ code: error.code, reason, reasonCode, attempts: this.#attempts }, "no connection to the noc's broker");
  }

  lost(end: SessionEnd): void {
    // A session that never got as far as `connected` has told its own error already.
    if (this.#connectedSinceMs === undefined) return;
    this.#note("uplink.lost", end.reason, end.reasonCode);
    this.#connectedSinceMs = undefined;
    const lastedMs = Math.round(this.#clock.monotonicMs() - this.#openedAtMs);
    this.#logger.warn({ reason: end.reason, reasonCode: end.reasonCode, lastedMs }, "connection to the noc's broker lost");
  }

  /**
   * Looks every minute whether what is published is also acknowledged: a broker may grant subscriptions that its access list then starves,
   * and nothing but an acknowledgement proves the way back. Until the session is over.
   */
  async watchSilence(over: AbortSignal): Promise<void> {
    const { counters } = this.#memory;
    const openedAtMs = this.#clock.monotonicMs();
    const before = counters.sentChunks;
    while (!over.aborted) {
      try {
        await this.#clock.sleep(silenceLookMs, over);
      } catch (reason) {
        if (!over.aborted) throw reason;
        return;
      }
      const answered = (this.#memory.lastAckAtMs ?? Number.NEGATIVE_INFINITY) >= openedAtMs;
      this.#noteSilence(!answered && counters.sentChunks > before, answered);
    }
  }

  #noteSilence(silent: boolean, answered: boolean): void {
    if (silent === this.#silent) return;
    this.#silent = silent;
    if (silent) this.#logger.warn({}, "connected, but the noc acknowledges nothing");
    else if (answered) this.#logger.info({}, "the noc acknowledges again");
  }

  read(live: LiveParts | undefined): LinkStatus {
    const { grants, nocOn, lastAckAtMs, counters } = this.#memory;
    const nowMs = this.#clock.monotonicMs();
    const traffic = live?.session.traffic?.();
    return {
      state: this.#state,
      connection: live?.session.connection,
      connectedSinceMs: this.#connectedSinceMs,
      attempts: this.#attempts,
      nextAttemptInMs: this.#nextAttemptAtMs === undefined ? undefined : Math.max(0, this.#nextAttemptAtMs - nowMs),
      lastError: this.#lastError,
      limits: live?.session.limits,
      answered: live !== undefined && lastAckAtMs !== undefined && lastAckAtMs >= this.#openedAtMs,
      lastAckAgoMs: lastAckAtMs === undefined ? undefined : nowMs - lastAckAtMs,
      nocOn,
      grants: { ...grants, backlogChunksPerSecond: grants.backlogChunksPerSecond ?? null },
      inFlight: live?.window.messages ?? 0,
      inFlightBytes: live?.window.bytes ?? 0,
      lanes: live === undefined ? [] : lanesOf(live.drain, nowMs),
      counters: { ...counters },
      chunksPerSecond: this.#memory.chunkRate.perSecond(nowMs),
      bytesPerSecond: this.#memory.byteRate.perSecond(nowMs),
      bytesIn: traffic?.bytesIn,
      bytesOut: traffic?.bytesOut,
    };
  }

  #note(code: string, reason: string, reasonCode: number | undefined): void {
    this.#lastError = { code, reason, reasonCode, atMs: this.#clock.now().wallMs };
  }
}

function lanesOf(drain: Drain, nowMs: number): readonly LaneStatus[] {
  return Object.values(drain.lanes).map((lane) => ({
    lane: lane.name,
    streams: lane.cursors.length,
    inFlight: lane.inFlight,
    unacknowledged: lane.unackedChunks,
    window: lane.maxUnacked,
    sentChunks: lane.sentChunks,
    sentBytes: lane.sentBytes,
    resentChunks: lane.resentChunks,
    heldBack: lane.cursors.reduce((sum, cursor) => sum + cursor.held.size, 0),
    paused: lane.isPaused(nowMs) ? (lane.pauseReason ?? "paused") : undefined,
  }));
}

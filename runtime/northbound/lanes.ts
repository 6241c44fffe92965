import type { NocAcknowledgement } from "#ports/uplink.ts";
import { AdaptiveLimit } from "./adaptive-limit.ts";
import type { StreamCursor } from "./stream-cursor.ts";

export type LaneName = "urgent" | "live" | "backlog";

/** Chunks and bytes one lane may have unacknowledged by the NOC: four PUBACK windows. */
export const unackedChunks = 64;
export const unackedBytes = 1_048_576;
/** Backlog before the first acknowledgement of a session: one window, so that a returning fleet waits for its NOC's grants. */
const firstBacklogChunks = 16;
/** Times a lane that has something may be passed over before it goes first. */
const maxPassedOver = 8;

/** The backlog's bytes without PUBACK: on a slow line they are what a live chunk waits behind. */
const backlogBytes = { firstBytes: 65_536, leastBytes: 4_096, mostBytes: unackedBytes } as const;

/** What the NOC allows, as last heard; survives a reconnection. */
export interface Grants {
  liveWindow: number;
  backlogWindow: number;
  /** undefined = unlimited, 0 = paused. */
  backlogChunksPerSecond: number | undefined;
}

export function defaultGrants(): Grants {
  return { liveWindow: unackedChunks, backlogWindow: unackedChunks, backlogChunksPerSecond: undefined };
}

export function applyGrants(grants: Grants, heard: NocAcknowledgement["grants"]): void {
  grants.liveWindow = heard.liveWindow ?? grants.liveWindow;
  grants.backlogWindow = heard.backlogWindow ?? grants.backlogWindow;
  if (heard.backlogChunksPerSecond !== undefined) grants.backlogChunksPerSecond = heard.backlogChunksPerSecond ?? undefined;
}

/** Streams that share a priority and a share of the windows. */
export class Lane {
  readonly name: LaneName;
  /** In the order in which they are drained. */
  cursors: StreamCursor[] = [];
  /** PUBACKs this lane may be owed. */
  readonly maxInFlight: number;
  /** Only the backlog has a limit of its own in bytes; for the others the session's window is enough. */
  readonly #byteLimit: AdaptiveLimit | undefined;
  maxUnacked = unackedChunks;
  inFlight = 0;
  inFlightBytes = 0;
  pausedUntilMs = 0;
  /** Why the lane stands still, for people. */
  pauseReason: string | undefined;
  passedOver = 0;
  sentChunks = 0;
  sentBytes = 0;
  resentChunks = 0;

  constructor(name: LaneName, receiveMaximum: number) {
    this.name = name;
    this.maxInFlight = laneShare(name, receiveMaximum);
    this.#byteLimit = name === "backlog" ? new AdaptiveLimit(backlogBytes) : undefined;
    if (name === "backlog") this.maxUnacked = firstBacklogChunks;
  }

  get hasQueued(): boolean {
    return this.cursors.some((cursor) => cursor.queue.length > 0);
  }

  get unackedChunks(): number {
    return this.cursors.reduce((sum, cursor) => sum + cursor.unacked.size, 0);
  }

  get unackedBytes(): number {
    return this.cursors.reduce((sum, cursor) => sum + cursor.unackedBytes, 0);
  }

  /** Room in this lane's own shares; the session's window comes on top. At least one chunk always fits, whatever its size. */
  hasRoom(bytes: number): boolean {
    if (this.inFlight >= this.maxInFlight) return false;
    if (this.inFlight > 0 && this.inFlightBytes + bytes > (this.#byteLimit?.bytes ?? unackedBytes)) return false;
    const unacked = this.unackedChunks;
    if (unacked >= this.maxUnacked) return false;
    return unacked === 0 || this.unackedBytes + bytes <= unackedBytes;
  }

  pause(untilMs: number, reason: string): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs);
    this.pauseReason = reason;
  }

  /** Ends a pause that was made for this reason. */
  resume(reason: string): void {
    if (this.pauseReason !== reason) return;
    this.pausedUntilMs = 0;
    this.pauseReason = undefined;
  }

  isPaused(nowMs: number): boolean {
    if (nowMs < this.pausedUntilMs) return true;
    this.pauseReason = undefined;
    return false;
  }

  /** A PUBACK of this lane came. */
  learn(sentAtMs: number, nowMs: number): void {
    this.#byteLimit?.learn(sentAtMs, nowMs);
  }
}

/** Share of the PUBACK window: nobody can take all of it, and with a window of one or two everybody takes turns. */
function laneShare(name: LaneName, receiveMaximum: number): number {
  if (receiveMaximum < 4) return name === "backlog" ? Math.max(1, receiveMaximum - 1) : receiveMaximum;
  const share = name === "backlog" ? 0.35 : 0.5;
  return Math.max(1, Math.floor(receiveMaximum * share));
}

/** Lanes in the order to try: by priority, but one that was passed over too often goes first. */
export function orderOf(lanes: readonly Lane[]): readonly Lane[] {
  const starved = lanes.filter((lane) => lane.passedOver >= maxPassedOver);
  return starved.length === 0 ? lanes : [...starved, ...lanes.filter((lane) => lane.passedOver < maxPassedOver)];
}

/** Chunks per second, with a burst of one second. */
export class ChunkRate {
  #tokens = 1;
  #filledAtMs: number;

  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
  }

  /** Milliseconds until one chunk may go: 0 = now, infinity = paused. */
  waitMs(perSecond: number | undefined, nowMs: number): number {
    if (perSecond === undefined) return 0;
    if (perSecond <= 0) return Number.POSITIVE_INFINITY;
    const elapsedS = Math.max(0, nowMs - this.#filledAtMs) / 1000;
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(Math.max(1, perSecond), this.#tokens + elapsedS * perSecond);
    // A hair below one whole token counts as one: the sleep that waited for it is rounded too.
    return this.#tokens >= 0.999 ? 0 : ((1 - this.#tokens) / perSecond) * 1000;
  }

  take(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
  }
}

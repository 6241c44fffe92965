import type { GatewayError } from "#model/errors.ts";
import type { Peer } from "./peer.ts";
import type { PreparedRequest } from "./request.ts";

/** What wants the answer. Called from the receive path: it must not throw and must not wait. */
export interface AnswerReader {
  readonly signal: AbortSignal;
  /** Reads the Response in `pdu`. False: it is not an answer to what was asked; it is asked again. */
  read(bytes: Uint8Array): boolean;
  /** The answer was read and its place is free again: the next request may be submitted from here. */
  done(nowMs: number): void;
  failed(error: GatewayError): void;
  /** The security state changed (new engine): prepare the request anew. */
  stale(): void;
  /** After silence, where attempts are left. Absent = yes. */
  mayRepeat?(): boolean;
}

/** One request and its attempts. The object may be submitted again after it settled. */
export class Exchange {
  peer: Peer;
  readonly reader: AnswerReader;
  request: PreparedRequest;
  /** Monotonic time after which no further attempt is made and no answer awaited. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Attempts in all; 1 = no retry. */
  attemptsMax = 1;
  attempt = 0;
  expiresAtMs = 0;
  /** -1 = not pending. */
  slot = -1;
  nonce = 0;
  innerNonce = 0;
  /** What had come of this peer and could not be believed, or read, when the first attempt was sent. */
  forgedBefore = 0;
  malformedBefore = 0;
  /** When each of the first four attempts was sent: the id of the answer says which one it answers. */
  readonly sentAtMs: number[] = [0, 0, 0, 0];
  isFresh = false;
  /** Frames that it holds of the receive buffer while it is fresh. */
  freshFrames = 1;
  isQueued = false;
  /** Resends because of v3 Reports; bounded, an agent could go on for ever. */
  reportResends = 0;
  /** Times the request became stale; not reset by submitting it again. */
  staleTimes = 0;

  constructor(peer: Peer, reader: AnswerReader, request: PreparedRequest) {
    this.peer = peer;
    this.reader = reader;
    this.request = request;
  }
}

import type { Chunk, Frame, StreamAck, StreamClass, StreamId } from "#model/chunk.ts";
import type { GapRecord } from "#model/observation.ts";

/** Place of a frame in the journal; grows with every frame, never reused within a buffer. */
export type Position = number & { readonly __unit: "Position" };

export interface StreamState {
  readonly stream: StreamId;
  readonly streamClass: StreamClass;
  /** The one stream of its class that new chunks are sealed into. */
  readonly open: boolean;
  /** Oldest seq not acknowledged by the NOC; = nextSeq when all is. */
  readonly firstSeq: number;
  readonly nextSeq: number;
  readonly bytes: number;
  readonly samples: number;
  readonly oldestSealedAtMs: number | undefined;
}

/** polled = delivered + buffered + dropped, exact for everything a journal record covers (samples, since the buffer was created). */
export interface Ledger {
  readonly polled: number;
  readonly delivered: number;
  readonly buffered: number;
  readonly dropped: number;
  readonly drops: readonly GapRecord[];
  /** When counting began, Unix ms. */
  readonly sinceMs: number;
  /** Unclean starts seen. */
  readonly restarts: number;
}

export interface BufferStats {
  readonly streams: readonly StreamState[];
  readonly ledger: Ledger;
  /** Admitted but not yet durable. */
  readonly openFrames: number;
  readonly openBytes: number;
  readonly journalBytes: number;
  readonly databaseBytes: number;
  readonly budgetBytes: number;
  /** Bytes handed to the file system since start. */
  readonly writtenBytes: number;
  readonly commits: number;
  readonly commitMsMax: number;
  readonly commitMsP99: number;
  /** `ok`, or why it is degraded (`disk-full`, `io`, `read-only`). */
  readonly state: "ok" | "disk-full" | "io" | "read-only";
  readonly deadLetters: number;
}

export interface ReadQuery {
  readonly stream: StreamId;
  readonly fromSeq: number;
  readonly maxChunks: number;
  readonly maxBytes: number;
  /** Inclusive ranges the NOC already has. */
  readonly skip?: readonly (readonly [number, number])[];
}

/**
 * The outbox on flash. Admission is bounded; durability comes with the journal record; a chunk leaves on the NOC's
 * acknowledgement only, or by the counted budget rule that leaves a GapRecord.
 */
export interface Buffer {
  /** Admits frames in order. Resolves at once while the open group has room, else when it has. @throws GatewayError buffer.closed */
  append(frames: readonly Frame[]): Position | Promise<Position>;
  /** Resolves when everything up to `position` survives a power cut. */
  durable(position: Position): Promise<void>;
  /** Sealed chunks not acknowledged, ascending seq. Tombstoned seqs are skipped. */
  read(query: ReadQuery): Promise<readonly Chunk[]>;
  /** Deletes what the NOC has. Unknown streams and seqs beyond nextSeq are ignored and counted. */
  acknowledge(ack: StreamAck): Promise<void>;
  /** Seals open slots at once (on CONNACK, on shutdown), so that the newest values travel without waiting for their slot to end. */
  sealNow(): Promise<void>;
  /** Opens a new stream of the class; the old one stays until drained. The caller restarts the encoder's stream as well. */
  splitStream(streamClass: StreamClass): Promise<StreamId>;
  /** Gives up one chunk that the NOC refuses for good: moved to the dead letters, tombstone and GapRecord written. */
  reject(stream: StreamId, seq: number, reason: string): Promise<void>;
  /** Resolves when a chunk was sealed after the call, or when the signal aborts (then rejects). For the drain's wake-up. */
  sealed(signal: AbortSignal): Promise<void>;
  /** Gap records made since the last call (restart, eviction, corruption); the gateway sends them through the Intake. */
  takeGaps(): readonly GapRecord[];
  stats(): Promise<BufferStats>;
  /** Seals, commits and releases. Idempotent. */
  close(): Promise<void>;
}

import type { Chunk, DecodedChunk, DictionaryGroup, DictionaryRecord, Frame, Slot, StreamId } from "#model/chunk.ts";
import type { Observation } from "#model/observation.ts";
import type { Report } from "#model/report.ts";

/**
 * Encodes observations once, on the gateway's main thread. Stateful: knows the dictionary and each series' last sent value.
 * After a process start the first slot of each interval class is a key-frame, and the dictionary is sent in full.
 */
export interface FrameEncoder {
  /** Frames of one report in order: a `dict` frame first if a shape is new, then one `group` frame a table. */
  encodeReport(report: Report): readonly Frame[];
  /** Everything else: one `json` frame of stream class E or I. */
  encodeObservation(observation: Exclude<Observation, Report>): Frame;
  /** The next slot of every interval class becomes a key-frame preceded by a full dictionary (stream start, NOC `resync`, lane split). */
  restartStream(): void;
  /** The full dictionary as it stands, for `need` requests: one `dict` frame. */
  fullDictionary(): Frame;
  readonly dictionaryRevision: number;
  /** Series known; bounded by `maxSeries`, further rows are refused with a gap and an event. */
  readonly seriesCount: number;
}

/** What a chunk's head says besides its frames. */
export interface ChunkHead {
  readonly stream: StreamId;
  readonly seq: number;
  /** Absent for `dict` and `json` frames. */
  readonly slot?: Slot;
}

/** Makes the wire's bytes from frames: pure, and the same bytes for the same input. Runs in the store's thread. */
export interface ChunkAssembler {
  /** @param frames in order of admission: the group frames of one slot; or one dict frame; or 1..50 json frames of one stream class. @returns the caller's alone, who may free them (`letGo`) */
  assemble(head: ChunkHead, frames: readonly Pick<Frame, "kind" | "payload" | "samples" | "wallMs" | "monotonicMs">[]): Uint8Array;
  /** Upper bound of one assembled chunk, bytes; the store splits a slot's frames when their payloads exceed it. */
  readonly maxFrameBytes: number;
}

/** What the bytes of any stream turn out to be. */
export type DecodedPayload =
  | { readonly kind: "chunk"; readonly chunk: RawChunk }
  | { readonly kind: "dict"; readonly stream: StreamId; readonly seq: number; readonly record: DictionaryRecord }
  | { readonly kind: "json"; readonly stream: StreamId; readonly seq: number; readonly body: Readonly<Record<string, unknown>> };

/** A structurally valid chunk whose groups were not yet resolved against a dictionary. */
export interface RawChunk {
  readonly stream: StreamId;
  readonly seq: number;
  readonly dictionaryRevision: number;
  readonly flags: number;
  readonly intervalMs: number;
  readonly rowCount: number;
  readonly t0: number;
  readonly bootId: string | undefined;
  readonly groupIds: readonly number[];
  readonly body: unknown;
}

/** Bounded against bombs: <= 96 KiB compressed, <= 4 MiB unpacked, depth, rows, series. @throws GatewayError codec.* */
export interface ChunkDecoder {
  decode(bytes: Uint8Array): DecodedPayload;
  /**
   * Resolves a chunk. `previous` is the resolver's memory of this stream (last value of each series), changed in place;
   * without it unchanged cells are marked as such. @throws GatewayError codec.dictionary
   */
  resolve(chunk: RawChunk, dictionary: ReadonlyMap<number, DictionaryGroup>, memory?: SeriesMemory): DecodedChunk;
  newMemory(): SeriesMemory;
  /** Tells the memory that `seq` of its stream holds no rows (a dictionary record). A seq that skips some makes it forget. */
  passOver(memory: SeriesMemory, seq: number): void;
}

/** Opaque: last value and absolute of each series of one stream, valid after a chunk without holes since a key-frame. */
export interface SeriesMemory {
  readonly nextSeq: number;
}

export type { Chunk };

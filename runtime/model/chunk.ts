/** 12 lower-case hex digits, random, new for every stream (PROTOCOL section 2, key 1). */
export type StreamId = string & { readonly __unit: "StreamId" };

const streamIdPattern = /^[0-9a-f]{12}$/;

export function isStreamId(value: string): value is StreamId {
  return streamIdPattern.test(value);
}

/**
 * What a stream carries: T telemetry and its dictionary, E events, alarms, gaps and anchors, C results and latencies of checks, I inventory,
 * S evidence.
 * A T stream that is drained on the backfill topic keeps its id and its class.
 */
export type StreamClass = "T" | "E" | "C" | "I" | "S";

/**
 * An encoded observation on its way into the buffer: the unit of admission. Made by the codec, opaque to the store
 * except for what stands here. For telemetry one frame is one row-set of one table (a TCC group with n = 1), or a dictionary record.
 */
export interface Frame {
  readonly streamClass: StreamClass;
  /** `group` frames of one slot are assembled into one chunk; a `dict` frame is a chunk of its own, before the groups that follow it; `json` frames of one class are batched. */
  readonly kind: "group" | "dict" | "json";
  /** Telemetry only: the chunk this frame belongs to. */
  readonly slot?: Slot;
  /** Samples inside; what the ledger counts. 0 for everything but telemetry. */
  readonly samples: number;
  /** Must be durable at once, outside the durability window: alarms, evidence, command results. */
  readonly urgent: boolean;
  /** Eviction class, lowest first: 0 debug, 1 history, 2 metrics, 3 state, 4 alarms, 5 audit (RELIABILITY 4.5). */
  readonly priority: 0 | 1 | 2 | 3 | 4 | 5;
  /** Wall time of the observation, Unix ms; for gap records and statistics. */
  readonly wallMs: number;
  /** Monotonic time of the observation in the boot `bootId`. */
  readonly monotonicMs: number;
  readonly bootId: string;
  readonly payload: Uint8Array;
}

/** One chunk's worth of time of one interval class. Two frames belong to the same chunk if `id` is equal. */
export interface Slot {
  /** Unique within a process run; grows with time within an interval class. */
  readonly id: number;
  readonly intervalMs: number;
  /** Base time of the chunk: Unix ms, or monotonic ms where flag bit 2 (unanchored) is set. */
  readonly t0: number;
  /** PROTOCOL section 2, key 4: bit0 key-frame, bit2 clock unanchored, bit3 salvaged. */
  readonly flags: number;
  /** Dictionary revision its frames refer to. */
  readonly dictionaryRevision: number;
  /** Intervals per chunk (n rows at most). */
  readonly intervals: number;
  /** Monotonic time when the slot ends: the store seals it at the latest then (plus grace). */
  readonly endsAtMs: number;
  readonly bootId: string;
}

/** Flag bit 2: nobody vouched for the wall clock; times are monotonic times of a boot. */
export const unanchoredFlag = 4;
/**
 * Flag bit 3: sealed from what a damaged journal left. The chunk follows nothing that its stream holds before it, and its rows may have been sent before, in
 * a chunk whose journal record is lost.
 */
export const salvagedFlag = 8;

/** An immutable unit of the wire. (stream, seq) is given by the buffer; bytes never change afterwards. */
export interface Chunk {
  readonly stream: StreamId;
  readonly streamClass: StreamClass;
  /** 1, 2, 3 ... per stream, without holes; tombstones fill what was dropped. */
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly samples: number;
  /** When it was sealed, Unix ms. */
  readonly sealedAtMs: number;
}

/** The NOC's acknowledgement of one stream (PROTOCOL 3.2): everything up to `upTo`, and the ranges beyond. */
export interface StreamAck {
  readonly stream: StreamId;
  readonly upTo: number;
  /** Inclusive ranges, ascending, at most 32. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** Series of the dictionary (PROTOCOL 2.1). */
export interface DictionarySeries {
  readonly metric: string;
  /** The row's key (model Row.key) and labels. */
  readonly rowKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: "c" | "g" | "s";
  readonly unit: string;
  readonly scale: number;
}

export interface DictionaryGroup {
  readonly groupId: number;
  readonly equipment: string;
  readonly table: string;
  readonly intervalMs: number;
  readonly series: readonly DictionarySeries[];
}

/** One dictionary record: full, or a delta to revision `base`. */
export interface DictionaryRecord {
  readonly revision: number;
  readonly base: number;
  readonly full: boolean;
  readonly groups: readonly DictionaryGroup[];
  readonly removed: readonly number[];
}

/** One cell after decoding. `unchanged` is only seen when the previous chunk of the stream was not at hand. */
export type DecodedCell =
  | { readonly state: "value"; readonly value: number | string }
  | {
      readonly state: "counter" /** NaN: no valid increment (first, restart, discontinuity) */;
      readonly increment: number;
      readonly absolute: bigint | undefined;
    }
  | { readonly state: "unchanged" }
  | { readonly state: "missing" };

export interface DecodedRow {
  /** Unix ms, or monotonic ms of `bootId` where the chunk is unanchored. */
  readonly at: number;
  /** In dictionary order. */
  readonly cells: readonly DecodedCell[];
}

export interface DecodedGroup {
  readonly group: DictionaryGroup;
  readonly rows: readonly DecodedRow[];
}

export interface DecodedChunk {
  readonly stream: StreamId;
  readonly seq: number;
  readonly dictionaryRevision: number;
  readonly keyFrame: boolean;
  readonly unanchored: boolean;
  /** See `salvagedFlag`. */
  readonly salvaged: boolean;
  readonly bootId: string | undefined;
  readonly intervalMs: number;
  readonly groups: readonly DecodedGroup[];
  /** Failed polls: [group, row, reason number of model gapReason]. */
  readonly misses: readonly { readonly groupId: number; readonly at: number; readonly reason: number }[];
  /** Cells that carry a value or say "unchanged": the ledger's *delivered*. */
  readonly samples: number;
}

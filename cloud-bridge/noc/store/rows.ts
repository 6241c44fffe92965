import type { DictionarySeries, StreamClass } from "#model/chunk.ts";

/** JSON that came from a gateway: already size-bounded, never trusted further. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Inclusive ranges of seqs, ascending, never touching each other. */
export type SeqRanges = readonly (readonly [number, number])[];

export interface GatewayRow {
  readonly ref: number;
  readonly tenant: string;
  readonly id: string;
  readonly firstSeenMs: number;
  /** Last message of any kind, NOC time. */
  readonly seenMs: number;
  readonly online: boolean;
  /** Since when `online` has its value, NOC time. */
  readonly presenceSinceMs: number;
  /** `connect`, `will`, `shutdown` ...; said by the gateway, shown to people only. */
  readonly presenceWhy: string;
  /** Greatest connection number seen in hello or state; an older will is late. */
  readonly connection: number;
  readonly bootId: string;
  readonly hello: JsonObject | undefined;
  /** Boots and runs that greeted, oldest first, the present one last (ingest/identity-watch.ts). */
  readonly lives: readonly string[];
  /** Last `rep` document. */
  readonly reported: JsonObject | undefined;
  /** Messages of this gateway that could not be understood or were refused by a limit. */
  readonly refusedMessages: number;
}

export interface StreamRow {
  readonly ref: number;
  readonly gatewayRef: number;
  readonly id: string;
  readonly streamClass: StreamClass;
  /** Every seq the NOC has (or will never get: tombstones), the base of acknowledgement and of de-duplication. */
  readonly received: SeqRanges;
  /** Seqs up to here were applied to last values and rollups, in order. */
  readonly appliedTo: number;
  readonly chunks: number;
  readonly samples: number;
  readonly bytes: number;
  /** Deliveries of something the NOC already had. */
  readonly duplicates: number;
  /** Seqs that arrived after a greater one. */
  readonly late: number;
  /** Seqs a `stream.gap` gave up. */
  readonly tombstones: number;
  readonly deadLetters: number;
  readonly firstSeenMs: number;
  readonly seenMs: number;
}

/**
 * `pending`: stored, its turn in the stream has not come; `parked`: stored, waits for its dictionary or for a clock anchor;
 * `applied`: exactly; `alone`: without its predecessor, unchanged gauges left out; `dead`: cannot be resolved, is in the dead letters.
 */
export type ChunkState = "pending" | "parked" | "applied" | "alone" | "dead";

export interface ChunkRow {
  readonly streamRef: number;
  readonly gatewayRef: number;
  readonly seq: number;
  readonly kind: "chunk" | "dict";
  readonly state: ChunkState;
  /** Unix ms of the first row; undefined while unanchored. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly intervalMs: number;
  readonly keyFrame: boolean;
  /** The revision it is read with; of a dictionary delta, the revision it is based on. */
  readonly dictionaryRevision: number;
  readonly samples: number;
  /** Set when the chunk was taken with an unanchored clock. */
  readonly bootId: string | undefined;
  readonly receivedMs: number;
  /** The bytes as they came over the wire. */
  readonly payload: Uint8Array;
}

/** One dictionary revision as it held from `seq` of its stream on: group id -> group. */
export interface DictionaryRow {
  readonly streamRef: number;
  readonly gatewayRef: number;
  readonly seq: number;
  readonly revision: number;
  readonly groups: ReadonlyMap<number, number>;
  /** Of them, those that the gateway has removed since: kept for chunks that come late. Oldest first. */
  readonly removed: ReadonlySet<number>;
}

/** One table of one equipment with a fixed list of series; interned by content, so that a repeated dictionary costs nothing. */
export interface GroupRow {
  readonly ref: number;
  readonly gatewayRef: number;
  readonly equipment: string;
  readonly table: string;
  readonly intervalMs: number;
  readonly series: readonly DictionarySeries[];
}

/** A series by its lasting identity (gateway, equipment, table, metric, row key); groups come and go around it. */
export interface SeriesRow {
  readonly ref: number;
  readonly gatewayRef: number;
  readonly equipment: string;
  readonly table: string;
  readonly metric: string;
  readonly rowKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: "c" | "g" | "s";
  readonly unit: string;
  /** Where its values lie: the groups it is or was a member of, newest last. */
  readonly places: readonly { readonly groupRef: number; readonly column: number; readonly intervalMs: number }[];
}

/**
 * Last values of one group. `numbers` holds two per series: value (counters: rate per second; NaN = none) and the Unix ms it was
 * last confirmed (0 = never). `texts` by column, for series of kind s.
 */
export interface LastValues {
  readonly groupRef: number;
  readonly atMs: number;
  readonly numbers: Float64Array;
  readonly texts: Readonly<Record<string, string>>;
}

/** 5 minutes and one hour, milliseconds. */
export type RollupLevel = 300_000 | 3_600_000;

/** One bucket of one group: `rollupStride` numbers per series (see ingest/derive.ts). */
export interface RollupRow {
  readonly level: RollupLevel;
  readonly groupRef: number;
  readonly bucketMs: number;
  readonly numbers: Float64Array;
}

/** A run of failed polls of one group. */
export interface MissSpan {
  readonly groupRef: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** model gapReason. */
  readonly reason: number;
  readonly count: number;
}

export interface EquipmentRow {
  readonly gatewayRef: number;
  readonly id: string;
  readonly lastPollMs: number;
  readonly lastMissMs: number;
  readonly missReason: number;
  readonly intervalMs: number;
  readonly inventory: JsonObject | undefined;
  readonly inventoryMs: number;
}

/** A time by a boot whose clock was never set; the row's own time is then only the order of arrival. */
export interface BootTime {
  readonly bootId: string;
  readonly monotonicMs: number;
}

export interface AlarmRow {
  readonly gatewayRef: number;
  readonly key: string;
  readonly instance: string;
  readonly revision: number;
  readonly severity: string;
  readonly cleared: boolean;
  readonly equipment: string;
  readonly path: string;
  readonly type: string;
  readonly text: string;
  readonly raisedMs: number;
  readonly changedMs: number;
  /** Set while the times are not known. */
  readonly undated: BootTime | undefined;
  readonly body: JsonObject;
}

export interface EventRow {
  readonly gatewayRef: number;
  readonly streamId: string;
  readonly seq: number;
  /** Place inside its batch. */
  readonly index: number;
  readonly atMs: number;
  readonly kind: string;
  readonly equipment: string;
  readonly severity: string;
  readonly text: string;
  /** Set while the time is not known. */
  readonly undated: BootTime | undefined;
  readonly body: JsonObject;
}

export interface AnchorRow {
  readonly gatewayRef: number;
  readonly bootId: string;
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly source: string;
  readonly errorMs: number;
}

/** The gateway's word that data is missing and will not come. */
export interface GapRow {
  readonly gatewayRef: number;
  readonly streamId: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Undefined = not countable. */
  readonly samples: number | undefined;
  readonly recordedMs: number;
}

/** What could not be understood or applied: kept for a person, never in the way. */
export interface DeadLetterRow {
  readonly gatewayRef: number;
  readonly leaf: string;
  readonly streamId: string;
  readonly seq: number;
  readonly reason: string;
  readonly receivedMs: number;
  readonly bytes: number;
  readonly payload: Uint8Array;
}

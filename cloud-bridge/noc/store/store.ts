import type { StreamClass } from "#model/chunk.ts";
import type { AlarmReads, AlarmWrites } from "./alarms.ts";
import type { CheckReads, CheckWrites } from "./checks.ts";
import type { OutgoingStore } from "./outgoing.ts";
import type {
  AlarmRow,
  AnchorRow,
  ChunkRow,
  ChunkState,
  DeadLetterRow,
  DictionaryRow,
  EquipmentRow,
  EventRow,
  GapRow,
  GatewayRow,
  GroupRow,
  LastValues,
  MissSpan,
  RollupLevel,
  RollupRow,
  SeqRanges,
  SeriesRow,
  StreamRow,
} from "./rows.ts";
import type { WaitingWrites } from "./waiting.ts";

/**
 * What ingest does inside one transaction. Everything is asynchronous, so that a server database can stand behind it; nothing of SQL
 * shows. All methods @throws GatewayError noc.store-busy | noc.store
 */
export interface StoreTransaction {
  gateway(tenant: string, id: string): Promise<GatewayRow | undefined>;
  addGateway(tenant: string, id: string, nowMs: number): Promise<GatewayRow>;
  putGateway(row: GatewayRow): Promise<void>;
  gatewayCount(): Promise<number>;

  stream(gatewayRef: number, id: string): Promise<StreamRow | undefined>;
  addStream(gatewayRef: number, id: string, streamClass: StreamClass, nowMs: number): Promise<StreamRow>;
  putStream(row: StreamRow): Promise<void>;
  streamCount(gatewayRef: number): Promise<number>;

  /** False = (stream, seq) is already there and nothing was written. */
  addChunk(row: ChunkRow): Promise<boolean>;
  /** The bytes as they came. Undefined = not kept (tombstone, event, past its retention). */
  chunkPayload(streamRef: number, seq: number): Promise<Uint8Array | undefined>;
  /** The pending chunk with the lowest seq >= `fromSeq`. */
  nextPending(streamRef: number, fromSeq: number): Promise<ChunkRow | undefined>;
  markChunk(chunk: Pick<ChunkRow, "streamRef" | "seq" | "fromMs" | "toMs" | "samples">, state: ChunkState): Promise<void>;
  /** Chunks of the stream from its last key frame (at most `limit` back) up to before `seq`, ascending; for rebuilding memory. */
  chunksSinceKeyFrame(streamRef: number, seq: number, limit: number): Promise<readonly ChunkRow[]>;

  /** Chunks of one interval class that are in last values and rollups and overlap the time, by (stream, seq); at most `limit`. */
  appliedBetween(span: AppliedSpan, limit: number): Promise<readonly ChunkRow[]>;

  addDictionary(row: DictionaryRow): Promise<void>;
  /** The revision as the stream knew it at `seq`; else the nearest later one of the stream; else another stream's of the same gateway. */
  dictionary(gatewayRef: number, streamRef: number, revision: number, seq: number): Promise<DictionaryRow | undefined>;
  /** Finds or adds a group by content. Undefined = over `maxSeries` of this gateway. */
  internGroup(gatewayRef: number, group: Omit<GroupRow, "ref" | "gatewayRef">, maxSeries: number): Promise<GroupRow | undefined>;
  group(ref: number): Promise<GroupRow | undefined>;

  lastValues(groupRef: number): Promise<LastValues | undefined>;
  putLastValues(row: LastValues): Promise<void>;
  /** The series in these columns of the group have had a value. */
  markSeen(groupRef: number, columns: readonly number[]): Promise<void>;
  rollup(level: RollupLevel, groupRef: number, bucketMs: number): Promise<Float64Array | undefined>;
  putRollup(row: RollupRow): Promise<void>;
  /** Prolongs the group's newest span if it has the same reason and ends within `joinMs` before, else begins one. */
  addMiss(groupRef: number, atMs: number, reason: number, joinMs: number): Promise<void>;

  equipment(gatewayRef: number, id: string): Promise<EquipmentRow | undefined>;
  putEquipment(row: EquipmentRow): Promise<void>;
  equipmentCount(gatewayRef: number): Promise<number>;
  removeEquipment(gatewayRef: number, id: string): Promise<void>;
  alarm(gatewayRef: number, key: string): Promise<AlarmRow | undefined>;
  putAlarm(row: AlarmRow): Promise<void>;
  activeAlarmKeys(gatewayRef: number): Promise<readonly string[]>;
  addEvent(row: EventRow): Promise<void>;
  addAnchor(row: AnchorRow): Promise<void>;
  /** Dates the undated events and alarms of a boot: Unix ms = its monotonic ms + `shiftMs`. */
  dateEvents(gatewayRef: number, bootId: string, shiftMs: number): Promise<void>;
  anchors(gatewayRef: number, bootId: string): Promise<readonly AnchorRow[]>;
  addGap(row: GapRow): Promise<void>;
  /** Ranges that gap records gave up of one stream, in the order they came, neither sorted nor joined; at most 10,000. */
  gapRanges(gatewayRef: number, streamId: string): Promise<SeqRanges>;
  readonly checks: CheckWrites;
  readonly waiting: WaitingWrites;
  readonly alarms: AlarmWrites;
  addDeadLetter(row: DeadLetterRow): Promise<void>;
  /** Streams that have pending chunks received before `beforeMs`, oldest first. */
  pendingStreams(beforeMs: number, limit: number): Promise<readonly PendingStream[]>;
}

export interface AppliedSpan {
  readonly gatewayRef: number;
  readonly intervalMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PendingStream {
  readonly stream: StreamRow;
  readonly tenant: string;
  readonly gateway: string;
  readonly oldestReceivedMs: number;
}

/** Only series that ever had a value are found. */
export interface SeriesQuery {
  readonly gatewayRef: number;
  readonly equipment?: string | undefined;
  /** Words, all of which must occur in equipment, table, metric, row key or labels. */
  readonly search?: string | undefined;
  readonly limit: number;
}

export interface ChunkQuery {
  readonly gatewayRef: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalsMs: readonly number[];
  readonly limit: number;
}

export interface Page {
  readonly limit: number;
  readonly beforeMs?: number | undefined;
}

/** What the API reads. Never blocks ingest. */
export interface StoreQueries {
  readonly checks: CheckReads;
  readonly alarmDesk: AlarmReads;
  gateways(): Promise<readonly GatewayRow[]>;
  gateway(tenant: string | undefined, id: string): Promise<GatewayRow | undefined>;
  streams(gatewayRef: number): Promise<readonly StreamRow[]>;
  /** Chunks stored but not yet in last values and rollups. */
  waitingChunks(gatewayRef: number): Promise<{ readonly pending: number; readonly parked: number; readonly unanchored: number }>;
  /** Active alarms by gateway and severity, and equipment, of all gateways: what a list of them shows. */
  alarmCounts(): Promise<readonly { readonly gatewayRef: number; readonly severity: string; readonly count: number }[]>;
  equipmentCounts(): Promise<readonly { readonly gatewayRef: number; readonly count: number; readonly silent: number }[]>;
  newestMs(gatewayRef: number): Promise<number | undefined>;
  equipment(gatewayRef: number): Promise<readonly EquipmentRow[]>;
  series(query: SeriesQuery): Promise<readonly SeriesRow[]>;
  seriesByRef(gatewayRef: number, refs: readonly number[]): Promise<readonly SeriesRow[]>;
  /** `enumerations` of the inventories of these equipment, as the gateway sent it; absent where there is none. */
  enumerations(gatewayRef: number, ids: readonly string[]): Promise<ReadonlyMap<string, unknown>>;
  lastValues(groupRefs: readonly number[]): Promise<ReadonlyMap<number, LastValues>>;
  group(ref: number): Promise<GroupRow | undefined>;
  rollups(level: RollupLevel, groupRef: number, fromMs: number, toMs: number): Promise<readonly RollupRow[]>;
  misses(groupRefs: readonly number[], fromMs: number, toMs: number): Promise<readonly MissSpan[]>;
  /**
   * Telemetry chunks that overlap the range, by (stream, seq); at most `limit`. Those of other interval classes come without their
   * payload: they are only there to show that no seq is missing.
   */
  chunks(query: ChunkQuery): Promise<readonly ChunkRow[]>;
  /** Every stored telemetry chunk of the gateway in (stream, seq) order, a page at a time. */
  allChunks(gatewayRef: number, after: { readonly streamRef: number; readonly seq: number }, limit: number): Promise<readonly ChunkRow[]>;
  chunksSinceKeyFrame(streamRef: number, seq: number, limit: number): Promise<readonly ChunkRow[]>;
  dictionary(gatewayRef: number, streamRef: number, revision: number, seq: number): Promise<DictionaryRow | undefined>;
  alarms(gatewayRef: number | undefined, includeCleared: boolean, limit: number): Promise<readonly AlarmRow[]>;
  events(gatewayRef: number | undefined, page: Page): Promise<readonly EventRow[]>;
  gaps(gatewayRef: number, limit: number): Promise<readonly GapRow[]>;
  gapTotals(gatewayRef: number): Promise<{ readonly records: number; readonly samples: number; readonly uncountable: number }>;
  deadLetters(gatewayRef: number, limit: number): Promise<readonly Omit<DeadLetterRow, "payload">[]>;
}

/** The NOC's memory. One writer at a time; readers beside it. */
export interface NocStore {
  readonly read: StoreQueries;
  readonly outgoing: OutgoingStore;
  /** Runs alone, commits when `work` resolves, rolls back when it rejects. Durable when it resolves. */
  transaction<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
  /** Deletes what is past its retention, a bounded piece per call; true = there is more. */
  expire(nowMs: number): Promise<boolean>;
  stats(): Promise<{ readonly bytes: number }>;
  close(): Promise<void>;
}

import type {
  AlarmRow,
  ChunkRow,
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
  SeriesRow,
  StreamRow,
} from "../rows.ts";
import type { ChunkQuery, Page, SeriesQuery, StoreQueries } from "../store.ts";
import {
  type AlarmColumns,
  alarmOf,
  type ChunkColumns,
  chunkColumns,
  chunkOf,
  type EquipmentColumns,
  type EventColumns,
  equipmentOf,
  eventOf,
  type GapColumns,
  type GatewayColumns,
  gapOf,
  gatewayOf,
  jsonOf,
  type StreamColumns,
  streamOf,
} from "./columns.ts";
import type { Connection } from "./connection.ts";
import { chunksSinceKeyFrame, findDictionary, findGroup, type RollupColumns, readLastValues, unpackRollup } from "./shared-reads.ts";
import { SqliteAlarmReads } from "./sqlite-alarms.ts";
import { SqliteCheckReads } from "./sqlite-checks.ts";

interface SeriesColumns {
  ref: number;
  gateway: number;
  equipment: string;
  tbl: string;
  metric: string;
  row_key: string;
  labels: string;
  kind: "c" | "g" | "s";
  unit: string;
  places: string;
}

const seriesColumns = `s.ref, s.gateway, s.equipment, s.tbl, s.metric, s.row_key, s.labels, s.kind, s.unit,
  (SELECT json_group_array(json_array(p.grp, p.col, g.iv)) FROM series_place p JOIN series_group g ON g.ref = p.grp WHERE p.series = s.ref) AS places`;

function seriesOf(c: SeriesColumns): SeriesRow {
  const places = (JSON.parse(c.places) as [number, number, number][]).toSorted((a, b) => a[0] - b[0]);
  return {
    ref: c.ref,
    gatewayRef: c.gateway,
    equipment: c.equipment,
    table: c.tbl,
    metric: c.metric,
    rowKey: c.row_key,
    labels: JSON.parse(c.labels) as Record<string, string>,
    kind: c.kind,
    unit: c.unit,
    places: places.map(([groupRef, column, intervalMs]) => ({ groupRef, column, intervalMs })),
  };
}

/** Reads on a connection of their own: WAL readers never wait for the writer, nor it for them. */
export class SqliteQueries implements StoreQueries {
  readonly checks: SqliteCheckReads;
  readonly alarmDesk: SqliteAlarmReads;
  readonly #db: Connection;

  constructor(connection: Connection) {
    this.checks = new SqliteCheckReads(connection);
    this.alarmDesk = new SqliteAlarmReads(connection);
    this.#db = connection;
  }

  async gateways(): Promise<readonly GatewayRow[]> {
    return this.#db.all<GatewayColumns>("SELECT * FROM gateway ORDER BY tenant, id LIMIT 10000").map(gatewayOf);
  }

  async gateway(tenant: string | undefined, id: string): Promise<GatewayRow | undefined> {
    const sql = "SELECT * FROM gateway WHERE id = ? AND (? IS NULL OR tenant = ?) ORDER BY tenant LIMIT 1";
    const row = this.#db.get<GatewayColumns>(sql, id, tenant ?? null, tenant ?? null);
    return row === undefined ? undefined : gatewayOf(row);
  }

  async streams(gatewayRef: number): Promise<readonly StreamRow[]> {
    return this.#db
      .all<StreamColumns>("SELECT * FROM stream WHERE gateway = ? ORDER BY class, first_seen, ref LIMIT 2000", gatewayRef)
      .map(streamOf);
  }

  async waitingChunks(gatewayRef: number): Promise<{ readonly pending: number; readonly parked: number; readonly unanchored: number }> {
    const pending = "SELECT count(*) AS n FROM chunk WHERE state = 'pending' AND stream IN (SELECT ref FROM stream WHERE gateway = ?)";
    const parked = "SELECT count(*) AS n, count(boot) AS unanchored FROM chunk WHERE state = 'parked' AND gateway = ?";
    const row = this.#db.get<{ n: number; unanchored: number }>(parked, gatewayRef);
    return { pending: this.#db.get<{ n: number }>(pending, gatewayRef)?.n ?? 0, parked: row?.n ?? 0, unanchored: row?.unanchored ?? 0 };
  }

  async alarmCounts(): Promise<readonly { readonly gatewayRef: number; readonly severity: string; readonly count: number }[]> {
    return this.#db.all(
      "SELECT gateway AS gatewayRef, severity, count(*) AS count FROM alarm WHERE cleared = 0 GROUP BY gateway, severity",
    );
  }

  async equipmentCounts(): Promise<readonly { readonly gatewayRef: number; readonly count: number; readonly silent: number }[]> {
    // The same rules as registry/overview.ts: `isSilent`, and checks are no equipment.
    return this.#db.all(
      `SELECT gateway AS gatewayRef, count(*) AS count, sum(last_miss > last_poll + iv / 2) AS silent FROM equipment
       WHERE id NOT LIKE 'check:%' GROUP BY gateway`,
    );
  }

  async newestMs(gatewayRef: number): Promise<number | undefined> {
    const row = this.#db.get<{ at: number | null }>("SELECT max(t1) AS at FROM chunk WHERE gateway = ?", gatewayRef);
    return row?.at ?? undefined;
  }

  async equipment(gatewayRef: number): Promise<readonly EquipmentRow[]> {
    return this.#db.all<EquipmentColumns>("SELECT * FROM equipment WHERE gateway = ? ORDER BY id LIMIT 5000", gatewayRef).map(equipmentOf);
  }

  async series(query: SeriesQuery): Promise<readonly SeriesRow[]> {
    const words = (query.search ?? "")
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "")
      .slice(0, 8);
    const sql = `SELECT ${seriesColumns} FROM series s WHERE s.gateway = ? AND s.seen = 1 AND (? IS NULL OR s.equipment = ?)
      AND NOT EXISTS (SELECT 1 FROM json_each(?) w WHERE instr(s.words, w.value) = 0)
      ORDER BY s.equipment, s.tbl, length(s.row_key), s.row_key, s.metric LIMIT ?`;
    const equipment = query.equipment ?? null;
    return this.#db.all<SeriesColumns>(sql, query.gatewayRef, equipment, equipment, JSON.stringify(words), query.limit).map(seriesOf);
  }

  async seriesByRef(gatewayRef: number, refs: readonly number[]): Promise<readonly SeriesRow[]> {
    const sql = `SELECT ${seriesColumns} FROM series s WHERE s.gateway = ? AND s.ref IN (SELECT value FROM json_each(?)) LIMIT 64`;
    return this.#db.all<SeriesColumns>(sql, gatewayRef, JSON.stringify(refs)).map(seriesOf);
  }

  async enumerations(gatewayRef: number, ids: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    const sql = `SELECT id, json_extract(inventory, '$.enumerations') AS names FROM equipment
      WHERE gateway = ? AND id IN (SELECT value FROM json_each(?)) AND names IS NOT NULL`;
    const rows = this.#db.all<{ id: string; names: string }>(sql, gatewayRef, JSON.stringify(ids));
    return new Map(rows.map(({ id, names }) => [id, jsonOf(names)]));
  }

  async lastValues(groupRefs: readonly number[]): Promise<ReadonlyMap<number, LastValues>> {
    const found = new Map<number, LastValues>();
    for (const ref of groupRefs) {
      const row = readLastValues(this.#db, ref);
      if (row !== undefined) found.set(ref, row);
    }
    return found;
  }

  async group(ref: number): Promise<GroupRow | undefined> {
    return findGroup(this.#db, ref);
  }

  async rollups(level: RollupLevel, groupRef: number, fromMs: number, toMs: number): Promise<readonly RollupRow[]> {
    const sql =
      "SELECT grp, bucket, packed, numbers FROM rollup WHERE level = ? AND grp = ? AND bucket >= ? AND bucket <= ? ORDER BY bucket LIMIT 4000";
    const rows = this.#db.all<RollupColumns>(sql, level, groupRef, fromMs - level, toMs);
    return rows.map((row) => ({ level, groupRef: row.grp, bucketMs: row.bucket, numbers: unpackRollup(row) }));
  }

  async misses(groupRefs: readonly number[], fromMs: number, toMs: number): Promise<readonly MissSpan[]> {
    const sql =
      "SELECT grp, t0, t1, reason, n FROM miss WHERE grp IN (SELECT value FROM json_each(?)) AND t1 >= ? AND t0 <= ? ORDER BY t0 LIMIT 2000";
    return this.#db
      .all<{ grp: number; t0: number; t1: number; reason: number; n: number }>(sql, JSON.stringify(groupRefs), fromMs, toMs)
      .map((row) => ({ groupRef: row.grp, fromMs: row.t0, toMs: row.t1, reason: row.reason, count: row.n }));
  }

  async chunks(query: ChunkQuery): Promise<readonly ChunkRow[]> {
    // Dictionary records lie between chunks without a time of their own: they are taken by their seq.
    const sql = `WITH timed AS (SELECT ref, stream, seq FROM chunk WHERE gateway = ?1 AND t1 >= ?2 AND t0 <= ?3 AND kind = 'chunk' ORDER BY t1 LIMIT ?5),
      span AS (SELECT stream, min(seq) AS low, max(seq) AS high FROM timed GROUP BY stream)
      SELECT c.stream, c.gateway, c.seq, c.kind, c.state, c.t0, c.t1, c.iv, c.kf, c.dict, c.samples, c.boot, c.received,
        CASE WHEN c.kind = 'chunk' AND c.iv IN (SELECT value FROM json_each(?4)) THEN c.payload ELSE x'' END AS payload
      FROM span JOIN chunk c ON c.stream = span.stream AND c.seq BETWEEN span.low AND span.high
      ORDER BY c.stream, c.seq LIMIT ?5`;
    const { gatewayRef, fromMs, toMs, intervalsMs, limit } = query;
    return this.#db.all<ChunkColumns>(sql, gatewayRef, fromMs, toMs, JSON.stringify(intervalsMs), limit).map(chunkOf);
  }

  async allChunks(
    gatewayRef: number,
    after: { readonly streamRef: number; readonly seq: number },
    limit: number,
  ): Promise<readonly ChunkRow[]> {
    const sql = `SELECT ${chunkColumns} FROM chunk WHERE stream IN (SELECT ref FROM stream WHERE gateway = ?1 AND class = 'T')
      AND (stream, seq) > (?2, ?3) ORDER BY stream, seq LIMIT ?4`;
    return this.#db.all<ChunkColumns>(sql, gatewayRef, after.streamRef, after.seq, limit).map(chunkOf);
  }

  async chunksSinceKeyFrame(streamRef: number, seq: number, limit: number): Promise<readonly ChunkRow[]> {
    return chunksSinceKeyFrame(this.#db, streamRef, seq, limit);
  }

  async dictionary(gatewayRef: number, streamRef: number, revision: number, seq: number): Promise<DictionaryRow | undefined> {
    return findDictionary(this.#db, { gatewayRef, streamRef, revision, seq });
  }

  async alarms(gatewayRef: number | undefined, includeCleared: boolean, limit: number): Promise<readonly AlarmRow[]> {
    const sql =
      "SELECT * FROM alarm WHERE (?1 IS NULL OR gateway = ?1) AND (?2 = 1 OR cleared = 0) ORDER BY cleared, changed DESC LIMIT ?3";
    return this.#db.all<AlarmColumns>(sql, gatewayRef ?? null, includeCleared ? 1 : 0, limit).map(alarmOf);
  }

  async events(gatewayRef: number | undefined, page: Page): Promise<readonly EventRow[]> {
    const sql = "SELECT * FROM event WHERE (?1 IS NULL OR gateway = ?1) AND at < ?2 ORDER BY at DESC, ref DESC LIMIT ?3";
    return this.#db.all<EventColumns>(sql, gatewayRef ?? null, page.beforeMs ?? Number.MAX_SAFE_INTEGER, page.limit).map(eventOf);
  }

  async gaps(gatewayRef: number, limit: number): Promise<readonly GapRow[]> {
    return this.#db.all<GapColumns>("SELECT * FROM gap WHERE gateway = ? ORDER BY ref DESC LIMIT ?", gatewayRef, limit).map(gapOf);
  }

  async gapTotals(gatewayRef: number): Promise<{ readonly records: number; readonly samples: number; readonly uncountable: number }> {
    const sql =
      "SELECT count(*) AS records, coalesce(sum(samples), 0) AS samples, count(*) - count(samples) AS uncountable FROM gap WHERE gateway = ?";
    return (
      this.#db.get<{ records: number; samples: number; uncountable: number }>(sql, gatewayRef) ?? { records: 0, samples: 0, uncountable: 0 }
    );
  }

  async deadLetters(gatewayRef: number, limit: number): Promise<readonly Omit<DeadLetterRow, "payload">[]> {
    const sql = "SELECT leaf, stream, seq, reason, received, bytes FROM dead_letter WHERE gateway = ? ORDER BY ref DESC LIMIT ?";
    return this.#db
      .all<{ leaf: string; stream: string; seq: number; reason: string; received: number; bytes: number }>(sql, gatewayRef, limit)
      .map((row) => ({
        gatewayRef,
        leaf: row.leaf,
        streamId: row.stream,
        seq: row.seq,
        reason: row.reason,
        receivedMs: row.received,
        bytes: row.bytes,
      }));
  }
}

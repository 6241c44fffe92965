import type { StreamClass } from "#model/chunk.ts";
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
  RollupLevel,
  RollupRow,
  StreamRow,
} from "../rows.ts";
import type { AppliedSpan, PendingStream, StoreTransaction } from "../store.ts";
import {
  type AlarmColumns,
  alarmOf,
  blobOf,
  type ChunkColumns,
  chunkColumns,
  chunkOf,
  type EquipmentColumns,
  equipmentOf,
  type GatewayColumns,
  gatewayOf,
  type StreamColumns,
  streamOf,
} from "./columns.ts";
import type { Connection } from "./connection.ts";
import { groupsText } from "./dictionary-columns.ts";
import { internGroup } from "./groups.ts";
import { addEvent, dateEvents, putAlarm } from "./incident-writes.ts";
import { chunksSinceKeyFrame, findDictionary, findGroup, gapRanges, readLastValues, readRollup } from "./shared-reads.ts";
import { SqliteAlarmWrites } from "./sqlite-alarms.ts";
import { SqliteCheckWrites } from "./sqlite-checks.ts";
import { SqliteWaiting } from "./sqlite-waiting.ts";

/** The writes, one statement each; runs between BEGIN IMMEDIATE and COMMIT of SqliteStore. */
export class SqliteTransaction implements StoreTransaction {
  readonly checks: SqliteCheckWrites;
  readonly alarms: SqliteAlarmWrites;
  readonly waiting: SqliteWaiting;
  readonly #db: Connection;

  constructor(connection: Connection) {
    this.checks = new SqliteCheckWrites(connection);
    this.alarms = new SqliteAlarmWrites(connection);
    this.waiting = new SqliteWaiting(connection);
    this.#db = connection;
  }

  async gateway(tenant: string, id: string): Promise<GatewayRow | undefined> {
    const row = this.#db.get<GatewayColumns>("SELECT * FROM gateway WHERE tenant = ? AND id = ?", tenant, id);
    return row === undefined ? undefined : gatewayOf(row);
  }

  async addGateway(tenant: string, id: string, nowMs: number): Promise<GatewayRow> {
    const ref = this.#db.insert(
      "INSERT INTO gateway (tenant, id, first_seen, seen, online, since, why, conn, boot, refused) VALUES (?, ?, ?, ?, 0, ?, '', 0, '', 0)",
      ...[tenant, id, nowMs, nowMs, nowMs],
    );
    const fresh = { firstSeenMs: nowMs, seenMs: nowMs, online: false, presenceSinceMs: nowMs, presenceWhy: "", connection: 0, bootId: "" };
    return { ref, tenant, id, ...fresh, hello: undefined, lives: [], reported: undefined, refusedMessages: 0 };
  }

  async putGateway(row: GatewayRow): Promise<void> {
    this.#db.run(
      "UPDATE gateway SET seen = ?, online = ?, since = ?, why = ?, conn = ?, boot = ?, hello = ?, reported = ?, refused = ?, lives = ? WHERE ref = ?",
      ...[row.seenMs, row.online ? 1 : 0, row.presenceSinceMs, row.presenceWhy, row.connection, row.bootId],
      ...[row.hello === undefined ? null : JSON.stringify(row.hello), row.reported === undefined ? null : JSON.stringify(row.reported)],
      ...[row.refusedMessages, JSON.stringify(row.lives), row.ref],
    );
  }

  async gatewayCount(): Promise<number> {
    return this.#db.get<{ n: number }>("SELECT count(*) AS n FROM gateway")?.n ?? 0;
  }

  async stream(gatewayRef: number, id: string): Promise<StreamRow | undefined> {
    const row = this.#db.get<StreamColumns>("SELECT * FROM stream WHERE gateway = ? AND id = ?", gatewayRef, id);
    return row === undefined ? undefined : streamOf(row);
  }

  async addStream(gatewayRef: number, id: string, streamClass: StreamClass, nowMs: number): Promise<StreamRow> {
    const ref = this.#db.insert(
      `INSERT INTO stream (gateway, id, class, received, applied, chunks, samples, bytes, duplicates, late, tombstones, dead, first_seen, seen)
       VALUES (?, ?, ?, '[]', 0, 0, 0, 0, 0, 0, 0, 0, ?, ?)`,
      ...[gatewayRef, id, streamClass, nowMs, nowMs],
    );
    const zero = { appliedTo: 0, chunks: 0, samples: 0, bytes: 0, duplicates: 0, late: 0, tombstones: 0, deadLetters: 0 };
    return { ref, gatewayRef, id, streamClass, received: [], ...zero, firstSeenMs: nowMs, seenMs: nowMs };
  }

  async putStream(row: StreamRow): Promise<void> {
    this.#db.run(
      `UPDATE stream SET received = ?, applied = ?, chunks = ?, samples = ?, bytes = ?, duplicates = ?, late = ?, tombstones = ?, dead = ?, seen = ?
       WHERE ref = ?`,
      ...[JSON.stringify(row.received), row.appliedTo, row.chunks, row.samples, row.bytes, row.duplicates, row.late, row.tombstones],
      ...[row.deadLetters, row.seenMs, row.ref],
    );
  }

  async streamCount(gatewayRef: number): Promise<number> {
    return this.#db.get<{ n: number }>("SELECT count(*) AS n FROM stream WHERE gateway = ?", gatewayRef)?.n ?? 0;
  }

  async addChunk(row: ChunkRow): Promise<boolean> {
    const changes = this.#db.run(
      `INSERT INTO chunk (${chunkColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[row.streamRef, row.gatewayRef, row.seq, row.kind, row.state, row.fromMs ?? null, row.toMs ?? null, row.intervalMs],
      ...[row.keyFrame ? 1 : 0, row.dictionaryRevision, row.samples, row.bootId ?? null, row.receivedMs, row.payload],
    );
    return changes === 1;
  }

  async chunkPayload(streamRef: number, seq: number): Promise<Uint8Array | undefined> {
    return this.#db.get<{ payload: Uint8Array }>("SELECT payload FROM chunk WHERE stream = ? AND seq = ?", streamRef, seq)?.payload;
  }

  async nextPending(streamRef: number, fromSeq: number): Promise<ChunkRow | undefined> {
    const sql = `SELECT ${chunkColumns} FROM chunk WHERE stream = ? AND seq >= ? AND state = 'pending' ORDER BY seq LIMIT 1`;
    const row = this.#db.get<ChunkColumns>(sql, streamRef, fromSeq);
    return row === undefined ? undefined : chunkOf(row);
  }

  async markChunk(chunk: Pick<ChunkRow, "streamRef" | "seq" | "fromMs" | "toMs" | "samples">, state: ChunkState): Promise<void> {
    this.#db.run(
      "UPDATE chunk SET state = ?, t0 = ?, t1 = ?, samples = ? WHERE stream = ? AND seq = ?",
      ...[state, chunk.fromMs ?? null, chunk.toMs ?? null, chunk.samples, chunk.streamRef, chunk.seq],
    );
  }

  async chunksSinceKeyFrame(streamRef: number, seq: number, limit: number): Promise<readonly ChunkRow[]> {
    return chunksSinceKeyFrame(this.#db, streamRef, seq, limit);
  }

  async appliedBetween(span: AppliedSpan, limit: number): Promise<readonly ChunkRow[]> {
    const sql = `SELECT ${chunkColumns} FROM chunk WHERE gateway = ? AND t1 >= ? AND t0 <= ? AND iv = ? AND kind = 'chunk'
      AND state IN ('applied', 'alone') ORDER BY stream, seq LIMIT ?`;
    const { gatewayRef, fromMs, toMs, intervalMs } = span;
    return this.#db.all<ChunkColumns>(sql, gatewayRef, Math.floor(fromMs), Math.ceil(toMs), intervalMs, limit).map(chunkOf);
  }

  async addDictionary(row: DictionaryRow): Promise<void> {
    this.#db.run(
      "INSERT INTO dictionary (stream, seq, gateway, rev, groups) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      ...[row.streamRef, row.seq, row.gatewayRef, row.revision, groupsText(row)],
    );
  }

  async dictionary(gatewayRef: number, streamRef: number, revision: number, seq: number): Promise<DictionaryRow | undefined> {
    return findDictionary(this.#db, { gatewayRef, streamRef, revision, seq });
  }

  async internGroup(gatewayRef: number, group: Omit<GroupRow, "ref" | "gatewayRef">, maxSeries: number): Promise<GroupRow | undefined> {
    return internGroup(this.#db, gatewayRef, group, maxSeries);
  }

  async group(ref: number): Promise<GroupRow | undefined> {
    return findGroup(this.#db, ref);
  }

  async lastValues(groupRef: number): Promise<LastValues | undefined> {
    return readLastValues(this.#db, groupRef);
  }

  async putLastValues(row: LastValues): Promise<void> {
    this.#db.run(
      `INSERT INTO last_value (grp, at, numbers, texts) VALUES (?, ?, ?, ?)
       ON CONFLICT (grp) DO UPDATE SET at = excluded.at, numbers = excluded.numbers, texts = excluded.texts`,
      ...[row.groupRef, Math.round(row.atMs), blobOf(row.numbers), JSON.stringify(row.texts)],
    );
  }

  async markSeen(groupRef: number, columns: readonly number[]): Promise<void> {
    this.#db.run(
      "UPDATE series SET seen = 1 WHERE ref IN (SELECT series FROM series_place WHERE grp = ? AND col IN (SELECT value FROM json_each(?)))",
      ...[groupRef, JSON.stringify(columns)],
    );
  }

  async rollup(level: RollupLevel, groupRef: number, bucketMs: number): Promise<Float64Array | undefined> {
    return readRollup(this.#db, level, groupRef, bucketMs);
  }

  async putRollup(row: RollupRow): Promise<void> {
    this.#db.run(
      `INSERT INTO rollup (level, grp, bucket, packed, numbers) VALUES (?, ?, ?, 0, ?)
       ON CONFLICT (level, grp, bucket) DO UPDATE SET packed = 0, numbers = excluded.numbers`,
      ...[row.level, row.groupRef, row.bucketMs, blobOf(row.numbers)],
    );
  }

  async addMiss(groupRef: number, atMs: number, reason: number, joinMs: number): Promise<void> {
    const at = Math.round(atMs);
    const joined = this.#db.run(
      `UPDATE miss SET t0 = min(t0, ?2), t1 = max(t1, ?2), n = n + 1 WHERE grp = ?1 AND reason = ?3 AND t0 = (
         SELECT t0 FROM miss WHERE grp = ?1 AND reason = ?3 AND t0 <= ?2 ORDER BY t0 DESC LIMIT 1) AND t1 >= ?2 - ?4`,
      ...[groupRef, at, reason, Math.round(joinMs)],
    );
    if (joined > 0) return;
    this.#db.run("INSERT INTO miss (grp, t0, t1, reason, n) VALUES (?, ?, ?, ?, 1) ON CONFLICT DO NOTHING", groupRef, at, at, reason);
  }

  async equipment(gatewayRef: number, id: string): Promise<EquipmentRow | undefined> {
    const row = this.#db.get<EquipmentColumns>("SELECT * FROM equipment WHERE gateway = ? AND id = ?", gatewayRef, id);
    return row === undefined ? undefined : equipmentOf(row);
  }

  async putEquipment(row: EquipmentRow): Promise<void> {
    this.#db.run(
      `INSERT INTO equipment (gateway, id, last_poll, last_miss, reason, iv, inventory, inventory_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (gateway, id) DO UPDATE SET last_poll = excluded.last_poll, last_miss = excluded.last_miss, reason = excluded.reason,
       iv = excluded.iv, inventory = excluded.inventory, inventory_at = excluded.inventory_at`,
      ...[row.gatewayRef, row.id, Math.round(row.lastPollMs), Math.round(row.lastMissMs), row.missReason, row.intervalMs],
      ...[row.inventory === undefined ? null : JSON.stringify(row.inventory), Math.round(row.inventoryMs)],
    );
  }

  async equipmentCount(gatewayRef: number): Promise<number> {
    return this.#db.get<{ n: number }>("SELECT count(*) AS n FROM equipment WHERE gateway = ?", gatewayRef)?.n ?? 0;
  }

  async removeEquipment(gatewayRef: number, id: string): Promise<void> {
    this.#db.run("DELETE FROM equipment WHERE gateway = ? AND id = ?", gatewayRef, id);
  }

  async alarm(gatewayRef: number, key: string): Promise<AlarmRow | undefined> {
    const row = this.#db.get<AlarmColumns>("SELECT * FROM alarm WHERE gateway = ? AND key = ?", gatewayRef, key);
    return row === undefined ? undefined : alarmOf(row);
  }

  async putAlarm(row: AlarmRow): Promise<void> {
    putAlarm(this.#db, row);
  }

  async activeAlarmKeys(gatewayRef: number): Promise<readonly string[]> {
    const sql = "SELECT key FROM alarm WHERE gateway = ? AND cleared = 0 LIMIT 10000";
    return this.#db.all<{ key: string }>(sql, gatewayRef).map((row) => row.key);
  }

  async addEvent(row: EventRow): Promise<void> {
    addEvent(this.#db, row);
  }

  async dateEvents(gatewayRef: number, bootId: string, shiftMs: number): Promise<void> {
    dateEvents(this.#db, gatewayRef, bootId, shiftMs);
  }

  async addAnchor(row: AnchorRow): Promise<void> {
    this.#db.run(
      "INSERT INTO anchor (gateway, boot, mono, wall, source, error) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      ...[row.gatewayRef, row.bootId, row.monotonicMs, row.wallMs, row.source, row.errorMs],
    );
  }

  async anchors(gatewayRef: number, bootId: string): Promise<readonly AnchorRow[]> {
    const sql = "SELECT mono, wall, source, error FROM anchor WHERE gateway = ? AND boot = ? ORDER BY mono LIMIT 256";
    const rows = this.#db.all<{ mono: number; wall: number; source: string; error: number }>(sql, gatewayRef, bootId);
    return rows.map((row) => ({ gatewayRef, bootId, monotonicMs: row.mono, wallMs: row.wall, source: row.source, errorMs: row.error }));
  }

  async addGap(row: GapRow): Promise<void> {
    this.#db.run(
      "INSERT INTO gap (gateway, stream, from_seq, to_seq, reason, t0, t1, samples, recorded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ...[row.gatewayRef, row.streamId, row.fromSeq, row.toSeq, row.reason, Math.round(row.fromMs), Math.round(row.toMs)],
      ...[row.samples ?? null, row.recordedMs],
    );
  }

  async gapRanges(gatewayRef: number, streamId: string): Promise<StreamRow["received"]> {
    return gapRanges(this.#db, gatewayRef, streamId);
  }

  async addDeadLetter(row: DeadLetterRow): Promise<void> {
    this.#db.run(
      "INSERT INTO dead_letter (gateway, leaf, stream, seq, reason, received, bytes, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      ...[row.gatewayRef, row.leaf, row.streamId, row.seq, row.reason, row.receivedMs, row.bytes, row.payload],
    );
    // A gateway that sends rubbish for ever keeps its newest thousand pieces only.
    const older = "ref <= (SELECT ref FROM dead_letter WHERE gateway = ?1 ORDER BY ref DESC LIMIT 1 OFFSET 1000)";
    this.#db.run(`DELETE FROM dead_letter WHERE gateway = ?1 AND ${older}`, row.gatewayRef);
  }

  async pendingStreams(beforeMs: number, limit: number): Promise<readonly PendingStream[]> {
    // Asked every few seconds, and nearly always nothing waits. Without the hint SQLite walks all chunks by age.
    if (this.#db.get("SELECT 1 FROM chunk INDEXED BY chunk_pending WHERE state = 'pending' LIMIT 1") === undefined) return [];
    const sql = `SELECT s.*, g.tenant AS tenant, g.id AS gateway_id, p.oldest AS oldest FROM (
        SELECT stream, min(received) AS oldest FROM chunk INDEXED BY chunk_pending WHERE state = 'pending' AND received < ? GROUP BY stream ORDER BY oldest LIMIT ?) p
      JOIN stream s ON s.ref = p.stream JOIN gateway g ON g.ref = s.gateway ORDER BY p.oldest`;
    const rows = this.#db.all<StreamColumns & { tenant: string; gateway_id: string; oldest: number }>(sql, beforeMs, limit);
    return rows.map((row) => ({ stream: streamOf(row), tenant: row.tenant, gateway: row.gateway_id, oldestReceivedMs: row.oldest }));
  }
}

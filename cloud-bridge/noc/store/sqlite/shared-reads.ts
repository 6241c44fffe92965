import { zstdDecompressSync } from "node:zlib";
import type { ChunkRow, DictionaryRow, GroupRow, LastValues, RollupLevel, SeqRanges } from "../rows.ts";
import { type ChunkColumns, chunkColumns, chunkOf, type GroupColumns, groupOf, numbersOf } from "./columns.ts";
import type { Connection } from "./connection.ts";
import { type DictionaryColumns, dictionaryOf } from "./dictionary-columns.ts";

/** Revisions of one process run of a gateway lie within one multiple of this (protocol/codec/dictionary-writer.ts). */
export const runRevisions = 1_048_576;

/** Reads that both the transaction and the queries need, over whichever connection asks. */
export function findGroup(db: Connection, ref: number): GroupRow | undefined {
  const row = db.get<GroupColumns>("SELECT ref, gateway, equipment, tbl, iv, series FROM series_group WHERE ref = ?", ref);
  return row === undefined ? undefined : groupOf(row);
}

export interface DictionaryKey {
  readonly gatewayRef: number;
  readonly streamRef: number;
  readonly revision: number;
  readonly seq: number;
}

export function findDictionary(db: Connection, key: DictionaryKey): DictionaryRow | undefined {
  const columns = "stream, seq, gateway, rev, groups";
  const row =
    db.get<DictionaryColumns>(
      `SELECT ${columns} FROM dictionary WHERE stream = ? AND rev = ? AND seq < ? ORDER BY seq DESC LIMIT 1`,
      ...[key.streamRef, key.revision, key.seq],
    ) ??
    db.get<DictionaryColumns>(
      `SELECT ${columns} FROM dictionary WHERE stream = ? AND rev = ? ORDER BY seq LIMIT 1`,
      ...[key.streamRef, key.revision],
    ) ??
    db.get<DictionaryColumns>(
      // The exact revision from another stream, else the next later one of the same run: group ids are never used twice within a run.
      `SELECT ${columns} FROM dictionary WHERE gateway = ? AND rev >= ? AND rev < ? ORDER BY rev, stream DESC, seq DESC LIMIT 1`,
      ...[key.gatewayRef, key.revision, (Math.floor(key.revision / runRevisions) + 1) * runRevisions],
    );
  return row === undefined ? undefined : dictionaryOf(row);
}

export function chunksSinceKeyFrame(db: Connection, streamRef: number, seq: number, limit: number): readonly ChunkRow[] {
  // Interval classes have key frames of their own: going back `limit` chunks covers them all, and whatever lies before one is simply replayed.
  // A key frame too large for one chunk is a run of flagged chunks of its class; it begins with the first of them.
  const first = db.get<{ seq: number }>(
    `WITH newest AS (SELECT iv, max(seq) AS seq FROM chunk WHERE stream = ?1 AND seq < ?2 AND seq >= ?2 - ?3 AND kf = 1 GROUP BY iv),
      run AS (SELECT iv, coalesce((SELECT p.seq FROM chunk p WHERE p.stream = ?1 AND p.seq < newest.seq AND p.seq >= ?2 - ?3 AND p.iv = newest.iv
        AND p.kf = 0 ORDER BY p.seq DESC LIMIT 1), 0) AS after FROM newest)
      SELECT min((SELECT c.seq FROM chunk c WHERE c.stream = ?1 AND c.seq > run.after AND c.seq >= ?2 - ?3 AND c.iv = run.iv AND c.kf = 1
        ORDER BY c.seq LIMIT 1)) AS seq FROM run`,
    ...[streamRef, seq, limit],
  );
  if (first === undefined || first.seq === null) return [];
  const sql = `SELECT ${chunkColumns} FROM chunk WHERE stream = ? AND seq >= ? AND seq < ? ORDER BY seq`;
  return db.all<ChunkColumns>(sql, streamRef, first.seq, seq).map(chunkOf);
}

export function readLastValues(db: Connection, groupRef: number): LastValues | undefined {
  const row = db.get<{ at: number; numbers: Uint8Array; texts: string }>(
    "SELECT at, numbers, texts FROM last_value WHERE grp = ?",
    groupRef,
  );
  if (row === undefined) return undefined;
  return { groupRef, atMs: row.at, numbers: numbersOf(row.numbers), texts: JSON.parse(row.texts) as Record<string, string> };
}

export interface RollupColumns {
  grp: number;
  bucket: number;
  packed: number;
  numbers: Uint8Array;
}

/** Closed buckets are compressed by the housekeeping; both forms read alike. */
export function unpackRollup(row: RollupColumns): Float64Array {
  return numbersOf(row.packed === 1 ? zstdDecompressSync(row.numbers, { maxOutputLength: 1 << 24 }) : row.numbers);
}

export function readRollup(db: Connection, level: RollupLevel, groupRef: number, bucketMs: number): Float64Array | undefined {
  const sql = "SELECT grp, bucket, packed, numbers FROM rollup WHERE level = ? AND grp = ? AND bucket = ?";
  const row = db.get<RollupColumns>(sql, level, groupRef, bucketMs);
  return row === undefined ? undefined : unpackRollup(row);
}

/** Without records that name no seqs. */
export function gapRanges(db: Connection, gatewayRef: number, streamId: string): SeqRanges {
  const sql =
    "SELECT from_seq AS low, to_seq AS high FROM gap WHERE gateway = ? AND stream = ? AND from_seq >= 1 AND to_seq >= from_seq ORDER BY ref LIMIT 10000";
  return db.all<{ low: number; high: number }>(sql, gatewayRef, streamId).map(({ low, high }) => [low, high] as const);
}

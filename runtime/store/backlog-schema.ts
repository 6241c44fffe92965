import type { Migrations } from "./migrations.ts";
import type { ChunkFacts } from "./record.ts";

export const backlogFile = "buffer.db";

export const backlogMigrations: Migrations = {
  expand: [
    [
      "CREATE TABLE stream (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, class TEXT NOT NULL) STRICT",
      // Descriptions and bytes apart: counting a full backlog at a start reads a few MiB, not all of it.
      `CREATE TABLE chunk (key INTEGER PRIMARY KEY, samples INTEGER NOT NULL, priority INTEGER NOT NULL, sealed_at REAL NOT NULL,
      from_ms REAL NOT NULL, to_ms REAL NOT NULL, crc INTEGER NOT NULL, size INTEGER NOT NULL) STRICT`,
      "CREATE TABLE payload (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
      `CREATE TABLE dead_letter (id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL,
      at_ms REAL NOT NULL, samples INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT`,
      `CREATE TABLE eviction (id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
      from_ms REAL NOT NULL, to_ms REAL NOT NULL, samples INTEGER NOT NULL) STRICT`,
    ],
  ],
  contract: [],
};

export const backlogTables = ["stream", "chunk", "payload", "dead_letter", "eviction"] as const;

export interface ChunkRow {
  readonly key: number;
  readonly samples: number;
  readonly priority: number;
  readonly sealed_at: number;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly crc: number;
  readonly size: number;
}

/**
 * Ten times the longest chunk. What calls itself longer is not read at all: of a damaged length, or a chain of pages that bites its tail, SQLite would make a gigabyte.
 */
export const maxPayloadBytes = 1_048_576;

/** Seqs of one stream; 8,191 streams fit below 2^53. */
export const seqSpan = 2 ** 40;

/** The key of a row: number of the stream x 2^40 + seq. */
export function rowKey(streamNumber: number, seq: number): bigint {
  return BigInt(streamNumber * seqSpan + Math.min(seq, seqSpan - 1));
}

export function seqOf(key: number): number {
  return key % seqSpan;
}

export function streamNumberOf(key: number): number {
  return Math.floor(key / seqSpan);
}

export function factsOfRow(row: ChunkRow): ChunkFacts {
  return {
    seq: seqOf(row.key),
    samples: row.samples,
    priority: row.priority,
    sealedAtMs: row.sealed_at,
    fromMs: row.from_ms,
    toMs: row.to_ms,
    crc: row.crc,
    size: row.size,
  };
}

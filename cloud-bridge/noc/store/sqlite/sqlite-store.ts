import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { GatewayError } from "#model/errors.ts";
import type { NocStore, StoreTransaction } from "../store.ts";
import { Connection, guarded } from "./connection.ts";
import { migrate } from "./schema.ts";
import { SqliteOutgoing } from "./sqlite-outgoing.ts";
import { SqliteQueries } from "./sqlite-queries.ts";
import { SqliteTransaction } from "./sqlite-transaction.ts";

/** How long each kind of data is kept, days. Raw chunks are the truth behind the finest plots; rollups live on. */
export interface Retention {
  readonly chunkDays: number;
  readonly fiveMinuteDays: number;
  readonly hourDays: number;
  readonly eventDays: number;
}

export const defaultRetention: Retention = { chunkDays: 14, fiveMinuteDays: 60, hourDays: 730, eventDays: 90 };

const dayMs = 86_400_000;
/** Rows per call of `expire`: a few milliseconds of work, so that ingest never waits long behind it. */
const expireRows = 500;
/** Buckets compressed per level and call: a quarter of a millisecond each. */
const packRows = 100;
/** A bucket is packed when this long past its end: late data after that unpacks and repacks it. */
const packAfterMs = 2 * 3_600_000;

/** One file, `noc.db`: WAL, synchronous=FULL, one writing and one reading connection. Good to some hundred gateways (PROTOCOL 6.2). */
export class SqliteStore implements NocStore {
  readonly read: SqliteQueries;
  readonly outgoing: SqliteOutgoing;
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #transaction: SqliteTransaction;
  readonly #retention: Retention;
  /** Tail of the line of transactions: BEGIN of one waits for COMMIT of the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(dir: string, retention: Retention = defaultRetention) {
    openDirectory(dir);
    const file = join(dir, "noc.db");
    this.#writer = new Connection(file, "write");
    guarded(() => migrate(this.#writer.database));
    this.#reader = new Connection(file, "read");
    this.#transaction = new SqliteTransaction(this.#writer);
    this.read = new SqliteQueries(this.#reader);
    this.outgoing = new SqliteOutgoing(this.#writer, (work) => this.transaction(work));
    this.#retention = retention;
  }

  transaction<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    const mine = this.#last.then(() => this.#runAlone(work));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #runAlone<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    this.#writer.exec("BEGIN IMMEDIATE");
    let committed = false;
    try {
      const result = await work(this.#transaction);
      this.#writer.exec("COMMIT");
      committed = true;
      return result;
    } finally {
      if (!committed && this.#writer.database.inTransaction) this.#writer.exec("ROLLBACK");
    }
  }

  async expire(nowMs: number): Promise<boolean> {
    return this.transaction(async () => {
      const db = this.#writer;
      const before = (days: number) => Math.round(nowMs - days * dayMs);
      let rows = 0;
      rows += db.run(
        "DELETE FROM chunk WHERE ref IN (SELECT ref FROM chunk WHERE received < ? AND state <> 'pending' ORDER BY received LIMIT ?)",
        ...[before(this.#retention.chunkDays), expireRows],
      );
      for (const [level, days] of [
        [300_000, this.#retention.fiveMinuteDays],
        [3_600_000, this.#retention.hourDays],
      ] as const) {
        const sql = "DELETE FROM rollup WHERE rowid IN (SELECT rowid FROM rollup WHERE level = ? AND bucket < ? AND packed = 1 LIMIT ?)";
        rows += db.run(sql, level, before(days), expireRows);
        rows += db.run(
          `DELETE FROM check_latency WHERE (gateway, check_id, level, bucket) IN
             (SELECT gateway, check_id, level, bucket FROM check_latency WHERE level = ? AND bucket < ? LIMIT ?)`,
          ...[level, before(days), expireRows],
        );
      }
      rows += db.run(
        "DELETE FROM event WHERE ref IN (SELECT ref FROM event WHERE at < ? LIMIT ?)",
        before(this.#retention.eventDays),
        expireRows,
      );
      rows += db.run("DELETE FROM outgoing WHERE state = 'sent' AND due < ?", before(this.#retention.eventDays));
      rows += db.run("DELETE FROM told WHERE at < ?", before(this.#retention.eventDays));
      rows += db.run("DELETE FROM miss WHERE t1 < ?", before(this.#retention.hourDays));
      rows += db.run("DELETE FROM alarm WHERE cleared = 1 AND changed < ?", before(this.#retention.eventDays));
      return this.#pack(nowMs) >= packRows || rows >= expireRows;
    });
  }

  #pack(nowMs: number): number {
    const db = this.#writer;
    let packed = 0;
    for (const level of [300_000, 3_600_000]) {
      const rows = db.all<{ grp: number; bucket: number; numbers: Uint8Array }>(
        "SELECT grp, bucket, numbers FROM rollup WHERE level = ? AND packed = 0 AND bucket < ? LIMIT ?",
        ...[level, Math.round(nowMs - level - packAfterMs), packRows],
      );
      for (const row of rows) {
        const sql = "UPDATE rollup SET packed = 1, numbers = ? WHERE level = ? AND grp = ? AND bucket = ?";
        packed += db.run(sql, zstdCompressSync(row.numbers), level, row.grp, row.bucket);
      }
    }
    return packed;
  }

  async stats(): Promise<{ readonly bytes: number }> {
    const row = this.#reader.get<{ bytes: number }>("SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()");
    return { bytes: row?.bytes ?? 0 };
  }

  async close(): Promise<void> {
    await this.#last;
    this.#reader.close();
    this.#writer.close();
  }
}

function openDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new GatewayError("noc.store", { message: "the folder of the NOC's end cannot be made", cause, fields: { dir } });
  }
}

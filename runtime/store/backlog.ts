import type { Database } from "better-sqlite3";
import type { StreamClass } from "#model/chunk.ts";
import { usedBytes } from "./database.ts";
import { atDisk } from "./disk-error.ts";
import type { Migrations } from "./migrations.ts";
import type { Ranges } from "./ranges.ts";
import type { ChunkFacts } from "./record.ts";
import type { BacklogCounts } from "./streams.ts";

export const backlogFile = "buffer.db";

export const backlogMigrations: Migrations = [
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
];

/** A chunk on its way into the backlog, or out of it. */
export interface BacklogChunk extends ChunkFacts {
  readonly bytes: Uint8Array;
}

export interface BacklogBatch {
  readonly stream: string;
  readonly streamClass: StreamClass;
  readonly chunks: readonly BacklogChunk[];
}

/** Chunks that gave way to newer or more important ones. */
export interface Eviction {
  readonly id: number;
  readonly stream: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly samples: number;
  /** Of payload; 0 where it is no longer known. */
  readonly bytes: number;
}

interface ChunkRow {
  readonly key: number;
  readonly samples: number;
  readonly priority: number;
  readonly sealed_at: number;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly crc: number;
  readonly size: number;
}

const seqSpan = 2 ** 40;
const keptEvictions = 256;
const maxDeadLetters = 100;

/** Sealed chunks that outlive the journal ring, in SQLite. Deleted on the NOC's acknowledgement or by eviction, both counted by the caller. */
export class Backlog {
  /** Payload handed to SQLite; its log and checkpoint write each byte twice. */
  writtenBytes = 0;
  readonly #database: Database;
  readonly #numbers = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
    // Numbers of drained streams are free again: keys stay small however often streams are split.
    this.#run(() =>
      database.exec(
        `DELETE FROM stream WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE key >= number * ${seqSpan} AND key < (number + 1) * ${seqSpan})`,
      ),
    );
    this.#readNumbers();
  }

  /** Streams that have chunks here, with their counts: one pass over the descriptions. */
  load(): readonly { readonly id: string; readonly streamClass: StreamClass; readonly counts: BacklogCounts }[] {
    const sql = `SELECT s.id, s.class, count(*) AS chunks, sum(c.samples) AS samples, sum(c.size) AS bytes, min(c.key) AS first,
      max(c.key) AS last, min(c.sealed_at) AS oldest FROM stream s JOIN chunk c ON c.key >= s.number * ${seqSpan} AND c.key < (s.number + 1) * ${seqSpan}
      GROUP BY s.number`;
    interface Row {
      id: string;
      class: StreamClass;
      chunks: number;
      samples: number;
      bytes: number;
      first: number;
      last: number;
      oldest: number;
    }
    return this.#run(() => this.#database.prepare<[], Row>(sql).all()).map((row) => ({
      id: row.id,
      streamClass: row.class,
      counts: {
        chunks: row.chunks,
        samples: row.samples,
        bytes: row.bytes,
        firstSeq: row.first % seqSpan,
        lastSeq: row.last % seqSpan,
        oldestSealedAtMs: row.oldest,
      },
    }));
  }

  /** One transaction, durable on return. A chunk that is there already is left alone. */
  insert(batches: readonly BacklogBatch[]): void {
    const chunk = this.#database.prepare("INSERT OR IGNORE INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    const payload = this.#database.prepare("INSERT OR IGNORE INTO payload VALUES (?, ?)");
    this.#transaction(() => {
      for (const batch of batches) {
        const base = this.#numberOf(batch.stream, batch.streamClass) * seqSpan;
        for (const row of batch.chunks) {
          const key = BigInt(base + row.seq);
          chunk.run(key, row.samples, row.priority, row.sealedAtMs, row.fromMs, row.toMs, row.crc, row.size);
          payload.run(key, row.bytes);
          this.writtenBytes += 2 * row.size;
        }
      }
    });
  }

  /** What ranges of a stream hold here. */
  sums(stream: string, ranges: Ranges): { readonly chunks: number; readonly samples: number; readonly bytes: number } {
    const total = { chunks: 0, samples: 0, bytes: 0 };
    const number = this.#numbers.get(stream);
    if (number === undefined) return total;
    const statement = this.#database.prepare<[bigint, bigint], { chunks: number; samples: number | null; bytes: number | null }>(
      "SELECT count(*) AS chunks, sum(samples) AS samples, sum(size) AS bytes FROM chunk WHERE key BETWEEN ? AND ?",
    );
    for (const [from, to] of ranges) {
      const row = this.#run(() => statement.get(...keys(number, from, to)));
      total.chunks += row?.chunks ?? 0;
      total.samples += row?.samples ?? 0;
      total.bytes += row?.bytes ?? 0;
    }
    return total;
  }

  remove(stream: string, ranges: Ranges): void {
    const number = this.#numbers.get(stream);
    if (number === undefined) return;
    const chunk = this.#database.prepare("DELETE FROM chunk WHERE key BETWEEN ? AND ?");
    const payload = this.#database.prepare("DELETE FROM payload WHERE key BETWEEN ? AND ?");
    this.#transaction(() => {
      for (const [from, to] of ranges) {
        chunk.run(...keys(number, from, to));
        payload.run(...keys(number, from, to));
      }
    });
  }

  /** Ascending from `fromSeq` on, at most `limit`. */
  describe(stream: string, fromSeq: number, limit: number): readonly ChunkFacts[] {
    const number = this.#numbers.get(stream);
    if (number === undefined) return [];
    const statement = this.#database.prepare<[bigint, bigint, number], ChunkRow>(
      "SELECT * FROM chunk WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
    );
    return this.#run(() => statement.all(...keys(number, fromSeq, seqSpan - 1), limit)).map((row) => ({
      seq: row.key % seqSpan,
      samples: row.samples,
      priority: row.priority,
      sealedAtMs: row.sealed_at,
      fromMs: row.from_ms,
      toMs: row.to_ms,
      crc: row.crc,
      size: row.size,
    }));
  }

  bytesOf(stream: string, seq: number): Uint8Array | undefined {
    const number = this.#numbers.get(stream);
    if (number === undefined) return undefined;
    const statement = this.#database.prepare<[bigint], { bytes: Buffer }>("SELECT bytes FROM payload WHERE key = ?");
    return this.#run(() => statement.get(BigInt(number * seqSpan + seq))?.bytes);
  }

  /**
   * Deletes the oldest chunks of the lowest class, about `bytes` of them, in one transaction that also writes down what went.
   * @param isDone chunks that are acknowledged and wait for their deletion: not to be counted as lost
   * @returns one entry per run of consecutive seqs; [] when nothing is left
   */
  evict(bytes: number, isDone: (stream: string, seq: number) => boolean): readonly Eviction[] {
    const rows = this.#victims(bytes, isDone);
    if (rows.length === 0) return [];
    const ids = this.#ids();
    const runs: Omit<Eviction, "id">[] = [];
    for (const row of rows.toSorted((a, b) => a.key - b.key)) {
      const stream = ids.get(Math.floor(row.key / seqSpan)) ?? "";
      const seq = row.key % seqSpan;
      const last = runs.at(-1);
      if (last !== undefined && last.stream === stream && last.toSeq + 1 === seq) runs[runs.length - 1] = widened(last, row);
      else runs.push({ stream, fromSeq: seq, toSeq: seq, fromMs: row.from_ms, toMs: row.to_ms, samples: row.samples, bytes: row.size });
    }
    const note = this.#database.prepare(
      "INSERT INTO eviction (stream, from_seq, to_seq, from_ms, to_ms, samples) VALUES (?, ?, ?, ?, ?, ?)",
    );
    const chunk = this.#database.prepare("DELETE FROM chunk WHERE key = ?");
    const payload = this.#database.prepare("DELETE FROM payload WHERE key = ?");
    const evicted: Eviction[] = [];
    this.#transaction(() => {
      for (const row of rows) {
        chunk.run(BigInt(row.key));
        payload.run(BigInt(row.key));
      }
      for (const run of runs) {
        const { lastInsertRowid } = note.run(run.stream, run.fromSeq, run.toSeq, run.fromMs, run.toMs, run.samples);
        evicted.push({ ...run, id: Number(lastInsertRowid) });
      }
      this.#database.prepare("DELETE FROM eviction WHERE id <= (SELECT max(id) FROM eviction) - ?").run(keptEvictions);
    });
    return evicted;
  }

  /** Evictions that the journal's counts do not know yet: made after its last record. */
  evictionsAfter(id: number): readonly Eviction[] {
    interface Row {
      id: number;
      stream: string;
      from_seq: number;
      to_seq: number;
      from_ms: number;
      to_ms: number;
      samples: number;
    }
    const rows = this.#run(() => this.#database.prepare<[number], Row>("SELECT * FROM eviction WHERE id > ? ORDER BY id").all(id));
    return rows.map((row) => ({
      id: row.id,
      stream: row.stream,
      fromSeq: row.from_seq,
      toSeq: row.to_seq,
      fromMs: row.from_ms,
      toMs: row.to_ms,
      samples: row.samples,
      bytes: 0,
    }));
  }

  /** Keeps what the NOC refused, for a person to look at; the oldest beyond a hundred go. */
  bury(stream: string, chunk: BacklogChunk, reason: string, atMs: number): void {
    this.#transaction(() => {
      this.#database
        .prepare("INSERT INTO dead_letter (stream, seq, reason, at_ms, samples, bytes) VALUES (?, ?, ?, ?, ?, ?)")
        .run(stream, chunk.seq, reason.slice(0, 200), atMs, chunk.samples, chunk.bytes);
      this.#database.prepare("DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - ?").run(maxDeadLetters);
    });
  }

  get deadLetters(): number {
    return this.#run(() => Number(this.#database.prepare("SELECT count(*) FROM dead_letter").pluck().get()));
  }

  /** Pages that hold something; free ones are used again before the file grows. */
  get usedBytes(): number {
    return this.#run(() => usedBytes(this.#database));
  }

  truncateWal(): void {
    this.#run(() => this.#database.pragma("wal_checkpoint(TRUNCATE)"));
  }

  close(): void {
    if (this.#database.open) this.#run(() => this.#database.close());
  }

  #victims(bytes: number, isDone: (stream: string, seq: number) => boolean): readonly ChunkRow[] {
    const lowest = this.#run(() => this.#database.prepare("SELECT min(priority) FROM chunk").pluck().get());
    if (typeof lowest !== "number") return [];
    const ids = this.#ids();
    const rows: ChunkRow[] = [];
    let sum = 0;
    const oldest = this.#database.prepare<[number], ChunkRow>("SELECT * FROM chunk WHERE priority = ? ORDER BY sealed_at, key LIMIT 2000");
    for (const row of this.#run(() => oldest.all(lowest))) {
      if (sum >= bytes) break;
      if (isDone(ids.get(Math.floor(row.key / seqSpan)) ?? "", row.key % seqSpan)) continue;
      rows.push(row);
      sum += row.size;
    }
    return rows;
  }

  #ids(): ReadonlyMap<number, string> {
    return new Map([...this.#numbers].map(([id, number]) => [number, id]));
  }

  #numberOf(stream: string, streamClass: StreamClass): number {
    const known = this.#numbers.get(stream);
    if (known !== undefined) return known;
    const made = this.#database.prepare("INSERT INTO stream (id, class) VALUES (?, ?)").run(stream, streamClass);
    const number = Number(made.lastInsertRowid);
    this.#numbers.set(stream, number);
    return number;
  }

  #readNumbers(): void {
    this.#numbers.clear();
    const rows = this.#run(() => this.#database.prepare<[], { number: number; id: string }>("SELECT number, id FROM stream").all());
    for (const row of rows) this.#numbers.set(row.id, row.number);
  }

  #transaction(work: () => void): void {
    try {
      this.#run(() => this.#database.transaction(work).immediate());
    } catch (error) {
      if (this.#database.open) this.#readNumbers(); // A number given in the transaction went back with it.
      throw error;
    }
  }

  #run<T>(work: () => T): T {
    return atDisk({ file: backlogFile }, work);
  }
}

function keys(number: number, from: number, to: number): [bigint, bigint] {
  return [BigInt(number * seqSpan + from), BigInt(number * seqSpan + Math.min(to, seqSpan - 1))];
}

function widened(run: Omit<Eviction, "id">, row: ChunkRow): Omit<Eviction, "id"> {
  return {
    ...run,
    toSeq: run.toSeq + 1,
    fromMs: Math.min(run.fromMs, row.from_ms),
    toMs: Math.max(run.toMs, row.to_ms),
    samples: run.samples + row.samples,
    bytes: run.bytes + row.size,
  };
}

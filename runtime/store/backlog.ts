import type { Database } from "better-sqlite3";
import type { StreamClass } from "#model/chunk.ts";
import { backlogFile, type ChunkRow, factsOfRow, maxPayloadBytes, rowKey, seqOf, seqSpan } from "./backlog-schema.ts";
import { usedBytes } from "./database.ts";
import { atDisk } from "./disk-error.ts";
import { type Eviction, EvictionLog, type EvictionRule } from "./eviction-log.ts";
import type { Ranges } from "./ranges.ts";
import type { ChunkFacts } from "./record.ts";
import type { BacklogCounts } from "./streams.ts";

/** A chunk on its way into the backlog, or out of it. */
export interface BacklogChunk extends ChunkFacts {
  readonly bytes: Uint8Array;
}

export interface BacklogBatch {
  readonly stream: string;
  readonly streamClass: StreamClass;
  readonly chunks: readonly BacklogChunk[];
}

export interface BacklogStream {
  readonly id: string;
  readonly streamClass: StreamClass;
  readonly counts: BacklogCounts;
}

const maxDeadLetters = 100;

/** Sealed chunks that outlive the journal ring, in SQLite. Deleted on the NOC's acknowledgement or by eviction, both counted by the caller. */
export class Backlog {
  /** Payload handed to SQLite; its log and checkpoint write each byte twice. */
  writtenBytes = 0;
  deadLetters: number;
  #usedBytes: number | undefined;
  readonly #database: Database;
  readonly #numbers = new Map<string, number>();
  readonly #evictions: EvictionLog;

  constructor(database: Database) {
    this.#database = database;
    // Numbers of drained streams are free again: keys stay small however often streams are split.
    this.#run(() =>
      database.exec(
        `DELETE FROM stream WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE key >= number * ${seqSpan} AND key < (number + 1) * ${seqSpan})`,
      ),
    );
    this.#readNumbers();
    this.#evictions = new EvictionLog(database, this.#numbers);
    this.deadLetters = this.#run(() => Number(database.prepare("SELECT count(*) FROM dead_letter").pluck().get()));
  }

  /** Streams that have chunks here, with their counts: one pass over the descriptions. */
  load(): readonly BacklogStream[] {
    interface Row {
      readonly id: string;
      readonly class: StreamClass;
      readonly chunks: number;
      readonly samples: number;
      readonly bytes: number;
      readonly first: number;
      readonly last: number;
      readonly oldest: number;
    }
    const sql = `SELECT s.id, s.class, count(*) AS chunks, sum(c.samples) AS samples, sum(c.size) AS bytes, min(c.key) AS first,
      max(c.key) AS last, min(c.sealed_at) AS oldest FROM stream s JOIN chunk c ON c.key >= s.number * ${seqSpan} AND c.key < (s.number + 1) * ${seqSpan}
      GROUP BY s.number`;
    return this.#run(() => this.#database.prepare<[], Row>(sql).all()).map((row) => ({
      id: row.id,
      streamClass: row.class,
      counts: {
        chunks: row.chunks,
        samples: row.samples,
        bytes: row.bytes,
        firstSeq: seqOf(row.first),
        lastSeq: seqOf(row.last),
        oldestSealedAtMs: row.oldest,
      },
    }));
  }

  /** One transaction, durable on return. A chunk that is there already is left alone. */
  insert(batches: readonly BacklogBatch[]): void {
    const columns = "key, samples, priority, sealed_at, from_ms, to_ms, crc, size";
    const chunk = this.#database.prepare(`INSERT OR IGNORE INTO chunk (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    const payload = this.#database.prepare("INSERT OR IGNORE INTO payload (key, bytes) VALUES (?, ?)");
    let bytes = 0;
    this.#transaction(() => {
      for (const batch of batches) {
        const number = this.#numberOf(batch.stream, batch.streamClass);
        for (const row of batch.chunks) {
          const key = rowKey(number, row.seq);
          chunk.run(key, row.samples, row.priority, row.sealedAtMs, row.fromMs, row.toMs, row.crc, row.size);
          payload.run(key, row.bytes);
          bytes += row.size;
        }
      }
    });
    this.writtenBytes += 2 * bytes;
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
      const row = this.#run(() => statement.get(rowKey(number, from), rowKey(number, to)));
      total.chunks += row?.chunks ?? 0;
      total.samples += row?.samples ?? 0;
      total.bytes += row?.bytes ?? 0;
    }
    return total;
  }

  /** One transaction for all: each one costs tens of KiB on the medium, however little it deletes. */
  remove(gone: readonly { readonly stream: string; readonly ranges: Ranges }[]): void {
    if (gone.length === 0) return;
    const chunk = this.#database.prepare("DELETE FROM chunk WHERE key BETWEEN ? AND ?");
    const payload = this.#database.prepare("DELETE FROM payload WHERE key BETWEEN ? AND ?");
    this.#transaction(() => {
      for (const { stream, ranges } of gone) {
        const number = this.#numbers.get(stream);
        if (number === undefined) continue;
        for (const [from, to] of ranges) {
          chunk.run(rowKey(number, from), rowKey(number, to));
          payload.run(rowKey(number, from), rowKey(number, to));
        }
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
    return this.#run(() => statement.all(rowKey(number, fromSeq), rowKey(number, seqSpan - 1), limit)).map(factsOfRow);
  }

  bytesOf(stream: string, seq: number): Uint8Array | undefined {
    const number = this.#numbers.get(stream);
    if (number === undefined) return undefined;
    const statement = this.#database.prepare<[bigint], { bytes: unknown }>(
      `SELECT iif(length(bytes) <= ${maxPayloadBytes}, bytes, NULL) AS bytes FROM payload WHERE key = ?`,
    );
    const found = this.#run(() => statement.get(rowKey(number, seq)));
    // In a damaged row anything may stand there: then it is as good as other bytes.
    return found === undefined ? undefined : found.bytes instanceof Uint8Array ? found.bytes : new Uint8Array();
  }

  /**
   * Deletes the oldest chunks of the lowest class, about `bytes` of them, in one transaction that also writes down what went.
   * @returns one entry per run of consecutive seqs; [] when nothing may go
   */
  evict(bytes: number, rule: EvictionRule): readonly Eviction[] {
    const victims = this.#run(() => this.#evictions.victims(bytes, rule));
    let evicted: readonly Eviction[] = [];
    if (victims.length > 0) {
      this.#transaction(() => {
        evicted = this.#evictions.remove(victims);
      });
    }
    return evicted;
  }

  /** Evictions that the journal's counts do not know yet: made after its last record. */
  evictionsAfter(id: number): readonly Eviction[] {
    return this.#run(() => this.#evictions.after(id));
  }

  /** Keeps what the NOC refused, for a person to look at; the oldest beyond a hundred go. */
  bury(stream: string, chunk: BacklogChunk, reason: string, atMs: number): void {
    this.#transaction(() => {
      this.#database
        .prepare("INSERT INTO dead_letter (stream, seq, reason, at_ms, samples, bytes) VALUES (?, ?, ?, ?, ?, ?)")
        .run(stream, chunk.seq, reason.slice(0, 200), atMs, chunk.samples, chunk.bytes);
      this.#database.prepare("DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - ?").run(maxDeadLetters);
    });
    this.deadLetters = Math.min(this.deadLetters + 1, maxDeadLetters);
  }

  /** Pages that hold something; free ones are used again before the file grows. */
  get usedBytes(): number {
    // Asked after each record, changed by the transactions of this object alone.
    this.#usedBytes ??= this.#run(() => usedBytes(this.#database));
    return this.#usedBytes;
  }

  truncateWal(): void {
    this.#run(() => this.#database.pragma("wal_checkpoint(TRUNCATE)"));
  }

  close(): void {
    if (this.#database.open) this.#run(() => this.#database.close());
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
    this.#usedBytes = undefined;
    try {
      this.#run(() => this.#database.transaction(work).immediate());
    } catch (error) {
      // A number given in the transaction went back with it.
      if (this.#database.open) this.#readNumbers();
      throw error;
    }
  }

  #run<T>(work: () => T): T {
    return atDisk({ file: backlogFile }, work);
  }
}

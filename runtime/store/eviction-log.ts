import type { Database } from "better-sqlite3";
import { type ChunkRow, seqOf, streamNumberOf } from "./backlog-schema.ts";

/** Chunks of one stream, with consecutive seqs, that gave way to newer or more important ones. */
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

/** What may go. */
export interface EvictionRule {
  /** Highest class that may go. */
  readonly maxPriority: number;
  /** Chunks that are acknowledged and wait for their deletion: not to be counted as lost. */
  readonly isDone: (stream: string, seq: number) => boolean;
}

/** More than are made between two journal records, which take them into their counts. */
const keptEvictions = 256;
const maxVictims = 2000;

/** Chooses what goes first and writes down what went, so that journal and backlog agree about it after a crash. */
export class EvictionLog {
  readonly #database: Database;
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(database: Database, numbers: ReadonlyMap<string, number>) {
    this.#database = database;
    this.#numbers = numbers;
  }

  /** The oldest rows of the lowest class, about `bytes` of them. */
  victims(bytes: number, rule: EvictionRule): readonly ChunkRow[] {
    const lowest = this.#database.prepare("SELECT min(priority) FROM chunk").pluck().get();
    if (typeof lowest !== "number" || lowest > rule.maxPriority) return [];
    const ids = this.#ids();
    const rows: ChunkRow[] = [];
    let sum = 0;
    const oldest = this.#database.prepare<[number, number], ChunkRow>(
      "SELECT * FROM chunk WHERE priority = ? ORDER BY sealed_at, key LIMIT ?",
    );
    for (const row of oldest.iterate(lowest, maxVictims)) {
      if (sum >= bytes) break;
      if (rule.isDone(ids.get(streamNumberOf(row.key)) ?? "", seqOf(row.key))) continue;
      rows.push(row);
      sum += row.size;
    }
    return rows;
  }

  /** To be called in a transaction. */
  remove(victims: readonly ChunkRow[]): readonly Eviction[] {
    const chunk = this.#database.prepare("DELETE FROM chunk WHERE key = ?");
    const payload = this.#database.prepare("DELETE FROM payload WHERE key = ?");
    for (const row of victims) {
      chunk.run(BigInt(row.key));
      payload.run(BigInt(row.key));
    }
    const note = this.#database.prepare(
      "INSERT INTO eviction (stream, from_seq, to_seq, from_ms, to_ms, samples) VALUES (?, ?, ?, ?, ?, ?)",
    );
    const evicted = this.#runs(victims).map((run) => {
      const { lastInsertRowid } = note.run(run.stream, run.fromSeq, run.toSeq, run.fromMs, run.toMs, run.samples);
      return { ...run, id: Number(lastInsertRowid) };
    });
    this.#database.prepare("DELETE FROM eviction WHERE id <= (SELECT max(id) FROM eviction) - ?").run(keptEvictions);
    return evicted;
  }

  after(id: number): readonly Eviction[] {
    interface Row {
      readonly id: number;
      readonly stream: string;
      readonly from_seq: number;
      readonly to_seq: number;
      readonly from_ms: number;
      readonly to_ms: number;
      readonly samples: number;
    }
    const rows = this.#database.prepare<[number], Row>("SELECT * FROM eviction WHERE id > ? ORDER BY id").all(id);
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

  #runs(victims: readonly ChunkRow[]): readonly Omit<Eviction, "id">[] {
    const ids = this.#ids();
    const runs: Omit<Eviction, "id">[] = [];
    for (const row of victims.toSorted((a, b) => a.key - b.key)) {
      const stream = ids.get(streamNumberOf(row.key)) ?? "";
      const seq = seqOf(row.key);
      const last = runs.at(-1);
      const { from_ms: fromMs, to_ms: toMs, samples, size: bytes } = row;
      if (last === undefined || last.stream !== stream || last.toSeq + 1 !== seq) {
        runs.push({ stream, fromSeq: seq, toSeq: seq, fromMs, toMs, samples, bytes });
        continue;
      }
      runs[runs.length - 1] = {
        ...last,
        toSeq: seq,
        fromMs: Math.min(last.fromMs, fromMs),
        toMs: Math.max(last.toMs, toMs),
        samples: last.samples + samples,
        bytes: last.bytes + bytes,
      };
    }
    return runs;
  }

  #ids(): ReadonlyMap<number, string> {
    return new Map([...this.#numbers].map(([id, number]) => [number, id]));
  }
}

import type { DictionaryRow } from "../rows.ts";
import type { DictionaryWait, ParkedChunk, WaitingWrites } from "../waiting.ts";
import { type ChunkColumns, chunkColumns, chunkOf } from "./columns.ts";
import type { Connection } from "./connection.ts";
import { type DictionaryColumns, dictionaryOf } from "./dictionary-columns.ts";
import { runRevisions } from "./shared-reads.ts";

/** Parked for a dictionary: of a boot whose time is known, or of no boot because the time is in the chunk. */
const forDictionary = `c.state = 'parked' AND (c.boot IS NULL OR EXISTS (SELECT 1 FROM anchor a WHERE a.gateway = c.gateway AND a.boot = c.boot))`;

export class SqliteWaiting implements WaitingWrites {
  readonly #db: Connection;

  constructor(connection: Connection) {
    this.#db = connection;
  }

  async unpark(gatewayRef: number, what: { readonly revision: number } | { readonly bootId: string }): Promise<void> {
    const sql = "UPDATE chunk SET state = 'pending' WHERE gateway = ? AND state = 'parked' AND";
    if ("bootId" in what) this.#db.run(`${sql} boot = ?`, gatewayRef, what.bootId);
    else this.#db.run(`${sql} dict >= ? AND dict <= ?`, gatewayRef, runStartOf(what.revision), what.revision);
  }

  async dictionaryWaits(limit: number): Promise<readonly DictionaryWait[]> {
    // Nearly always nothing waits; the partial index answers that at once.
    return this.#db.all<DictionaryWait>(
      `SELECT g.ref AS gatewayRef, g.tenant AS tenant, g.id AS gateway, p.dict AS revision, p.chunks AS chunks FROM (
         SELECT c.gateway AS gateway, c.dict AS dict, count(*) AS chunks, min(c.received) AS oldest FROM chunk c INDEXED BY chunk_parked
         WHERE ${forDictionary} GROUP BY c.gateway, c.dict ORDER BY oldest LIMIT ?) p
       JOIN gateway g ON g.ref = p.gateway ORDER BY p.oldest`,
      limit,
    );
  }

  async parkedFor(wait: Pick<DictionaryWait, "gatewayRef" | "revision">, limit: number): Promise<readonly ParkedChunk[]> {
    const sql = `SELECT ${chunkColumns}, (SELECT id FROM stream s WHERE s.ref = c.stream) AS stream_id FROM chunk c INDEXED BY chunk_parked
      WHERE ${forDictionary} AND c.gateway = ? AND c.dict = ? ORDER BY c.stream, c.seq LIMIT ?`;
    const rows = this.#db.all<ChunkColumns & { stream_id: string }>(sql, wait.gatewayRef, wait.revision, limit);
    return rows.map((row) => ({ stream: row.stream_id, chunk: chunkOf(row) }));
  }

  async priorDictionary(gatewayRef: number, revision: number): Promise<DictionaryRow | undefined> {
    const row = this.#db.get<DictionaryColumns>(
      `SELECT stream, seq, gateway, rev, groups FROM dictionary WHERE gateway = ? AND rev >= ? AND rev <= ?
       ORDER BY rev DESC, stream DESC, seq DESC LIMIT 1`,
      ...[gatewayRef, runStartOf(revision), revision],
    );
    return row === undefined ? undefined : dictionaryOf(row);
  }

  async quietAlarms(
    key: string,
    beforeMs: number,
    limit: number,
  ): Promise<readonly { readonly tenant: string; readonly gateway: string }[]> {
    const sql = `SELECT g.tenant AS tenant, g.id AS gateway FROM alarm a JOIN gateway g ON g.ref = a.gateway
      WHERE a.key = ? AND a.cleared = 0 AND a.changed < ? LIMIT ?`;
    return this.#db.all(sql, key, beforeMs, limit);
  }
}

function runStartOf(revision: number): number {
  return Math.floor(revision / runRevisions) * runRevisions;
}

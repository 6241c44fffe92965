import type { LatencyCounts } from "#model/latency-histogram.ts";
import type { CheckLatencyRow, CheckReads, CheckRow, CheckWrites, UndatedLatency } from "../checks.ts";
import type { JsonObject, RollupLevel } from "../rows.ts";
import type { Connection } from "./connection.ts";

/** Histograms of one gateway that wait for its clock; the oldest go first. */
const maxUndated = 20_000;

interface CheckColumns {
  gateway: number;
  check_id: string;
  at: number;
  ok: number;
  since: number;
  equipment: string;
  type: string;
  target: string;
  vantage: string;
  body: string;
}

interface LatencyColumns {
  gateway: number;
  check_id: string;
  level: RollupLevel;
  bucket: number;
  runs: number;
  failures: number;
  counts: string;
}

export class SqliteCheckWrites implements CheckWrites {
  readonly #db: Connection;

  constructor(connection: Connection) {
    this.#db = connection;
  }

  async check(gatewayRef: number, check: string): Promise<CheckRow | undefined> {
    const row = this.#db.get<CheckColumns>("SELECT * FROM check_result WHERE gateway = ? AND check_id = ?", gatewayRef, check);
    return row === undefined ? undefined : checkOf(row);
  }

  async putCheck(row: CheckRow): Promise<void> {
    this.#db.run(
      `INSERT OR REPLACE INTO check_result (gateway, check_id, at, ok, since, equipment, type, target, vantage, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[row.gatewayRef, row.check, Math.round(row.atMs), row.ok ? 1 : 0, Math.round(row.sinceMs), row.equipment, row.type],
      ...[row.target, row.vantage, JSON.stringify(row.body)],
    );
  }

  async checkCount(gatewayRef: number): Promise<number> {
    return this.#db.get<{ n: number }>("SELECT count(*) AS n FROM check_result WHERE gateway = ?", gatewayRef)?.n ?? 0;
  }

  async latency(key: Pick<CheckLatencyRow, "gatewayRef" | "check" | "level" | "bucketMs">): Promise<CheckLatencyRow | undefined> {
    const sql = "SELECT * FROM check_latency WHERE gateway = ? AND check_id = ? AND level = ? AND bucket = ?";
    const row = this.#db.get<LatencyColumns>(sql, key.gatewayRef, key.check, key.level, key.bucketMs);
    return row === undefined ? undefined : latencyOf(row);
  }

  async putLatency(row: CheckLatencyRow): Promise<void> {
    this.#db.run(
      "INSERT OR REPLACE INTO check_latency (gateway, check_id, level, bucket, runs, failures, counts) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ...[row.gatewayRef, row.check, row.level, row.bucketMs, row.runs, row.failures, JSON.stringify(row.latency)],
    );
  }

  async addUndated(gatewayRef: number, bootId: string, undated: UndatedLatency): Promise<void> {
    this.#db.run(
      "INSERT INTO check_undated (gateway, boot, check_id, mono, body) VALUES (?, ?, ?, ?, ?)",
      ...[gatewayRef, bootId, undated.check, undated.monotonicMs, JSON.stringify(undated.body)],
    );
    this.#db.run(
      "DELETE FROM check_undated WHERE gateway = ?1 AND ref <= (SELECT ref FROM check_undated WHERE gateway = ?1 ORDER BY ref DESC LIMIT 1 OFFSET ?2)",
      ...[gatewayRef, maxUndated],
    );
  }

  async takeUndated(gatewayRef: number, bootId: string): Promise<readonly UndatedLatency[]> {
    const where = "WHERE gateway = ? AND boot = ?";
    const rows = this.#db.all<{ check_id: string; mono: number; body: string }>(
      `SELECT check_id, mono, body FROM check_undated ${where} ORDER BY ref`,
      ...[gatewayRef, bootId],
    );
    this.#db.run(`DELETE FROM check_undated ${where}`, gatewayRef, bootId);
    return rows.map((row) => ({ check: row.check_id, monotonicMs: row.mono, body: JSON.parse(row.body) as JsonObject }));
  }
}

export class SqliteCheckReads implements CheckReads {
  readonly #db: Connection;

  constructor(connection: Connection) {
    this.#db = connection;
  }

  async checks(gatewayRef: number): Promise<readonly CheckRow[]> {
    const sql = "SELECT * FROM check_result WHERE gateway = ? ORDER BY check_id LIMIT 10000";
    return this.#db.all<CheckColumns>(sql, gatewayRef).map(checkOf);
  }

  async latencies(query: Parameters<CheckReads["latencies"]>[0]): Promise<readonly CheckLatencyRow[]> {
    const { gatewayRef, check, level, fromMs, toMs, limit } = query;
    const range = [level, Math.round(fromMs), Math.round(toMs), limit];
    const rows =
      check === undefined
        ? this.#db.all<LatencyColumns>(
            "SELECT * FROM check_latency WHERE gateway = ? AND level = ? AND bucket >= ? AND bucket < ? ORDER BY bucket LIMIT ?",
            ...[gatewayRef, ...range],
          )
        : this.#db.all<LatencyColumns>(
            "SELECT * FROM check_latency WHERE gateway = ? AND check_id = ? AND level = ? AND bucket >= ? AND bucket < ? ORDER BY bucket LIMIT ?",
            ...[gatewayRef, check, ...range],
          );
    return rows.map(latencyOf);
  }
}

function checkOf(c: CheckColumns): CheckRow {
  const { equipment, type, target, vantage } = c;
  return {
    gatewayRef: c.gateway,
    check: c.check_id,
    atMs: c.at,
    ok: c.ok === 1,
    sinceMs: c.since,
    ...{ equipment, type, target, vantage },
    body: JSON.parse(c.body) as JsonObject,
  };
}

function latencyOf(c: LatencyColumns): CheckLatencyRow {
  return {
    gatewayRef: c.gateway,
    check: c.check_id,
    level: c.level,
    bucketMs: c.bucket,
    runs: c.runs,
    failures: c.failures,
    latency: JSON.parse(c.counts) as LatencyCounts,
  };
}

import type { ConnectorCounts, HappenedRow, NewOutgoing, OutgoingRow, OutgoingStore, OutgoingTransaction } from "../outgoing.ts";
import type { JsonObject } from "../rows.ts";
import type { Connection } from "./connection.ts";

interface OutgoingColumns {
  readonly ref: number;
  readonly connector: string;
  readonly gateway: number;
  readonly event_id: string;
  readonly key: string;
  readonly instance: string;
  readonly severity: string;
  readonly state: OutgoingRow["state"];
  readonly at: number;
  readonly enqueued: number;
  readonly due: number;
  readonly attempts: number;
  readonly reason: string;
  readonly body: string;
}

/** Newest dead letters kept per connector. */
const maxDead = 1_000;

type Alone = <T>(work: () => Promise<T>) => Promise<T>;

/** The connectors' outbox in `noc.db`, on the writer's connection: its transactions take turns with ingest's. */
export class SqliteOutgoing implements OutgoingStore, OutgoingTransaction {
  readonly #db: Connection;
  readonly #alone: Alone;

  constructor(db: Connection, alone: Alone) {
    this.#db = db;
    this.#alone = alone;
  }

  transaction<T>(work: (transaction: OutgoingTransaction) => T): Promise<T> {
    return this.#alone(async () => work(this));
  }

  position(connector: string): number {
    const row = this.#db.get<{ position: number }>("SELECT position FROM connector WHERE name = ?", connector);
    if (row !== undefined) return row.position;
    const now = this.newest();
    this.setPosition(connector, now);
    return now;
  }

  setPosition(connector: string, ref: number): void {
    this.#db.run(
      "INSERT INTO connector (name, position) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position",
      connector,
      ref,
    );
  }

  newest(): number {
    return this.#db.get<{ ref: number }>("SELECT coalesce(max(ref), 0) AS ref FROM event")?.ref ?? 0;
  }

  happened(afterRef: number, limit: number): readonly HappenedRow[] {
    const rows = this.#db.all<Omit<HappenedRow, "body"> & { readonly text: string }>(
      `SELECT e.ref AS ref, e.gateway AS gatewayRef, g.tenant AS tenant, g.id AS gateway, e.kind AS kind, e.at AS atMs, e.body AS text
       FROM event e JOIN gateway g ON g.ref = e.gateway
       WHERE e.ref > ? AND e.kind IN ('alarm.raise', 'alarm.change', 'alarm.clear', 'notify.delivered') ORDER BY e.ref LIMIT ?`,
      ...[afterRef, limit],
    );
    // Written by ingest from what it had parsed.
    return rows.map(({ text, ...row }) => ({ ...row, body: JSON.parse(text) as JsonObject }));
  }

  newestOf(connector: string, gatewayRef: number, instance: string): OutgoingRow | undefined {
    const sql = "SELECT * FROM outgoing WHERE connector = ? AND gateway = ? AND instance = ? ORDER BY ref DESC LIMIT 1";
    const row = this.#db.get<OutgoingColumns>(sql, connector, gatewayRef, instance);
    return row === undefined ? undefined : outgoingOf(row);
  }

  add(row: NewOutgoing): boolean {
    const changes = this.#db.run(
      `INSERT INTO outgoing (connector, gateway, event_id, key, instance, severity, state, at, enqueued, due, attempts, reason, body)
       VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, 0, '', ?) ON CONFLICT DO NOTHING`,
      ...[row.connector, row.gatewayRef, row.eventId, row.key, row.instance, row.severity],
      ...[Math.round(row.atMs), Math.round(row.enqueuedMs), Math.round(row.dueMs), row.body],
    );
    return changes > 0;
  }

  withdraw(connector: string, gatewayRef: number, instance: string): number {
    const sql = "DELETE FROM outgoing WHERE connector = ? AND gateway = ? AND instance = ? AND state = 'waiting' AND attempts = 0";
    return this.#db.run(sql, connector, gatewayRef, instance);
  }

  noteTold(gatewayRef: number, instance: string, path: string, atMs: number): void {
    const sql = "INSERT INTO told (gateway, instance, path, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    this.#db.run(sql, gatewayRef, instance, path, Math.round(atMs));
  }

  isTold(gatewayRef: number, instance: string, path: string): boolean {
    return this.#db.get("SELECT 1 FROM told WHERE gateway = ? AND instance = ? AND path = ?", gatewayRef, instance, path) !== undefined;
  }

  waiting(connector: string): number {
    return this.#db.get<{ n: number }>("SELECT count(*) AS n FROM outgoing WHERE connector = ? AND state = 'waiting'", connector)?.n ?? 0;
  }

  async hasNews(connector: string): Promise<boolean> {
    const row = this.#db.get<{ position: number }>("SELECT position FROM connector WHERE name = ?", connector);
    return row === undefined || this.newest() > row.position;
  }

  async next(connector: string, nowMs: number): Promise<OutgoingRow | undefined> {
    const sql = `SELECT * FROM outgoing AS o WHERE connector = ?1 AND state = 'waiting' AND due <= ?2 AND NOT EXISTS (
        SELECT 1 FROM outgoing AS b WHERE b.connector = ?1 AND b.state = 'waiting' AND b.gateway = o.gateway AND b.key = o.key AND b.ref < o.ref)
      ORDER BY ref LIMIT 1`;
    const row = this.#db.get<OutgoingColumns>(sql, connector, Math.round(nowMs));
    return row === undefined ? undefined : outgoingOf(row);
  }

  sent(ref: number, nowMs: number): Promise<void> {
    return this.#change("UPDATE outgoing SET state = 'sent', body = '', reason = '', due = ?2 WHERE ref = ?1", ref, Math.round(nowMs));
  }

  retry(ref: number, dueMs: number, reason: string): Promise<void> {
    const sql = "UPDATE outgoing SET attempts = attempts + 1, due = ?2, reason = ?3 WHERE ref = ?1";
    return this.#change(sql, ref, Math.round(dueMs), reason.slice(0, 300));
  }

  async dead(ref: number, reason: string): Promise<void> {
    await this.#alone(async () => {
      this.#db.run("UPDATE outgoing SET state = 'dead', attempts = attempts + 1, reason = ? WHERE ref = ?", reason.slice(0, 300), ref);
      this.#db.run(
        `DELETE FROM outgoing WHERE state = 'dead' AND connector = (SELECT connector FROM outgoing WHERE ref = ?1) AND ref <= (
           SELECT ref FROM outgoing WHERE state = 'dead' AND connector = (SELECT connector FROM outgoing WHERE ref = ?1)
           ORDER BY ref DESC LIMIT 1 OFFSET ${maxDead})`,
        ref,
      );
    });
  }

  revive(connector: string, nowMs: number): Promise<number> {
    const sql = "UPDATE outgoing SET state = 'waiting', attempts = 0, enqueued = ?2, due = ?2 WHERE connector = ?1 AND state = 'dead'";
    return this.#alone(async () => this.#db.run(sql, connector, Math.round(nowMs)));
  }

  async counts(connector: string): Promise<ConnectorCounts> {
    const sql = "SELECT state, count(*) AS n FROM outgoing WHERE connector = ? GROUP BY state";
    const rows = new Map(this.#db.all<{ state: string; n: number }>(sql, connector).map((row) => [row.state, row.n]));
    return { waiting: rows.get("waiting") ?? 0, sent: rows.get("sent") ?? 0, dead: rows.get("dead") ?? 0 };
  }

  async deadLetters(connector: string, limit: number): Promise<readonly OutgoingRow[]> {
    const sql = "SELECT * FROM outgoing WHERE connector = ? AND state = 'dead' ORDER BY ref DESC LIMIT ?";
    return this.#db.all<OutgoingColumns>(sql, connector, limit).map(outgoingOf);
  }

  async #change(sql: string, ...values: readonly (string | number)[]): Promise<void> {
    await this.#alone(async () => this.#db.run(sql, ...values));
  }
}

function outgoingOf({ gateway, event_id, at, enqueued, due, ...row }: OutgoingColumns): OutgoingRow {
  return { ...row, gatewayRef: gateway, eventId: event_id, atMs: at, enqueuedMs: enqueued, dueMs: due };
}

import type { AlarmComment, AlarmListPart, AlarmQuery, AlarmReads, AlarmWrites, NocShelf, OperatorState } from "../alarms.ts";
import type { AlarmRow } from "../rows.ts";
import { type AlarmColumns, alarmOf } from "./columns.ts";
import type { Connection } from "./connection.ts";

/** Comments of one alarm key; the oldest go first. */
const maxComments = 200;
const maxShelves = 1_000;

interface OperatorColumns {
  gateway: number;
  key: string;
  instance: string;
  ack_by: string | null;
  ack_at: number | null;
  closed_by: string | null;
  closed_at: number | null;
  closed_severity: string | null;
}

interface ShelfColumns {
  id: string;
  tenant: string;
  gateway_id: string | null;
  match: string;
  until: number;
  reason: string;
  by_whom: string;
  created: number;
}

export class SqliteAlarmWrites implements AlarmWrites {
  readonly #db: Connection;

  constructor(connection: Connection) {
    this.#db = connection;
  }

  async addListPart(gatewayRef: number, { list, part, parts, keys }: AlarmListPart): Promise<ReadonlySet<string> | undefined> {
    const db = this.#db;
    // A gateway has one list at a time; what is left of an older one will never be complete.
    db.run("DELETE FROM alarm_list WHERE gateway = ? AND list <> ?", gatewayRef, list);
    db.run(
      "INSERT OR REPLACE INTO alarm_list (gateway, list, part, keys) VALUES (?, ?, ?, ?)",
      gatewayRef,
      list,
      part,
      JSON.stringify(keys),
    );
    const rows = db.all<{ keys: string }>("SELECT keys FROM alarm_list WHERE gateway = ? AND list = ?", gatewayRef, list);
    if (rows.length < parts) return undefined;
    db.run("DELETE FROM alarm_list WHERE gateway = ?", gatewayRef);
    return new Set(rows.flatMap((row) => JSON.parse(row.keys) as string[]));
  }

  async activeAlarms(gatewayRef: number, limit: number): Promise<readonly AlarmRow[]> {
    return this.#db.all<AlarmColumns>("SELECT * FROM alarm WHERE gateway = ? AND cleared = 0 LIMIT ?", gatewayRef, limit).map(alarmOf);
  }

  async operator(gatewayRef: number, key: string): Promise<OperatorState | undefined> {
    const row = this.#db.get<OperatorColumns>("SELECT * FROM alarm_operator WHERE gateway = ? AND key = ?", gatewayRef, key);
    return row === undefined ? undefined : operatorOf(row);
  }

  async putOperator(state: OperatorState): Promise<void> {
    this.#db.run(
      `INSERT OR REPLACE INTO alarm_operator (gateway, key, instance, ack_by, ack_at, closed_by, closed_at, closed_severity)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[state.gatewayRef, state.key, state.instance, state.ackBy ?? null, state.ackMs ?? null],
      ...[state.closedBy ?? null, state.closedMs ?? null, state.closedSeverity ?? null],
    );
  }

  async addComment(gatewayRef: number, { key, instance, atMs, by, text }: AlarmComment): Promise<void> {
    const db = this.#db;
    const values = [gatewayRef, key, instance, Math.round(atMs), by, text] as const;
    db.run("INSERT INTO alarm_comment (gateway, key, instance, at, by_whom, text) VALUES (?, ?, ?, ?, ?, ?)", ...values);
    db.run(
      `DELETE FROM alarm_comment WHERE gateway = ?1 AND key = ?2 AND ref NOT IN
       (SELECT ref FROM alarm_comment WHERE gateway = ?1 AND key = ?2 ORDER BY ref DESC LIMIT ?3)`,
      ...[gatewayRef, key, maxComments],
    );
  }

  async putShelf(shelf: NocShelf): Promise<void> {
    const db = this.#db;
    db.run(
      `INSERT OR REPLACE INTO alarm_shelf (id, tenant, gateway_id, match, until, reason, by_whom, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[shelf.id, shelf.tenant, shelf.gateway ?? null, JSON.stringify(shelf.match), Math.round(shelf.untilMs)],
      ...[shelf.reason, shelf.by, Math.round(shelf.createdMs)],
    );
    db.run("DELETE FROM alarm_shelf WHERE id NOT IN (SELECT id FROM alarm_shelf ORDER BY created DESC LIMIT ?)", maxShelves);
  }

  async removeShelf(id: string): Promise<boolean> {
    return this.#db.run("DELETE FROM alarm_shelf WHERE id = ?", id) > 0;
  }

  async expireShelves(nowMs: number): Promise<void> {
    this.#db.run("DELETE FROM alarm_shelf WHERE until < ?", Math.round(nowMs));
  }
}

export class SqliteAlarmReads implements AlarmReads {
  readonly #db: Connection;

  constructor(connection: Connection) {
    this.#db = connection;
  }

  async alarms({ tenant, gatewayRef, state, key, limit }: AlarmQuery): Promise<readonly AlarmRow[]> {
    const sql = `SELECT a.* FROM alarm a JOIN gateway g ON g.ref = a.gateway
      WHERE (?1 IS NULL OR g.tenant = ?1) AND (?2 IS NULL OR a.gateway = ?2) AND (?3 IS NULL OR a.key = ?3)
      AND (?4 = 'all' OR a.cleared = (?4 = 'cleared')) ORDER BY a.cleared, a.changed DESC LIMIT ?5`;
    return this.#db.all<AlarmColumns>(sql, tenant ?? null, gatewayRef ?? null, key ?? null, state, limit).map(alarmOf);
  }

  async operators(gatewayRefs: readonly number[]): Promise<readonly OperatorState[]> {
    const sql = "SELECT * FROM alarm_operator WHERE gateway IN (SELECT value FROM json_each(?)) LIMIT 20000";
    return this.#db.all<OperatorColumns>(sql, JSON.stringify(gatewayRefs)).map(operatorOf);
  }

  async comments(gatewayRef: number, key: string, limit: number): Promise<readonly AlarmComment[]> {
    const sql = "SELECT key, instance, at, by_whom, text FROM alarm_comment WHERE gateway = ? AND key = ? ORDER BY ref DESC LIMIT ?";
    return this.#db
      .all<{ key: string; instance: string; at: number; by_whom: string; text: string }>(sql, gatewayRef, key, limit)
      .map((row) => ({ key: row.key, instance: row.instance, atMs: row.at, by: row.by_whom, text: row.text }))
      .reverse();
  }

  async shelves(): Promise<readonly NocShelf[]> {
    return this.#db.all<ShelfColumns>("SELECT * FROM alarm_shelf ORDER BY created DESC").map((row) => ({
      ...{ id: row.id, tenant: row.tenant, gateway: row.gateway_id ?? undefined, match: JSON.parse(row.match) as NocShelf["match"] },
      ...{ untilMs: row.until, reason: row.reason, by: row.by_whom, createdMs: row.created },
    }));
  }
}

function operatorOf(row: OperatorColumns): OperatorState {
  return {
    ...{ gatewayRef: row.gateway, key: row.key, instance: row.instance, ackBy: row.ack_by ?? undefined, ackMs: row.ack_at ?? undefined },
    ...{ closedBy: row.closed_by ?? undefined, closedMs: row.closed_at ?? undefined, closedSeverity: row.closed_severity ?? undefined },
  };
}

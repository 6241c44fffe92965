import type { AlarmRow, EventRow } from "../rows.ts";
import type { Connection } from "./connection.ts";

/** Writes of what happened: alarms, events, and their dating once the clock of their boot is known. */
export function putAlarm(db: Connection, row: AlarmRow): void {
  db.run(
    `INSERT INTO alarm (gateway, key, instance, rev, severity, cleared, equipment, path, type, text, raised, changed, body, boot, mono)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (gateway, key) DO UPDATE SET instance = excluded.instance, rev = excluded.rev, severity = excluded.severity,
     cleared = excluded.cleared, equipment = excluded.equipment, path = excluded.path, type = excluded.type, text = excluded.text,
     raised = excluded.raised, changed = excluded.changed, body = excluded.body, boot = excluded.boot, mono = excluded.mono`,
    ...[
      row.gatewayRef,
      row.key,
      row.instance,
      row.revision,
      row.severity,
      row.cleared ? 1 : 0,
      row.equipment,
      row.path,
      row.type,
      row.text,
    ],
    ...[Math.round(row.raisedMs), Math.round(row.changedMs), JSON.stringify(row.body)],
    ...[row.undated?.bootId ?? null, row.undated?.monotonicMs ?? null],
  );
}

export function addEvent(db: Connection, row: EventRow): void {
  db.run(
    "INSERT INTO event (gateway, stream, seq, idx, at, kind, equipment, severity, text, body, boot, mono) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ...[row.gatewayRef, row.streamId, row.seq, row.index, Math.round(row.atMs), row.kind, row.equipment, row.severity, row.text],
    ...[JSON.stringify(row.body), row.undated?.bootId ?? null, row.undated?.monotonicMs ?? null],
  );
}

export function dateEvents(db: Connection, gatewayRef: number, bootId: string, shiftMs: number): void {
  db.run("UPDATE event SET at = CAST(round(mono + ?) AS INTEGER), boot = NULL WHERE gateway = ? AND boot = ?", shiftMs, gatewayRef, bootId);
  db.run(
    `UPDATE alarm SET raised = CASE WHEN raised = changed THEN CAST(round(mono + ?1) AS INTEGER) ELSE raised END,
     changed = CAST(round(mono + ?1) AS INTEGER), boot = NULL WHERE gateway = ?2 AND boot = ?3`,
    ...[shiftMs, gatewayRef, bootId],
  );
}

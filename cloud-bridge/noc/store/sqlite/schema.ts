import type { Database } from "better-sqlite3";
import { GatewayError } from "#model/errors.ts";

/**
 * Each entry brings the file from its index to index + 1, in one transaction with the version number: a cut leaves the old or the new
 * version, nothing between. Entries are never edited after a release.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE gateway (
    ref INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL, first_seen INTEGER NOT NULL, seen INTEGER NOT NULL,
    online INTEGER NOT NULL, since INTEGER NOT NULL, why TEXT NOT NULL, conn INTEGER NOT NULL, boot TEXT NOT NULL,
    hello TEXT, reported TEXT, refused INTEGER NOT NULL, UNIQUE (tenant, id)) STRICT;
  CREATE TABLE stream (
    ref INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, id TEXT NOT NULL, class TEXT NOT NULL, received TEXT NOT NULL,
    applied INTEGER NOT NULL, chunks INTEGER NOT NULL, samples INTEGER NOT NULL, bytes INTEGER NOT NULL, duplicates INTEGER NOT NULL,
    late INTEGER NOT NULL, tombstones INTEGER NOT NULL, dead INTEGER NOT NULL, first_seen INTEGER NOT NULL, seen INTEGER NOT NULL,
    UNIQUE (gateway, id)) STRICT;
  CREATE TABLE chunk (
    ref INTEGER PRIMARY KEY, stream INTEGER NOT NULL, gateway INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    t0 INTEGER, t1 INTEGER, iv INTEGER NOT NULL, kf INTEGER NOT NULL, dict INTEGER NOT NULL, samples INTEGER NOT NULL, boot TEXT,
    received INTEGER NOT NULL, payload BLOB NOT NULL, UNIQUE (stream, seq)) STRICT;
  CREATE INDEX chunk_time ON chunk (gateway, t1);
  CREATE INDEX chunk_pending ON chunk (stream, seq) WHERE state = 'pending';
  CREATE INDEX chunk_parked ON chunk (gateway) WHERE state = 'parked';
  CREATE INDEX chunk_key_frame ON chunk (stream, seq) WHERE kf = 1;
  CREATE INDEX chunk_received ON chunk (received);
  CREATE TABLE dictionary (
    stream INTEGER NOT NULL, seq INTEGER NOT NULL, gateway INTEGER NOT NULL, rev INTEGER NOT NULL, groups TEXT NOT NULL,
    PRIMARY KEY (stream, seq)) STRICT, WITHOUT ROWID;
  CREATE INDEX dictionary_rev ON dictionary (gateway, rev);
  CREATE TABLE series_group (
    ref INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, digest BLOB NOT NULL, equipment TEXT NOT NULL, tbl TEXT NOT NULL, iv INTEGER NOT NULL,
    series TEXT NOT NULL, UNIQUE (gateway, digest)) STRICT;
  CREATE TABLE series (
    ref INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, equipment TEXT NOT NULL, tbl TEXT NOT NULL, metric TEXT NOT NULL, row_key TEXT NOT NULL,
    labels TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL, words TEXT NOT NULL,
    UNIQUE (gateway, equipment, tbl, metric, row_key)) STRICT;
  CREATE TABLE series_place (
    series INTEGER NOT NULL, grp INTEGER NOT NULL, col INTEGER NOT NULL, PRIMARY KEY (series, grp, col)) STRICT, WITHOUT ROWID;
  CREATE TABLE last_value (grp INTEGER PRIMARY KEY, at INTEGER NOT NULL, numbers BLOB NOT NULL, texts TEXT NOT NULL) STRICT;
  CREATE TABLE rollup (
    level INTEGER NOT NULL, grp INTEGER NOT NULL, bucket INTEGER NOT NULL, packed INTEGER NOT NULL, numbers BLOB NOT NULL,
    PRIMARY KEY (level, grp, bucket)) STRICT;
  CREATE INDEX rollup_open ON rollup (level, bucket) WHERE packed = 0;
  CREATE TABLE miss (
    grp INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, reason INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (grp, t0, reason)) STRICT, WITHOUT ROWID;
  CREATE TABLE equipment (
    gateway INTEGER NOT NULL, id TEXT NOT NULL, last_poll INTEGER NOT NULL, last_miss INTEGER NOT NULL, reason INTEGER NOT NULL, iv INTEGER NOT NULL,
    inventory TEXT, inventory_at INTEGER NOT NULL, PRIMARY KEY (gateway, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE alarm (
    gateway INTEGER NOT NULL, key TEXT NOT NULL, instance TEXT NOT NULL, rev INTEGER NOT NULL, severity TEXT NOT NULL, cleared INTEGER NOT NULL,
    equipment TEXT NOT NULL, path TEXT NOT NULL, type TEXT NOT NULL, text TEXT NOT NULL, raised INTEGER NOT NULL, changed INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (gateway, key)) STRICT, WITHOUT ROWID;
  CREATE INDEX alarm_changed ON alarm (cleared, changed);
  CREATE TABLE event (
    ref INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL, idx INTEGER NOT NULL, at INTEGER NOT NULL,
    kind TEXT NOT NULL, equipment TEXT NOT NULL, severity TEXT NOT NULL, text TEXT NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX event_time ON event (gateway, at);
  CREATE TABLE anchor (
    gateway INTEGER NOT NULL, boot TEXT NOT NULL, mono REAL NOT NULL, wall REAL NOT NULL, source TEXT NOT NULL, error REAL NOT NULL,
    PRIMARY KEY (gateway, boot, mono)) STRICT, WITHOUT ROWID;
  CREATE TABLE gap (
    ref INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, stream TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
    reason TEXT NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, samples INTEGER, recorded INTEGER NOT NULL) STRICT;
  CREATE INDEX gap_gateway ON gap (gateway);
  CREATE TABLE dead_letter (
    ref INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, leaf TEXT NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL,
    received INTEGER NOT NULL, bytes INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
  CREATE INDEX dead_letter_gateway ON dead_letter (gateway);
  `,
  // Events and alarms of a boot whose clock was never set: when it was by that boot's own time.
  `
  ALTER TABLE event ADD COLUMN boot TEXT;
  ALTER TABLE event ADD COLUMN mono REAL;
  ALTER TABLE alarm ADD COLUMN boot TEXT;
  ALTER TABLE alarm ADD COLUMN mono REAL;
  CREATE INDEX event_undated ON event (gateway, boot) WHERE boot IS NOT NULL;
  `,
  // Columns a device does not have are in its dictionary but never get a value: they are not shown.
  `
  ALTER TABLE series ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
  UPDATE series SET seen = 1;
  `,
  // What goes on to other systems: outbox of each connector, and what gateways told there themselves.
  `
  CREATE TABLE connector (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE outgoing (
    ref INTEGER PRIMARY KEY, connector TEXT NOT NULL, gateway INTEGER NOT NULL, event_id TEXT NOT NULL, key TEXT NOT NULL,
    instance TEXT NOT NULL, severity TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL, enqueued INTEGER NOT NULL,
    due INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (connector, gateway, event_id)) STRICT;
  CREATE INDEX outgoing_waiting ON outgoing (connector, ref) WHERE state = 'waiting';
  CREATE INDEX outgoing_key ON outgoing (connector, gateway, key) WHERE state = 'waiting';
  CREATE INDEX outgoing_dead ON outgoing (connector, ref) WHERE state = 'dead';
  CREATE INDEX outgoing_instance ON outgoing (connector, gateway, instance);
  CREATE INDEX outgoing_sent ON outgoing (due) WHERE state = 'sent';
  CREATE TABLE told (
    gateway INTEGER NOT NULL, instance TEXT NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (gateway, instance, path)) STRICT, WITHOUT ROWID;
  `,
  // Checks: newest results, latencies in mergeable counts, and those that wait for their boot's clock.
  `
  CREATE TABLE check_result (
    gateway INTEGER NOT NULL, check_id TEXT NOT NULL, at INTEGER NOT NULL, ok INTEGER NOT NULL, since INTEGER NOT NULL, equipment TEXT NOT NULL,
    type TEXT NOT NULL, target TEXT NOT NULL, vantage TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (gateway, check_id)) STRICT, WITHOUT ROWID;
  CREATE TABLE check_latency (
    gateway INTEGER NOT NULL, check_id TEXT NOT NULL, level INTEGER NOT NULL, bucket INTEGER NOT NULL, runs INTEGER NOT NULL,
    failures INTEGER NOT NULL, counts TEXT NOT NULL, PRIMARY KEY (gateway, check_id, level, bucket)) STRICT, WITHOUT ROWID;
  CREATE INDEX check_latency_time ON check_latency (level, bucket);
  CREATE TABLE check_undated (
    ref INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, boot TEXT NOT NULL, check_id TEXT NOT NULL, mono REAL NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX check_undated_boot ON check_undated (gateway, boot);
  `,
  // Alarms: what operators said of them, what is put aside, and lists of gateways that come in parts.
  `
  CREATE TABLE alarm_operator (
    gateway INTEGER NOT NULL, key TEXT NOT NULL, instance TEXT NOT NULL, ack_by TEXT, ack_at INTEGER, closed_by TEXT, closed_at INTEGER,
    closed_severity TEXT, PRIMARY KEY (gateway, key)) STRICT, WITHOUT ROWID;
  CREATE TABLE alarm_comment (
    ref INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, key TEXT NOT NULL, instance TEXT NOT NULL, at INTEGER NOT NULL, by_whom TEXT NOT NULL,
    text TEXT NOT NULL) STRICT;
  CREATE INDEX alarm_comment_key ON alarm_comment (gateway, key);
  CREATE TABLE alarm_shelf (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, gateway_id TEXT, match TEXT NOT NULL, until INTEGER NOT NULL, reason TEXT NOT NULL,
    by_whom TEXT NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE alarm_list (
    gateway INTEGER NOT NULL, list TEXT NOT NULL, part INTEGER NOT NULL, keys TEXT NOT NULL, PRIMARY KEY (gateway, list, part)) STRICT, WITHOUT ROWID;
  `,
  // Which boots and runs greeted under a gateway's name: by them a second device with its identity is seen.
  "ALTER TABLE gateway ADD COLUMN lives TEXT NOT NULL DEFAULT '[]';",
  // Counting a gateway's series reads no series: a site of 1,000 switches brings 13,000 groups, and each is counted against the limit.
  "CREATE INDEX series_group_places ON series_group (gateway, json_array_length(series));",
];

/** Marks the file as ours ("GHNC"), so that a foreign database is refused instead of being migrated. */
const applicationId = 0x47484e43;

/** Brings a database file to the newest version. @throws GatewayError noc.store-version | noc.store */
export function migrate(database: Database): void {
  const version = Number(database.pragma("user_version", { simple: true }));
  const application = Number(database.pragma("application_id", { simple: true }));
  if (version > 0 && application !== applicationId)
    throw new GatewayError("noc.store", { message: "the file is another program's database" });
  if (version > migrations.length) throw new GatewayError("noc.store-version", { fields: { version, known: migrations.length } });
  for (const [index, statements] of migrations.entries()) {
    if (index < version) continue;
    database.transaction(() => {
      database.exec(statements);
      database.pragma(`application_id = ${applicationId}`);
      database.pragma(`user_version = ${index + 1}`);
    })();
  }
}

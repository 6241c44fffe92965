import type { Migrations } from "./migrations.ts";

export const historyFile = "history.db";

/** Levels of a block: every value, bins of five minutes, bins of an hour. */
export const historyLevel = { raw: 0, fiveMinutes: 1, hour: 2 } as const;

export const fiveMinutesMs = 300_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

export const historyMigrations: Migrations = {
  expand: [
    [
      `CREATE TABLE series (id INTEGER PRIMARY KEY, equipment TEXT NOT NULL, tbl TEXT NOT NULL, row_key TEXT NOT NULL, metric TEXT NOT NULL,
      kind TEXT NOT NULL, unit TEXT NOT NULL, UNIQUE (equipment, tbl, row_key, metric)) STRICT`,
      // One block = the points of all series of one equipment in a stretch of time: one row, well compressed, read together.
      "CREATE TABLE block (id INTEGER PRIMARY KEY, level INTEGER NOT NULL, equipment TEXT NOT NULL, from_ms REAL NOT NULL, to_ms REAL NOT NULL, bytes BLOB NOT NULL) STRICT",
      "CREATE INDEX block_by_time ON block (level, equipment, from_ms)",
      "CREATE INDEX block_by_age ON block (level, from_ms)",
      "CREATE TABLE progress (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT, WITHOUT ROWID",
    ],
  ],
  contract: [],
};

export const historyTables = ["series", "block", "progress"] as const;

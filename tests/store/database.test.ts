import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backlogMigrations } from "../../runtime/store/backlog-schema.ts";
import { openOwnDatabase } from "../../runtime/store/database.ts";
import { historyMigrations } from "../../runtime/store/history-schema.ts";
import { lockFolder } from "../../runtime/store/lock.ts";
import { type Migrations, migrate, readSchemaNumber } from "../../runtime/store/migrations.ts";
import { NodeDisk } from "../../runtime/store/node-disk.ts";
import { stateMigrations } from "../../runtime/store/state.ts";

const plan: Migrations = {
  expand: [
    ["CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1), (2)"],
    ["CREATE TABLE b (x INTEGER, y TEXT)", "INSERT INTO b SELECT x, 'moved' FROM a"],
  ],
  contract: [{ compatibleFrom: 2, statements: ["DROP TABLE a"] }],
};

describe("databases of the store", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-database-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("are opened WAL, exclusive and really FULL after the first write", () => {
    const database = openOwnDatabase(new NodeDisk(folder), "x.db", {
      migrations: plan,
      maxBytes: 1024 * 1024,
      cacheKiB: 64,
      check: true,
      tables: ["b"],
    });
    database.exec("INSERT INTO b VALUES (9, 'written')");
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(database.pragma("synchronous", { simple: true })).toBe(2);
    expect(database.pragma("locking_mode", { simple: true })).toBe("exclusive");
    expect(database.pragma("max_page_count", { simple: true })).toBe(256);
    database.close();
  });

  it("refuse to grow beyond their bound instead of eating the disk", () => {
    const database = openOwnDatabase(new NodeDisk(folder), "x.db", {
      migrations: plan,
      maxBytes: 256 * 1024,
      cacheKiB: 64,
      check: false,
      tables: [],
    });
    const insert = database.prepare("INSERT INTO b VALUES (1, ?)");
    expect(() => {
      for (let n = 0; n < 1000; n += 1) insert.run("y".repeat(4000));
    }).toThrow(expect.objectContaining({ code: "SQLITE_FULL" }));
    database.close();
    expect(statSync(join(folder, "x.db")).size).toBeLessThanOrEqual(256 * 1024);
  });

  it("have the old schema or the new one after a cut at any statement of a migration", () => {
    const statements = [...plan.expand, ...plan.contract.map((one) => one.statements)].reduce((sum, step) => sum + step.length + 1, 0);
    for (let cutAt = 1; cutAt <= statements; cutAt += 1) {
      const database = new SqliteDatabase(":memory:");
      let count = 0;
      const applied = () => {
        count += 1;
        if (count === cutAt) throw new Error("the power went");
      };
      expect(() => migrate(database, plan, "x.db", { applied, mayContract: true })).toThrow("the power went");
      const { schema, compatibleFrom } = readSchemaNumber(database, "x.db");
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").pluck().all();
      expect(compatibleFrom).toBe(0);
      expect(tables).toEqual([[], ["a"], ["a", "b"]][schema]);
      migrate(database, plan, "x.db", { mayContract: true });
      expect(readSchemaNumber(database, "x.db")).toEqual({ schema: 2, compatibleFrom: 2 });
      expect(database.prepare("SELECT count(*) FROM b").pluck().get()).toBe(2);
      database.close();
    }
  });

  it.each([
    ["backlog", backlogMigrations],
    ["history", historyMigrations],
    ["state", stateMigrations],
  ])("migrate the %s from nothing to its newest version twice without harm", (_, migrations) => {
    const database = new SqliteDatabase(":memory:");
    migrate(database, migrations, "x.db");
    migrate(database, migrations, "x.db");
    expect(database.pragma("user_version", { simple: true })).toBe(migrations.expand.length);
    database.close();
  });

  it("stand behind a lock that a second process or opener does not get, and that replaces a damaged lock file", () => {
    const disk = new NodeDisk(folder);
    disk.writeWhole("lock", Buffer.from("not a lock ".repeat(100)));
    const lock = lockFolder(disk, "lock");
    expect(() => lockFolder(disk, "lock")).toThrow(expect.objectContaining({ code: "buffer.busy" }));
    lock.release();
    lockFolder(disk, "lock").release();
  });
});

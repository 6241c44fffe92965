import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backlogMigrations } from "../../runtime/store/backlog-schema.ts";
import type { Disk } from "../../runtime/store/disk.ts";
import { openLocalHistory } from "../../runtime/store/history-backend.ts";
import { historyMigrations } from "../../runtime/store/history-schema.ts";
import { type Migrations, migrate, readSchemaNumber } from "../../runtime/store/migrations.ts";
import { NodeDisk } from "../../runtime/store/node-disk.ts";
import { openStore } from "../../runtime/store/open-store.ts";
import { decodeHeader, headerBytes } from "../../runtime/store/record.ts";
import { selfTestStore } from "../../runtime/store/self-test.ts";
import { defaultStoreSettings } from "../../runtime/store/settings.ts";
import { openState, stateMigrations } from "../../runtime/store/state.ts";
import type { StoreCore } from "../../runtime/store/store-core.ts";
import { seededEntropy, silentLogger } from "./doubles.ts";
import { alarmFrame, groupFrame, plainAssembler, slotOf, textsOf } from "./frames.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimDisk } from "./sim-disk.ts";

interface Kind {
  readonly file: string;
  readonly migrations: Migrations;
  /** A table of it, and a statement that an old program makes. */
  readonly table: string;
  readonly insert: string;
}

const kinds: readonly Kind[] = [
  { file: "state.db", migrations: stateMigrations, table: "entry", insert: "INSERT INTO entry (key, value) VALUES ('k', x'00')" },
  { file: "buffer.db", migrations: backlogMigrations, table: "payload", insert: "INSERT INTO payload (key, bytes) VALUES (1, x'00')" },
  { file: "history.db", migrations: historyMigrations, table: "progress", insert: "INSERT INTO progress (name, value) VALUES ('k', 1)" },
];

const newer = ({ migrations, table }: Kind): Migrations => ({
  expand: [
    ...migrations.expand,
    ["CREATE TABLE later (id INTEGER PRIMARY KEY, note TEXT) STRICT", "CREATE INDEX later_by_note ON later (note)"],
    [`ALTER TABLE ${table} ADD COLUMN origin TEXT`, "INSERT INTO later (note) VALUES ('moved')"],
  ],
  contract: [],
});
const broken = ({ migrations, table }: Kind): Migrations => ({
  expand: [...migrations.expand, ["CREATE TABLE later (x)"]],
  contract: [{ compatibleFrom: migrations.expand.length + 1, statements: [`ALTER TABLE ${table} RENAME TO renamed`] }],
});
/** What a program with these migrations leaves behind. */
function runNewer(disk: Disk, file: string, migrations: Migrations): void {
  const database = disk.openDatabase(file);
  migrate(database, migrations, file, { mayContract: true });
  database.close();
}

const settings = { ...defaultStoreSettings, journalBytes: 1024 * 1024, ballastBytes: 64 * 1024, budgetBytes: 8 * 1024 * 1024 };
function openCore(disk: Disk, clock: ManualClock): StoreCore {
  return openStore({ disk, clock, entropy: seededEntropy(7), assembler: plainAssembler, log: silentLogger, settings }).core;
}
function textsIn(core: StoreCore): readonly string[] {
  return core
    .stats()
    .streams.flatMap(({ stream }) =>
      core.read({ stream, fromSeq: 1, maxChunks: 1e6, maxBytes: 1e9 }).flatMap((one) => textsOf(Buffer.from(one.bytes))),
    );
}
/** A store whose backlog holds something. */
function filled(): { readonly disk: SimDisk; readonly clock: ManualClock; readonly texts: readonly string[] } {
  const disk = new SimDisk();
  const clock = new ManualClock();
  const core = openCore(disk, clock);
  for (let id = 1; id <= 40; id += 1) {
    const slot = slotOf(id, clock.monotonicMs() + 60_000);
    core.append(Array.from({ length: 3 }, (_, n) => groupFrame(`${id}.${n}.${"x".repeat(15_000)}`, slot)));
    core.append([alarmFrame(`alarm ${id}`)]);
    core.commit(false);
    clock.step(60_000);
  }
  expect(core.stats().databaseBytes).toBeGreaterThan(100_000);
  const texts = textsIn(core);
  core.close();
  return { disk, clock, texts };
}

describe.each(kinds)("migrations of $file", (kind) => {
  const known = kind.migrations.expand.length;

  it("expand only, as they are declared, and name what no older program can live with in order", () => {
    const database = new SqliteDatabase(":memory:");
    migrate(database, kind.migrations, kind.file, { mayContract: true });
    const floors = kind.migrations.contract.map((one) => one.compatibleFrom);
    expect(floors).toEqual([...new Set(floors)].sort((a, b) => a - b).filter((floor) => floor > 1 && floor <= known));
    expect(readSchemaNumber(database, kind.file)).toEqual({ schema: known, compatibleFrom: floors.at(-1) ?? 0 });
    database.close();
  });

  it.each([
    ["drops a table", (table: string) => [`DROP TABLE ${table}`]],
    ["renames one", (table: string) => [`ALTER TABLE ${table} RENAME TO other`]],
    [
      "adds a column that has to be filled",
      (table: string) => ["CREATE TABLE was (x INTEGER)", `DROP TABLE ${table}`, `CREATE TABLE ${table} (must TEXT NOT NULL)`],
    ],
    [
      "forbids what the old program writes",
      (table: string) => [`CREATE TRIGGER no BEFORE INSERT ON ${table} BEGIN SELECT raise(ABORT, 'no'); END`],
    ],
    [
      "makes a value unique",
      (table: string) => [`ALTER TABLE ${table} ADD COLUMN once TEXT`, `CREATE UNIQUE INDEX one ON ${table} (once)`],
    ],
  ])("that are declared to expand are refused, and nothing is changed, when one %s", (_, statements) => {
    const database = new SqliteDatabase(":memory:");
    migrate(database, kind.migrations, kind.file);
    const wrong = { expand: [...kind.migrations.expand, statements(kind.table)], contract: [] };
    expect(() => migrate(database, wrong, kind.file)).toThrow(expect.objectContaining({ code: "buffer.migration" }));
    expect(readSchemaNumber(database, kind.file)).toEqual({ schema: known, compatibleFrom: 0 });
    database.exec(kind.insert);
    database.close();
  });

  it("leave a file that the old program opens, reads and writes, whatever statement of theirs the power went at", () => {
    const statements = newer(kind)
      .expand.slice(known)
      .reduce((sum, step) => sum + step.length + 1, 0);
    for (let cutAt = 1; cutAt <= statements + 1; cutAt += 1) {
      const database = new SqliteDatabase(":memory:");
      migrate(database, kind.migrations, kind.file);
      let count = 0;
      const applied = () => {
        count += 1;
        if (count === cutAt) throw new Error("the power went");
      };
      const whole = () => migrate(database, newer(kind), kind.file, { applied, mayContract: true });
      if (cutAt <= statements) expect(whole).toThrow("the power went");
      else whole();
      const { schema } = readSchemaNumber(database, kind.file);
      migrate(database, kind.migrations, kind.file, { mayContract: true });
      database.exec(kind.insert);
      expect(readSchemaNumber(database, kind.file)).toEqual({ schema, compatibleFrom: 0 });
      migrate(database, newer(kind), kind.file);
      expect(database.prepare("SELECT count(*) FROM later").pluck().get()).toBe(1);
      database.close();
    }
  });

  it("that take away wait until the version that runs is confirmed", () => {
    const database = new SqliteDatabase(":memory:");
    migrate(database, kind.migrations, kind.file);
    migrate(database, broken(kind), kind.file);
    migrate(database, kind.migrations, kind.file);
    database.exec(kind.insert);
    migrate(database, broken(kind), kind.file, { mayContract: true });
    expect(readSchemaNumber(database, kind.file)).toEqual({ schema: known + 1, compatibleFrom: known + 1 });
    expect(() => migrate(database, kind.migrations, kind.file)).toThrow(expect.objectContaining({ code: "buffer.version" }));
    database.close();
  });
});

it("statements of the store name the columns they fill, so that a newer version may add one", () => {
  const room = join(import.meta.dirname, "../../runtime/store");
  const nameless = readdirSync(room).filter((name) =>
    /INSERT [A-Z ]*INTO \w+ (VALUES|SELECT)/.test(readFileSync(join(room, name), "utf8")),
  );
  expect(nameless).toEqual([]);
});

describe("the old program, after an update that was taken back,", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-schema-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const [state, backlog, history] = kinds;
  if (state === undefined || backlog === undefined || history === undefined) throw new Error("three databases");

  it("finds its state in a widened state.db and leaves the newer number there", () => {
    openState(folder).close();
    runNewer(new NodeDisk(folder), "state.db", newer(state));
    for (const turn of ["1", "2"]) {
      const old = openState(folder, { onDamage: () => expect.unreachable("it is sound") });
      old.put({ [`put-${turn}`]: turn });
      expect(old.getText("put-1")).toBe("1");
      old.close();
    }
    const database = new SqliteDatabase(join(folder, "state.db"));
    expect(readSchemaNumber(database, "state.db").schema).toBe(newer(state).expand.length);
    database.close();
  });

  it("refuses a state.db that it cannot use, says which version can, and leaves it alone", () => {
    openState(folder).close();
    runNewer(new NodeDisk(folder), "state.db", broken(state));
    copyFileSync(join(folder, "state.db"), join(folder, "state.bak")); // As every program does at its opening.
    expect(() => openState(folder)).toThrow(
      expect.objectContaining({ code: "buffer.version", message: expect.stringMatching(/readable from 3 on.*knows schema 2/) }),
    );
    expect(readdirSync(folder).sort()).toEqual(["state.bak", "state.db"]);
  });

  it.each([0xff, 99, 65_536 * 3 + 3, -1])("takes a version number of %i that nobody wrote for what it is: the schema is ours", (number) => {
    const before = openState(folder);
    before.put({ identity: "me" });
    before.close();
    const database = new SqliteDatabase(join(folder, "state.db"));
    database.pragma(`user_version = ${number}`);
    database.close();
    const after = openState(folder, { onDamage: () => expect.unreachable("nothing is lost") });
    expect(after.getText("identity")).toBe("me");
    after.close();
  });

  it("refuses in its self-test what the new program's own test would: a copy shows it", async () => {
    openState(folder).close();
    runNewer(new NodeDisk(folder), "state.db", broken(state));
    await expect(selfTestStore(folder)).rejects.toThrow(expect.objectContaining({ code: "buffer.version" }));
  });

  it("finds every chunk of a widened backlog", () => {
    const { disk, clock, texts } = filled();
    runNewer(disk, "buffer.db", newer(backlog));
    const core = openCore(disk, clock);
    expect(textsIn(core)).toEqual(expect.arrayContaining([...texts]));
    expect(disk.list("corrupt")).toEqual([]);
    core.close();
  });

  it("sets a backlog aside that it cannot use, goes on, and the ledger holds what was lost", () => {
    const { disk, clock } = filled();
    runNewer(disk, "buffer.db", broken(backlog));
    const core = openCore(disk, clock);
    expect(disk.list("corrupt")).toHaveLength(1);
    const { ledger, state: health } = core.stats();
    expect(health).toBe("ok");
    expect(ledger.dropped).toBeGreaterThan(0);
    expect(ledger.polled).toBe(ledger.delivered + ledger.buffered + ledger.dropped);
    expect(core.takeGaps()).toEqual(expect.arrayContaining([expect.objectContaining({ reason: "corrupt" })]));
    core.close();
  });

  it.each([
    ["keeps a widened history", newer(history), 0],
    ["begins a new history when it cannot use the old one", broken(history), 1],
  ])("%s", async (_, migrations, setAside) => {
    const disk = new SimDisk();
    const clock = new ManualClock();
    const parts = { disk, clock: clock as never, logger: silentLogger };
    await openLocalHistory(parts).close();
    runNewer(disk, "history.db", migrations);
    const opened = openLocalHistory(parts);
    expect(await opened.bytes()).toBeGreaterThan(0);
    await opened.close();
    expect(disk.list("corrupt")).toHaveLength(setAside);
  });

  /** The journal as a newer program leaves it: format 9, readable from `compatibleFrom` on. */
  function writeNewerJournal(disk: SimDisk, compatibleFrom: number): void {
    disk.damage("journal.ring", (bytes) => {
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const at of [0, 4096]) {
        view.writeUInt16LE(9, at + 4);
        view.writeUInt16LE(compatibleFrom, at + 6);
        view.writeUInt32LE(crc32(view.subarray(at, at + 60)), at + 60);
      }
      let newest = -1;
      for (let at = 8192; at < view.length; at += 4096) {
        const seq = decodeHeader(view.subarray(at, at + headerBytes))?.seq;
        if (seq !== undefined && seq > (newest < 0 ? 0 : view.readDoubleLE(newest + 16))) newest = at;
      }
      view.writeUInt16LE(9, newest + 4);
      view.writeUInt16LE(compatibleFrom, newest + 136);
      view.writeUInt32LE(crc32(view.subarray(newest, newest + headerBytes - 4)), newest + headerBytes - 4);
    });
  }

  it("reads a journal of a newer format that says it can be read", () => {
    const { disk, clock, texts } = filled();
    writeNewerJournal(disk, 1);
    const core = openCore(disk, clock);
    expect(textsIn(core)).toEqual(expect.arrayContaining([...texts]));
    expect(disk.list("corrupt")).toEqual([]);
    core.close();
  });

  it.each([0, 2])(
    "sets a journal aside whose newer format it cannot read (readable from %i), and goes on in new streams",
    (compatibleFrom) => {
      const { disk, clock } = filled();
      writeNewerJournal(disk, compatibleFrom);
      const core = openCore(disk, clock);
      expect(disk.list("corrupt")).toHaveLength(1);
      core.append([alarmFrame("after")]);
      expect(core.commit(true)).toBe(true);
      core.close();
      expect(textsIn(openCore(disk, clock))).toContain("after");
    },
  );
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLocalHistory } from "../../runtime/store/history-backend.ts";
import { migrate } from "../../runtime/store/migrations.ts";
import { NodeDisk } from "../../runtime/store/node-disk.ts";
import { openStore } from "../../runtime/store/open-store.ts";
import { writeSuperblock } from "../../runtime/store/ring-scan.ts";
import { defaultStoreSettings, minJournalBytes } from "../../runtime/store/settings.ts";
import { openState, stateMigrations } from "../../runtime/store/state.ts";
import { seededEntropy, silentLogger } from "./doubles.ts";
import { alarmFrame, groupFrame, plainAssembler, slotOf } from "./frames.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimDisk } from "./sim-disk.ts";

describe("a state.db that says it is a newer program's", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-fuzz-"));
    const state = openState(folder);
    state.put({ identity: "me" });
    state.close();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is taken for damaged when its copy is this one's", () => {
    const database = new SqliteDatabase(join(folder, "state.db"));
    const statements = ["ALTER TABLE entry RENAME TO renamed"];
    const expand = [...stateMigrations.expand, ["CREATE TABLE later (x)"]];
    migrate(database, { expand, contract: [{ compatibleFrom: expand.length, statements }] }, "state.db", { mayContract: true });
    database.close();
    const told: boolean[] = [];
    const state = openState(folder, { onDamage: (_, restored) => told.push(restored) });
    expect(state.getText("identity")).toBe("me");
    expect(told).toEqual([true]);
    expect(readdirSync(folder)).not.toContain("state.trial");
    state.close();
  });

  it.each([65_536 * 9 + 4, 12])(
    "with a schema that is nobody's and a number of %i that nobody writes, is damaged even without a copy",
    (number) => {
      const database = new SqliteDatabase(join(folder, "state.db"));
      database.exec("ALTER TABLE twin RENAME COLUMN value TO valve");
      database.pragma(`user_version = ${number}`);
      database.close();
      rmSync(join(folder, "state.bak"));
      const told: boolean[] = [];
      openState(folder, { onDamage: (_, restored) => told.push(restored) }).close();
      expect(told).toEqual([false]);
    },
  );
});

it("a state.db whose write format no SQLite has is restored from its copy, not taken for one without rights", () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-fuzz-"));
  const state = openState(folder);
  state.put({ identity: "me" });
  state.close();
  const file = join(folder, "state.db");
  const bytes = readFileSync(file);
  bytes[18] = 0x42;
  writeFileSync(file, bytes);
  const told: boolean[] = [];
  const again = openState(folder, { onDamage: (_, restored) => told.push(restored) });
  expect([again.getText("identity"), told]).toEqual(["me", [true]]);
  again.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a store", () => {
  const settings = { ...defaultStoreSettings, ballastBytes: 16 * 1024, budgetBytes: 8 * 1024 * 1024 };
  const open = (disk: SimDisk, clock: ManualClock, checkBudgetMs = settings.checkBudgetMs) => {
    const parts = { disk, clock, entropy: seededEntropy(7), assembler: plainAssembler, log: silentLogger };
    return openStore({ ...parts, settings: { ...settings, checkBudgetMs } }).core;
  };
  /** Stopped in order, with a backlog. */
  function filled(isCut = false): { readonly disk: SimDisk; readonly clock: ManualClock } {
    const [disk, clock] = [new SimDisk(), new ManualClock()];
    const core = open(disk, clock);
    for (let id = 1; id <= 500; id += 1) {
      core.append([groupFrame(`${id}`, slotOf(id, clock.monotonicMs() + 60_000)), alarmFrame(`alarm ${id}`)]);
      core.commit(true);
      clock.step(60_000);
    }
    if (isCut) disk.cut(seededEntropy(3));
    else core.close();
    return { disk, clock };
  }
  /** The last page of the descriptions is nonsense: an opening that reads the first row does not meet it. */
  function harmDescriptions(bytes: Uint8Array): void {
    const database = new SqliteDatabase(Buffer.from(bytes));
    const root = Number(database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'chunk'").pluck().get());
    database.close();
    const last = Buffer.from(bytes.buffer, bytes.byteOffset).readUInt32BE((root - 1) * 4096 + 8);
    bytes.fill(0xa5, (last - 1) * 4096, last * 4096);
  }

  it.each([
    ["is checked", settings.checkBudgetMs],
    ["is too large to be checked", 0],
  ])("starts after a stop in order though its backlog cannot be counted, and sets it aside once it %s", (_, checkBudgetMs) => {
    const { disk, clock } = filled();
    disk.damage("buffer.db", harmDescriptions);
    const core = open(disk, clock, checkBudgetMs);
    for (let turn = 0; turn < 4; turn += 1) {
      core.append([alarmFrame(`after ${turn}`)]);
      expect(core.commit(true)).toBe(true);
      clock.step(6_000);
    }
    const { ledger, state } = core.stats();
    expect(state).toBe("ok");
    expect(disk.list("corrupt")).toHaveLength(1);
    expect(core.takeGaps()).toEqual(expect.arrayContaining([expect.objectContaining({ reason: "corrupt" })]));
    expect(ledger.polled).toBe(ledger.delivered + ledger.buffered + ledger.dropped);
    core.close();
  });

  it.each([
    ["looked for by the check of a start after a cut", true],
    ["read from a backlog that was stopped in order", false],
  ])("takes a payload that is no bytes for a lost one when it is %s", (_, isCut) => {
    const { disk, clock } = filled(isCut);
    const database = new SqliteDatabase(Buffer.from(disk.image("buffer.db")));
    database.unsafeMode(true);
    const { sql } = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'payload'").get() as { readonly sql: string };
    database.exec("PRAGMA writable_schema = ON; ALTER TABLE payload RENAME TO was; CREATE TABLE payload (key INTEGER PRIMARY KEY, bytes)");
    database.exec("INSERT INTO payload SELECT key, CASE key % 3 WHEN 0 THEN NULL WHEN 1 THEN 5 ELSE bytes END FROM was; DROP TABLE was");
    database.prepare("UPDATE sqlite_schema SET sql = ? WHERE name = 'payload'").run(sql);
    disk.replace("buffer.db", database.serialize());
    database.close();
    const core = open(disk, clock);
    for (const { stream } of core.stats().streams) core.read({ stream, fromSeq: 1, maxChunks: 10_000, maxBytes: 1e9 });
    expect(core.commit(true)).toBe(true);
    const { ledger } = core.stats();
    expect(ledger.dropped).toBeGreaterThan(0);
    expect(ledger.polled).toBe(ledger.delivered + ledger.buffered + ledger.dropped);
    core.close();
  });

  it("starts, reads and takes acknowledgements although a damaged number leaves a hole of a hundred thousand million", () => {
    const { disk, clock } = filled();
    const database = new SqliteDatabase(Buffer.from(disk.image("buffer.db")));
    database.unsafeMode(true);
    const { last } = database.prepare("SELECT max(key) AS last FROM chunk").get() as { readonly last: number };
    for (const table of ["chunk", "payload"]) database.prepare(`UPDATE ${table} SET key = key + 100000000000 WHERE key = ?`).run(last);
    disk.replace("buffer.db", database.serialize());
    database.close();
    const core = open(disk, clock);
    core.append([alarmFrame("after"), groupFrame("after", slotOf(1_000, clock.monotonicMs() + 60_000))]);
    clock.step(120_000);
    expect(core.commit(true)).toBe(true);
    for (const { stream } of core.stats().streams) {
      const chunks = core.read({ stream, fromSeq: 1, maxChunks: 10_000, maxBytes: 1e9 });
      core.acknowledge({ stream, upTo: chunks.at(-1)?.seq ?? 0, ranges: [] });
    }
    expect(core.commit(true)).toBe(true);
    const { ledger } = core.stats();
    expect(ledger.polled).toBe(ledger.delivered + ledger.buffered + ledger.dropped);
    core.close();
  });

  it("lets go of a backlog that is damaged behind its first rows, and begins another", () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-fuzz-"));
    const clock = new ManualClock();
    const disk = new NodeDisk(folder);
    const ring = disk.preallocate("journal.ring", 64 * 1024);
    writeSuperblock(ring, "0123456789abcdef");
    ring.close();
    const begin = () => openStore({ disk, clock, entropy: seededEntropy(7), assembler: plainAssembler, log: silentLogger, settings });
    const first = begin();
    for (let id = 1; id <= 120; id += 1) {
      first.core.append([groupFrame(`${id}`, slotOf(id, clock.monotonicMs() + 60_000)), alarmFrame(`alarm ${id}`)]);
      first.core.commit(true);
      clock.step(60_000);
    }
    first.core.close();
    first.release();
    const file = join(folder, "buffer.db");
    const database = new SqliteDatabase(file);
    const root = Number(database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'chunk'").pluck().get());
    database.close();
    const bytes = readFileSync(file);
    const page = (root - 1) * 4096;
    // Of the pages below the root only the first stays.
    for (let cell = 1; cell < bytes.readUInt16BE(page + 3); cell += 1) {
      const child = bytes.readUInt32BE(page + bytes.readUInt16BE(page + 12 + 2 * cell));
      bytes.fill(0xa5, (child - 1) * 4096, child * 4096);
    }
    const last = bytes.readUInt32BE(page + 8);
    bytes.fill(0xa5, (last - 1) * 4096, last * 4096);
    writeFileSync(file, bytes);
    const again = begin();
    for (let turn = 0; turn < 4; turn += 1) {
      again.core.append([alarmFrame(`after ${turn}`)]);
      expect(again.core.commit(true)).toBe(true);
      clock.step(6_000);
    }
    expect(again.core.stats().state).toBe("ok");
    expect(disk.list("corrupt")).toHaveLength(1);
    again.core.close();
    again.release();
    rmSync(folder, { recursive: true, force: true });
  });

  it("gives a journal a size to work with that was cut to a stump whose first blocks are damaged", () => {
    const { disk, clock } = filled();
    disk.replace("journal.ring", disk.image("journal.ring").slice(0, 12_557).fill(0xa5, 0, 8_192));
    const core = open(disk, clock);
    core.append([alarmFrame("after")]);
    expect(core.commit(true)).toBe(true);
    expect(disk.size("journal.ring")).toBeGreaterThanOrEqual(minJournalBytes);
    core.close();
  });

  it("begins a history anew whose schema is damaged, instead of failing in every statement", async () => {
    const disk = new SimDisk();
    const parts = { disk, clock: new ManualClock() as never, logger: silentLogger };
    await openLocalHistory(parts).close();
    const database = new SqliteDatabase(Buffer.from(disk.image("history.db")));
    database.exec("ALTER TABLE block RENAME COLUMN to_ms TO so_ms");
    disk.replace("history.db", database.serialize());
    database.close();
    const history = openLocalHistory(parts);
    expect(await history.series(undefined)).toEqual([]);
    await history.close();
    expect(disk.list("corrupt")).toHaveLength(1);
  });
});

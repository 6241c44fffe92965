import { crc32 } from "node:zlib";
import SqliteDatabase from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { StreamId } from "../../runtime/model/chunk.ts";
import { Backlog } from "../../runtime/store/backlog.ts";
import { backlogFile, backlogMigrations, maxPayloadBytes } from "../../runtime/store/backlog-schema.ts";
import { migrate } from "../../runtime/store/migrations.ts";
import { openStore } from "../../runtime/store/open-store.ts";
import { salvage } from "../../runtime/store/salvage.ts";
import { defaultStoreSettings } from "../../runtime/store/settings.ts";
import { StreamTable } from "../../runtime/store/streams.ts";
import { seededEntropy, silentLogger } from "./doubles.ts";
import { groupFrame, plainAssembler, slotOf } from "./frames.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimDisk } from "./sim-disk.ts";

const stream = "0123456789ab" as StreamId;
const chunks = 3_000;

function chunkOf(seq: number, bytes: Uint8Array = Buffer.from(`chunk ${seq}`)) {
  return { seq, samples: 1, priority: 0, sealedAtMs: seq, fromMs: seq, toMs: seq, crc: crc32(bytes), size: bytes.length, bytes };
}

function backlogIn(disk: SimDisk, file: string) {
  const database = disk.openDatabase(file);
  migrate(database, backlogMigrations, file, { mayContract: true });
  return { backlog: new Backlog(database), close: () => database.close() };
}

/** A backlog set aside, in which `seqs` chunks of one stream stand. */
function setAside(seqs: number): SimDisk {
  const disk = new SimDisk();
  const { backlog, close } = backlogIn(disk, "aside.db");
  backlog.insert([{ stream, streamClass: "T", chunks: Array.from({ length: seqs }, (_, index) => chunkOf(index + 1)) }]);
  close();
  return disk;
}

/** The second half of the pages of descriptions are the first half's once more: who reads on comes back to where he was. */
function leadBack(bytes: Uint8Array): void {
  const database = new SqliteDatabase(Buffer.from(bytes));
  const root = Number(database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'chunk'").pluck().get());
  database.close();
  const page = Buffer.from(bytes.buffer, bytes.byteOffset + (root - 1) * 4096, 4096);
  const cells = page.readUInt16BE(3);
  // Of an interior page: the child before each key, and the last one in the header.
  const places = [...Array.from({ length: cells }, (_, cell) => page.readUInt16BE(12 + 2 * cell)), 8];
  const half = Math.ceil(places.length / 2);
  for (const [index, place] of places.slice(half).entries()) page.writeUInt32BE(page.readUInt32BE(places[index] ?? 8), place);
}

/** Salvages with a clock that moves by 1 ms whenever somebody looks at it. */
function salvaged(disk: SimDisk): { readonly saved: number; readonly seqs: readonly number[]; readonly looks: number } {
  const { backlog, close } = backlogIn(disk, backlogFile);
  let looks = 0;
  const clock = { monotonicMs: () => ++looks };
  const saved = salvage({ disk, file: "aside.db", into: backlog, streams: new StreamTable(seededEntropy(1)), clock, budgetMs: 5_000 });
  const seqs = backlog.describe(stream, 0, 2 * chunks).map(({ seq }) => seq);
  close();
  return { saved, seqs, looks };
}

describe("salvage", () => {
  it("takes every chunk once and comes to an end although pages lead back to where it was", () => {
    const disk = setAside(chunks);
    disk.damage("aside.db", leadBack);
    const { saved, seqs, looks } = salvaged(disk);
    expect(saved).toBe(seqs.length);
    expect(seqs.length).toBeGreaterThan(chunks / 3);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    expect(looks).toBeLessThan(2_000);
  });

  it("reads no payload that calls itself longer than any chunk, even if its description agrees", () => {
    const disk = setAside(10);
    const database = disk.openDatabase("aside.db");
    const bytes = Buffer.alloc(maxPayloadBytes + 1);
    const last = Number(database.prepare("SELECT max(key) FROM chunk").pluck().get());
    database.prepare("UPDATE chunk SET size = ?, crc = ? WHERE key = ?").run(bytes.length, crc32(bytes), last);
    database.prepare("UPDATE payload SET bytes = zeroblob(?) WHERE key = ?").run(bytes.length, last);
    database.close();
    expect(salvaged(disk).saved).toBe(9);
  });
});

describe("a backlog in use", () => {
  it("of which pages lead back is started with, read and acknowledged to an end", () => {
    const [disk, clock] = [new SimDisk(), new ManualClock()];
    const open = () =>
      openStore({
        ...{ disk, clock, entropy: seededEntropy(7), assembler: plainAssembler, log: silentLogger },
        settings: { ...defaultStoreSettings, ballastBytes: 16 * 1024, budgetBytes: 8 * 1024 * 1024 },
      }).core;
    const first = open();
    first.append([groupFrame("1", slotOf(1, clock.monotonicMs() + 60_000))]);
    first.commit(true);
    first.close();
    const { backlog, close } = backlogIn(disk, backlogFile);
    backlog.insert([{ stream, streamClass: "T", chunks: Array.from({ length: chunks }, (_, index) => chunkOf(index + 1)) }]);
    close();
    disk.damage(backlogFile, leadBack);

    const core = open();
    const read = core.read({ stream, fromSeq: 1, maxChunks: 4 * chunks, maxBytes: 1e9 });
    expect(read.length).toBeGreaterThan(chunks / 3);
    expect(read.length).toBeLessThan(chunks);
    core.acknowledge({ stream, upTo: chunks, ranges: [] });
    expect(core.commit(true)).toBe(true);
    core.close();
  });

  it("gives no payload out that calls itself longer than any chunk", () => {
    const disk = new SimDisk();
    const { backlog, close } = backlogIn(disk, backlogFile);
    backlog.insert([{ stream, streamClass: "T", chunks: [chunkOf(1), chunkOf(2, Buffer.alloc(maxPayloadBytes + 1))] }]);
    expect(backlog.bytesOf(stream, 1)).toEqual(Buffer.from("chunk 1"));
    expect(backlog.bytesOf(stream, 2)).toHaveLength(0);
    close();
  });
});

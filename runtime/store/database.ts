import SqliteDatabase, { type Database } from "better-sqlite3";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Disk } from "./disk.ts";
import { atDisk } from "./disk-error.ts";
import { type Migrations, migrate, newestSchema, readSchemaNumber, schemaNumberStatement, tooNew } from "./migrations.ts";
import { type SchemaShape, shapeOf, takenAway } from "./schema-shape.ts";

export interface DatabaseOptions {
  readonly migrations: Migrations;
  /** Bound of the file; 0 = none. */
  readonly maxBytes: number;
  readonly cacheKiB: number;
  /** Read a row of each once: a file without them is not ours. */
  readonly tables: readonly string[];
  /** Verify the file's structure first: after an unclean stop. */
  readonly check: boolean;
  /** Small enough for the whole check, order of keys included. */
  readonly isSmall?: boolean;
}

/** In SQLite's header. */
const writeFormatOffset = 18;
const walLimitBytes = 8 * 1024 * 1024;

/**
 * Opens a database for one connection that owns it: WAL, FULL, exclusive. Its first transaction is a write, so that missing space, rights or
 * descriptors show now and not at the first alarm.
 * @throws GatewayError buffer.*
 */
export function openOwnDatabase(disk: Disk, file: string, options: DatabaseOptions): Database {
  const database = disk.openDatabase(file);
  try {
    atDisk({ file }, () => {
      // Exclusive before the first access: then there is no -shm file and no second reader to race with.
      database.pragma("locking_mode = EXCLUSIVE");
      database.pragma("journal_mode = WAL");
      database.pragma("synchronous = FULL");
      database.pragma(`journal_size_limit = ${walLimitBytes}`);
      database.pragma("wal_autocheckpoint = 1000");
      database.pragma(`cache_size = -${options.cacheKiB}`);
      database.pragma("mmap_size = 0");
      database.pragma("temp_store = MEMORY");
      database.pragma("foreign_keys = OFF");
      if (options.check) checkStructure(database, file, options.isSmall === true);
    });
    checkNumber(database, options.migrations, file);
    migrate(database, options.migrations, file, { mayContract: isConfirmed(disk) });
    // Always: it is a page of text, and every statement of ours hangs on it.
    atDisk({ file }, () => checkSchema(database, options.migrations, file));
    atDisk({ file }, () => {
      if (options.maxBytes > 0) database.pragma(`max_page_count = ${Math.floor(options.maxBytes / pageBytes(database))}`);
      for (const table of options.tables) database.prepare(`SELECT * FROM ${table} LIMIT 1`).get();
      touch(database, file);
    });
    return database;
  } catch (error) {
    database.close();
    if (isGatewayError(error) && error.code === "buffer.denied" && isOfUnknownFormat(disk, file))
      throw new GatewayError("buffer.corrupt", { message: "the header names a format that no SQLite has", fields: { file }, cause: error });
    throw error;
  }
}

/** To SQLite a write format of the future is a file it may only read; nobody wrote ours with another than 1 or 2, so it is a turned bit. */
function isOfUnknownFormat(disk: Disk, file: string): boolean {
  const opened = disk.open(file);
  if (opened === undefined) return false;
  try {
    return opened.read(writeFormatOffset, 1).some((format) => format < 1 || format > 2);
  } finally {
    opened.close();
  }
}

export function pageBytes(database: Database): number {
  return Number(database.pragma("page_size", { simple: true }));
}

/** Bytes of the main file that hold something, without its free pages. */
export function usedBytes(database: Database): number {
  const pages = Number(database.pragma("page_count", { simple: true })) - Number(database.pragma("freelist_count", { simple: true }));
  return pages * pageBytes(database);
}

function checkStructure(database: Database, file: string, isSmall: boolean): void {
  // The quick one does not look at the order of keys: what stands out of it is there, and never found again.
  const answer = database.pragma(isSmall ? "integrity_check(1)" : "quick_check(1)", { simple: true });
  if (answer !== "ok") throw new GatewayError("buffer.corrupt", { message: "the check of the structure found damage", fields: { file } });
}

/**
 * A number that is ahead was written by a newer program, and what we know of the schema is still there; or it is a turned bit, and the schema is
 * exactly ours: then the number is put right. A number that no program writes (older programs shut out that the file itself is behind, or a schema
 * that should be usable and is not) beside a schema that is not ours is damage.
 * @throws GatewayError buffer.version when the newer program left nothing this one can use; buffer.corrupt
 */
function checkNumber(database: Database, migrations: Migrations, file: string): void {
  const found = readSchemaNumber(database, file);
  const known = newestSchema(migrations);
  if (found.schema <= known && found.compatibleFrom <= found.schema) return;
  const ours = madeBy(migrations, 0);
  atDisk({ file }, () => {
    if (textOf(database) === ours.text) database.exec(schemaNumberStatement({ schema: known, compatibleFrom: 0 }));
    else if (found.compatibleFrom > found.schema) throw damagedSchema(file);
    else if (takenAway(ours.shape, shapeOf(database)).length > 0) {
      if (found.compatibleFrom <= known) throw damagedSchema(file);
      throw tooNew(file, found, known);
    }
  });
}

function damagedSchema(file: string): GatewayError {
  return new GatewayError("buffer.corrupt", { message: "the database's schema is not the one that was made", fields: { file } });
}

/**
 * The schema is text in the file like everything else: a turned bit in the name of a column is sound to SQLite and an error in every statement of ours.
 */
function checkSchema(database: Database, migrations: Migrations, file: string): void {
  const { schema, compatibleFrom } = readSchemaNumber(database, file);
  const fresh = madeBy(migrations, compatibleFrom);
  const isOurs = schema === newestSchema(migrations) && compatibleFrom === 0;
  if (isOurs ? textOf(database) !== fresh.text : takenAway(fresh.shape, shapeOf(database)).length > 0) throw damagedSchema(file);
}

interface Made {
  readonly text: string;
  readonly shape: SchemaShape;
}

/** By migrations, which are a few constants, and by how far they are contracted. */
const made = new WeakMap<Migrations, Map<number, Made>>();

/** An empty database as these migrations make it, contracted as far as the one in question. */
function madeBy(migrations: Migrations, compatibleFrom: number): Made {
  const contract = migrations.contract.filter((one) => one.compatibleFrom <= compatibleFrom);
  const known = made.get(migrations) ?? new Map<number, Made>();
  made.set(migrations, known);
  // What a damaged number says beyond our own steps changes nothing: one entry for each of them at most.
  const key = contract.length;
  const before = known.get(key);
  if (before !== undefined) return before;
  const database = new SqliteDatabase(":memory:");
  try {
    migrate(database, { ...migrations, contract }, ":memory:", { mayContract: true });
    const fresh = { text: textOf(database), shape: shapeOf(database) };
    known.set(key, fresh);
    return fresh;
  } finally {
    database.close();
  }
}

/** The launcher's line names a version as pending while the one before may still come back. */
function isConfirmed(disk: Disk): boolean {
  const boot = disk.readWhole("slots/boot");
  return boot === undefined || !Buffer.from(boot).toString("latin1").includes("pending=");
}

function textOf(database: Database): string {
  return JSON.stringify(database.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").raw().all());
}

/** The library falls back to NORMAL at the first write of a WAL database, whatever was read before: write, then look again. */
function touch(database: Database, file: string): void {
  const version = Number(database.pragma("user_version", { simple: true }));
  database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version}; COMMIT`);
  database.pragma("synchronous = FULL");
  const mode = database.pragma("synchronous", { simple: true });
  if (mode !== 2) throw new GatewayError("buffer.io", { message: "the database does not keep synchronous=FULL", fields: { file } });
}

/** Moves a database with its side files to `corrupt/<stamp>/`. @returns the folder */
export function quarantine(disk: Disk, file: string, wallMs: number): string {
  const stamp = new Date(wallMs).toISOString().replaceAll(":", "-");
  const taken = new Set(disk.list("corrupt"));
  let folder = `corrupt/${stamp}`;
  for (let n = 1; taken.has(folder.slice("corrupt/".length)); n += 1) folder = `corrupt/${stamp}.${n}`;
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    if (disk.size(file + suffix) !== undefined) disk.rename(file + suffix, `${folder}/${file}${suffix}`);
  }
  return folder;
}

/** Opens, or sets a file aside and begins a new one: one that is damaged, or that a newer version left in a form that nobody here can read. */
export function openOrQuarantine(
  disk: Disk,
  file: string,
  options: DatabaseOptions,
  wallMs: number,
): { readonly database: Database; readonly setAside: string | undefined; readonly code?: "buffer.corrupt" | "buffer.version" } {
  try {
    return { database: openOwnDatabase(disk, file, options), setAside: undefined };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "buffer.corrupt" && error.code !== "buffer.version") throw error;
    const setAside = quarantine(disk, file, wallMs);
    return { database: openOwnDatabase(disk, file, { ...options, check: false }), setAside, code: error.code };
  }
}

import type { Database, Statement } from "better-sqlite3";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { State } from "#ports/state.ts";
import { openOwnDatabase, quarantine } from "./database.ts";
import type { Disk } from "./disk.ts";
import { atDisk } from "./disk-error.ts";
import type { Migrations } from "./migrations.ts";
import { NodeDisk } from "./node-disk.ts";
import { type DamagedValue, StateValues } from "./state-values.ts";

const file = "state.db";
const backup = "state.bak";
const trial = "state.trial";
const keyPattern = /^[a-z][a-z0-9./_-]{0,127}$/;
/** The copy lags by this many writes at most. */
const putsPerBackup = 16;
const maxValueBytes = 1024 * 1024;
/** Damaged values whose bytes are kept for people, each opening; further ones are only told. */
const maxSetAside = 16;
/**
 * Where SQLite's header keeps `application_id`, and ours: only in the copy, and only a program with checksums writes it. A copy without it was written
 * by an older program, which changed values and no checksums.
 */
const markOffset = 68;
const mark = Buffer.from("GHsm");

export const stateMigrations: Migrations = {
  expand: [
    ["CREATE TABLE entry (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID"],
    [
      "ALTER TABLE entry ADD COLUMN sum INTEGER",
      "CREATE TABLE twin (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL, sum INTEGER) STRICT, WITHOUT ROWID",
    ],
  ],
  contract: [],
};

const options = {
  migrations: stateMigrations,
  maxBytes: 64 * 1024 * 1024,
  cacheKiB: 256,
  check: true,
  isSmall: true,
  tables: ["entry", "twin"],
} as const;

export interface StateParts {
  readonly disk: Disk;
  /** Names the folder a damaged file is moved to. */
  readonly wallMs: number;
  /** Told when the file was damaged: what was done about it. */
  readonly onDamage?: (setAside: string, restoredFromBackup: boolean) => void;
  /** Told of each value whose checksum is wrong, at the opening and later; what was found is under `corrupt/`. */
  readonly onDamagedValue?: (damaged: DamagedValue) => void;
}

/**
 * Opens `state.db` under `folder`. A newer program's, whose copy is a newer program's too, is refused. A damaged file is set aside under `corrupt/` and the copy of the last good start takes its place;
 * a damaged value inside a sound file is replaced by its twin, or set aside alone.
 * @throws GatewayError buffer.busy | buffer.denied | buffer.version | buffer.disk-full
 */
export function openState(folder: string, parts: Partial<StateParts> = {}): State {
  const disk = parts.disk ?? new NodeDisk(folder);
  const isSealed = hasMark(disk.readWhole(backup));
  return new StateDatabase(disk, openOrRestore(disk, parts), { ...parts, isSealed });
}

function hasMark(copy: Uint8Array | undefined): boolean {
  return copy !== undefined && mark.equals(copy.subarray(markOffset, markOffset + mark.length));
}

function openOrRestore(disk: Disk, parts: Partial<StateParts>): Database {
  // SQLite takes an empty file for a new one; with its copy there, it was lost, not never made.
  const wasLost = (disk.size(file) ?? 0) === 0 && disk.size(backup) !== undefined;
  try {
    if (wasLost) throw new GatewayError("buffer.corrupt", { message: "state.db is gone, its copy is not" });
    return openOwnDatabase(disk, file, options);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "buffer.corrupt" && !(error.code === "buffer.version" && isCopyOurs(disk))) throw error;
    const setAside = quarantine(disk, file, parts.wallMs ?? 0);
    const restored = restoreBackup(disk);
    parts.onDamage?.(setAside, restored !== undefined);
    return restored ?? openOwnDatabase(disk, file, options);
  }
}

/**
 * A program leaves a copy of its own form at each opening. So a file that says it is a newer program's, beside a copy that this one can use, is a
 * damaged file: nobody newer was here. The copy is tried under another name.
 */
function isCopyOurs(disk: Disk): boolean {
  const copy = disk.readWhole(backup);
  if (copy === undefined) return false;
  try {
    disk.writeWhole(trial, unmarked(copy));
    openOwnDatabase(disk, trial, options).close();
    return true;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "buffer.corrupt" && error.code !== "buffer.version") throw error;
    return false;
  } finally {
    for (const suffix of ["", "-wal"]) disk.remove(trial + suffix);
  }
}

function unmarked(copy: Uint8Array): Uint8Array {
  const bytes = Buffer.from(copy);
  bytes.fill(0, markOffset, markOffset + mark.length);
  return bytes;
}

function restoreBackup(disk: Disk): Database | undefined {
  const copy = disk.readWhole(backup);
  if (copy === undefined) return undefined;
  disk.writeWhole(file, unmarked(copy));
  try {
    return openOwnDatabase(disk, file, options);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "buffer.corrupt") throw error;
    disk.remove(file);
    disk.remove(backup);
    return undefined;
  }
}

class StateDatabase implements State {
  readonly #disk: Disk;
  readonly #database: Database;
  readonly #values: StateValues;
  readonly #keys: Statement<[string, string, number], { key: string }>;
  #putsSinceBackup = 0;

  constructor(disk: Disk, database: Database, parts: Partial<StateParts> & { readonly isSealed: boolean }) {
    this.#disk = disk;
    this.#database = database;
    const { onDamagedValue = () => undefined } = parts;
    this.#values = new StateValues(database, { onDamagedValue, setAside: setAsideIn(disk, parts.wallMs ?? 0) });
    this.#keys = database.prepare("SELECT key FROM entry WHERE key >= ? AND key < ? ORDER BY key LIMIT ?");
    try {
      atDisk({ file }, () => this.#values.verify(parts.isSealed));
      this.#writeBackup();
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get(key: string): Uint8Array | undefined {
    return atDisk({ file }, () => this.#values.get(key));
  }

  getText(key: string): string | undefined {
    const value = this.get(key);
    return value === undefined ? undefined : Buffer.from(value).toString("utf8");
  }

  put(entries: Readonly<Record<string, Uint8Array | string | undefined>>): void {
    const rows = Object.entries(entries).map(([key, value]) => {
      if (!keyPattern.test(key)) throw new TypeError(`not a key of the state: ${key.slice(0, 40)}`);
      const bytes = typeof value === "string" ? Buffer.from(value) : value;
      if (bytes !== undefined && bytes.length > maxValueBytes) throw new RangeError(`value of ${key} exceeds 1 MiB`);
      return [key, bytes] as const;
    });
    atDisk({ file }, () => this.#values.put(rows));
    this.#putsSinceBackup += 1;
    if (this.#putsSinceBackup >= putsPerBackup) this.#writeBackup();
  }

  keys(prefix: string, limit: number): readonly string[] {
    // "\u{10ffff}" sorts after every character a key may have.
    return atDisk({ file }, () => this.#keys.all(prefix, `${prefix}\u{10ffff}`, limit).map((row) => row.key));
  }

  close(): void {
    if (!this.#database.open) return;
    if (this.#putsSinceBackup > 0) this.#writeBackup();
    atDisk({ file }, () => this.#database.close());
  }

  /** A copy of what is sound now, for the day it no longer is. */
  #writeBackup(): void {
    const image = atDisk({ file }, () => {
      this.#database.pragma("wal_checkpoint(TRUNCATE)");
      return this.#database.serialize();
    });
    image.set(mark, markOffset);
    this.#disk.writeWhole(backup, image);
    this.#putsSinceBackup = 0;
  }
}

/** Keeps what was found of damaged values under `corrupt/`, for people. */
function setAsideIn(disk: Disk, wallMs: number): (key: string, bytes: Uint8Array) => void {
  const folder = `corrupt/${new Date(wallMs).toISOString().replaceAll(":", "-")}`;
  let left = maxSetAside;
  return (key, bytes) => {
    if (left-- <= 0) return;
    try {
      disk.writeWhole("damaged-value", bytes);
      disk.rename("damaged-value", `${folder}/${file}.${key.replaceAll(/[^\w-]/g, "_")}`);
    } catch (error) {
      // Only for people to look at: a full disk must not keep the gateway from starting.
      if (!isGatewayError(error)) throw error;
    }
  };
}

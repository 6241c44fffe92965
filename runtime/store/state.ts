import type { Database, Statement } from "better-sqlite3";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { State } from "#ports/state.ts";
import { openOwnDatabase, quarantine } from "./database.ts";
import type { Disk } from "./disk.ts";
import { atDisk } from "./disk-error.ts";
import type { Migrations } from "./migrations.ts";
import { NodeDisk } from "./node-disk.ts";

const file = "state.db";
const backup = "state.bak";
const keyPattern = /^[a-z][a-z0-9./_-]{0,127}$/;
/** The copy lags by this many writes at most. */
const putsPerBackup = 16;
const maxValueBytes = 1024 * 1024;

export const stateMigrations: Migrations = {
  expand: [["CREATE TABLE entry (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID"]],
  contract: [],
};

const options = {
  migrations: stateMigrations,
  maxBytes: 64 * 1024 * 1024,
  cacheKiB: 256,
  check: true,
  isSmall: true,
  tables: ["entry"],
} as const;

export interface StateParts {
  readonly disk: Disk;
  /** Names the folder a damaged file is moved to. */
  readonly wallMs: number;
  /** Told when the file was damaged: what was done about it. */
  readonly onDamage?: (setAside: string, restoredFromBackup: boolean) => void;
}

/**
 * Opens `state.db` under `folder`. A damaged file is set aside under `corrupt/` and the copy of the last good start takes its place.
 * @throws GatewayError buffer.busy | buffer.denied | buffer.version | buffer.disk-full
 */
export function openState(folder: string, parts: Partial<StateParts> = {}): State {
  const disk = parts.disk ?? new NodeDisk(folder);
  return new StateDatabase(disk, openOrRestore(disk, parts));
}

function openOrRestore(disk: Disk, parts: Partial<StateParts>): Database {
  // SQLite takes an empty file for a new one; with its copy there, it was lost, not never made.
  const wasLost = (disk.size(file) ?? 0) === 0 && disk.size(backup) !== undefined;
  try {
    if (wasLost) throw new GatewayError("buffer.corrupt", { message: "state.db is gone, its copy is not" });
    return openOwnDatabase(disk, file, options);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "buffer.corrupt") throw error;
    const setAside = quarantine(disk, file, parts.wallMs ?? 0);
    const restored = restoreBackup(disk);
    parts.onDamage?.(setAside, restored !== undefined);
    return restored ?? openOwnDatabase(disk, file, options);
  }
}

function restoreBackup(disk: Disk): Database | undefined {
  const copy = disk.readWhole(backup);
  if (copy === undefined) return undefined;
  disk.writeWhole(file, copy);
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
  #putsSinceBackup = 0;
  readonly #get: Statement<[string], { value: Buffer }>;
  readonly #set: Statement<[string, Uint8Array]>;
  readonly #delete: Statement<[string]>;
  readonly #keys: Statement<[string, string, number], { key: string }>;

  constructor(disk: Disk, database: Database) {
    this.#disk = disk;
    this.#database = database;
    this.#get = database.prepare("SELECT value FROM entry WHERE key = ?");
    this.#set = database.prepare("INSERT INTO entry (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    this.#delete = database.prepare("DELETE FROM entry WHERE key = ?");
    this.#keys = database.prepare("SELECT key FROM entry WHERE key >= ? AND key < ? ORDER BY key LIMIT ?");
    this.#writeBackup();
  }

  get(key: string): Uint8Array | undefined {
    return atDisk({ file }, () => this.#get.get(key)?.value);
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
    atDisk({ file }, () =>
      this.#database
        .transaction(() => {
          for (const [key, bytes] of rows) {
            if (bytes === undefined) this.#delete.run(key);
            else this.#set.run(key, bytes);
          }
        })
        .immediate(),
    );
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
    this.#disk.writeWhole(backup, image);
    this.#putsSinceBackup = 0;
  }
}

import type { Database } from "better-sqlite3";
import SqliteDatabase from "better-sqlite3";
import { GatewayError } from "#model/errors.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Disk, DiskFile } from "../../runtime/store/disk.ts";
import { toStoreError } from "../../runtime/store/disk-error.ts";

/** The power went. Not a GatewayError: nothing in the store may catch it. */
export class PowerCut extends Error {}

const sector = 512;

interface SimFile {
  /** What the medium holds. */
  durable: Uint8Array;
  /** What a reader sees: durable and everything written since. */
  current: Uint8Array;
  /** Sectors written and not synced. */
  readonly dirty: Set<number>;
}

/**
 * A disk in memory with the faults of a real one: unsynced sectors survive a power cut or not, each for itself; any operation can be the
 * last; syncs fail; it fills up. Databases are SQLite in memory, whose transactions are whole or absent.
 */
export class SimDisk implements Disk {
  freeBytes = 1e9;
  totalBytes = 4e9;
  /** Operations until the power goes; Infinity = never. */
  cutAfter = Number.POSITIVE_INFINITY;
  /** Errno for the next syncs, one each. */
  readonly failSyncs: string[] = [];
  /** Errno for every write, read-only remount and the like. */
  failWrites: string | undefined;
  operations = 0;
  readonly #files = new Map<string, SimFile>();
  readonly #images = new Map<string, Uint8Array>();
  readonly #open = new Map<string, Database>();

  open(name: string): DiskFile | undefined {
    const file = this.#files.get(name);
    return file === undefined ? undefined : this.#handle(file);
  }

  preallocate(name: string, bytes: number, content = new Uint8Array(0)): DiskFile {
    this.#step();
    this.#mayWrite(bytes);
    const durable = new Uint8Array(bytes);
    durable.set(content.subarray(0, bytes));
    this.#files.set(name, { durable, current: durable.slice(), dirty: new Set() });
    this.freeBytes -= bytes;
    const file = this.open(name);
    if (file === undefined) throw new Error("just made");
    return file;
  }

  reserve(name: string, bytes: number): void {
    this.#step();
    this.#mayWrite(bytes);
    this.freeBytes -= bytes;
    this.#files.set(name, { durable: new Uint8Array(bytes), current: new Uint8Array(bytes), dirty: new Set() });
  }

  size(name: string): number | undefined {
    const database = this.#open.get(name);
    if (database?.open) return Number(database.pragma("page_count", { simple: true })) * 4096;
    return this.#files.get(name)?.durable.length ?? this.#images.get(name)?.length;
  }

  readWhole(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.current.slice();
  }

  writeWhole(name: string, bytes: Uint8Array): void {
    this.#step();
    this.#mayWrite(bytes.length);
    this.#files.set(name, { durable: bytes.slice(), current: bytes.slice(), dirty: new Set() });
  }

  rename(from: string, to: string): void {
    this.#step();
    const file = this.#files.get(from);
    if (file !== undefined) this.#files.set(to, file);
    this.#files.delete(from);
    const image = this.#images.get(from);
    if (image !== undefined) this.#images.set(to, image);
    this.#images.delete(from);
    this.#open.delete(from);
  }

  remove(name: string): void {
    this.#step();
    this.freeBytes += this.#files.get(name)?.durable.length ?? 0;
    this.#files.delete(name);
    this.#images.delete(name);
  }

  list(folder: string): readonly string[] {
    const names = new Set<string>();
    for (const name of [...this.#files.keys(), ...this.#images.keys()]) {
      if (name.startsWith(`${folder}/`)) names.add(name.slice(folder.length + 1).split("/")[0] ?? "");
    }
    return [...names].sort();
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return { freeBytes: this.freeBytes, totalBytes: this.totalBytes };
  }

  openDatabase(name: string): Database {
    this.#step();
    this.#keepImages();
    const image = this.#images.get(name);
    try {
      const database = new SqliteDatabase(image === undefined || image.length === 0 ? ":memory:" : Buffer.from(image));
      this.#open.set(name, database);
      // Closing ends a database in memory: its image is what a file would still hold.
      const close = database.close.bind(database);
      database.close = () => {
        if (database.open) this.#keepImage(name, database);
        return close();
      };
      return database;
    } catch (error) {
      throw toStoreError(error, { file: name });
    }
  }

  /** What a power cut leaves: of every unsynced sector the old or the new content, as chance has it. */
  cut(entropy: Entropy): void {
    this.cutAfter = Number.POSITIVE_INFINITY;
    this.#keepImages();
    this.#open.clear();
    for (const file of this.#files.values()) {
      for (const at of file.dirty) {
        if (entropy.random() < 0.5) file.durable.set(file.current.subarray(at * sector, (at + 1) * sector), at * sector);
      }
      file.dirty.clear();
      file.current = file.durable.slice();
    }
  }

  image(name: string): Uint8Array {
    return this.#images.get(name) ?? this.#files.get(name)?.durable ?? new Uint8Array();
  }

  /** The same content, at rest. */
  clone(): SimDisk {
    const copy = new SimDisk();
    for (const [name, file] of this.#files)
      copy.#files.set(name, { durable: file.durable.slice(), current: file.durable.slice(), dirty: new Set() });
    for (const [name, image] of this.#images) copy.#images.set(name, image.slice());
    return copy;
  }

  /** Changes bits of a file at rest. */
  damage(name: string, change: (bytes: Uint8Array) => void): void {
    const file = this.#files.get(name);
    if (file !== undefined) {
      change(file.durable);
      file.current = file.durable.slice();
    }
    const image = this.#images.get(name);
    if (image !== undefined) change(image);
  }

  replace(name: string, bytes: Uint8Array): void {
    if (this.#images.has(name)) this.#images.set(name, bytes.slice());
    else this.#files.set(name, { durable: bytes.slice(), current: bytes.slice(), dirty: new Set() });
  }

  /** Lets no database grow any more, or lets them again: SQLite itself then says that the disk is full. */
  set databasesFull(full: boolean) {
    for (const database of this.#open.values()) {
      if (database.open) database.pragma(`max_page_count = ${full ? 1 : 1_000_000}`);
    }
  }

  isOpen(name: string): boolean {
    return this.#open.get(name)?.open === true;
  }

  /** Lets the next transaction of an open database fail with a code of SQLite's. */
  failTransaction(name: string, code: string): void {
    const database = this.#open.get(name);
    if (database === undefined) throw new Error(`${name} is not open`);
    const transaction = database.transaction;
    database.transaction = () => {
      database.transaction = transaction;
      throw new SqliteDatabase.SqliteError("injected", code);
    };
  }

  #handle(file: SimFile): DiskFile {
    const step = () => this.#step();
    const disk = this;
    return {
      bytes: file.durable.length,
      isDevice: false,
      write(data, offset) {
        const half = disk.#cutsNow() ? Math.floor(data.length / 2) : data.length;
        file.current.set(data.subarray(0, half), offset);
        for (let at = Math.floor(offset / sector); at * sector < offset + half; at += 1) file.dirty.add(at);
        step();
        if (disk.failWrites !== undefined) throw errnoError(disk.failWrites);
      },
      read: (offset, length) => file.current.slice(offset, offset + length),
      sync() {
        step();
        const errno = disk.failSyncs.shift();
        if (errno !== undefined) {
          // As Linux does: the pages count as clean, readers see them, the medium may never get them.
          file.dirty.clear();
          throw errnoError(errno);
        }
        for (const at of file.dirty) file.durable.set(file.current.subarray(at * sector, (at + 1) * sector), at * sector);
        file.dirty.clear();
      },
      close: () => undefined,
    };
  }

  #cutsNow(): boolean {
    return this.operations + 1 >= this.cutAfter;
  }

  #step(): void {
    this.operations += 1;
    if (this.operations >= this.cutAfter) throw new PowerCut();
  }

  #mayWrite(bytes: number): void {
    if (this.failWrites !== undefined) throw errnoError(this.failWrites);
    if (bytes > this.freeBytes) throw errnoError("ENOSPC");
  }

  #keepImages(): void {
    for (const [name, database] of this.#open) if (database.open) this.#keepImage(name, database);
  }

  #keepImage(name: string, database: Database): void {
    if (database.inTransaction) database.exec("ROLLBACK");
    this.#images.set(name, new Uint8Array(database.serialize()));
  }
}

function errnoError(errno: string): unknown {
  const error = toStoreError(Object.assign(new Error(errno), { code: errno }), {});
  if (!(error instanceof GatewayError)) throw new Error(`not an errno: ${errno}`);
  return error;
}

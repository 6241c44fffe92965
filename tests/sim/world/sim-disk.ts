import type { Database } from "better-sqlite3";
import SqliteDatabase from "better-sqlite3";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { Entropy } from "../../../runtime/ports/entropy.ts";
import type { Disk, DiskFile } from "../../../runtime/store/disk.ts";

const sectorBytes = 512;

interface StoredFile {
  /** What a reader sees. */
  bytes: Uint8Array;
  /** What survives a power cut for certain. */
  durable: Uint8Array;
  /** Written and not synced: [offset, length]. */
  unsynced: [number, number][];
}

/** What goes wrong, until it is changed. */
export interface DiskFaults {
  /** Likelihood per sync that it fails with EIO; what was written since the last sync is then undefined. */
  syncFails: number;
  /** Nothing can be allocated any more. */
  full: boolean;
}

/**
 * A state folder in memory that loses what was not synced when the power goes: each unsynced sector survives or not, by the seed. Databases are
 * real SQLite in memory; a transaction that was committed survives, one that was open does not (what synchronous=FULL promises).
 */
export class SimDisk implements Disk {
  readonly faults: DiskFaults = { syncFails: 0, full: false };
  readonly #files = new Map<string, StoredFile>();
  readonly #images = new Map<string, Uint8Array>();
  readonly #open = new Map<string, Database>();
  readonly #entropy: Entropy;
  /** Sectors dropped by power cuts. */
  droppedSectors = 0;
  syncs = 0;
  #powered = true;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** The machine that held this folder is dead: what it still tries goes nowhere. The next boot calls `powerOn`. */
  powerCut(): void {
    this.#powered = false;
    for (const file of this.#files.values()) this.#forgetUnsynced(file);
    for (const [name, database] of this.#open) {
      if (name.endsWith(".lock")) continue;
      if (database.inTransaction) database.exec("ROLLBACK");
      this.#images.set(name, database.serialize());
    }
    this.#open.clear();
  }

  /** While the power is off: bits of the journal or the backlog turn, or its end is missing. @returns what was done */
  damage(): string {
    const journals = [...this.#files].filter(([name]) => name === "journal.ring");
    const images = [...this.#images].filter(([name, image]) => name === "buffer.db" && image.length > 0);
    const random = (below: number) => Math.floor(this.#entropy.random() * below);
    const [name, file] = journals[0] ?? [];
    const [image] = images;
    if (image !== undefined && this.#entropy.random() < 0.4)
      return `buffer.db: ${this.#damageBytes(image[1], (bytes) => this.#images.set(image[0], bytes), random)}`;
    if (name === undefined || file === undefined) return "nothing there to damage";
    return `${name}: ${this.#damageBytes(file.durable, (bytes) => this.#files.set(name, { bytes: bytes.slice(), durable: bytes, unsynced: [] }), random)}`;
  }

  #damageBytes(from: Uint8Array, replace: (bytes: Uint8Array) => void, random: (below: number) => number): string {
    const bytes = from.slice();
    const how = random(3);
    if (how === 0) {
      const kept = random(bytes.length);
      replace(bytes.slice(0, kept));
      return `cut to ${kept} of ${bytes.length} bytes`;
    }
    const turns = how === 1 ? 1 + random(64) : 4_096;
    const start = how === 1 ? random(bytes.length) : random(Math.min(bytes.length, 16_384));
    for (let turn = 0; turn < turns; turn++) {
      const at = how === 1 ? random(bytes.length) : start + turn;
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    }
    replace(bytes);
    return how === 1 ? `${turns} bits turned` : `${turns} bytes from ${start} spoilt`;
  }

  /** What the store's files take; what was set aside as damaged counts too. */
  get usedBytes(): number {
    let sum = 0;
    for (const [name, file] of this.#files) sum += this.#reserved.get(name) ?? file.bytes.length;
    for (const [name, image] of this.#images) if (name.startsWith("buffer")) sum += image.length;
    for (const [name, database] of this.#open)
      if (name.startsWith("buffer"))
        sum += Number(database.pragma("page_count", { simple: true })) * Number(database.pragma("page_size", { simple: true }));
    return sum;
  }

  powerOn(): void {
    this.#powered = true;
  }

  open(name: string): DiskFile | undefined {
    this.#alive();
    const file = this.#files.get(name);
    return file === undefined ? undefined : this.#handle(file);
  }

  preallocate(name: string, bytes: number, content = new Uint8Array(0)): DiskFile {
    this.#allocate();
    const file: StoredFile = { bytes: new Uint8Array(bytes), durable: new Uint8Array(bytes), unsynced: [] };
    for (const copy of [file.bytes, file.durable]) copy.set(content.subarray(0, bytes));
    this.#files.set(name, file);
    return this.#handle(file);
  }

  reserve(name: string, bytes: number): void {
    this.#allocate();
    this.#files.set(name, { bytes: new Uint8Array(0), durable: new Uint8Array(0), unsynced: [] });
    this.#reserved.set(name, bytes);
  }

  readonly #reserved = new Map<string, number>();

  size(name: string): number | undefined {
    this.#alive();
    const image = this.#open.has(name) ? 4_096 : this.#images.get(name)?.length;
    return this.#reserved.get(name) ?? this.#files.get(name)?.bytes.length ?? image;
  }

  readWhole(name: string): Uint8Array | undefined {
    this.#alive();
    return this.#files.get(name)?.bytes.slice() ?? this.#open.get(name)?.serialize() ?? this.#images.get(name);
  }

  writeWhole(name: string, bytes: Uint8Array): void {
    this.#allocate();
    this.#files.set(name, { bytes: bytes.slice(), durable: bytes.slice(), unsynced: [] });
  }

  rename(from: string, to: string): void {
    this.#alive();
    const file = this.#files.get(from);
    if (file !== undefined) this.#files.set(to, file);
    const image = this.#images.get(from);
    if (image !== undefined) this.#images.set(to, image);
    this.#files.delete(from);
    this.#images.delete(from);
  }

  remove(name: string): void {
    this.#alive();
    this.#files.delete(name);
    this.#images.delete(name);
    this.#reserved.delete(name);
  }

  list(folder: string): readonly string[] {
    this.#alive();
    const prefix = folder === "" || folder === "." ? "" : `${folder}/`;
    const names = [...this.#files.keys(), ...this.#images.keys()].filter((name) => name.startsWith(prefix));
    return [...new Set(names.map((name) => name.slice(prefix.length).split("/")[0] ?? ""))].sort();
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    this.#alive();
    return { freeBytes: this.faults.full ? 0 : 4e9, totalBytes: 8e9 };
  }

  openDatabase(name: string): Database {
    this.#alive();
    // An image made in WAL mode cannot be opened from memory; bytes 18 and 19 of the header name the mode (SQLite file format 1.3.2).
    const image = this.#images.get(name)?.slice() ?? this.#files.get(name)?.bytes.slice();
    if (image !== undefined && image.length > 19) image.fill(1, 18, 20);
    const database = image === undefined || image.length === 0 ? new SqliteDatabase(":memory:") : new SqliteDatabase(Buffer.from(image));
    this.#images.delete(name);
    this.#open.set(name, database);
    const close = database.close.bind(database);
    database.close = () => {
      if (this.#open.get(name) === database) {
        this.#open.delete(name);
        if (!name.endsWith(".lock")) this.#images.set(name, database.serialize());
      }
      return close();
    };
    return database;
  }

  #handle(file: StoredFile): DiskFile {
    return {
      bytes: file.bytes.length,
      isDevice: false,
      write: (data, offset) => {
        this.#alive();
        file.bytes.set(data, offset);
        file.unsynced.push([offset, data.length]);
      },
      read: (offset, length) => {
        this.#alive();
        return file.bytes.slice(offset, offset + length);
      },
      sync: () => this.#sync(file),
      close: () => undefined,
    };
  }

  #sync(file: StoredFile): void {
    this.#alive();
    this.syncs += 1;
    if (this.#entropy.random() < this.faults.syncFails) {
      this.#forgetUnsynced(file);
      throw new GatewayError("buffer.io", { message: "simulated EIO", fields: { errno: "EIO" } });
    }
    for (const [offset, length] of file.unsynced) file.durable.set(file.bytes.subarray(offset, offset + length), offset);
    file.unsynced = [];
  }

  #forgetUnsynced(file: StoredFile): void {
    for (const [offset, length] of file.unsynced) {
      for (let at = offset - (offset % sectorBytes); at < offset + length; at += sectorBytes) {
        if (this.#entropy.random() < 0.5) file.durable.set(file.bytes.subarray(at, at + sectorBytes), at);
        else this.droppedSectors += 1;
      }
    }
    file.unsynced = [];
    file.bytes.set(file.durable);
  }

  #allocate(): void {
    this.#alive();
    if (this.faults.full) throw new GatewayError("buffer.disk-full", { message: "simulated full disk", fields: { errno: "ENOSPC" } });
  }

  #alive(): void {
    if (!this.#powered) throw new GatewayError("buffer.io", { message: "this machine has no power", fields: { errno: "EIO" } });
  }
}

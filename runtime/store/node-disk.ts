import {
  accessSync,
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Database } from "better-sqlite3";
import SqliteDatabase from "better-sqlite3";
import type { Disk, DiskFile } from "./disk.ts";
import { atDisk } from "./disk-error.ts";

/** More of a partition is not used as a journal: it is read whole at each start. */
const maxDeviceBytes = 256 * 1024 * 1024;
const zeroes = new Uint8Array(64 * 1024);

/** A folder of a real file system. */
export class NodeDisk implements Disk {
  readonly #folder: string;

  /** Makes the folder if needed, readable by its owner only. @throws GatewayError buffer.denied */
  constructor(folder: string) {
    this.#folder = folder;
    atDisk({ folder }, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    });
  }

  open(name: string): DiskFile | undefined {
    if (this.size(name) === undefined) return undefined;
    return atDisk({ file: name }, () => new NodeFile(openSync(join(this.#folder, name), constants.O_RDWR), name));
  }

  preallocate(name: string, bytes: number, content?: Uint8Array): DiskFile {
    const draft = `${name}.new`;
    try {
      this.#fill(draft, bytes, true);
      const file = this.open(draft);
      if (content !== undefined) file?.write(content.subarray(0, bytes), 0);
      file?.sync();
      file?.close();
    } catch (error) {
      this.remove(draft);
      throw error;
    }
    this.rename(draft, name);
    const file = this.open(name);
    if (file === undefined) throw new Error("a file vanished between rename and open");
    return file;
  }

  reserve(name: string, bytes: number): void {
    // node:fs has no fallocate: writing is the only way to own the space. The ballast is written once in a gateway's life.
    this.#fill(name, bytes, false);
  }

  size(name: string): number | undefined {
    return atDisk({ file: name }, () => statSync(join(this.#folder, name), { throwIfNoEntry: false })?.size);
  }

  readWhole(name: string): Uint8Array | undefined {
    if (this.size(name) === undefined) return undefined;
    return atDisk({ file: name }, () => readFileSync(join(this.#folder, name)));
  }

  writeWhole(name: string, bytes: Uint8Array): void {
    const draft = `${name}.new`;
    atDisk({ file: name, bytes: bytes.length }, () => writeFileSync(join(this.#folder, draft), bytes, { mode: 0o600, flush: true }));
    this.rename(draft, name);
  }

  rename(from: string, to: string): void {
    atDisk({ file: from }, () => {
      const target = join(this.#folder, to);
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
      renameSync(join(this.#folder, from), target);
      syncFolder(dirname(target));
      // Mostly it is the same folder, and each sync may take as long as the disk likes.
      if (dirname(target) !== join(this.#folder)) syncFolder(this.#folder);
    });
  }

  remove(name: string): void {
    atDisk({ file: name }, () => rmSync(join(this.#folder, name), { force: true, recursive: true }));
  }

  list(folder: string): readonly string[] {
    const path = join(this.#folder, folder);
    return atDisk({ folder }, () => (statSync(path, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(path).sort()));
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return atDisk({ folder: this.#folder }, () => {
      const facts = statfsSync(this.#folder);
      return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize };
    });
  }

  openDatabase(name: string): Database {
    return atDisk({ file: name }, () => new SqliteDatabase(join(this.#folder, name), { timeout: 0 }));
  }

  #fill(name: string, bytes: number, durable: boolean): void {
    atDisk({ file: name, bytes }, () => {
      const path = join(this.#folder, name);
      const descriptor = openSync(path, "w", 0o600);
      try {
        for (let offset = 0; offset < bytes; offset += zeroes.length) {
          writeFully(descriptor, zeroes.subarray(0, Math.min(zeroes.length, bytes - offset)), offset);
        }
        if (durable) fsyncSync(descriptor);
      } catch (error) {
        ftruncateSync(descriptor, 0);
        throw error;
      } finally {
        closeSync(descriptor);
      }
    });
  }
}

class NodeFile implements DiskFile {
  readonly bytes: number;
  readonly isDevice: boolean;
  readonly #descriptor: number;
  readonly #name: string;

  constructor(descriptor: number, name: string) {
    this.#descriptor = descriptor;
    this.#name = name;
    const facts = fstatSync(descriptor);
    this.isDevice = facts.isBlockDevice();
    this.bytes = this.isDevice ? deviceBytes(descriptor) : facts.size;
  }

  write(data: Uint8Array, offset: number): void {
    atDisk({ file: this.#name, offset }, () => writeFully(this.#descriptor, data, offset));
  }

  read(offset: number, length: number): Uint8Array {
    return atDisk({ file: this.#name, offset }, () => {
      const into = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const count = readSync(this.#descriptor, into, done, length - done, offset + done);
        if (count === 0) break;
        done += count;
      }
      return into.subarray(0, done);
    });
  }

  sync(): void {
    // fdatasync: no metadata changed, the file is preallocated; the time stamp may lag.
    atDisk({ file: this.#name }, () => fdatasyncSync(this.#descriptor));
  }

  close(): void {
    atDisk({ file: this.#name }, () => closeSync(this.#descriptor));
  }
}

/** stat says 0 for a block device, and node:fs cannot ask it: the last readable byte is looked for. */
function deviceBytes(descriptor: number): number {
  const one = new Uint8Array(1);
  const isReadable = (at: number): boolean => readSync(descriptor, one, 0, 1, at) === 1;
  let low = 0;
  let high = 4096;
  while (high < maxDeviceBytes && isReadable(high - 1)) [low, high] = [high, high * 2];
  while (high - low > 4096) {
    const middle = Math.floor((low + high) / 2 / 4096) * 4096;
    if (isReadable(middle - 1)) low = middle;
    else high = middle;
  }
  return low;
}

function writeFully(descriptor: number, data: Uint8Array, offset: number): void {
  let done = 0;
  while (done < data.length) done += writeSync(descriptor, data, done, data.length - done, offset + done);
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

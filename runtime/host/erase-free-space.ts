import {
  closeSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  openSync,
  readFileSync,
  realpathSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { GatewayError } from "#model/errors.ts";

const blockBytes = 1_048_576;
/** No file system allots less; ext4's blocks are of 1,024 bytes on small disks. */
const leastBytes = 512;
const progressBytes = 1_024 * blockBytes;
/** Of filling what a sync has freed; two or three are usual. */
const maxRounds = 16;
/** Of the files of each pass, the last but one that has `piecesInInode` blocks. ext4's pieces are of 128 MiB at most. */
const fillerBytes = [256 * blockBytes, 4 * blockBytes, blockBytes / 16];
const piecesInInode = 4;
/** Open at a time. A disk whose free space is in more pieces is overwritten as far as that goes. */
const maxFillers = 16_384;
const noRoom: readonly (string | undefined)[] = ["ENOSPC", "EDQUOT", "EMFILE", "ENFILE"];

/**
 * Writes zeros over what is free on the file system of a folder: a database's files come and go while a gateway runs, and what was in them stands in
 * blocks that belong to nobody any more. The file system is full for a moment. @param wrote told after every GiB @returns bytes that were overwritten
 * @throws GatewayError buffer.denied
 */
export function eraseFreeSpace(folder: string, wrote: (bytes: number) => void): number {
  const fillers = new Fillers(folder, wrote);
  try {
    return fillers.run();
  } finally {
    fillers.close();
  }
}

/**
 * Many files instead of one. Once a file is in more than four pieces, ext4 takes a block of what is free for the list of them, and does not write it to
 * its place when the file is gone before the journal comes round: what stood there would stay. So files that have such blocks are given back, and
 * their room is filled with smaller ones, at last with files that cannot be in more pieces.
 */
class Fillers {
  readonly #folder: string;
  readonly #wrote: (bytes: number) => void;
  readonly #zeros = new Uint8Array(blockBytes);
  /** Stays empty: touched and synced, it has the file system commit what was freed. */
  readonly #anchor: number;
  #handles: number[] = [];
  #bytes = 0;
  #toldBytes = 0;

  constructor(folder: string, wrote: (bytes: number) => void) {
    this.#folder = folder;
    this.#wrote = wrote;
    this.#anchor = openNameless(folder);
  }

  /** @returns bytes that were overwritten */
  run(): number {
    const { dev, blksize } = fstatSync(this.#anchor);
    const reserve = reserveOf(dev);
    const isTaken = reserve !== undefined && canWrite(reserve);
    try {
      for (const limit of [...fillerBytes, piecesInInode * blksize]) {
        this.#fillAll(limit);
        if (reserve === undefined || !this.#giveBackListed(blksize)) break;
      }
      return this.#bytes;
    } finally {
      if (isTaken) reserve.write(reserve.before);
    }
  }

  close(): void {
    for (const handle of [this.#anchor, ...this.#handles]) closeSync(handle);
  }

  /** What was freed a moment ago can be had only once that is committed: "full" counts when it is said right after a sync. */
  #fillAll(limit: number): void {
    for (let round = 0, before = -1; round < maxRounds && this.#bytes > before; round++) {
      futimesSync(this.#anchor, round, round);
      fsyncSync(this.#anchor);
      before = this.#bytes;
      const made = this.#handles.length;
      while (this.#handles.length < maxFillers && this.#fillOne(limit));
      for (const handle of this.#handles.slice(made)) fsyncSync(handle);
    }
  }

  /** @returns false when there was room for nothing */
  #fillOne(limit: number): boolean {
    const handle = openIfRoom(this.#folder);
    if (handle === undefined) return false;
    this.#handles.push(handle);
    let length = 0;
    for (const most of [blockBytes, 4_096, leastBytes]) {
      for (let more = -1; more !== 0 && length < limit; length += more) {
        more = write(handle, this.#zeros.subarray(0, Math.min(most, limit - length)));
        this.#count(more);
      }
    }
    if (length === 0) closeSync(this.#handles.pop() ?? handle);
    return length > 0;
  }

  #count(more: number): void {
    this.#bytes += more;
    // What was given back and is filled again is not told again.
    if (this.#bytes < this.#toldBytes + progressBytes) return;
    this.#toldBytes += progressBytes;
    this.#wrote(this.#toldBytes);
  }

  /** Closes the files that have more blocks than their bytes need. @returns whether there were any */
  #giveBackListed(blksize: number): boolean {
    const kept: number[] = [];
    for (const handle of this.#handles) {
      const { blocks, size } = fstatSync(handle);
      if (blocks * 512 <= Math.ceil(size / blksize) * blksize) {
        kept.push(handle);
      } else {
        this.#bytes -= size;
        closeSync(handle);
      }
    }
    const isAny = kept.length < this.#handles.length;
    this.#handles = kept;
    return isAny;
  }
}

/** A file without a name from the beginning: a power cut or a kill leaves none behind that fills the disk. */
function openNameless(folder: string): number {
  const file = join(folder, `.erase-${process.pid}`);
  const handle = openSync(file, "wx", 0o600);
  unlinkSync(file);
  return handle;
}

/** undefined = there is no room for another file. */
function openIfRoom(folder: string): number | undefined {
  try {
    return openNameless(folder);
  } catch (cause) {
    if (noRoom.includes((cause as NodeJS.ErrnoException).code)) return undefined;
    throw cause;
  }
}

/**
 * ext4 keeps up to 4,096 clusters for its own use, which nobody can fill; what was in them would stay. What is set lasts until the file system is mounted
 * again, at a power cut as well. undefined: another file system.
 * @param device st_dev
 */
function reserveOf(device: number): { readonly before: string; write(clusters: string): void } | undefined {
  const [major, minor] = [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
  try {
    const file = `/sys/fs/ext4/${basename(realpathSync(`/sys/dev/block/${major}:${minor}`))}/reserved_clusters`;
    return { before: readFileSync(file, "latin1").trim(), write: (clusters) => writeFileSync(file, clusters) };
  } catch {
    return undefined;
  }
}

/** Only root may; others fill what they can. */
function canWrite(reserve: { write(clusters: string): void }): boolean {
  try {
    reserve.write("0");
    return true;
  } catch {
    return false;
  }
}

/** @returns bytes written; 0 = the file system is full */
function write(handle: number, zeros: Uint8Array): number {
  try {
    return writeSync(handle, zeros);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (noRoom.includes(code)) return 0;
    throw new GatewayError("buffer.denied", { message: `free space cannot be overwritten (${code ?? "unknown reason"})`, cause });
  }
}

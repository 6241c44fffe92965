import type { Database } from "better-sqlite3";

/**
 * What the store needs of a state folder: names are relative to it. Every call is synchronous and throws GatewayError `buffer.*` when the world
 * misbehaves; `fields.errno` then carries the operating system's name for it. Real in production (`node-disk.ts`), faulty in simulation.
 */
export interface Disk {
  /** undefined = there is no such file. */
  open(name: string): DiskFile | undefined;
  /**
   * Creates or replaces a file of `bytes` bytes, `content` and then zeros, written and durable with its name: later overwrites allocate
   * nothing. Until it returns an older file of that name is what it was.
   */
  preallocate(name: string, bytes: number, content?: Uint8Array): DiskFile;
  /** Sets space aside without writing it (ballast). */
  reserve(name: string, bytes: number): void;
  size(name: string): number | undefined;
  /** undefined = there is no such file. For small files. */
  readWhole(name: string): Uint8Array | undefined;
  /** Creates or replaces a file at once: after a power cut it holds the old or the new bytes, all of them. */
  writeWhole(name: string, bytes: Uint8Array): void;
  /** Replaces `to` if it is there; durable on return. Folders in `to` are made. */
  rename(from: string, to: string): void;
  /** Absent files are no error. */
  remove(name: string): void;
  /** Names of a folder's files, ascending; [] when there is no such folder. */
  list(folder: string): readonly string[];
  space(): { readonly freeBytes: number; readonly totalBytes: number };
  /** @throws GatewayError buffer.corrupt when the file is no database, buffer.busy when another process holds it */
  openDatabase(name: string): Database;
}

export interface DiskFile {
  readonly bytes: number;
  /** A block device under a file's name (a symbolic link): it has a size of its own and is never replaced or renamed. */
  readonly isDevice: boolean;
  /** Writes all of `data` or throws. */
  write(data: Uint8Array, offset: number): void;
  /** Shorter than asked at the end of the file only. */
  read(offset: number, length: number): Uint8Array;
  /** Returns when everything written to this file survives a power cut. After it threw, nothing written since the last sync may be relied on. */
  sync(): void;
  close(): void;
}

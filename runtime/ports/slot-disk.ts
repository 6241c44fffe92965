/**
 * The few calls of the file system that an update consists of. All are synchronous and small; tests cut the power between any two of them.
 * Every call @throws GatewayError update.disk
 */
export interface SlotDisk {
  makeFolder(path: string): void;
  exists(path: string): boolean;
  /** Whole content of a small file; undefined = there is none. */
  readText(path: string): string | undefined;
  /** Length in bytes; undefined = there is none. */
  length(path: string): number | undefined;
  /**
   * Bytes from a position; shorter at the end of the file. @param into memory to put them in, good until it is used again: who reads a whole program
   * in fresh pieces holds most of it until somebody collects them
   */
  read(path: string, fromByte: number, maxBytes: number, into?: Uint8Array): Uint8Array;
  /** Opens for writing at `fromByte`, what is behind is cut off; 0 makes a new file with mode 0700. */
  open(path: string, fromByte: number): SlotFile;
  rename(from: string, to: string): void;
  /** Makes renames and new names in a folder durable. */
  syncFolder(path: string): void;
  remove(path: string): void;
  /** Bytes that this user can still write there. */
  freeBytes(path: string): number;
}

export interface SlotFile {
  write(bytes: Uint8Array): void;
  sync(): void;
  close(): void;
}

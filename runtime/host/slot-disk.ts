import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { GatewayError } from "#model/errors.ts";
import type { SlotDisk, SlotFile } from "#ports/slot-disk.ts";

/** The real file system. */
export const slotDisk: SlotDisk = {
  makeFolder: (path) => guarded(path, () => void mkdirSync(path, { recursive: true, mode: 0o700 })),
  exists: (path) => existsSync(path),
  readText: (path) => (existsSync(path) ? guarded(path, () => readFileSync(path, "utf8").slice(0, 4_096)) : undefined),
  length: (path) => statSync(path, { throwIfNoEntry: false })?.size,
  read: (path, fromByte, maxBytes, into) => guarded(path, () => readPiece(path, fromByte, maxBytes, into)),
  open: (path, fromByte) => guarded(path, () => openAt(path, fromByte)),
  rename: (from, to) => guarded(to, () => renameSync(from, to)),
  syncFolder: (path) => guarded(path, () => withFile(path, "r", fsyncSync)),
  remove: (path) => guarded(path, () => rmSync(path, { force: true, recursive: true })),
  freeBytes: (path) => guarded(path, () => Number(statfsSync(path, { bigint: true }).bavail * statfsSync(path, { bigint: true }).bsize)),
};

function openAt(path: string, fromByte: number): SlotFile {
  const file = openSync(path, fromByte === 0 ? "w" : "r+", 0o700);
  if (fromByte > 0) ftruncateSync(file, fromByte);
  let at = fromByte;
  return {
    write: (bytes) =>
      guarded(path, () => {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
        at += bytes.length;
      }),
    sync: () => guarded(path, () => fsyncSync(file)),
    close: () => closeSync(file),
  };
}

function readPiece(path: string, fromByte: number, maxBytes: number, into: Uint8Array = new Uint8Array(maxBytes)): Uint8Array {
  return withFile(path, "r", (file) => into.subarray(0, readSync(file, into, 0, Math.min(maxBytes, into.length), fromByte)));
}

function withFile<T>(path: string, flags: string, work: (file: number) => T): T {
  const file = openSync(path, flags);
  try {
    return work(file);
  } finally {
    closeSync(file);
  }
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const systemCode = (cause as NodeJS.ErrnoException).code;
    throw new GatewayError("update.disk", { message: `${path} cannot be used (${systemCode})`, fields: { path, systemCode }, cause });
  }
}

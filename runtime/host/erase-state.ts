import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import { requestControl } from "./control-client.ts";

const blockBytes = 1_048_576;
const maxFiles = 100_000;
/** Of filling what a sync has freed; two or three are usual. */
const maxRounds = 16;
const progressBytes = 1_024 * blockBytes;
/** One of them is in every state folder that was ever used. */
const marks = ["state.db", "buffer.db", "identity"];

/**
 * Overwrites every file of a state folder in place with zeros, syncs, and removes it: what lay there cannot be read back through the file
 * system or from its image. Flash controllers may keep old cells until they are reused; the encrypted part is void at once, because its root
 * goes first. @throws GatewayError buffer.busy when a gateway runs on it; buffer.denied
 */
export async function eraseState(folder: string, clock: Clock): Promise<{ readonly files: number; readonly bytes: number }> {
  if (!existsSync(folder)) throw new GatewayError("buffer.denied", { message: `there is no state folder ${folder}`, fields: { folder } });
  if (!marks.some((name) => existsSync(join(folder, name)))) {
    throw new GatewayError("command.refused", {
      message: `${folder} does not look like a state folder: nothing was touched`,
      fields: { folder },
    });
  }
  if (await isRunning(folder, clock)) {
    throw new GatewayError("buffer.busy", { message: `a gateway runs on ${folder}: stop it first`, fields: { folder } });
  }
  const files = filesBelow(folder).sort((a, b) => Number(b.endsWith("root.key")) - Number(a.endsWith("root.key")));
  let bytes = 0;
  try {
    for (const file of files) {
      bytes += overwrite(file);
      unlinkSync(file);
    }
    rmSync(folder, { recursive: true, force: true });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown reason";
    throw new GatewayError("buffer.denied", { message: `not everything in ${folder} could be removed (${code}): try again`, cause });
  }
  return { files: files.length, bytes };
}

/** Overwrites these files in place, syncs, and removes them. @returns how many there were @throws GatewayError buffer.denied */
export function eraseFiles(files: readonly string[]): number {
  const there = files.filter((file) => existsSync(file));
  for (const file of there) {
    try {
      overwrite(file);
      unlinkSync(file);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? "unknown reason";
      throw new GatewayError("buffer.denied", { message: `${file} could not be removed (${code}): try again`, cause });
    }
  }
  return there.length;
}

async function isRunning(folder: string, clock: Clock): Promise<boolean> {
  try {
    await requestControl({ folder, operation: "status", clock, timeoutMs: 2_000 });
    return true;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return error.code !== "host.not-running";
  }
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  if (entries.length > maxFiles)
    throw new GatewayError("buffer.denied", { message: `${folder} holds more than ${maxFiles} files: is it a state folder?` });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function overwrite(file: string): number {
  // Some are 0400: their owner, who is not root, would not be let in.
  chmodSync(file, 0o600);
  const handle = openSync(file, "r+");
  try {
    const { size } = fstatSync(handle);
    const zeros = new Uint8Array(Math.min(blockBytes, Math.max(1, size)));
    for (let at = 0; at < size; at += zeros.length) writeSync(handle, zeros, 0, Math.min(zeros.length, size - at), at);
    fsyncSync(handle);
    return size;
  } finally {
    closeSync(handle);
  }
}

/** Bytes that are free on the file system of a folder, for whoever may use them. */
export function freeSpaceBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/**
 * Writes zeros over what is free on the file system of a folder: a database's files come and go while a gateway runs, and what was in them stands in
 * blocks that belong to nobody any more. The file system is full for a moment. @param wrote told after every GiB @returns bytes written
 */
export function eraseFreeSpace(folder: string, wrote: (bytes: number) => void): number {
  const file = join(folder, `.erase-${process.pid}`);
  const handle = openSync(file, "wx", 0o600);
  let reserve = reserveOf(fstatSync(handle).dev);
  let bytes = 0;
  try {
    if (reserve !== undefined && !canWrite(reserve)) reserve = undefined;
    // Without a name from the beginning: a power cut or a kill leaves no file behind that fills the disk.
    unlinkSync(file);
    // What was freed a moment ago can be had only once the file system has committed that: "full" counts when it is said right after a sync.
    for (let round = 0, before = -1; round < maxRounds && bytes > before; round++) {
      before = bytes;
      for (const length of [blockBytes, 4_096]) {
        const zeros = new Uint8Array(length);
        while (isRoom(handle, zeros)) {
          bytes += length;
          if (bytes % progressBytes === 0) wrote(bytes);
        }
      }
      fsyncSync(handle);
    }
    return bytes;
  } finally {
    closeSync(handle);
    reserve?.write(reserve.before);
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

/** Writes once; false = the file system is full. */
function isRoom(handle: number, zeros: Uint8Array): boolean {
  try {
    return writeSync(handle, zeros) === zeros.length;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT") return false;
    throw new GatewayError("buffer.denied", { message: `free space cannot be overwritten (${code ?? "unknown reason"})`, cause });
  }
}

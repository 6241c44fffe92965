import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import { requestControl } from "./control-client.ts";

const blockBytes = 1_048_576;
const maxFiles = 100_000;
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

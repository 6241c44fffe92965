import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { GatewayError, isGatewayError } from "#model/errors.ts";

const maxNewFolders = 32;

/**
 * Makes a folder of our own (mode 0700) unless it is there, and sees that it can be written. Not with mkdir's `recursive`: on a file system
 * that answers ENOENT to every mkdir (/proc) that never returns.
 * @throws GatewayError buffer.denied | buffer.disk-full
 */
export function makeStateFolder(folder: string): void {
  try {
    for (const missing of missingFolders(resolve(folder))) mkdirSync(missing, { mode: 0o700 });
    if (!statSync(folder).isDirectory()) throw denied(folder, "is not a folder");
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (isGatewayError(error)) throw error;
    throw folderError(folder, error as NodeJS.ErrnoException);
  }
}

/** Folders that have to be made, outermost first. */
function missingFolders(path: string): readonly string[] {
  const missing: string[] = [];
  for (let current = path; statSync(current, { throwIfNoEntry: false }) === undefined; current = dirname(current)) {
    missing.unshift(current);
    if (missing.length > maxNewFolders) throw denied(path, `has more than ${maxNewFolders} folders above it that do not exist`);
  }
  return missing;
}

function folderError(folder: string, error: NodeJS.ErrnoException): GatewayError {
  const fields = { folder, systemCode: error.code };
  if (error.code === "ENOSPC" || error.code === "EDQUOT") {
    return new GatewayError("buffer.disk-full", { message: `there is no room for the state folder ${folder}`, cause: error, fields });
  }
  return denied(folder, reasons[error.code ?? ""] ?? `cannot be used (${error.code ?? "unknown reason"})`, error);
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "may not be written by this user",
  EPERM: "may not be written by this user",
  EROFS: "is on a read-only file system",
  ENOTDIR: "lies below something that is not a folder",
  EEXIST: "is not a folder",
  ENAMETOOLONG: "has too long a name",
  ENOENT: "cannot be made there",
};

function denied(folder: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError("buffer.denied", { message: `the state folder ${folder} ${reason}`, fields: { folder }, cause });
}

import type { Database } from "better-sqlite3";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Disk } from "./disk.ts";
import { atDisk } from "./disk-error.ts";

/** Held as long as the folder is in use; the kernel lets go of it when the process dies, however it dies. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes the folder for this process. SQLite's own file lock on an empty file: the one lock that Node can take without native code of ours.
 * @throws GatewayError buffer.busy | buffer.denied
 */
export function lockFolder(disk: Disk, name: string): FolderLock {
  const database = takeLock(disk, name);
  return { release: () => database.close() };
}

function takeLock(disk: Disk, name: string, again = true): Database {
  const database = disk.openDatabase(name);
  try {
    atDisk({ file: name }, () => database.exec("BEGIN EXCLUSIVE"));
    return database;
  } catch (error) {
    database.close();
    if (!isGatewayError(error)) throw error;
    if (error.code === "buffer.corrupt" && again) {
      disk.remove(name); // Nothing of value is ever in it.
      return takeLock(disk, name, false);
    }
    if (error.code === "buffer.busy")
      throw new GatewayError("buffer.busy", { message: "another process uses this state folder", cause: error });
    throw error;
  }
}

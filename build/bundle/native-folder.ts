/** Where the single binary unpacks SQLite (2 MB), so that one writable state folder is enough: no HOME, a read-only root, any user. */
import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync } from "node:fs";
import { join, resolve } from "node:path";
import { isMainThread } from "node:worker_threads";

const remembered = "GATEHOUSE_NATIVE_FOLDER";
// Threads are told by the main one; nobody else may choose from where code is loaded into this process.
if (isMainThread) delete process.env[remembered];

/** The folder; made when it is asked for first. Threads that are started later know it. */
export function nativeFolder(): string {
  const folder = process.env[remembered] ?? candidates().find(isOurs) ?? mkdtempSync("/tmp/gatehouse-");
  process.env[remembered] = folder;
  return folder;
}

function candidates(): readonly string[] {
  const state = stateFolder();
  const { HOME } = process.env;
  return [
    ...(state === undefined ? [] : [join(resolve(state), "native")]),
    "/var/lib/gatehouse/native",
    ...(HOME === undefined || HOME === "" ? [] : [join(HOME, ".cache/gatehouse")]),
    `/run/user/${process.getuid?.()}/gatehouse`,
  ];
}

/** `--state DIR`, `--state=DIR`, and the same of the NOC's end. */
function stateFolder(): string | undefined {
  const inline = process.argv.find((word) => /^--(state|dir)=/.test(word));
  if (inline !== undefined) return inline.slice(inline.indexOf("=") + 1);
  const given = process.argv.findIndex((word) => word === "--state" || word === "--dir");
  return given < 0 ? undefined : process.argv[given + 1];
}

/** Nobody else may be able to put a library there. */
function isOurs(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

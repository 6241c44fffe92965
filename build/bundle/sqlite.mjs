// Takes the place of better-sqlite3's entry in the single binary: the same library over an addon that is unpacked from the binary, once, and
// compared with the hash it was built with before every load.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getRawAsset } from "node:sea";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";
import createDatabase from "../../node_modules/better-sqlite3/lib/database.js";
import SqliteError from "../../node_modules/better-sqlite3/lib/sqlite-error.js";
import { nativeFolder } from "./native-folder.ts";

const sha256 = __SQLITE_SHA256__;
/** What the main thread tells threads about the file. */
const compared = "gatehouse-sqlite";
let addon;

function load() {
  if (addon !== undefined) return addon;
  const folder = nativeFolder();
  const file = join(folder, `sqlite-${sha256.slice(0, 16)}.node`);
  if (!isWhole(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const part = `${file}.${process.pid}`;
    writeFileSync(part, Buffer.from(getRawAsset("sqlite")), { mode: 0o500 });
    renameSync(part, file);
  }
  if (isMainThread) setEnvironmentData(compared, file);
  const loaded = { exports: {} };
  process.dlopen(loaded, file);
  addon = loaded.exports;
  return addon;
}

/** Compared by the main thread, which loads it first; a thread that it starts afterwards takes its word: its own look would load all of cryptography. */
function isWhole(file) {
  if (!isMainThread && getEnvironmentData(compared) === file) return true;
  try {
    const { createHash } = process.getBuiltinModule("node:crypto");
    return createHash("sha256").update(readFileSync(file)).digest("hex") === sha256;
  } catch {
    return false;
  }
}

const Database = createDatabase(load, false);
Database.SqliteError = SqliteError;
export default Database;

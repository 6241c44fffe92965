import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import { backlogFile, backlogMigrations, backlogTables } from "./backlog-schema.ts";
import { atDisk } from "./disk-error.ts";
import { historyFile, historyMigrations, historyTables } from "./history-schema.ts";
import { type Migrations, migrate } from "./migrations.ts";
import { openState, stateMigrations } from "./state.ts";

/** Larger databases are not copied: flash and time are dearer than the last bit of certainty. Their schema is the same. */
const maxCopiedBytes = 64 * 1024 * 1024;
/** The gateway writes while its files are copied: a copy can be torn, three in a row hardly. */
const tries = 3;

interface Tried {
  readonly file: string;
  readonly migrations: Migrations;
  readonly tables: readonly string[];
}

const databases: readonly Tried[] = [
  { file: "state.db", migrations: stateMigrations, tables: ["entry"] },
  { file: backlogFile, migrations: backlogMigrations, tables: backlogTables },
  { file: historyFile, migrations: historyMigrations, tables: historyTables },
];

/**
 * Copies the databases of a state folder, which another program may have open, checks and migrates the copies, and removes them.
 * @returns what was tried, for people
 * @throws GatewayError buffer.corrupt | buffer.version | buffer.migration | buffer.io | buffer.disk-full
 */
export async function selfTestStore(folder: string): Promise<readonly string[]> {
  const work = mkdtempSync(join(existsSync(folder) ? folder : "/tmp", "self-test-"));
  try {
    const said: string[] = [];
    for (const tried of databases) {
      const { file } = tried;
      const size = statSync(join(folder, file), { throwIfNoEntry: false })?.size;
      if (size !== undefined && size > maxCopiedBytes) said.push(`${file} too large to try`);
      else {
        tryOne(folder, work, tried, 1);
        said.push(`${file} ${size === undefined ? "made anew" : "opens and migrates"}`);
      }
    }
    workOn(work);
    return [...said, "state.db read and written"];
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** As the program itself does it: what cannot put its identity away cannot run. */
function workOn(work: string): void {
  const state = openState(work);
  try {
    state.put({ "self-test": "written" });
    if (state.getText("self-test") !== "written")
      throw new GatewayError("buffer.io", { message: "state.db does not give back what is put" });
  } finally {
    state.close();
  }
}

function tryOne(folder: string, work: string, tried: Tried, attempt: number): void {
  const { file, migrations, tables } = tried;
  for (const ending of ["", "-wal"]) {
    rmSync(join(work, file + ending), { force: true });
    if (existsSync(join(folder, file + ending))) copyFileSync(join(folder, file + ending), join(work, file + ending));
  }
  try {
    const database = atDisk({ file }, () => new SqliteDatabase(join(work, file)));
    try {
      const damage = atDisk({ file }, () => database.pragma("quick_check(1)", { simple: true }));
      if (damage !== "ok") throw new Error(String(damage));
      migrate(database, migrations, file);
      atDisk({ file }, () => {
        for (const table of tables) database.prepare(`SELECT * FROM ${table} LIMIT 1`).get();
      });
      // What takes away comes after the confirmation; that it can be done is known before.
      migrate(database, migrations, file, { mayContract: true });
    } finally {
      database.close();
    }
  } catch (error) {
    if (isGatewayError(error) && (error.code === "buffer.version" || error.code === "buffer.migration")) throw error;
    if (attempt >= tries) throw error;
    tryOne(folder, work, tried, attempt + 1);
  }
}

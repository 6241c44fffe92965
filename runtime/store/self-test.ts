import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { isGatewayError } from "#model/errors.ts";
import { backlogFile, backlogMigrations } from "./backlog-schema.ts";
import { atDisk } from "./disk-error.ts";
import { historyFile, historyMigrations } from "./history-schema.ts";
import { type Migrations, migrate } from "./migrations.ts";
import { stateMigrations } from "./state.ts";

/** Larger databases are not copied: flash and time are dearer than the last bit of certainty. Their schema is the same. */
const maxCopiedBytes = 64 * 1024 * 1024;
/** The gateway writes while its files are copied: a copy can be torn, three in a row hardly. */
const tries = 3;

const databases: readonly { readonly file: string; readonly migrations: Migrations }[] = [
  { file: "state.db", migrations: stateMigrations },
  { file: backlogFile, migrations: backlogMigrations },
  { file: historyFile, migrations: historyMigrations },
];

/**
 * Copies the databases of a state folder, which another program may have open, checks and migrates the copies, and removes them.
 * @returns what was tried, for people
 * @throws GatewayError buffer.corrupt | buffer.version | buffer.io | buffer.disk-full
 */
export async function selfTestStore(folder: string): Promise<readonly string[]> {
  const work = mkdtempSync(join(existsSync(folder) ? folder : "/tmp", "self-test-"));
  try {
    const said: string[] = [];
    for (const { file, migrations } of databases) {
      const size = statSync(join(folder, file), { throwIfNoEntry: false })?.size;
      if (size !== undefined && size > maxCopiedBytes) said.push(`${file} too large to try`);
      else {
        tryOne(folder, work, file, migrations, 1);
        said.push(`${file} ${size === undefined ? "made anew" : "opens and migrates"}`);
      }
    }
    return said;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function tryOne(folder: string, work: string, file: string, migrations: Migrations, attempt: number): void {
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
    } finally {
      database.close();
    }
  } catch (error) {
    if (isGatewayError(error) && error.code === "buffer.version") throw error;
    if (attempt >= tries) throw error;
    tryOne(folder, work, file, migrations, attempt + 1);
  }
}

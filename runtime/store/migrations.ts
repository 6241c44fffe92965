import type { Database } from "better-sqlite3";
import { GatewayError } from "#model/errors.ts";
import { atDisk } from "./disk-error.ts";

/** Statements that lead from version n - 1 to n, n being the place in the list. Never edited once released, only added to. */
export type Migrations = readonly (readonly string[])[];

/**
 * Brings a database to the newest version: each step and its number in one transaction, so that a cut anywhere leaves the old or the new schema.
 * @param applied called after each statement; tests cut the power there
 * @throws GatewayError buffer.version when a newer program wrote the file
 */
export function migrate(database: Database, migrations: Migrations, file: string, applied: () => void = () => undefined): void {
  const found = atDisk({ file }, () => Number(database.pragma("user_version", { simple: true })));
  if (found > migrations.length) throw new GatewayError("buffer.version", { fields: { file, found, known: migrations.length } });
  for (let version = found + 1; version <= migrations.length; version += 1) {
    const statements = [...(migrations[version - 1] ?? []), `PRAGMA user_version = ${version}`];
    atDisk({ file, version }, () => {
      database.exec("BEGIN IMMEDIATE");
      try {
        for (const statement of statements) {
          database.exec(statement);
          applied();
        }
        database.exec("COMMIT");
      } catch (error) {
        if (database.inTransaction) database.exec("ROLLBACK");
        throw error;
      }
    });
  }
}

import type { Database } from "better-sqlite3";
import { GatewayError } from "#model/errors.ts";
import { atDisk } from "./disk-error.ts";
import { shapeOf, takenAway } from "./schema-shape.ts";

/**
 * How a database came to its present form. An update that is taken back must find its old program running on what the new one left, so what
 * only adds is done at once, and what takes away waits until nobody goes back any more.
 */
export interface Migrations {
  /** Step n leads to schema n, n being the place in the list. Only adds; refused when it does not. Never edited once released, only added to. */
  readonly expand: readonly (readonly string[])[];
  /** Ascending. Done when the version that runs is confirmed. */
  readonly contract: readonly Contraction[];
}

export interface Contraction {
  /** The oldest schema whose program does without what is taken away here. */
  readonly compatibleFrom: number;
  readonly statements: readonly string[];
}

/** What a database says of itself: its schema, and the schema of the oldest program that can use it (0 = any). */
export interface SchemaNumber {
  readonly schema: number;
  readonly compatibleFrom: number;
}

export interface MigrateOptions {
  /** Whether the version that runs is confirmed: nobody goes back behind it. */
  readonly mayContract?: boolean;
  /** Called after each statement; tests cut the power there. */
  readonly applied?: () => void;
}

/** `user_version` holds both numbers, so that they change with the schema or not at all: compatibleFrom x 65536 + schema. */
const unit = 65_536;

/** The schema of the program that has these migrations. */
export function newestSchema(migrations: Migrations): number {
  return migrations.expand.length;
}

export function readSchemaNumber(database: Database, file: string): SchemaNumber {
  const stored = atDisk({ file }, () => Number(database.pragma("user_version", { simple: true }))) >>> 0;
  return { schema: stored % unit, compatibleFrom: Math.floor(stored / unit) };
}

/** The statement that writes the number; only ever beside the statements that make it true. */
export function schemaNumberStatement({ schema, compatibleFrom }: SchemaNumber): string {
  return `PRAGMA user_version = ${(compatibleFrom * unit + schema) | 0}`;
}

/**
 * Brings a database to the newest schema: each step and its number in one transaction, so that a cut anywhere leaves the old or the new one.
 * The file of a newer program opens as it is, and keeps its number: what was added does not disturb.
 * @throws GatewayError buffer.version when a newer program wrote the file and this one is too old for it; buffer.migration when a step that
 * should only add takes something away
 */
export function migrate(database: Database, migrations: Migrations, file: string, options: MigrateOptions = {}): void {
  const known = newestSchema(migrations);
  let { schema, compatibleFrom } = readSchemaNumber(database, file);
  if (compatibleFrom > known) throw tooNew(file, { schema, compatibleFrom }, known);
  const applied = options.applied ?? (() => undefined);
  while (schema < known) {
    const before = atDisk({ file }, () => shapeOf(database));
    schema += 1;
    const statements = [...(migrations.expand[schema - 1] ?? []), schemaNumberStatement({ schema, compatibleFrom })];
    step(database, file, { statements, applied, prove: () => proveExpansion(takenAway(before, shapeOf(database)), file, schema) });
  }
  // A newer program was here and was taken back: what it has under way is its own.
  if (options.mayContract !== true || schema > known) return;
  for (const contraction of migrations.contract.filter((one) => one.compatibleFrom > compatibleFrom)) {
    compatibleFrom = contraction.compatibleFrom;
    const statements = [...contraction.statements, schemaNumberStatement({ schema, compatibleFrom })];
    step(database, file, { statements, applied, prove: () => undefined });
  }
}

/** @throws GatewayError buffer.version */
export function tooNew(file: string, found: SchemaNumber, known: number): GatewayError {
  const message = `${file} was written by a newer version (schema ${found.schema}, readable from ${found.compatibleFrom} on), this one knows schema ${known}: start the newer version again, or use another state folder`;
  return new GatewayError("buffer.version", {
    message,
    fields: { file, found: found.schema, compatibleFrom: found.compatibleFrom, known },
  });
}

function proveExpansion(taken: readonly string[], file: string, schema: number): void {
  if (taken.length === 0) return;
  const message = `step ${schema} of ${file} is no expansion: ${taken.slice(0, 3).join("; ")}. The version before could not run on it`;
  throw new GatewayError("buffer.migration", { message, fields: { file, schema } });
}

function step(
  database: Database,
  file: string,
  work: { readonly statements: readonly string[]; readonly applied: () => void; readonly prove: () => void },
): void {
  atDisk({ file }, () => {
    database.exec("BEGIN IMMEDIATE");
    try {
      for (const statement of work.statements) {
        database.exec(statement);
        work.applied();
      }
      work.prove();
      database.exec("COMMIT");
    } catch (error) {
      if (database.inTransaction) database.exec("ROLLBACK");
      throw error;
    }
  });
}

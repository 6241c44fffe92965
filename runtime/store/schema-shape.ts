import type { Database } from "better-sqlite3";

/** What a program counts on in a database: its tables with their columns in order, and what SQLite enforces on them. */
export type SchemaShape = ReadonlyMap<string, TableShape>;

interface TableShape {
  /** STRICT, WITHOUT ROWID. */
  readonly kind: string;
  readonly columns: readonly Column[];
  /** Unique indexes and triggers: each may refuse what a program writes. */
  readonly rules: ReadonlySet<string>;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  readonly pk: number;
  readonly hidden: number;
}

const ruleSql = `SELECT 'trigger ' || name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = :table
  UNION ALL SELECT 'unique index ' || name FROM pragma_index_list(:table) WHERE "unique" = 1`;

export function shapeOf(database: Database): SchemaShape {
  const tables = database
    .prepare<[], { name: string; wr: number; strict: number }>(
      "SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .all();
  const columns = database.prepare<[string], Column>("SELECT * FROM pragma_table_xinfo(?)");
  const rules = database.prepare<[{ table: string }], string>(ruleSql).pluck();
  return new Map(
    tables.map(({ name, wr, strict }) => [
      name,
      { kind: `${wr}${strict}`, columns: columns.all(name), rules: new Set(rules.all({ table: name }) as unknown as string[]) },
    ]),
  );
}

/** What a program that was written for `before` misses in `after`, or is newly bound to, in words; [] = it runs on. */
export function takenAway(before: SchemaShape, after: SchemaShape): readonly string[] {
  return [...before].flatMap(([name, old]) => {
    const table = after.get(name);
    return table === undefined ? [`table ${name} is gone`] : lostOf(name, old, table);
  });
}

function lostOf(name: string, old: TableShape, now: TableShape): readonly string[] {
  const lost: string[] = [];
  if (old.kind !== now.kind) lost.push(`table ${name} is of another kind`);
  for (const [index, column] of old.columns.entries()) {
    const same = now.columns[index];
    if (same === undefined || !isSame(column, same)) lost.push(`column ${name}.${column.name} is gone or different`);
  }
  for (const column of now.columns.slice(old.columns.length)) {
    const canBeLeftOut = column.pk === 0 && column.hidden === 0 && (column.notnull === 0 || column.dflt_value !== null);
    if (!canBeLeftOut) lost.push(`column ${name}.${column.name} has to be filled`);
  }
  for (const rule of now.rules) if (!old.rules.has(rule)) lost.push(`${rule} may refuse what is written to ${name}`);
  for (const rule of old.rules) if (!now.rules.has(rule)) lost.push(`${rule} of ${name} is gone`);
  return lost;
}

function isSame(a: Column, b: Column): boolean {
  return a.name === b.name && a.type === b.type && a.notnull === b.notnull && a.pk === b.pk && a.dflt_value === b.dflt_value;
}

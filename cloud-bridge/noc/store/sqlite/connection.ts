import Sqlite, { type Database, type Statement } from "better-sqlite3";
import { GatewayError } from "#model/errors.ts";

export type Value = string | number | bigint | null | Uint8Array;
type Bindings = (Value | Record<string, Value>)[];

/** How long a lock of another program is waited for before the transaction is given up and tried again later. */
const busyTimeoutMs = 250;

/** One SQLite connection with its prepared statements. Every foreign error leaves it as a GatewayError. */
export class Connection {
  readonly database: Database;
  /** Bounded by the program text: statements are constants. */
  readonly #statements = new Map<string, Statement<Bindings, unknown>>();

  constructor(file: string, mode: "write" | "read") {
    this.database = guarded(() => {
      const database = new Sqlite(file, { timeout: busyTimeoutMs, readonly: mode === "read" });
      if (mode === "write") {
        database.pragma("journal_mode = WAL");
        database.pragma("synchronous = FULL");
        database.pragma("wal_autocheckpoint = 2000");
        database.pragma("journal_size_limit = 67108864");
      }
      database.pragma("foreign_keys = OFF");
      database.pragma("cache_size = -32768");
      database.pragma("temp_store = MEMORY");
      return database;
    });
  }

  run(sql: string, ...values: Value[]): number {
    return guarded(() => this.#prepare(sql).run(...bound(sql, values)).changes);
  }

  /** Row id of the inserted row. */
  insert(sql: string, ...values: Value[]): number {
    return guarded(() => Number(this.#prepare(sql).run(...bound(sql, values)).lastInsertRowid));
  }

  get<T>(sql: string, ...values: Value[]): T | undefined {
    return guarded(() => this.#prepare<T>(sql).get(...bound(sql, values)));
  }

  all<T>(sql: string, ...values: Value[]): T[] {
    return guarded(() => this.#prepare<T>(sql).all(...bound(sql, values)));
  }

  exec(sql: string): void {
    guarded(() => this.database.exec(sql));
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }

  #prepare<T>(sql: string): Statement<Bindings, T> {
    const known = this.#statements.get(sql);
    // The caller names the row type that belongs to its SQL; SQLite cannot tell.
    if (known !== undefined) return known as Statement<Bindings, T>;
    const made = this.database.prepare<Bindings, T>(sql);
    this.#statements.set(sql, made as Statement<Bindings, unknown>);
    return made;
  }
}

/** The library takes `?1` for a name: numbered values go in as one object. */
function bound(sql: string, values: readonly Value[]): Bindings {
  if (!sql.includes("?1")) return [...values];
  return [Object.fromEntries(values.map((value, index) => [String(index + 1), value]))];
}

/** Runs a library call; what the disk or another process caused becomes a GatewayError, the rest is a bug and passes. */
export function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (!(cause instanceof Sqlite.SqliteError)) throw cause;
    const code = cause.code;
    if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED"))
      throw new GatewayError("noc.store-busy", { cause, fields: { code } });
    if (/^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY|PERM|NOMEM|PROTOCOL)/.test(code)) {
      throw new GatewayError("noc.store", { cause, fields: { code } });
    }
    throw cause;
  }
}

import { crc32 } from "node:zlib";
import type { Database, Statement } from "better-sqlite3";

/**
 * Kept a second time in the file, in the same transaction: what a fleet's orders, identity and safety hang on, and what a lost byte must not take
 * back. All of it is small and seldom written.
 */
const twinned: readonly string[] = [
  ...["authority/", "clock.", "config/", "console/", "desired/", "flows/credential-secret", "flows/unit/", "lock", "traps/", "update/"],
  "uplink/",
];
/** Of these, what may be accepted a second time or by an older key when it is forgotten. */
const guarding: readonly string[] = ["authority/", "console/", "desired/accepted", "lock", "update/"];

/** One value that was not what had been written. */
export interface DamagedValue {
  readonly key: string;
  /** Its twin took its place; or it is gone, and its reader begins as if it had never been. */
  readonly outcome: "restored" | "lost";
  /** Its loss lets something be accepted again: whoever opened the state must choose the safe side. */
  readonly isGuard: boolean;
}

interface Row {
  readonly key: string;
  readonly name: Buffer;
  readonly value: unknown;
  readonly sum: unknown;
}

type Pair = readonly [key: string, value: Uint8Array | undefined];

export interface ValuesParts {
  readonly setAside: (key: string, bytes: Uint8Array) => void;
  readonly onDamagedValue: (damaged: DamagedValue) => void;
}

const isIn = (list: readonly string[], key: string) => list.some((prefix) => key.startsWith(prefix));

/**
 * Values of `state.db` with a checksum each: SQLite's own checks look at structure, and a turned bit inside a value is sound to them. No reader ever
 * gets a damaged value.
 */
export class StateValues {
  readonly #database: Database;
  readonly #parts: ValuesParts;
  readonly #get: Statement<[string], { value: unknown; sum: unknown }>;
  readonly #twin: Statement<[string], { value: unknown; sum: unknown }>;
  readonly #set: Statement<[string, Uint8Array, number]>;
  readonly #setTwin: Statement<[string, Uint8Array, number]>;
  readonly #deletes: readonly Statement<[string]>[];

  constructor(database: Database, parts: ValuesParts) {
    this.#database = database;
    this.#parts = parts;
    this.#get = database.prepare("SELECT value, sum FROM entry WHERE key = ?");
    this.#twin = database.prepare("SELECT value, sum FROM twin WHERE key = ?");
    this.#set = database.prepare(upsert("entry"));
    this.#setTwin = database.prepare(upsert("twin"));
    this.#deletes = ["entry", "twin"].map((table) => database.prepare(`DELETE FROM ${table} WHERE key = ?`));
  }

  get(key: string): Uint8Array | undefined {
    const row = this.#get.get(key);
    if (row === undefined) return undefined;
    const value = sound(key, row);
    if (value !== undefined) return value;
    const damaged = this.#database.transaction(() => this.#mend(key, Buffer.from(key))).immediate();
    this.#parts.onDamagedValue(damaged);
    return damaged.outcome === "restored" ? sound(key, this.#get.get(key)) : undefined;
  }

  /** All or nothing; undefined deletes. */
  put(pairs: readonly Pair[]): void {
    this.#database
      .transaction(() => {
        for (const [key, value] of pairs) this.#write(key, value);
      })
      .immediate();
  }

  /**
   * Every value against its checksum.
   * @param isSealed false: a program without checksums wrote last, so they are made anew of what is there, and what looks damaged goes
   */
  verify(isSealed: boolean): void {
    const damaged = this.#database.transaction(() => (isSealed ? this.#compare() : this.#seal())).immediate();
    for (const one of damaged) this.#parts.onDamagedValue(one);
  }

  #write(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) {
      for (const one of this.#deletes) one.run(key);
      return;
    }
    const sum = sumOf(key, value);
    this.#set.run(key, value, sum);
    if (isIn(twinned, key)) this.#setTwin.run(key, value, sum);
  }

  #compare(): readonly DamagedValue[] {
    const damaged = this.#unsound("entry").map(({ key, name }) => this.#mend(key, name));
    const told = new Set(damaged.map(({ key }) => key));
    for (const { key, name } of this.#unsound("twin")) {
      this.#remove("twin", name);
      if (!told.has(shown(key))) damaged.push({ key: shown(key), outcome: "restored", isGuard: false });
    }
    // Its entry is under a name that a turned bit made of it: the twin knows the right one.
    for (const key of this.#keys("SELECT key FROM twin EXCEPT SELECT key FROM entry")) {
      this.#write(key, sound(key, this.#twin.get(key)));
      if (!told.has(key)) damaged.push({ key: shown(key), outcome: "restored", isGuard: false });
    }
    const missing = this.#keys("SELECT key FROM entry EXCEPT SELECT key FROM twin").filter((key) => isIn(twinned, key));
    const older = this.#keys("SELECT entry.key FROM entry JOIN twin USING (key) WHERE entry.value IS NOT twin.value");
    for (const key of [...missing, ...older]) this.#write(key, sound(key, this.#get.get(key)));
    return damaged;
  }

  #seal(): readonly DamagedValue[] {
    this.#database.exec("DELETE FROM twin");
    const damaged: DamagedValue[] = [];
    const names = this.#database.prepare<[], Buffer>("SELECT CAST(key AS BLOB) FROM entry").pluck().all();
    for (const name of names) {
      const key = name.toString("utf8");
      const value = this.#get.get(key)?.value;
      if (value instanceof Uint8Array && looksSound(value)) this.#write(key, value);
      else damaged.push(this.#mend(key, name));
    }
    return damaged;
  }

  #mend(key: string, name: Buffer): DamagedValue {
    const found = this.#database.prepare<[Buffer], unknown>("SELECT value FROM entry WHERE key = CAST(? AS TEXT)").pluck().get(name);
    if (found instanceof Uint8Array) this.#parts.setAside(shown(key), found);
    const twin = sound(key, this.#twin.get(key));
    this.#remove("entry", name);
    this.#write(key, twin);
    return { key: shown(key), outcome: twin === undefined ? "lost" : "restored", isGuard: isIn(guarding, key) };
  }

  /** By its bytes: a damaged name need not be text. */
  #remove(table: "entry" | "twin", name: Buffer): void {
    this.#database.prepare(`DELETE FROM ${table} WHERE key = CAST(? AS TEXT)`).run(name);
  }

  /** One value in memory at a time: the file may hold 64 MiB. */
  #unsound(table: "entry" | "twin"): readonly Pick<Row, "key" | "name">[] {
    const bad: Pick<Row, "key" | "name">[] = [];
    const rows = this.#database.prepare<[], Row>(`SELECT key, CAST(key AS BLOB) AS name, value, sum FROM ${table}`);
    for (const { key, name, value, sum } of rows.iterate()) if (sound(key, { value, sum }) === undefined) bad.push({ key, name });
    return bad;
  }

  #keys(query: string): readonly string[] {
    return this.#database.prepare<[], string>(query).pluck().all();
  }
}

function upsert(table: "entry" | "twin"): string {
  return `INSERT INTO ${table} (key, value, sum) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, sum = excluded.sum`;
}

/** The key is part of it: a value under another's name is damage too. */
function sumOf(key: string, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

function sound(key: string, row: { readonly value: unknown; readonly sum: unknown } | undefined): Uint8Array | undefined {
  if (row === undefined || !(row.value instanceof Uint8Array)) return undefined;
  return sumOf(key, row.value) === row.sum ? row.value : undefined;
}

/** Without a checksum: what begins or ends as JSON must be JSON. Packed and binary values have checks of their own, or none. */
function looksSound(value: Uint8Array): boolean {
  const [first, last] = [value[0], value.at(-1)];
  const isJson = first === 0x7b || first === 0x5b || last === 0x7d || last === 0x5d;
  // One such byte is a turned bit, more are none of our texts.
  const isBinary = value.subarray(0, 8).filter((byte) => byte < 0x09 || byte > 0x7e).length > 1;
  if (!isJson || isBinary) return true;
  try {
    JSON.parse(Buffer.from(value).toString("utf8"));
    return true;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return false;
  }
}

/** For messages and names of files: a damaged key may hold anything. */
function shown(key: string): string {
  return key.replaceAll(/[^\w./-]/g, "?").slice(0, 128);
}

import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Connection } from "../store/sqlite/connection.ts";

/** One document that a gateway is to have. */
export interface WantedDocument {
  readonly kind: string;
  readonly id: string;
  readonly rev: number;
  readonly sha256: string;
  /** JSON as JavaScript writes it: what the digest is made over. */
  readonly text: string;
  readonly must: boolean;
}

export interface StoredManifest {
  readonly gen: number;
  /** JSON of the payload. */
  readonly payload: string;
  /** Unix ms. */
  readonly atMs: number;
  readonly by: string;
}

/** An entry of the NOC's own audit. */
export interface AuditRow {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly gateway: string;
  readonly detail: string;
  /** SHA-256 over the entry and the hash before it. */
  readonly hash: string;
}

const schema = `
CREATE TABLE IF NOT EXISTS document (tenant TEXT NOT NULL, gateway TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, rev INTEGER NOT NULL,
  sha256 TEXT NOT NULL, text TEXT NOT NULL, must INTEGER NOT NULL, PRIMARY KEY (tenant, gateway, id)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS manifest (tenant TEXT NOT NULL, gateway TEXT NOT NULL, gen INTEGER NOT NULL, payload TEXT NOT NULL, at_ms INTEGER NOT NULL,
  by_whom TEXT NOT NULL, PRIMARY KEY (tenant, gateway, gen)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blob (sha256 TEXT PRIMARY KEY NOT NULL, bytes BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY NOT NULL, tenant TEXT NOT NULL, gateway TEXT NOT NULL, at_ms INTEGER NOT NULL, open INTEGER NOT NULL,
  body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS command_gateway ON command (tenant, gateway, at_ms);
CREATE TABLE IF NOT EXISTS activation (tenant TEXT NOT NULL, gateway TEXT NOT NULL, service TEXT NOT NULL, at_ms INTEGER NOT NULL, open INTEGER NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (tenant, gateway, service)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operator (name TEXT PRIMARY KEY NOT NULL, digest TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rollout (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, gateway TEXT NOT NULL,
  detail TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
`;

/** Generations kept of one gateway; commands kept in all. The audit is never shortened here. */
const keptManifests = 50;
const keptCommands = 50_000;
/** Changes of services kept of one gateway, the newest of each service. */
const keptActivations = 400;

/** `authority.db`: what is ordered and who ordered it. A file of its own, which ingest never opens. @throws GatewayError noc.store* */
export class AuthorityStore {
  readonly #db: Connection;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#db = new Connection(join(folder, "authority.db"), "write");
    this.#db.exec(schema);
  }

  documents(tenant: string, gateway: string): readonly WantedDocument[] {
    const sql = "SELECT kind, id, rev, sha256, text, must FROM document WHERE tenant = ? AND gateway = ? ORDER BY id";
    const rows = this.#db.all<Omit<WantedDocument, "must"> & { must: number }>(sql, tenant, gateway);
    return rows.map((row) => ({ ...row, must: row.must === 1 }));
  }

  /** A set of documents and its manifest, in one transaction. */
  putGeneration(tenant: string, gateway: string, documents: readonly WantedDocument[], manifest: StoredManifest): void {
    const put = this.#db.database.transaction(() => {
      this.#db.run("DELETE FROM document WHERE tenant = ? AND gateway = ?", tenant, gateway);
      for (const { id, kind, rev, sha256, text, must } of documents) {
        this.#db.run(
          "INSERT INTO document (tenant, gateway, id, kind, rev, sha256, text, must) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          ...[tenant, gateway, id, kind, rev, sha256, text, must ? 1 : 0],
        );
      }
      const { gen, payload, atMs, by } = manifest;
      this.#db.run(
        "INSERT INTO manifest (tenant, gateway, gen, payload, at_ms, by_whom) VALUES (?, ?, ?, ?, ?, ?)",
        ...[tenant, gateway, gen, payload, atMs, by],
      );
      this.#db.run("DELETE FROM manifest WHERE tenant = ? AND gateway = ? AND gen <= ?", tenant, gateway, gen - keptManifests);
    });
    put.immediate();
  }

  newestManifest(tenant: string, gateway: string): StoredManifest | undefined {
    const sql =
      "SELECT gen, payload, at_ms AS atMs, by_whom AS 'by' FROM manifest WHERE tenant = ? AND gateway = ? ORDER BY gen DESC LIMIT 1";
    return this.#db.get<StoredManifest>(sql, tenant, gateway);
  }

  /** The manifest of a new signing epoch takes the old one's place. */
  replaceManifest(tenant: string, gateway: string, manifest: StoredManifest): void {
    const sql = "INSERT OR REPLACE INTO manifest (tenant, gateway, gen, payload, at_ms, by_whom) VALUES (?, ?, ?, ?, ?, ?)";
    this.#db.run(sql, tenant, gateway, manifest.gen, manifest.payload, manifest.atMs, manifest.by);
  }

  /** Every gateway that something is wanted of. */
  managed(): readonly { readonly tenant: string; readonly gateway: string }[] {
    return this.#db.all("SELECT DISTINCT tenant, gateway FROM manifest");
  }

  putBlob(sha256: string, bytes: Uint8Array, atMs: number): void {
    this.#db.run("INSERT OR IGNORE INTO blob (sha256, bytes, at_ms) VALUES (?, ?, ?)", sha256, bytes, atMs);
  }

  blob(sha256: string): Uint8Array | undefined {
    return this.#db.get<{ bytes: Uint8Array }>("SELECT bytes FROM blob WHERE sha256 = ?", sha256)?.bytes;
  }

  putCommand(row: {
    readonly id: string;
    readonly tenant: string;
    readonly gateway: string;
    readonly createdMs: number;
    readonly open: boolean;
  }): void {
    const { id, tenant, gateway, createdMs, open } = row;
    const sql = "INSERT OR REPLACE INTO command (id, tenant, gateway, at_ms, open, body) VALUES (?, ?, ?, ?, ?, ?)";
    this.#db.run(sql, id, tenant, gateway, createdMs, open ? 1 : 0, JSON.stringify(row));
    this.#db.run(
      "DELETE FROM command WHERE open = 0 AND at_ms < (SELECT at_ms FROM command ORDER BY at_ms DESC LIMIT 1 OFFSET ?)",
      keptCommands,
    );
  }

  command<T>(id: string): T | undefined {
    return parsed<T>(this.#db.get<{ body: string }>("SELECT body FROM command WHERE id = ?", id));
  }

  commands<T>(tenant: string, gateway: string, limit: number): readonly T[] {
    const sql = "SELECT body FROM command WHERE tenant = ? AND gateway = ? ORDER BY at_ms DESC, id DESC LIMIT ?";
    return this.#db.all<{ body: string }>(sql, tenant, gateway, limit).flatMap((row) => parsed<T>(row) ?? []);
  }

  openCommands<T>(): readonly T[] {
    return this.#db
      .all<{ body: string }>("SELECT body FROM command WHERE open = 1 ORDER BY at_ms LIMIT 10000")
      .flatMap((row) => parsed<T>(row) ?? []);
  }

  /** The newest change of a service takes the place of the one before. */
  putActivation(row: {
    readonly tenant: string;
    readonly gateway: string;
    readonly service: string;
    readonly atMs: number;
    readonly state: string;
  }): void {
    const { tenant, gateway, service, atMs, state } = row;
    const sql = "INSERT OR REPLACE INTO activation (tenant, gateway, service, at_ms, open, body) VALUES (?, ?, ?, ?, ?, ?)";
    this.#db.run(sql, tenant, gateway, service, atMs, state === "sent" ? 1 : 0, JSON.stringify(row));
    const newest = "SELECT at_ms FROM activation WHERE tenant = ? AND gateway = ? ORDER BY at_ms DESC LIMIT 1 OFFSET ?";
    this.#db.run(
      `DELETE FROM activation WHERE tenant = ? AND gateway = ? AND open = 0 AND at_ms < (${newest})`,
      ...[tenant, gateway, tenant, gateway, keptActivations],
    );
  }

  activations<T>(tenant: string, gateway: string): readonly T[] {
    return this.#db
      .all<{ body: string }>("SELECT body FROM activation WHERE tenant = ? AND gateway = ? ORDER BY service", tenant, gateway)
      .flatMap((row) => parsed<T>(row) ?? []);
  }

  openActivations<T>(): readonly T[] {
    return this.#db
      .all<{ body: string }>("SELECT body FROM activation WHERE open = 1 ORDER BY at_ms LIMIT 10000")
      .flatMap((row) => parsed<T>(row) ?? []);
  }

  putOperator(name: string, digest: string, atMs: number): void {
    this.#db.run("INSERT OR REPLACE INTO operator (name, digest, at_ms) VALUES (?, ?, ?)", name, digest, atMs);
  }

  removeOperator(name: string): boolean {
    return this.#db.run("DELETE FROM operator WHERE name = ?", name) > 0;
  }

  operators(): readonly { readonly name: string; readonly digest: string }[] {
    return this.#db.all("SELECT name, digest FROM operator ORDER BY name LIMIT 1000");
  }

  /** Puts a rollout, old or new. @param id of a known one; absent = another. @returns its id */
  putRollout(body: string, id?: number): number {
    if (id === undefined) return this.#db.insert("INSERT INTO rollout (body) VALUES (?)", body);
    this.#db.run("UPDATE rollout SET body = ? WHERE id = ?", body, id);
    return id;
  }

  /** The newest first. */
  rollouts(limit: number): readonly { readonly id: number; readonly body: string }[] {
    return this.#db.all("SELECT id, body FROM rollout ORDER BY id DESC LIMIT ?", limit);
  }

  audit(entry: Omit<AuditRow, "seq" | "hash">): void {
    const { atMs, actor, action, gateway, detail } = entry;
    const last = this.#db.get<{ hash: string }>("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1");
    const hash = createHash("sha256")
      .update(`${last?.hash ?? ""}\n${JSON.stringify([atMs, actor, action, gateway, detail])}`)
      .digest("hex");
    this.#db.insert(
      "INSERT INTO audit (at_ms, actor, action, gateway, detail, hash) VALUES (?, ?, ?, ?, ?, ?)",
      atMs,
      actor,
      action,
      gateway,
      detail,
      hash,
    );
  }

  auditRows(limit: number): readonly AuditRow[] {
    return this.#db.all<AuditRow>(
      "SELECT seq, at_ms AS atMs, actor, action, gateway, detail, hash FROM audit ORDER BY seq DESC LIMIT ?",
      limit,
    );
  }

  close(): void {
    this.#db.close();
  }
}

function parsed<T>(row: { readonly body: string } | undefined): T | undefined {
  // Written by putCommand.
  return row === undefined ? undefined : (JSON.parse(row.body) as T);
}

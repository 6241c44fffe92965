import Database from "better-sqlite3";
import { GatewayError } from "#model/errors.ts";

/**
 * shipped: on the list, never seen; waiting: came without being on it, a person decides; approved: may come; enrolled: has a certificate;
 * revoked: its certificate is void and it gets no other; released: may enrol again with a new claim.
 */
export type DeviceState = "shipped" | "waiting" | "approved" | "enrolled" | "revoked" | "released";

export interface DeviceRecord {
  readonly serial: string;
  readonly state: DeviceState;
  readonly tenant: string;
  readonly site: string;
  readonly gateway: string;
  /** SHA-256 of the claim secret, hex; "" after its single use. */
  readonly claimDigest: string;
  readonly claimUntilMs: number;
  readonly certificateSerial: string;
  readonly notAfterMs: number;
  /** SHA-256 of the identity key, base64url. */
  readonly keyThumbprint: string;
  readonly identityKey: string;
  readonly sealingKey: string;
  readonly evidenceKey: string;
  readonly offlineKey: string;
}

export interface RosterEvent {
  readonly atMs: number;
  readonly serial: string;
  readonly what: string;
  readonly from: string;
}

const maxEvents = 100_000;

const schema = `
CREATE TABLE IF NOT EXISTS device (
  serial TEXT PRIMARY KEY, state TEXT NOT NULL, tenant TEXT NOT NULL, site TEXT NOT NULL, gateway TEXT NOT NULL,
  claimDigest TEXT NOT NULL, claimUntilMs INTEGER NOT NULL, certificateSerial TEXT NOT NULL DEFAULT '', notAfterMs INTEGER NOT NULL DEFAULT 0,
  keyThumbprint TEXT NOT NULL DEFAULT '', identityKey TEXT NOT NULL DEFAULT '', sealingKey TEXT NOT NULL DEFAULT '',
  evidenceKey TEXT NOT NULL DEFAULT '', offlineKey TEXT NOT NULL DEFAULT '') STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS device_gateway ON device (gateway);
CREATE TABLE IF NOT EXISTS revocation (certificateSerial TEXT PRIMARY KEY, atMs INTEGER NOT NULL, gateway TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, atMs INTEGER NOT NULL, serial TEXT NOT NULL, what TEXT NOT NULL, source TEXT NOT NULL) STRICT;
`;

/**
 * The shipping list and what became of each device: `enrolment.db` of the enrolment role. Synchronous and small; the commands of the operator
 * open the same file.
 */
export class Roster {
  readonly #db: Database.Database;

  /** @throws GatewayError noc.store */
  constructor(file: string) {
    try {
      this.#db = new Database(file);
      this.#db.pragma("journal_mode = WAL");
      this.#db.pragma("synchronous = FULL");
      this.#db.pragma("busy_timeout = 5000");
      this.#db.exec(schema);
    } catch (cause) {
      throw new GatewayError("noc.store", { message: `the enrolment list ${file} cannot be opened`, fields: { file }, cause });
    }
  }

  find(serial: string): DeviceRecord | undefined {
    return this.#db.prepare<[string], DeviceRecord>("SELECT * FROM device WHERE serial = ?").get(serial);
  }

  findGateway(gateway: string): DeviceRecord | undefined {
    return this.#db.prepare<[string], DeviceRecord>("SELECT * FROM device WHERE gateway = ? ORDER BY serial LIMIT 1").get(gateway);
  }

  list(): readonly DeviceRecord[] {
    return this.#db.prepare<[], DeviceRecord>("SELECT * FROM device ORDER BY serial LIMIT 100000").all();
  }

  /** Puts a device on the list, or changes what stands there. @throws GatewayError noc.invalid when the gateway id belongs to another device */
  put(
    record: Omit<
      DeviceRecord,
      "certificateSerial" | "notAfterMs" | "keyThumbprint" | "identityKey" | "sealingKey" | "evidenceKey" | "offlineKey"
    >,
  ): void {
    try {
      this.#db
        .prepare(
          `INSERT INTO device (serial, state, tenant, site, gateway, claimDigest, claimUntilMs)
           VALUES (@serial, @state, @tenant, @site, @gateway, @claimDigest, @claimUntilMs)
           ON CONFLICT (serial) DO UPDATE SET state = @state, tenant = @tenant, site = @site, gateway = @gateway, claimDigest = @claimDigest,
           claimUntilMs = @claimUntilMs`,
        )
        .run(record);
    } catch (cause) {
      throw new GatewayError("noc.invalid", { message: `the gateway id ${record.gateway} belongs to another device already`, cause });
    }
  }

  change(serial: string, change: Partial<Omit<DeviceRecord, "serial">>): void {
    const names = Object.keys(change);
    if (names.length === 0) return;
    const assignments = names.map((name) => `${name} = @${name}`).join(", ");
    this.#db.prepare(`UPDATE device SET ${assignments} WHERE serial = @serial`).run({ ...change, serial });
  }

  revoke(certificateSerial: string, gateway: string, atMs: number): void {
    this.#db.prepare("INSERT OR IGNORE INTO revocation VALUES (?, ?, ?)").run(certificateSerial, atMs, gateway);
  }

  revocations(): readonly { readonly serialNumber: string; readonly atMs: number }[] {
    return this.#db
      .prepare<[], { serialNumber: string; atMs: number }>(
        "SELECT certificateSerial AS serialNumber, atMs FROM revocation ORDER BY atMs LIMIT 100000",
      )
      .all();
  }

  isRevoked(certificateSerial: string): boolean {
    return this.#db.prepare("SELECT 1 FROM revocation WHERE certificateSerial = ?").get(certificateSerial) !== undefined;
  }

  /** Who came, with which outcome. The oldest of more than 100,000 are forgotten. */
  note(event: RosterEvent): void {
    this.#db.prepare("INSERT INTO event (atMs, serial, what, source) VALUES (@atMs, @serial, @what, @from)").run(event);
    this.#db.prepare("DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?").run(maxEvents);
  }

  events(limit: number): readonly RosterEvent[] {
    return this.#db
      .prepare<[number], RosterEvent>('SELECT atMs, serial, what, source AS "from" FROM event ORDER BY id DESC LIMIT ?')
      .all(limit);
  }

  transaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }

  close(): void {
    this.#db.close();
  }
}

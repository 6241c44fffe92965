import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "#model/errors.ts";
import { type CommandMessage, parseCommand } from "../../protocol/messages/command.ts";
import { type DesiredManifest, parseDesired } from "../../protocol/messages/twin.ts";
import { Connection } from "../store/sqlite/connection.ts";
import { sha256 } from "./digest.ts";
import type { SignedType } from "./signer.ts";
import { issuer } from "./signing-keys.ts";

const schema = `
CREATE TABLE IF NOT EXISTS generation (tenant TEXT NOT NULL, gateway TEXT NOT NULL, epoch INTEGER NOT NULL, gen INTEGER NOT NULL, digest TEXT NOT NULL,
  PRIMARY KEY (tenant, gateway)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY NOT NULL, digest TEXT NOT NULL, at_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS command_at ON command (at_s);
CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, at_s INTEGER NOT NULL, what TEXT NOT NULL, gateway TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
`;
/** Of what a NOC's clock and the signer's may differ. */
const skewS = 120;
const maxManifestS = 366 * 86_400;
const maxCommandS = 86_400;
const keptCommandsS = 2 * 86_400;
const keptJournal = 200_000;
/** A burst for a large site, and what people and repetitions need in the long run; of both kinds together. */
const burst = 2_000;
const perSecond = 50;

/**
 * What may be signed at all, decided where the keys are: whole, current, for one gateway, never an older generation nor another content under a
 * number that was used, what disrupts with two names. Remembers and writes down in `signer.db`, which no other process opens.
 */
export class SignerPolicy {
  readonly #db: Connection;
  readonly #nowS: () => number;
  #tokens = burst;
  #filledS: number;

  /** @throws GatewayError noc.store* */
  constructor(folder: string, nowS: () => number) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#db = new Connection(join(folder, "signer.db"), "write");
    this.#db.exec(schema);
    this.#nowS = nowS;
    this.#filledS = nowS();
  }

  /** Durable when this returns. @throws GatewayError noc.denied | codec.malformed | codec.limit */
  admit(type: SignedType, payload: Uint8Array): void {
    this.#pace();
    if (type === "gh-desired+jws") this.#manifest(parseDesired(payload), sha256(new TextDecoder().decode(payload)));
    else if (type === "gh-cmd+jws") this.#command(parseCommand(payload));
    else throw denied("tokens of technicians are signed where the keys are: gatehouse noc technician token");
  }

  close(): void {
    this.#db.close();
  }

  #manifest(manifest: DesiredManifest, digest: string): void {
    const { tenant, aud, gen, epoch = 0, iat, exp } = manifest;
    const nowS = this.#nowS();
    if (manifest.iss !== issuer) throw denied("the manifest names another issuer");
    if (iat > nowS + skewS || exp <= nowS || exp - iat > maxManifestS)
      throw denied("the manifest is not current, or holds for more than a year");
    const sql = "SELECT epoch, gen, digest FROM generation WHERE tenant = ? AND gateway = ?";
    const last = this.#db.get<{ readonly epoch: number; readonly gen: number; readonly digest: string }>(sql, tenant, aud);
    if (last !== undefined && last.epoch === epoch && last.gen === gen && last.digest === digest) return;
    if (last !== undefined && (epoch < last.epoch || (epoch === last.epoch && gen <= last.gen)))
      throw denied(`generation ${last.gen} was signed for ${aud} already; ${gen} is ${gen === last.gen ? "another content" : "older"}`);
    this.#db.database.transaction(() => {
      this.#db.run("INSERT OR REPLACE INTO generation VALUES (?, ?, ?, ?, ?)", tenant, aud, epoch, gen, digest);
      this.#note("desired", `${tenant}/${aud}`, `epoch ${epoch} gen ${gen} sha256 ${digest}`);
    })();
  }

  #command(command: CommandMessage): void {
    const { id, risk, aud, tenant, iat, ttl, nonce, sub = "" } = command;
    const nowS = this.#nowS();
    if (command.iss !== issuer) throw denied("the command names another issuer");
    if (ttl > maxCommandS || iat > nowS + skewS || iat + ttl < nowS - skewS)
      throw denied("the command is not current, or holds for more than a day");
    if (nonce === undefined || nonce.length < 16) throw denied("the command is for no session of its gateway");
    const people = new Set(sub.split("+").filter((name) => name !== ""));
    const needed = risk === "disruptive" || risk === "destructive" ? 2 : 1;
    if (people.size < needed)
      throw denied(needed === 2 ? "what disrupts needs the names of two people" : "the command names nobody who gave it");
    // Signed anew for each session of the gateway; everything else of it stays.
    const digest = sha256(JSON.stringify({ ...command, nonce: "" }));
    const last = this.#db.get<{ readonly digest: string }>("SELECT digest FROM command WHERE id = ?", id);
    if (last?.digest === digest) return;
    if (last !== undefined) throw denied("another command with this id was signed already");
    this.#db.database.transaction(() => {
      this.#db.run("DELETE FROM command WHERE at_s < ?", Math.floor(nowS) - keptCommandsS);
      this.#db.run("INSERT INTO command VALUES (?, ?, ?)", id, digest, Math.floor(nowS));
      this.#note("command", `${tenant}/${aud}`, `${command.op} ${risk} ${id} by ${sub}`);
    })();
  }

  #note(what: string, gateway: string, detail: string): void {
    const seq = this.#db.insert(
      "INSERT INTO journal (at_s, what, gateway, detail) VALUES (?, ?, ?, ?)",
      Math.floor(this.#nowS()),
      what,
      gateway,
      detail,
    );
    this.#db.run("DELETE FROM journal WHERE seq <= ?", seq - keptJournal);
  }

  #pace(): void {
    const nowS = this.#nowS();
    this.#tokens = Math.min(burst, this.#tokens + Math.max(0, nowS - this.#filledS) * perSecond);
    this.#filledS = nowS;
    if (this.#tokens < 1) throw denied(`more than ${perSecond} signatures a second for long`);
    this.#tokens -= 1;
  }
}

function denied(reason: string): GatewayError {
  return new GatewayError("noc.denied", { message: `not signed: ${reason}` });
}

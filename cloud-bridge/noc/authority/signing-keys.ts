import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { GatewayError } from "#model/errors.ts";
import { type DocumentType, signDocument } from "../../protocol/envelope.ts";
import { formatKeys, type KeyRole, keysAudience } from "../../protocol/messages/keys.ts";
import type { SignedType, Signer } from "./signer.ts";

/** `iss` of everything that is signed here. */
export const issuer = "noc";

interface SigningKey {
  readonly role: KeyRole;
  readonly jwk: JWK;
}

/** What lies in `signing.json`: the working keys, and which key document names them. */
interface KeyFile {
  readonly version: number;
  readonly epoch: number;
  /** Unix seconds. */
  readonly madeAt: number;
  readonly keys: readonly SigningKey[];
  /** Key documents by tenant, signed by the root. */
  readonly documents: Readonly<Record<string, string>>;
}

const roles: readonly KeyRole[] = ["des", "cmd", "tech"];
const roleOfType: Readonly<Partial<Record<DocumentType, KeyRole>>> = {
  "gh-desired+jws": "des",
  "gh-cmd+jws": "cmd",
  "gh-tech+jws": "tech",
};
const rootFile = "root.jwk";
const publicFile = "root.pub.jwk";
const signingFile = "signing.json";
/** A folder that is there while somebody changes the keys. */
const lockName = "signing.lock";
/** A change takes milliseconds: what is older was left behind by a process that was killed. */
const staleLockS = 60;

/**
 * The keys that speak for the NOC, in a folder of their own (0700, files 0600) that ingest and brokers never read. The root signs key documents
 * only: with one tenant or known ones, `root.jwk` is moved to the safe once their documents are made, and comes back for a rotation.
 */
export class SigningKeys implements Signer {
  readonly #folder: string;
  readonly #nowS: () => number;
  #file: KeyFile;
  /** Of the file that was read. */
  #stamp = "";
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, nowS: () => number, file: KeyFile) {
    this.#folder = folder;
    this.#nowS = nowS;
    this.#file = file;
  }

  /** Opens the folder; makes root and working keys at the first start. @throws GatewayError noc.store | noc.denied */
  static async open(folder: string, nowS: () => number): Promise<SigningKeys> {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      assertPrivate(folder);
      const isNew = !existsSync(join(folder, signingFile));
      if (isNew && !existsSync(join(folder, publicFile))) await makeRoot(folder);
      const file = isNew ? await freshFile(0, 0, nowS()) : readFile(folder);
      const keys = new SigningKeys(folder, nowS, file);
      if (isNew) keys.#save(file);
      return keys;
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      throw new GatewayError("noc.store", { message: `the folder with the signing keys cannot be used: ${folder}`, cause });
    }
  }

  get version(): number {
    return this.#file.version;
  }

  get epoch(): number {
    return this.#file.epoch;
  }

  /** The root's public key as JSON Web Key: what gateways pin. */
  get rootPublic(): string {
    return readFileSync(join(this.#folder, publicFile), "utf8").trim();
  }

  /** For people: ids and roles. */
  get list(): readonly { readonly kid: string; readonly role: string }[] {
    return this.#file.keys.map(({ role, jwk }) => ({ kid: jwk.kid ?? "", role }));
  }

  /** Signs with the key for this type of document. @returns compact JWS */
  async sign(type: SignedType, payload: Uint8Array): Promise<string> {
    const key = this.#file.keys.find((one) => one.role === roleOfType[type]);
    if (key?.jwk.kid === undefined) throw new GatewayError("noc.store", { message: "there is no key for this kind of document" });
    return signDocument(payload, { type, kid: key.jwk.kid }, key.jwk);
  }

  /** The key document of a tenant; made and kept when it is first asked for. @throws GatewayError noc.denied when the root is in the safe */
  async document(tenant: string): Promise<string> {
    const known = this.#file.documents[tenant];
    if (known !== undefined) return known;
    return this.#exclusively(async () => {
      const file = this.#file;
      const made = file.documents[tenant] ?? (await this.#signKeys(file, tenant));
      if (file.documents[tenant] === undefined) this.#save({ ...file, documents: { ...file.documents, [tenant]: made } });
      return made;
    });
  }

  async refresh(): Promise<void> {
    this.#reread();
  }

  /** Other working keys, named by another key document; the old ones are refused from then on. @param newEpoch lets generations begin again */
  rotate(newEpoch: boolean): Promise<void> {
    return this.#exclusively(async () => {
      const { version, epoch, documents } = this.#file;
      const next = await freshFile(version, newEpoch ? epoch + 1 : epoch, this.#nowS());
      const signed: Record<string, string> = {};
      for (const tenant of Object.keys(documents)) signed[tenant] = await this.#signKeys(next, tenant);
      this.#save({ ...next, documents: signed });
    });
  }

  /** One change at a time, of this process and of others, on what is in the file now. @throws GatewayError noc.store */
  #exclusively<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(async () => {
      const release = lock(this.#folder, this.#nowS());
      try {
        this.#reread();
        return await change();
      } finally {
        release();
      }
    });
    this.#changes = done.catch(() => undefined);
    return done;
  }

  /** @throws GatewayError noc.store */
  #reread(): void {
    try {
      const stamp = stampOf(join(this.#folder, signingFile));
      if (stamp === this.#stamp) return;
      this.#file = readFile(this.#folder);
      this.#stamp = stamp;
    } catch (cause) {
      throw new GatewayError("noc.store", { message: `the signing keys in ${this.#folder} cannot be read any more`, cause });
    }
  }

  async #signKeys(file: KeyFile, tenant: string): Promise<string> {
    const root = readJwk(join(this.#folder, rootFile));
    if (root === undefined) {
      throw new GatewayError("noc.denied", {
        message: `the root key is not there; bring ${join(this.#folder, rootFile)} from the safe for this step`,
      });
    }
    const keys = file.keys.map(({ role, jwk }) => ({ kid: jwk.kid ?? "", roles: [role], x: jwk.x ?? "" }));
    const payload = formatKeys({
      v: 1,
      iss: issuer,
      aud: keysAudience,
      tenant,
      version: file.version,
      epoch: file.epoch,
      iat: file.madeAt,
      keys,
    });
    return signDocument(payload, { type: "gh-keys+jws", kid: root.kid ?? "root" }, root);
  }

  #save(file: KeyFile): void {
    writePrivate(join(this.#folder, signingFile), JSON.stringify(file, null, 1));
    this.#file = file;
  }
}

async function freshFile(version: number, epoch: number, nowS: number): Promise<KeyFile> {
  const keys: SigningKey[] = [];
  for (const role of roles) keys.push({ role, jwk: await freshKey(`${role}-${version + 1}`) });
  return { version: version + 1, epoch, madeAt: Math.floor(nowS), keys, documents: {} };
}

async function makeRoot(folder: string): Promise<void> {
  const root = await freshKey("root-1");
  const { kty, crv, x, kid } = root;
  writePrivate(join(folder, rootFile), JSON.stringify(root));
  writePrivate(join(folder, publicFile), JSON.stringify({ kty, crv, x, kid }));
}

async function freshKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("Ed25519", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid };
}

function readFile(folder: string): KeyFile {
  // Our own file, in a folder that nobody else may read.
  return JSON.parse(readFileSync(join(folder, signingFile), "utf8")) as KeyFile;
}

function readJwk(path: string): JWK | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as JWK) : undefined;
}

/** Another one for each file that is put in its place. */
function stampOf(path: string): string {
  const { ino, mtimeMs, size } = statSync(path);
  return `${ino} ${mtimeMs} ${size}`;
}

/** @returns lets go @throws GatewayError noc.store when another process holds it */
function lock(folder: string, nowS: number): () => void {
  const path = join(folder, lockName);
  try {
    if (existsSync(path) && nowS - statSync(path).mtimeMs / 1_000 > staleLockS) rmdirSync(path);
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    throw new GatewayError("noc.store", {
      message: `another process changes the signing keys just now (${path} is there): try again, after a minute it counts as left behind`,
      cause,
    });
  }
  return () => rmdirSync(path);
}

function assertPrivate(folder: string): void {
  if ((statSync(folder).mode & 0o077) === 0) return;
  throw new GatewayError("noc.denied", { message: `others may read the signing keys; chmod 0700 ${folder}` });
}

function writePrivate(path: string, text: string): void {
  writeFileSync(`${path}.new`, `${text}\n`, { mode: 0o600, flush: true });
  // Rotated by root: the signer's own user must be able to read it.
  const { uid, gid } = statSync(dirname(path));
  if (statSync(`${path}.new`).uid !== uid) chownSync(`${path}.new`, uid, gid);
  renameSync(`${path}.new`, path);
  chmodSync(path, 0o600);
}

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { GatewayError } from "#model/errors.ts";
import { canonicalJson } from "../../protocol/release/canonical-json.ts";
import {
  keyIdOf,
  type MetaFile,
  type PublicKey,
  parseRole,
  type Role,
  type RoleName,
  type RootRole,
  roleNames,
  type Signed,
  type TargetsRole,
} from "../../protocol/release/metadata.ts";

/** How long signatures of a role hold, days. Short for what is renewed by a machine, long for what people sign. */
const lifeDays: Readonly<Record<RoleName, number>> = { root: 365, targets: 180, snapshot: 14, timestamp: 3 };
const dayMs = 86_400_000;

/** Which private keys sign: files in PKCS #8 PEM. root and targets keys belong offline and are only named when they are needed. */
export type KeyFiles = Readonly<Record<RoleName, readonly string[]>>;

/** The files of a repository: `metadata/*.json` and `targets/*`, as they are served. */
export class ReleaseRepository {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Newest version of a role; undefined before the first. */
  read<R extends Role>(name: RoleName): Signed<R> | undefined {
    const version = this.#newest(name);
    if (version === 0) return undefined;
    return parseRole(
      name,
      atFiles(() => readFileSync(this.#path(name, version))),
    ) as Signed<R>;
  }

  /** Writes the first root and empty roles below it. @param threshold how many of its keys root and targets need */
  initialise(keys: KeyFiles, threshold: number, nowMs: number): void {
    if (this.read("root") !== undefined) throw new GatewayError("noc.invalid", { message: `${this.#folder} has a root already` });
    const isEnough = keys.root.length >= threshold && keys.targets.length >= Math.min(threshold, keys.targets.length);
    if (!isEnough) throw new GatewayError("noc.invalid", { message: `a threshold of ${threshold} needs as many keys` });
    const known: Record<string, PublicKey> = {};
    const roles = Object.fromEntries(
      roleNames.map((name) => {
        const ids = keys[name].map((file) => {
          const key = publicKeyOf(file);
          known[keyIdOf(key)] = key;
          return keyIdOf(key);
        });
        const needed = name === "root" || name === "targets" ? Math.min(threshold, ids.length) : 1;
        return [name, { keyids: ids, threshold: needed }];
      }),
    ) as unknown as RootRole["roles"];
    const root: RootRole = { ...common("root", 1, nowMs), consistent_snapshot: true, keys: known, roles };
    this.#write("root", root, keys.root);
    this.publish({ ...common("targets", 1, nowMs), targets: {} }, keys, nowMs);
  }

  /** Signs a new list of targets, and the snapshot and timestamp that make it valid; the timestamp comes last: before it nothing has changed. */
  publish(targets: TargetsRole, keys: KeyFiles, nowMs: number): void {
    const version = this.#newest("targets") + 1;
    const expires = expiryOf("targets", nowMs);
    this.#write("targets", { ...targets, version, expires }, keys.targets);
    this.renew(keys, nowMs);
  }

  /** Signs snapshot and timestamp anew: daily, or a gateway takes the silence for somebody holding releases back. */
  renew(keys: Pick<KeyFiles, "snapshot" | "timestamp">, nowMs: number): void {
    const targets = this.metaOf("targets");
    this.#write(
      "snapshot",
      { ...common("snapshot", this.#newest("snapshot") + 1, nowMs), meta: { "targets.json": targets } },
      keys.snapshot,
    );
    const snapshot = this.metaOf("snapshot");
    this.#write(
      "timestamp",
      { ...common("timestamp", this.#newest("timestamp") + 1, nowMs), meta: { "snapshot.json": snapshot } },
      keys.timestamp,
    );
  }

  /** Signs the next root: other keys, other thresholds, later expiry. Signed by old and new keys. */
  rotateRoot(change: (root: RootRole) => RootRole, signers: readonly string[], nowMs: number): void {
    const before = this.read<RootRole>("root");
    if (before === undefined) throw new GatewayError("noc.invalid", { message: `${this.#folder} has no root` });
    const version = before.signed.version + 1;
    this.#write("root", { ...change(before.signed), version, expires: expiryOf("root", nowMs) }, signers);
  }

  /** Version, length and hash of the newest file of a role, as the role above it names them. */
  metaOf(name: RoleName): MetaFile {
    const version = this.#newest(name);
    const bytes = atFiles(() => readFileSync(this.#path(name, version)));
    return { version, length: bytes.length, hashes: { sha256: createHash("sha256").update(bytes).digest("hex") } };
  }

  #newest(name: RoleName): number {
    let version = 0;
    if (name === "timestamp") {
      const path = this.#path(name, 0);
      return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Signed).signed.version : 0;
    }
    while (existsSync(this.#path(name, version + 1))) version += 1;
    return version;
  }

  #path(name: RoleName, version: number): string {
    return join(this.#folder, "metadata", name === "timestamp" ? "timestamp.json" : `${version}.${name}.json`);
  }

  #write(name: RoleName, signed: Role, keyFiles: readonly string[]): void {
    const text = Buffer.from(canonicalJson(signed));
    const signatures = keyFiles.map((file) => ({
      keyid: keyIdOf(publicKeyOf(file)),
      sig: sign(null, text, privateKeyOf(file)).toString("hex"),
    }));
    durablyWritten(this.#path(name, signed.version), JSON.stringify({ signatures, signed }));
  }
}

function common<N extends RoleName>(
  name: N,
  version: number,
  nowMs: number,
): { readonly _type: N; readonly spec_version: string; readonly version: number; readonly expires: string } {
  return { _type: name, spec_version: "1.0.31", version, expires: expiryOf(name, nowMs) };
}

function expiryOf(name: RoleName, nowMs: number): string {
  return new Date(nowMs + lifeDays[name] * dayMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** Makes a key pair; the private part readable by its owner only. */
export function makeKey(file: string): void {
  if (existsSync(file)) throw new GatewayError("noc.invalid", { message: `${file} is there already; a key is never overwritten` });
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync("ed25519");
  writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
  chmodSync(file, 0o600);
}

function privateKeyOf(file: string) {
  try {
    return createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw new GatewayError("config.secret", { message: `the signing key ${file} cannot be read`, cause });
  }
}

/** @throws GatewayError config.secret */
export function publicKeyOf(file: string): PublicKey {
  const der = createPublicKey(privateKeyOf(file)).export({ type: "spki", format: "der" });
  return { keytype: "ed25519", scheme: "ed25519", keyval: { public: der.subarray(-32).toString("hex") } };
}

/** All or nothing, and there after a power cut. @throws GatewayError noc.store */
export function durablyWritten(path: string, content: string | Uint8Array): void {
  atFiles(() => written(path, content));
}

/** The border to the file system: a full disk must not end the NOC. */
function atFiles<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new GatewayError("noc.store", { message: `the repository's files: ${cause instanceof Error ? cause.message : cause}`, cause });
  }
}

function written(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  // A place of its own: a publication and a renewal are processes that know nothing of each other.
  const place = mkdtempSync(`${path}.`);
  const file = openSync(join(place, "new"), "w", 0o644);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(join(place, "new"), path);
  rmdirSync(place);
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

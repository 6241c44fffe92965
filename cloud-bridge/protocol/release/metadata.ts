import { createHash, createPublicKey, verify } from "node:crypto";
import { GatewayError } from "#model/errors.ts";
import { canonicalJson } from "./canonical-json.ts";

/** Roles of The Update Framework, specification 1.0.31. No delegations: one product, one targets role. */
export const roleNames = ["root", "targets", "snapshot", "timestamp"] as const;
export type RoleName = (typeof roleNames)[number];

export interface PublicKey {
  readonly keytype: "ed25519";
  readonly scheme: "ed25519";
  readonly keyval: { readonly public: string };
}

interface Common {
  readonly _type: RoleName;
  readonly spec_version: string;
  readonly version: number;
  /** ISO 8601, UTC, whole seconds. */
  readonly expires: string;
}

export interface RootRole extends Common {
  readonly _type: "root";
  readonly consistent_snapshot: boolean;
  readonly keys: Readonly<Record<string, PublicKey>>;
  readonly roles: Readonly<Record<RoleName, { readonly keyids: readonly string[]; readonly threshold: number }>>;
}

export interface MetaFile {
  readonly version: number;
  readonly length: number;
  readonly hashes: { readonly sha256: string };
}

export interface TimestampRole extends Common {
  readonly _type: "timestamp";
  readonly meta: { readonly "snapshot.json": MetaFile };
}

export interface SnapshotRole extends Common {
  readonly _type: "snapshot";
  readonly meta: { readonly "targets.json": MetaFile };
}

/** What Gatehouse says of a target beside its length and hash. */
export interface TargetCustom {
  readonly product: "gatehouse";
  readonly version: string;
  readonly hardware: string;
  readonly format: "zstd" | "delta";
  readonly base?: string;
  readonly program: { readonly sha256: string; readonly length: number };
}

export interface TargetsRole extends Common {
  readonly _type: "targets";
  readonly targets: Readonly<
    Record<string, { readonly length: number; readonly hashes: { readonly sha256: string }; readonly custom: TargetCustom }>
  >;
  /** Oldest version that may be installed. */
  readonly "x-gatehouse-floor"?: string;
}

export type Role = RootRole | TargetsRole | SnapshotRole | TimestampRole;

export interface Signed<R extends Role = Role> {
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
  readonly signed: R;
}

/** Longest metadata file that is read at all, bytes. */
export const maxMetadataBytes: Readonly<Record<RoleName, number>> = {
  root: 65_536,
  timestamp: 16_384,
  snapshot: 65_536,
  targets: 1_048_576,
};
const maxSignatures = 16;

export function untrusted(message: string, cause?: unknown): GatewayError {
  return new GatewayError("update.untrusted", { message, ...(cause === undefined ? {} : { cause }) });
}

/** Key id as the framework defines it: SHA-256 of the key's canonical form. */
export function keyIdOf(key: PublicKey): string {
  return createHash("sha256").update(canonicalJson(key)).digest("hex");
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isVersion = (value: unknown) => Number.isSafeInteger(value) && Number(value) > 0;
const isText = (value: unknown, pattern: RegExp) => typeof value === "string" && pattern.test(value);
const isHash = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

/** Parses a role's file and checks its shape; nothing is trusted yet. @throws GatewayError update.untrusted */
export function parseRole(name: RoleName, bytes: Uint8Array): Signed {
  if (bytes.length > maxMetadataBytes[name]) throw untrusted(`${name} is longer than ${maxMetadataBytes[name]} bytes`);
  const document = parsed(name, bytes);
  if (!isRecord(document) || !isRecord(document.signed) || !Array.isArray(document.signatures))
    throw untrusted(`${name} is not signed metadata`);
  const { signed, signatures } = document;
  const isCommon = signed._type === name && isText(signed.spec_version, /^1\.\d+(\.\d+)?$/) && isVersion(signed.version);
  if (!isCommon || !isText(signed.expires, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)) throw untrusted(`${name} is not metadata of its kind`);
  if (signatures.length > maxSignatures) throw untrusted(`${name} has more than ${maxSignatures} signatures`);
  if (!signatures.every((one) => isRecord(one) && isHash(one.keyid) && isText(one.sig, /^[0-9a-f]{128}$/)))
    throw untrusted(`${name} has a signature that is none`);
  if (!shapes[name](signed)) throw untrusted(`${name} does not have the shape it should`);
  // Everything that is used was looked at above.
  return document as unknown as Signed;
}

function parsed(name: RoleName, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw untrusted(`${name} is not JSON`, cause);
  }
}

const isMetaFile = (value: unknown) =>
  isRecord(value) && isVersion(value.version) && isVersion(value.length) && isRecord(value.hashes) && isHash(value.hashes.sha256);

const shapes: Readonly<Record<RoleName, (signed: Readonly<Record<string, unknown>>) => boolean>> = {
  root: ({ keys, roles }) =>
    isRecord(keys) &&
    isRecord(roles) &&
    Object.keys(keys).length <= 64 &&
    roleNames.every((name) => isRoleKeys(roles[name])) &&
    Object.values(keys).every(isKey),
  timestamp: ({ meta }) => isRecord(meta) && isMetaFile(meta["snapshot.json"]),
  snapshot: ({ meta }) => isRecord(meta) && isMetaFile(meta["targets.json"]),
  targets: ({ targets, "x-gatehouse-floor": floor }) =>
    isRecord(targets) &&
    Object.keys(targets).length <= 4_096 &&
    Object.entries(targets).every(isTarget) &&
    (floor === undefined || isVersionText(floor)),
};

const isVersionText = (value: unknown) => typeof value === "string" && /^\d{1,6}(\.\d{1,6}){2}(-[0-9a-z.-]{1,40})?$/.test(value);

function isRoleKeys(value: unknown): boolean {
  return (
    isRecord(value) && Array.isArray(value.keyids) && value.keyids.length <= 16 && value.keyids.every(isHash) && isVersion(value.threshold)
  );
}

function isKey(value: unknown): boolean {
  return (
    isRecord(value) && value.keytype === "ed25519" && value.scheme === "ed25519" && isRecord(value.keyval) && isHash(value.keyval.public)
  );
}

/** Names end up in addresses: no dots that climb, no schemes. */
function isTarget([path, value]: readonly [string, unknown]): boolean {
  if (!/^[\w-][\w.-]{0,80}(\/[\w-][\w.-]{0,80}){0,3}$/.test(path) || path.includes("..")) return false;
  if (!isRecord(value) || !isVersion(value.length) || !isRecord(value.hashes) || !isHash(value.hashes.sha256) || !isRecord(value.custom))
    return false;
  const { product, version, hardware, format, base, program } = value.custom;
  if (product !== "gatehouse" || !isVersionText(version) || typeof hardware !== "string" || !isRecord(program)) return false;
  return isVersion(program.length) && isHash(program.sha256) && (format === "zstd" || (format === "delta" && isHash(base)));
}

/**
 * Enough keys of the role signed the document. Keys count once, under whatever ids they are listed.
 * @throws GatewayError update.untrusted
 */
export function verifySignatures(root: RootRole, name: RoleName, document: Signed): void {
  const { keyids, threshold } = root.roles[name];
  const text = signedText(name, document);
  const signers = new Set<string>();
  for (const { keyid, sig } of document.signatures) {
    const key = root.keys[keyid];
    if (key === undefined || !keyids.includes(keyid) || keyIdOf(key) !== keyid) continue;
    if (isSignature(key, text, sig)) signers.add(key.keyval.public);
  }
  if (signers.size < threshold) throw untrusted(`${name} is signed by ${signers.size} of the ${threshold} keys it needs`);
}

/** What the signatures are over. Nothing is trusted yet: fractions and nesting without end have no such form. */
function signedText(name: RoleName, document: Signed): Uint8Array {
  try {
    return Buffer.from(canonicalJson(document.signed));
  } catch (cause) {
    throw untrusted(`${name} has no canonical form`, cause instanceof Error ? cause.name : undefined);
  }
}

/** The fixed head of an Ed25519 public key in SubjectPublicKeyInfo (RFC 8410). */
const spkiHead = Buffer.from("302a300506032b6570032100", "hex");

function isSignature(key: PublicKey, text: Uint8Array, sig: string): boolean {
  try {
    const publicKey = createPublicKey({
      key: Buffer.concat([spkiHead, Buffer.from(key.keyval.public, "hex")]),
      format: "der",
      type: "spki",
    });
    return verify(null, text, publicKey, Buffer.from(sig, "hex"));
  } catch {
    // Not a point of the curve: a key that signs nothing.
    return false;
  }
}

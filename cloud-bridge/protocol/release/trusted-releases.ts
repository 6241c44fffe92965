import { createHash } from "node:crypto";
import { isGatewayError } from "#model/errors.ts";
import {
  type MetaFile,
  maxMetadataBytes,
  parseRole,
  type RoleName,
  type RootRole,
  type Signed,
  type SnapshotRole,
  type TargetsRole,
  type TimestampRole,
  untrusted,
  verifySignatures,
} from "./metadata.ts";

/** What a gateway trusts so far: the files as they were signed. Kept where nothing is lost (`state.db`). */
export interface TrustedFiles {
  readonly root: Uint8Array;
  readonly timestamp?: Uint8Array;
  readonly snapshot?: Uint8Array;
  readonly targets?: Uint8Array;
}

/** Gets a metadata file; undefined = there is none. Never more than `maxBytes`. @throws GatewayError update.unreachable */
export type FetchMetadata = (name: string, maxBytes: number) => Promise<Uint8Array | undefined>;

/** Newer roots that are followed at one time: a peer cannot keep us busy forever. */
const maxRootSteps = 64;

export interface Advanced {
  readonly files: Required<TrustedFiles>;
  readonly targets: TargetsRole;
}

/**
 * The client's workflow of The Update Framework (5.3 to 5.6): newer roots one by one, then timestamp, snapshot, targets, each against what is
 * trusted already. The caller keeps the result; if anything is wrong, it keeps what it had.
 * @param nowMs wall clock if it is known to be right: without it nothing counts as expired, versions still only go up
 * @throws GatewayError update.untrusted | update.unreachable
 */
export async function advance(trusted: TrustedFiles, fetch: FetchMetadata, nowMs: number | undefined): Promise<Advanced> {
  const root = await newestRoot(trusted.root, fetch);
  const isFresh = (role: { readonly expires: string; readonly _type: string }) => {
    if (nowMs !== undefined && Date.parse(role.expires) <= nowMs)
      throw untrusted(`${role._type} expired at ${role.expires}: somebody holds newer releases back, or nobody renews`);
  };
  isFresh(root.role);
  const timestampBytes = await needed("timestamp.json", maxMetadataBytes.timestamp, fetch);
  const timestamp = verified<TimestampRole>("timestamp", timestampBytes, root.role);
  const before = known<TimestampRole>("timestamp", trusted.timestamp, root.role);
  if (before !== undefined) {
    notOlder("timestamp", timestamp.version, before.version);
    if (timestamp.version === before.version && !sameBytes(timestampBytes, trusted.timestamp))
      throw untrusted("timestamp changed without a new version");
    notOlder("snapshot", timestamp.meta["snapshot.json"].version, before.meta["snapshot.json"].version);
  }
  isFresh(timestamp);
  const snapshotFile = timestamp.meta["snapshot.json"];
  const snapshotBytes = await needed(`${snapshotFile.version}.snapshot.json`, snapshotFile.length, fetch);
  matches("snapshot", snapshotBytes, snapshotFile);
  const snapshot = verified<SnapshotRole>("snapshot", snapshotBytes, root.role);
  sameVersion("snapshot", snapshot.version, snapshotFile.version);
  const snapshotBefore = known<SnapshotRole>("snapshot", trusted.snapshot, root.role);
  if (snapshotBefore !== undefined) notOlder("targets", snapshot.meta["targets.json"].version, snapshotBefore.meta["targets.json"].version);
  isFresh(snapshot);
  const targetsFile = snapshot.meta["targets.json"];
  const targetsBytes = await needed(`${targetsFile.version}.targets.json`, targetsFile.length, fetch);
  matches("targets", targetsBytes, targetsFile);
  const targets = verified<TargetsRole>("targets", targetsBytes, root.role);
  sameVersion("targets", targets.version, targetsFile.version);
  isFresh(targets);
  return { files: { root: root.bytes, timestamp: timestampBytes, snapshot: snapshotBytes, targets: targetsBytes }, targets };
}

/** A root that is given by hand (first installation): signed by itself. @throws GatewayError update.untrusted */
export function checkRoot(bytes: Uint8Array): RootRole {
  const document = parseRole("root", bytes) as Signed<RootRole>;
  verifySignatures(document.signed, "root", document);
  return document.signed;
}

async function newestRoot(bytes: Uint8Array, fetch: FetchMetadata): Promise<{ readonly bytes: Uint8Array; readonly role: RootRole }> {
  let current = { bytes, role: checkRoot(bytes) };
  for (let step = 0; step < maxRootSteps; step++) {
    const next = await fetch(`${current.role.version + 1}.root.json`, maxMetadataBytes.root);
    if (next === undefined) return current;
    const document = parseRole("root", next) as Signed<RootRole>;
    // Signed by the keys of the old one and by its own: neither side can change the keys alone.
    verifySignatures(current.role, "root", document);
    verifySignatures(document.signed, "root", document);
    sameVersion("root", document.signed.version, current.role.version + 1);
    current = { bytes: next, role: document.signed };
  }
  return current;
}

function verified<R extends TimestampRole | SnapshotRole | TargetsRole>(name: RoleName, bytes: Uint8Array, root: RootRole): R {
  const document = parseRole(name, bytes);
  verifySignatures(root, name, document);
  return document.signed as R;
}

/** What was trusted before, if the keys of today's root still say so: after a change of keys versions may start afresh (fast-forward recovery). */
function known<R extends TimestampRole | SnapshotRole>(name: RoleName, bytes: Uint8Array | undefined, root: RootRole): R | undefined {
  if (bytes === undefined) return undefined;
  try {
    return verified<R>(name, bytes, root);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return undefined;
  }
}

async function needed(name: string, maxBytes: number, fetch: FetchMetadata): Promise<Uint8Array> {
  const bytes = await fetch(name, maxBytes);
  if (bytes === undefined) throw untrusted(`the repository has no ${name}`);
  return bytes;
}

function matches(name: RoleName, bytes: Uint8Array, file: MetaFile): void {
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (bytes.length !== file.length || hash !== file.hashes.sha256)
    throw untrusted(`${name} is not the file that was signed for this moment`);
}

function notOlder(name: RoleName, version: number, before: number): void {
  if (version < before) throw untrusted(`${name} went back from version ${before} to ${version}`);
}

function sameVersion(name: RoleName, version: number, expected: number): void {
  if (version !== expected) throw untrusted(`${name} is version ${version}, not ${expected}`);
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}

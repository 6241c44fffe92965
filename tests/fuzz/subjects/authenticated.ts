import { createHash, createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { CompactSign, exportJWK, generateKeyPair } from "jose";
import type { PinnedKey } from "#model/authority.ts";
import { CertificateAuthority } from "../../../cloud-bridge/noc/enrolment/certificate-authority.ts";
import { EnrolmentDesk } from "../../../cloud-bridge/noc/enrolment/enrolment-desk.ts";
import { requestOf } from "../../../cloud-bridge/noc/enrolment/enrolment-server.ts";
import { Roster } from "../../../cloud-bridge/noc/enrolment/roster.ts";
import { enrolmentProof } from "../../../cloud-bridge/protocol/enrolment.ts";
import { signDocument, verifyDocument } from "../../../cloud-bridge/protocol/envelope.ts";
import { openSecret, sealSecret } from "../../../cloud-bridge/protocol/sealed-secret.ts";
import { certificateRequest, makeDeviceKeys, publicHalf } from "../../../cloud-bridge/uplink/enrolment/device-keys.ts";
import { challengeResponse, OfflineChallenge } from "../../../runtime/console/offline-challenge.ts";
import { TechnicianTokens } from "../../../runtime/console/technician-token.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { isGatewayError } from "../../../runtime/model/errors.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { MemoryState } from "../../southbound/discovery/memory-state.ts";
import { ManualClock } from "../../store/manual-clock.ts";
import { type FuzzSubject, sameBytes, text } from "../subject.ts";
import { folderFor } from "./documents.ts";

const serial = "GH-FUZZ-01";
const gateway = "gw-fuzz-01";
const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** A NOC with one device on its list, and what that device needs to enrol. */
async function enrolment() {
  const folder = folderFor("enrol");
  const clock = new ManualClock();
  clock.wallOffsetMs = Date.now();
  const authority = await CertificateAuthority.open(await CertificateAuthority.create("Fuzz", clock, systemEntropy), clock, systemEntropy);
  const roster = new Roster(join(folder.path, "enrolment.db"));
  const claim = Buffer.alloc(16, 5);
  const claimDigest = createHash("sha256").update(claim).digest("hex");
  const device = { serial, tenant: "acme", site: "x", gateway, claimDigest, claimUntilMs: clock.now().wallMs + 1e12 };
  roster.put({ ...device, state: "shipped" });
  const keys = await makeDeviceKeys();
  const csr = await certificateRequest(keys.identity, gateway);
  const [sealingKey, evidenceKey] = [await publicHalf(keys.sealing, "sealing"), await publicHalf(keys.evidence, "evidence")];
  /** A desk that has counted no tries yet. */
  const desk = () => new EnrolmentDesk({ authority, roster, broker: "mqtts://b:8883", clock, entropy: systemEntropy, unlistedWait: false });
  const end = () => {
    roster.close();
    folder.end();
  };
  return { desk, claim, keys, body: { serial, csr, sealingKey, evidenceKey }, end };
}

const enrolmentFiles = ["cloud-bridge/noc/enrolment/enrolment-desk.ts", "cloud-bridge/noc/enrolment/roster.ts"];

async function openEnrolment() {
  const { desk, claim, body, end } = await enrolment();
  const genuine = JSON.stringify([body.serial, body.csr, body.sealingKey, body.evidenceKey]);
  const read = async (bytes: Uint8Array) => {
    const given = requestOf(Object(JSON.parse(Buffer.from(bytes).toString("utf8"))));
    const door = desk();
    const { nonce } = door.start(serial);
    // The proof is of the genuine body: what was changed on the way is not proven.
    const proof = enrolmentProof(claim, { ...body, nonce });
    if (JSON.stringify([given.serial, given.csr, given.sealingKey, given.evidenceKey]) === genuine) return undefined;
    return (await door.finish({ ...given, nonce, proof }, "fuzz")).status === "enrolled";
  };
  return { valid: [text({ ...body, nonce: "x", proof: "y" })], form: "json" as const, read, close: end };
}

/** A body whose claim is right and whose certificate request is not: the device itself, or who has its label, sends anything. */
async function openRequest() {
  const { desk, claim, body, end } = await enrolment();
  const read = async (bytes: Uint8Array) => {
    const door = desk();
    const { nonce } = door.start(serial);
    const csr = Buffer.from(bytes).toString("latin1");
    const changed = { ...body, csr, nonce };
    const proof = enrolmentProof(claim, changed);
    if (csr.replaceAll(/\s/g, "") === body.csr.replaceAll(/\s/g, "")) return undefined;
    await door.finish({ ...changed, proof }, "fuzz");
    return undefined;
  };
  return { valid: [text(body.csr)], read, close: end };
}

async function openRenewal() {
  const { desk, claim, body, keys, end } = await enrolment();
  const first = desk();
  const { nonce } = first.start(serial);
  await first.finish({ ...body, nonce, proof: enrolmentProof(claim, { ...body, nonce }) }, "fuzz");
  const sign = (payload: object) =>
    new CompactSign(text(payload)).setProtectedHeader({ alg: "ES256", typ: "gh-renew+jws" }).sign(createPrivateKey(keys.identity));
  // Its nonce is of another desk: the genuine token is refused for that alone, so what passes the signature is looked at by its error.
  const genuine = await sign({ gateway, nonce: "n", csr: body.csr });
  const read = async (bytes: Uint8Array) => {
    const token = latin(bytes);
    const door = desk();
    door.start(gateway);
    try {
      await door.renew(token, "fuzz");
      return true;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      // Beyond the signature: only the very same bytes may come so far.
      if (/nonce/.test(error.message) && !sameBytes(token, genuine)) return true;
      throw error;
    }
  };
  return { valid: [Buffer.from(genuine)], form: "jws" as const, read, close: end };
}

/** Payloads that the device's own key signs: a device that was taken over. */
async function openSignedRenewal() {
  const { desk, claim, body, keys, end } = await enrolment();
  const first = desk();
  const { nonce } = first.start(serial);
  await first.finish({ ...body, nonce, proof: enrolmentProof(claim, { ...body, nonce }) }, "fuzz");
  const key = createPrivateKey(keys.identity);
  const read = async (bytes: Uint8Array) => {
    const door = desk();
    const fresh = door.start(gateway).nonce;
    const payload = Buffer.from(Buffer.from(bytes).toString("utf8").replace("NONCE", fresh));
    const token = await new CompactSign(payload).setProtectedHeader({ alg: "ES256", typ: "gh-renew+jws" }).sign(key);
    const { certificate } = await door.renew(token, "fuzz");
    // Its own name and key, whatever else it says: anything else would be another gateway's.
    return !certificate.includes("BEGIN CERTIFICATE");
  };
  return { valid: [text({ gateway, nonce: "NONCE", csr: body.csr })], form: "json" as const, read, close: end };
}

const issuerS = 1_800_000_000;

async function technicians() {
  const pair = await generateKeyPair("Ed25519", { extractable: true });
  const privateKey = await exportJWK(pair.privateKey);
  const { x = "" } = await exportJWK(pair.publicKey);
  const pinned: PinnedKey = { kid: "tech-1", purposes: ["technician"], algorithm: "Ed25519", jwk: { kty: "OKP", crv: "Ed25519", x } };
  const clock = new ManualClock();
  clock.wallOffsetMs = issuerS * 1_000;
  const expected = { type: "gh-tech+jws", purpose: "technician", audience: gateway, tenant: "acme", issuer: "noc" } as const;
  const verify = (token: string) => verifyDocument(token, expected, [pinned]);
  const claims = {
    iss: "noc",
    aud: gateway,
    tenant: "acme",
    sub: "ana@acme",
    jti: "token-000001",
    iat: issuerS,
    exp: issuerS + 3_600,
    scope: "view flows.read",
  };
  const sign = (payload: Uint8Array) => signDocument(payload, { type: "gh-tech+jws", kid: "tech-1" }, privateKey);
  return { clock, verify, claims, sign };
}

async function openTechnician() {
  const { clock, verify, claims, sign } = await technicians();
  const genuine = await sign(text(claims));
  const read = async (bytes: Uint8Array) => {
    const token = latin(bytes);
    const who = await new TechnicianTokens({ verify, clock, state: new MemoryState() }).verify(token);
    return who !== undefined && !sameBytes(token, genuine);
  };
  return { valid: [Buffer.from(genuine)], form: "jws" as const, read };
}

/** Claims that the NOC's own key signs: within the rules or nobody. */
async function openTechnicianClaims() {
  const { clock, verify, claims, sign } = await technicians();
  const state = new MemoryState();
  const tokens = new TechnicianTokens({ verify, clock, state });
  const scopes = new Set(["view", "operate", "flows.read", "flows.write"]);
  const read = async (bytes: Uint8Array) => {
    const who = await tokens.verify(await sign(bytes));
    if (who === undefined) return undefined;
    const said = JSON.parse(Buffer.from(bytes).toString("utf8")) as Record<string, unknown>;
    const isOurs = said["aud"] === gateway && said["iss"] === "noc" && said["tenant"] === "acme";
    const isShort = who.lifeMs !== undefined && who.lifeMs >= 0 && who.lifeMs <= (8 * 3_600 + 120) * 1_000;
    return !(isOurs && isShort && who.scopes.every((scope) => scopes.has(scope)));
  };
  const check = () => {
    // What is remembered of used tokens is bounded.
    if ([...state.entries.values()].some((value) => value.length > 65_536)) throw new Error("the used tokens grow");
  };
  return { valid: [text(claims)], form: "json" as const, read, check };
}

function openTelephone() {
  const key = Buffer.alloc(32, 7);
  const offline = new OfflineChallenge(key, new MemoryState(), seededEntropy(5));
  const answer = challengeResponse(key, offline.challenge());
  const plain = (said: string) =>
    said
      .toUpperCase()
      .replace(/O/g, "0")
      .replace(/[IL]/g, "1")
      .replace(/[^0-9A-Z]/g, "");
  const read = async (bytes: Uint8Array) => {
    const said = Buffer.from(bytes).toString("utf8");
    if (plain(said) === plain(answer)) return undefined;
    return (await offline.verify(said)) !== undefined;
  };
  return { valid: [Buffer.from(answer)], read };
}

async function openSealed() {
  const keys = await makeDeviceKeys();
  const secret = await sealSecret("CANARY", gateway, await publicHalf(keys.sealing, "sealing"));
  const read = async (bytes: Uint8Array) => {
    const given = latin(bytes);
    await openSecret(given, gateway, keys.sealing);
    return !sameBytes(given, secret);
  };
  return { valid: [text(secret)], form: "jws" as const, read };
}

const tokenFiles = ["runtime/console/technician-token.ts", "cloud-bridge/protocol/envelope.ts"];

/** What only its maker may have made: nothing that differs may be accepted. */
export const authenticatedSubjects: readonly FuzzSubject[] = [
  { name: "enrolment body", share: 0.2, files: [...enrolmentFiles, "cloud-bridge/protocol/enrolment.ts"], open: openEnrolment },
  {
    name: "certificate request (claim right)",
    share: 0.1,
    files: ["cloud-bridge/noc/enrolment/certificate-authority.ts"],
    open: openRequest,
  },
  { name: "certificate renewal token", share: 0.2, refusesValid: true, files: enrolmentFiles, open: openRenewal },
  { name: "renewal payload (signed by the device)", share: 0.1, files: enrolmentFiles, open: openSignedRenewal },
  { name: "technician's token", share: 0.3, files: tokenFiles, open: openTechnician },
  { name: "technician's claims (signed by the NOC)", share: 0.3, files: tokenFiles, open: openTechnicianClaims },
  { name: "answer by telephone", files: ["runtime/console/offline-challenge.ts"], open: openTelephone },
  { name: "sealed secret (JWE)", share: 0.3, files: ["cloud-bridge/protocol/sealed-secret.ts"], open: openSealed },
];

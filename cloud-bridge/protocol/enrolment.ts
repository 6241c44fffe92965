import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { GatewayError } from "#model/errors.ts";

/** Largest body of either direction, bytes. */
export const maxEnrolmentBytes = 32_768;

/** A public key as JWK: P-256 for sealing, Ed25519 for evidence. */
export interface PublicJwk {
  readonly kty: "EC" | "OKP";
  readonly crv: "P-256" | "Ed25519";
  readonly x: string;
  readonly y?: string;
}

/** What a device hands in to become a gateway. Its private keys never leave it. */
export interface EnrolmentRequest {
  readonly serial: string;
  /** As given by `start`, base64url. */
  readonly nonce: string;
  /** PKCS#10 (RFC 2986), PEM; subject is ignored, the signature proves possession of the identity key. */
  readonly csr: string;
  readonly sealingKey: PublicJwk;
  readonly evidenceKey: PublicJwk;
  /** HMAC-SHA256, base64url, see `enrolmentProof`. */
  readonly proof: string;
}

export interface EnrolledIdentity {
  readonly status: "enrolled";
  readonly gateway: string;
  readonly tenant: string;
  readonly site: string;
  /** `mqtts://...` of the broker. */
  readonly broker: string;
  /** Leaf and what is between it and the authority, PEM. */
  readonly certificate: string;
  /** The only authority to believe, PEM. */
  readonly authority: string;
  /** The root of trust for signed documents, as configured at the NOC; absent = the NOC signs nothing yet. */
  readonly trust?: unknown;
  /** Key of the challenge-response for technicians without network, base64url; travels once, inside TLS. */
  readonly offlineKey?: string;
}

/** The device is not on the shipping list as it is: a person at the NOC decides. Ask again later. */
export interface EnrolmentWaiting {
  readonly status: "waiting";
  readonly retryAfterS: number;
}

export type EnrolmentAnswer = EnrolledIdentity | EnrolmentWaiting;

/** Letters and digits of a serial number as printed on a label. */
export const serialPattern = /^[A-Z0-9][A-Z0-9-]{3,31}$/;

/**
 * Proves knowledge of the claim secret for exactly these keys and this nonce (RELIABILITY 5.2 step 4): the secret itself never travels.
 * @param claim 16 bytes or more
 */
export function enrolmentProof(claim: Uint8Array, request: Omit<EnrolmentRequest, "proof">): string {
  return createHmac("sha256", proofKey(createHash("sha256").update(claim).digest()))
    .update(boundText(request))
    .digest("base64url");
}

/** As `enrolmentProof`, by somebody who keeps only SHA-256 of the claim secret. Constant time. */
export function isProven(claimDigest: Uint8Array, request: EnrolmentRequest): boolean {
  const expected = createHmac("sha256", proofKey(claimDigest)).update(boundText(request)).digest();
  const given = Buffer.from(request.proof, "base64url");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The NOC keeps SHA-256 of the secret, so both ends key the HMAC with that digest. */
function proofKey(claimDigest: Uint8Array): Uint8Array {
  return createHash("sha256").update("gatehouse enrolment proof 1").update(claimDigest).digest();
}

function boundText(request: Omit<EnrolmentRequest, "proof">): string {
  const { serial, nonce, csr, sealingKey, evidenceKey } = request;
  return JSON.stringify([serial, nonce, csr, keyText(sealingKey), keyText(evidenceKey)]);
}

function keyText({ kty, crv, x, y }: PublicJwk): string {
  return JSON.stringify([kty, crv, x, y ?? ""]);
}

/** What stands in the QR code of the label: `gatehouse:1:SERIAL:CLAIM:FINGERPRINT`. */
export interface LabelContent {
  readonly serial: string;
  readonly claim: Uint8Array;
  /** SHA-256 of the NOC authority's certificate (DER), 64 hex digits: whom the device may tell its secret's proof. */
  readonly authorityFingerprint: string;
}

export function formatLabel(label: LabelContent): string {
  return `gatehouse:1:${label.serial}:${Buffer.from(label.claim).toString("base64url")}:${label.authorityFingerprint}`;
}

/** @throws GatewayError config.invalid; the message never repeats the label, which holds a secret */
export function parseLabel(text: string): LabelContent {
  const [product, version, serial = "", claim = "", fingerprint = "", ...rest] = text.trim().slice(0, 512).split(":");
  const bytes = Buffer.from(claim, "base64url");
  // Letter by letter: the decoder would leave out what it does not know, and a smudge would pass for another claim.
  const isClaim = /^[A-Za-z0-9_-]{22,128}$/.test(claim) && bytes.length >= 16;
  const isHead = product === "gatehouse" && version === "1" && rest.length === 0;
  const isRight = isHead && serialPattern.test(serial) && isClaim && /^[0-9a-f]{64}$/.test(fingerprint);
  if (!isRight) {
    throw new GatewayError("config.invalid", {
      message: "this is not the text of a gateway's label: gatehouse:1:SERIAL:CLAIM:FINGERPRINT was expected; scan or copy it again, whole",
    });
  }
  return { serial, claim: bytes, authorityFingerprint: fingerprint };
}

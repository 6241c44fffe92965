import type { JWK } from "jose";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import { parseStrictJson } from "./messages/strict-json.ts";

/** What a signed document is; stands in the header, so that one kind can never pass for another. */
export type DocumentType = "gh-desired+jws" | "gh-cmd+jws" | "gh-keys+jws" | "gh-tech+jws" | "gh-evidence+jws";

/** What a key may sign. A key that may sign commands may not sign desired state unless it is pinned for both. */
export type KeyPurpose = "desired" | "command" | "keys" | "technician" | "evidence";

/** A public key the reader trusts. The algorithm stands here and is never taken from a document. */
export interface PinnedKey {
  readonly kid: string;
  readonly purposes: readonly KeyPurpose[];
  readonly algorithm: "Ed25519";
  /** RFC 8037: `{ kty: "OKP", crv: "Ed25519", x }`. */
  readonly jwk: { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };
}

/** Who the document must be for, and from whom. */
export interface Expectation {
  readonly type: DocumentType;
  readonly purpose: KeyPurpose;
  /** The gateway's id: must equal the payload's `aud`. */
  readonly audience: string;
  readonly tenant: string;
  /** Must equal `iss`; absent = any. */
  readonly issuer?: string;
}

export interface VerifiedDocument {
  /** The bytes that were signed: JSON, its claims `aud`, `tenant` and `iss` checked. */
  readonly payload: Uint8Array;
  readonly kid: string;
}

/** Hard limit of a signed document, bytes (RELIABILITY 5.3 step 1). */
export const maxDocumentBytes = 65_536;
const compactPattern = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const allowedHeaders = new Set(["alg", "kid", "typ"]);
/** One object of three strings; a foreign parameter may be more, and is refused as such. */
const maxHeaderDepth = 8;
const decoder = new TextDecoder("utf-8", { fatal: false });

function refused(reason: string, cause?: unknown): GatewayError {
  return new GatewayError("codec.signature", {
    message: "the document is refused",
    fields: { reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Signs a payload as a compact JWS (RFC 7515, Ed25519 by RFC 9864).
 * @param privateJwk with `d`; stays in memory of the caller
 */
export async function signDocument(
  payload: Uint8Array,
  header: { readonly type: DocumentType; readonly kid: string },
  privateJwk: JWK,
): Promise<string> {
  const { CompactSign, importJWK } = await import("jose");
  const key = await importJWK(privateJwk, "Ed25519");
  return new CompactSign(payload).setProtectedHeader({ alg: "Ed25519", kid: header.kid, typ: header.type }).sign(key);
}

/** The header, if the text is a compact JWS whose header says nothing but algorithm, key and type. */
function headerOf(text: string): Readonly<Record<string, unknown>> {
  if (text.length > maxDocumentBytes)
    throw new GatewayError("codec.limit", { message: "the document is too long", fields: { bytes: text.length } });
  if (!compactPattern.test(text)) throw refused("not a compact JWS");
  let header: unknown;
  try {
    // The library takes the last of two parameters of one name; another reader may take the first.
    header = parseStrictJson(decoder.decode(Buffer.from(text.slice(0, text.indexOf(".")), "base64url")), maxHeaderDepth);
  } catch (cause) {
    throw refused("the header is not JSON", cause instanceof Error ? cause.name : undefined);
  }
  if (!isObject(header)) throw refused("the header is not an object");
  // jwk, jku, x5u, x5c would bring a key along; crit and b64 change what is signed. Anything unknown is refused with them.
  const foreign = Object.keys(header).filter((name) => !allowedHeaders.has(name));
  if (foreign.length > 0) throw refused("a header parameter that is not allowed");
  return header;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pinnedKey(header: Readonly<Record<string, unknown>>, expected: Expectation, keys: readonly PinnedKey[]): PinnedKey {
  if (header.typ !== expected.type) throw refused("the type is another");
  const key = keys.find((one) => one.kid === header.kid && one.purposes.includes(expected.purpose));
  if (key === undefined) throw refused("the key is not pinned for this purpose");
  if (header.alg !== key.algorithm) throw refused("the algorithm is not the key's");
  return key;
}

/**
 * The first three steps of accepting a signed document: form, key and signature, addressee. Time, generation, nonce and replay are the
 * caller's, who has the clock and the durable state.
 * @throws GatewayError codec.signature | codec.limit | codec.malformed
 */
export async function verifyDocument(
  document: Uint8Array | string,
  expected: Expectation,
  keys: readonly PinnedKey[],
): Promise<VerifiedDocument> {
  if (document.length > maxDocumentBytes) {
    throw new GatewayError("codec.limit", { message: "the document is too long", fields: { bytes: document.length } });
  }
  const text = typeof document === "string" ? document : decoder.decode(document);
  const pinned = pinnedKey(headerOf(text), expected, keys);
  const payload = await verifiedPayload(text, pinned);
  assertAddressee(strictPayload(payload), expected);
  return { payload, kid: pinned.kid };
}

/** Duplicate claims are refused: what was checked must be what is read. */
function strictPayload(payload: Uint8Array): unknown {
  try {
    return parseStrictJson(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (cause) {
    if (isGatewayError(cause)) throw refused(cause.message);
    throw refused("the payload is not UTF-8");
  }
}

/**
 * Type that a document says it has: tells the reader which check it must pass, and proves nothing. undefined = not a compact JWS.
 */
export function statedType(document: Uint8Array): string | undefined {
  if (document.length > maxDocumentBytes) return undefined;
  const text = decoder.decode(document);
  if (!compactPattern.test(text)) return undefined;
  try {
    const header = parseStrictJson(decoder.decode(Buffer.from(text.slice(0, text.indexOf(".")), "base64url")), maxHeaderDepth);
    return isObject(header) && typeof header["typ"] === "string" ? header["typ"] : undefined;
  } catch (cause) {
    if (!isGatewayError(cause)) throw cause;
    return undefined;
  }
}

async function verifiedPayload(text: string, pinned: PinnedKey): Promise<Uint8Array> {
  try {
    // Loaded when the first signed document comes: most gateways start without one.
    const { compactVerify, importJWK } = await import("jose");
    const { kty, crv, x } = pinned.jwk;
    const key = await importJWK({ kty, crv, x }, pinned.algorithm);
    const { payload } = await compactVerify(text, key, { algorithms: [pinned.algorithm] });
    return payload;
  } catch (cause) {
    throw refused("the signature is not valid", cause);
  }
}

function assertAddressee(claims: unknown, expected: Expectation): void {
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) throw refused("the payload is not an object");
  const { aud, tenant, iss } = claims as { readonly aud?: unknown; readonly tenant?: unknown; readonly iss?: unknown };
  if (aud !== expected.audience) throw refused("it is for another gateway");
  if (tenant !== expected.tenant) throw refused("it is for another tenant");
  if (expected.issuer !== undefined && iss !== expected.issuer) throw refused("it is from another issuer");
}

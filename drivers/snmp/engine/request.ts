import { encodeElement, encodeHeader, encodeInteger, headerBytes, tags } from "./ber.ts";

/** A PDU to be sent, without its request id. */
export interface PduSpec {
  readonly type: number;
  /** non-repeaters of a GETBULK, else 0. */
  readonly nonRepeaters: number;
  /** max-repetitions of a GETBULK, else 0. */
  readonly maxRepetitions: number;
  /** Encoded varbinds. */
  readonly varbinds: readonly Uint8Array[];
}

/**
 * A request encoded once and sent many times: a whole message (v1, v2c) or a scoped PDU (v3). The request id is a 4-byte INTEGER that is patched in
 * place; ids are at least 2^23, so that this encoding is the minimal one.
 */
export interface PreparedRequest {
  readonly bytes: Buffer;
  /** Where the 4 bytes of the request id stand. */
  readonly idAt: number;
  /** Revision of the security state that is baked in (v3: the engine id); an older one is stale. */
  readonly revision: number;
  /** Discovery of a v3 engine: sent without a user. */
  readonly discovery: boolean;
  /** The bytes are used for other equipment as well. */
  readonly isShared?: boolean;
}

/** `SEQUENCE { OID, NULL }` for content bytes of an OID. */
export function nullVarbind(oid: Uint8Array): Buffer {
  return encodeElement(tags.sequence, encodeElement(tags.oid, oid), encodeElement(tags.null));
}

/** Same from a prefix and an index, without joining them first. */
export function instanceVarbind(prefix: Uint8Array, index: Uint8Array): Buffer {
  const nameBytes = prefix.length + index.length;
  const name = Buffer.concat([encodeHeader(tags.oid, nameBytes), prefix, index]);
  return encodeElement(tags.sequence, name, encodeElement(tags.null));
}

function encodePdu(spec: PduSpec): { readonly bytes: Buffer; readonly idAt: number } {
  const parts = [
    Uint8Array.of(tags.integer, 4, 0, 0, 0, 0),
    encodeInteger(spec.nonRepeaters),
    encodeInteger(spec.maxRepetitions),
    encodeElement(tags.sequence, ...spec.varbinds),
  ];
  const bytes = encodeElement(spec.type, ...parts);
  const contentBytes = parts.reduce((sum, part) => sum + part.length, 0);
  return { bytes, idAt: headerBytes(contentBytes) + 2 };
}

/** @param version 0 = v1, 1 = v2c */
export function prepareCommunityRequest(version: number, community: Uint8Array, spec: PduSpec): PreparedRequest {
  const pdu = encodePdu(spec);
  const head = Buffer.concat([encodeInteger(version), encodeElement(tags.octetString, community)]);
  const bytes = encodeElement(tags.sequence, head, pdu.bytes);
  const idAt = headerBytes(head.length + pdu.bytes.length) + head.length + pdu.idAt;
  return { bytes, idAt, revision: 0, discovery: false };
}

/** The plaintext scoped PDU of a v3 message (RFC 3412 6). */
export function prepareScopedRequest(engineId: Uint8Array, context: Uint8Array, spec: PduSpec, revision: number): PreparedRequest {
  const pdu = encodePdu(spec);
  const head = Buffer.concat([encodeElement(tags.octetString, engineId), encodeElement(tags.octetString, context)]);
  const bytes = encodeElement(tags.sequence, head, pdu.bytes);
  const idAt = headerBytes(head.length + pdu.bytes.length) + head.length + pdu.idAt;
  return { bytes, idAt, revision, discovery: engineId.length === 0 };
}

/** The same request in memory of its own: what is kept must not keep the pool slab alive that it was put together in. */
export function compacted(request: PreparedRequest): PreparedRequest {
  const { buffer } = new Uint8Array(request.bytes);
  return { ...request, bytes: Buffer.from(buffer) };
}

/** A copy that nobody else patches. */
export function privateCopy(request: PreparedRequest): PreparedRequest {
  return { ...request, bytes: Buffer.from(request.bytes), isShared: false };
}

/** Writes the request id. */
export function patchId(bytes: Uint8Array, at: number, id: number): void {
  bytes[at] = id >>> 24;
  bytes[at + 1] = id >>> 16;
  bytes[at + 2] = id >>> 8;
  bytes[at + 3] = id;
}

import { element, expectElement, integerValue, readElement, tags } from "./ber.ts";

/** Outer parts of the datagram read last; overwritten by each `readHead`. */
export const head = {
  /** Where the datagram lies: it may stand between others. */
  start: 0,
  end: 0,
  /** 0 = v1, 1 = v2c, 3 = v3. */
  version: 0,
  /** Request id (v1, v2c) or msgID (v3). */
  id: 0,
  /** v1, v2c: the community. v3: the security parameters. */
  credentialStart: 0,
  credentialEnd: 0,
  /** v1, v2c: the PDU. v3: msgData. Element, header included. */
  dataStart: 0,
  dataEnd: 0,
  /** v3 only. */
  flags: 0,
  securityModel: 0,
};

/** The PDU read last; overwritten by each `readPdu`. */
export const pdu = { type: 0, requestId: 0, errorStatus: 0, errorIndex: 0, varbindsStart: 0, varbindsEnd: 0 };

/** Reads as much of a datagram as is needed to find the request it answers. False: not an SNMP message of a version we speak. */
export function readHead(bytes: Uint8Array, from: number, to: number): boolean {
  head.start = from;
  head.end = to;
  if (!expectElement(tags.sequence, bytes, from, to)) return false;
  const end = element.end;
  if (!expectElement(tags.integer, bytes, element.start, end)) return false;
  head.version = integerValue(bytes, element.start, element.end);
  head.dataEnd = end;
  if (head.version === 3) return readHeadV3(bytes, element.end, end);
  if (head.version !== 0 && head.version !== 1) return false;
  if (!expectElement(tags.octetString, bytes, element.end, end)) return false;
  head.credentialStart = element.start;
  head.credentialEnd = element.end;
  head.dataStart = element.end;
  if (!readElement(bytes, element.end, end) || element.end !== end) return false;
  if (!expectElement(tags.integer, bytes, element.start, end)) return false;
  head.id = integerValue(bytes, element.start, element.end);
  return !Number.isNaN(head.id);
}

/** The datagram whose head was read last, seen by itself, and its head read anew. */
export function ownMessage(bytes: Buffer, from: number, to: number): Buffer {
  const own = bytes.subarray(from, to);
  readHead(own, 0, own.length);
  return own;
}

function readHeadV3(bytes: Uint8Array, at: number, end: number): boolean {
  if (!expectElement(tags.sequence, bytes, at, end)) return false;
  const globalEnd = element.end;
  if (!expectElement(tags.integer, bytes, element.start, globalEnd)) return false;
  head.id = integerValue(bytes, element.start, element.end);
  if (!expectElement(tags.integer, bytes, element.end, globalEnd)) return false;
  if (!expectElement(tags.octetString, bytes, element.end, globalEnd) || element.end - element.start !== 1) return false;
  head.flags = bytes[element.start] ?? 0;
  if (!expectElement(tags.integer, bytes, element.end, globalEnd) || element.end !== globalEnd) return false;
  head.securityModel = integerValue(bytes, element.start, element.end);
  if (!expectElement(tags.octetString, bytes, globalEnd, end)) return false;
  head.credentialStart = element.start;
  head.credentialEnd = element.end;
  head.dataStart = element.end;
  if (!readElement(bytes, element.end, end) || element.end !== end) return false;
  return !Number.isNaN(head.id);
}

/** Reads a Response or Report PDU at `at`, which must end exactly at `end`. */
export function readPdu(bytes: Uint8Array, at: number, end: number): boolean {
  if (!readElement(bytes, at, end) || element.end !== end) return false;
  pdu.type = element.tag;
  if (!expectElement(tags.integer, bytes, element.start, end)) return false;
  pdu.requestId = integerValue(bytes, element.start, element.end);
  if (!expectElement(tags.integer, bytes, element.end, end)) return false;
  pdu.errorStatus = integerValue(bytes, element.start, element.end);
  if (!expectElement(tags.integer, bytes, element.end, end)) return false;
  pdu.errorIndex = integerValue(bytes, element.start, element.end);
  if (!expectElement(tags.sequence, bytes, element.end, end) || element.end !== end) return false;
  pdu.varbindsStart = element.start;
  pdu.varbindsEnd = end;
  return !(Number.isNaN(pdu.requestId) || Number.isNaN(pdu.errorStatus) || Number.isNaN(pdu.errorIndex));
}

/** Tags of SNMP's BER subset (RFC 3416, RFC 2578). */
export const tags = {
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  ipAddress: 0x40,
  counter32: 0x41,
  gauge32: 0x42,
  timeTicks: 0x43,
  opaque: 0x44,
  counter64: 0x46,
  noSuchObject: 0x80,
  noSuchInstance: 0x81,
  endOfMibView: 0x82,
  get: 0xa0,
  getNext: 0xa1,
  response: 0xa2,
  set: 0xa3,
  getBulk: 0xa5,
  report: 0xa8,
} as const;

/** Where the element that `readElement` read last lies. One object, overwritten each time: the receive path makes no garbage. */
export const element = { tag: 0, start: 0, end: 0 };

/**
 * Reads tag and length at `at` into `element`. False for truncated, indefinite or overlong elements, and for those that reach beyond
 * `limit`. Lengths with needless leading zeros are accepted: agents with fixed-width lengths are common.
 */
export function readElement(bytes: Uint8Array, at: number, limit: number): boolean {
  if (at + 2 > limit) return false;
  let length = bytes[at + 1] ?? 0;
  let start = at + 2;
  if (length > 0x7f) {
    const lengthBytes = length & 0x7f;
    if (lengthBytes === 0 || lengthBytes > 4 || start + lengthBytes > limit) return false;
    length = 0;
    for (let index = 0; index < lengthBytes; index++) length = length * 256 + (bytes[start + index] ?? 0);
    start += lengthBytes;
  }
  if (length > limit - start) return false;
  element.tag = bytes[at] ?? 0;
  element.start = start;
  element.end = start + length;
  return true;
}

/** Reads an element that must have the tag given. */
export function expectElement(tag: number, bytes: Uint8Array, at: number, limit: number): boolean {
  return readElement(bytes, at, limit) && element.tag === tag;
}

/** Signed 32-bit INTEGER content; NaN when empty or out of range. Redundant leading bytes are tolerated up to 8 bytes. */
export function integerValue(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 1 || length > 8) return Number.NaN;
  let value = (bytes[start] ?? 0) > 0x7f ? -1 : 0;
  for (let at = start; at < end; at++) {
    const next = value * 256 + (bytes[at] ?? 0);
    if (next > 0x7fffffff || next < -0x80000000) return Number.NaN;
    value = next;
  }
  return value;
}

/**
 * Unsigned 32-bit content of Counter32, Gauge32, TimeTicks; NaN when empty or out of range. Four bytes without the leading zero are read as
 * unsigned, shorter ones with the high bit set are sign-extended first, as libsnmp does.
 */
export function unsignedValue(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 5 && bytes[start] === 0) return unsignedValue(bytes, start + 1, end);
  if (length < 1 || length > 4) return Number.NaN;
  let value = (bytes[start] ?? 0) > 0x7f ? -1 : 0;
  for (let at = start; at < end; at++) value = (value << 8) | (bytes[at] ?? 0);
  return value >>> 0;
}

/** Unsigned 64-bit content of Counter64 (1..8 bytes, or 9 with a leading zero); undefined when it is not. */
export function unsigned64Value(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  let from = start;
  if (end - start === 9 && bytes[start] === 0) from += 1;
  if (end - from < 1 || end - from > 8) return undefined;
  let value = (bytes[from] ?? 0) > 0x7f ? -1n : 0n;
  for (let at = from; at < end; at++) value = value * 256n + BigInt(bytes[at] ?? 0);
  return BigInt.asUintN(64, value);
}

/** One element from its parts. For templates and cold paths; it copies. */
export function encodeElement(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  return Buffer.concat([encodeHeader(tag, length), ...parts]);
}

export function encodeHeader(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length);
  if (length < 0x100) return Uint8Array.of(tag, 0x81, length);
  return Uint8Array.of(tag, 0x82, (length >>> 8) & 0xff, length & 0xff);
}

/** Bytes that tag and length take for content of this length. */
export function headerBytes(length: number): number {
  return length < 0x80 ? 2 : length < 0x100 ? 3 : 4;
}

/** Minimal INTEGER (or a type of the same form) of a value within 53 bits. */
export function encodeInteger(value: number, tag: number = tags.integer): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(((rest % 256) + 256) % 256);
    rest = Math.floor(rest / 256);
  } while (rest !== 0 && rest !== -1);
  const first = bytes[0] ?? 0;
  if (rest === 0 && first > 0x7f) bytes.unshift(0);
  if (rest === -1 && first < 0x80) bytes.unshift(0xff);
  return encodeElement(tag, Uint8Array.from(bytes));
}

export function encodeUnsigned64(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (rest > 0n);
  if ((bytes[0] ?? 0) > 0x7f) bytes.unshift(0);
  return encodeElement(tags.counter64, Uint8Array.from(bytes));
}

import { GatewayError } from "#model/errors.ts";
import type { SnmpType, Varbind } from "#ports/snmp.ts";

/** Varbinds that a notification may carry before it is refused; RFC 3416 sets no limit, sane agents send fewer than 30. */
const maxVarbinds = 256;
const maxArcs = 128;

export const tag = {
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  ipAddress: 0x40,
  counter32: 0x41,
  timeticks: 0x43,
} as const;

const typeOfTag: ReadonlyMap<number, SnmpType> = new Map([
  [0x02, "integer"],
  [0x04, "octet-string"],
  [0x05, "null"],
  [0x06, "oid"],
  [0x40, "ip-address"],
  [0x41, "counter32"],
  [0x42, "gauge32"],
  [0x43, "timeticks"],
  [0x44, "opaque"],
  [0x46, "counter64"],
  [0x80, "no-such-object"],
  [0x81, "no-such-instance"],
  [0x82, "end-of-mib-view"],
]);

/** Not a valid message. Peers are hostile: expected, counted, never logged one by one. */
export function malformed(what: string): GatewayError {
  return new GatewayError("driver.bad-answer", { message: `malformed notification: ${what}` });
}

/** Definite-length BER over one datagram, in place. Offsets are absolute, so that a digest field can be found again. */
export class BerReader {
  readonly bytes: Uint8Array;
  offset: number;
  readonly end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  get done(): boolean {
    return this.offset >= this.end;
  }

  /** The next tag; -1 at the end. */
  peek(): number {
    return this.done ? -1 : (this.bytes[this.offset] ?? -1);
  }

  /** Enters a TLV of this tag and returns a reader of its contents; this one continues behind it. */
  enter(expected: number, what: string): BerReader {
    if (this.peek() !== expected) throw malformed(`${what} expected`);
    this.offset += 1;
    const length = this.#length();
    const start = this.offset;
    if (start + length > this.end) throw malformed(`${what} is cut off`);
    this.offset = start + length;
    return new BerReader(this.bytes, start, start + length);
  }

  /** What is left, as a view. */
  rest(): Uint8Array {
    return this.bytes.subarray(this.offset, this.end);
  }

  octets(what: string, expected: number = tag.octetString): Uint8Array {
    return this.enter(expected, what).rest();
  }

  /** Two's complement, at most 32 bits signed (or unsigned with a leading zero). */
  integer(what: string, expected: number = tag.integer): number {
    const content = this.octets(what, expected);
    if (content.length === 0 || content.length > 5) throw malformed(`${what} has ${content.length} octets`);
    let value = (content[0] ?? 0) >= 0x80 ? -1 : 0;
    for (const octet of content) value = value * 256 + octet;
    return value;
  }

  oid(what: string): string {
    return decodeOid(this.octets(what, tag.oid), what);
  }

  varbinds(): Varbind[] {
    const list = this.enter(tag.sequence, "varbind list");
    const varbinds: Varbind[] = [];
    while (!list.done) {
      if (varbinds.length >= maxVarbinds) throw malformed(`more than ${maxVarbinds} varbinds`);
      const one = list.enter(tag.sequence, "varbind");
      const oid = one.oid("varbind name");
      varbinds.push(one.#value(oid));
    }
    return varbinds;
  }

  #value(oid: string): Varbind {
    const valueTag = this.peek();
    const type = typeOfTag.get(valueTag);
    if (type === undefined) throw malformed("unknown value type");
    switch (type) {
      case "integer":
        return { oid, type, value: this.integer("integer") | 0 };
      case "counter32":
      case "gauge32":
      case "timeticks":
        return { oid, type, value: this.integer(type, valueTag) >>> 0 };
      case "counter64":
        return { oid, type, value: decodeUnsigned(this.octets(type, valueTag)) };
      case "octet-string":
      case "opaque":
        return { oid, type, value: this.octets(type, valueTag) };
      case "oid":
        return { oid, type, value: this.oid("object identifier") };
      case "ip-address":
        return { oid, type, value: decodeAddress(this.octets(type, valueTag)) };
      default:
        this.octets(type, valueTag);
        return { oid, type, value: undefined };
    }
  }

  #length(): number {
    const first = this.bytes[this.offset] ?? 0;
    if (this.offset >= this.end) throw malformed("length is missing");
    this.offset += 1;
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4 || this.offset + count > this.end) throw malformed("bad length");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (this.bytes[this.offset + i] ?? 0);
    this.offset += count;
    return length;
  }
}

function decodeOid(content: Uint8Array, what: string): string {
  if (content.length === 0) throw malformed(`${what} is empty`);
  if ((content[content.length - 1] ?? 0) >= 0x80) throw malformed(`${what} is cut off`);
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of content) {
    arc = arc * 128 + (octet & 0x7f);
    if (arc > 4_294_967_295 + 80) throw malformed(`${what} has too large an arc`);
    if (octet >= 0x80) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - 40 * first);
    } else {
      arcs.push(arc);
    }
    arc = 0;
    if (arcs.length > maxArcs) throw malformed(`${what} has too many arcs`);
  }
  return arcs.join(".");
}

function decodeUnsigned(content: Uint8Array): bigint {
  if (content.length > 9) throw malformed("counter64 is too long");
  let value = 0n;
  for (const octet of content) value = (value << 8n) | BigInt(octet);
  return BigInt.asUintN(64, value);
}

function decodeAddress(content: Uint8Array): string {
  if (content.length !== 4) throw malformed("address is not of 4 octets");
  return content.join(".");
}

/** One TLV. */
export function encode(valueTag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  return Buffer.concat([encodeHeader(valueTag, length), ...parts]);
}

export function encodeInteger(value: number): Buffer {
  const octets: number[] = [];
  let rest = value;
  do {
    octets.unshift(rest & 0xff);
    rest = Math.floor(rest / 256);
  } while (!((rest === 0 && (octets[0] ?? 0) < 0x80) || (rest === -1 && (octets[0] ?? 0) >= 0x80)));
  return encode(tag.integer, Buffer.from(octets));
}

function encodeHeader(valueTag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([valueTag, length]);
  if (length < 0x100) return Buffer.from([valueTag, 0x81, length]);
  return Buffer.from([valueTag, 0x82, length >> 8, length & 0xff]);
}

/** OIDs of our own making only: no checks. */
export function encodeOid(oid: string): Buffer {
  const [first = 0, second = 0, ...rest] = oid.split(".").map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return encode(tag.oid, Buffer.from(octets));
}

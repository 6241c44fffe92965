import { GatewayError } from "#model/errors.ts";

/** Longest OID content handled: 128 arcs of 5 bytes (RFC 3416 allows 128 arcs). */
const maxOidBytes = 640;
const maxArc = 0xffff_ffff;

/** Content bytes of a dotted OID (a leading dot is allowed). @throws GatewayError driver.unsupported when it is not one */
export function encodeOid(dotted: string): Uint8Array {
  const arcs = parseArcs(dotted.startsWith(".") ? dotted.slice(1) : dotted);
  const [first, second, ...rest] = arcs;
  if (first === undefined || first > 2 || (first < 2 && (second ?? 0) > 39)) throw invalidOid(dotted);
  const bytes: number[] = [];
  pushArc(bytes, first * 40 + (second ?? 0));
  for (const arc of rest) pushArc(bytes, arc);
  return Uint8Array.from(bytes);
}

/** Content bytes of an index, i.e. of the arcs after a column's OID: `3` or `1.3`. @throws GatewayError driver.unsupported */
export function encodeIndex(dotted: string): Uint8Array {
  const bytes: number[] = [];
  for (const arc of parseArcs(dotted)) pushArc(bytes, arc);
  return Uint8Array.from(bytes);
}

function parseArcs(dotted: string): readonly number[] {
  const arcs: number[] = [];
  for (const text of dotted.split(".")) {
    if (!/^\d{1,10}$/.test(text) || Number(text) > maxArc) throw invalidOid(dotted);
    arcs.push(Number(text));
  }
  if (arcs.length > 128) throw invalidOid(dotted);
  return arcs;
}

function invalidOid(dotted: string): GatewayError {
  return new GatewayError("driver.unsupported", {
    message: `"${dotted.slice(0, 80)}" is not an object identifier of 1..128 arcs below 2^32`,
  });
}

function pushArc(bytes: number[], arc: number): void {
  let shift = 1;
  while (arc >= shift * 128) shift *= 128;
  for (; shift > 1; shift /= 128) bytes.push(0x80 | (Math.floor(arc / shift) & 0x7f));
  bytes.push(arc % 128);
}

/** Whether the content is a well-formed OID: minimal arcs, each below 2^32, the last one complete. */
export function isWellFormedOid(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > maxOidBytes) return false;
  let arc = 0;
  let inside = false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (!inside && byte === 0x80) return false;
    arc = (inside ? arc * 128 : 0) + (byte & 0x7f);
    // The first subidentifier may be 80 larger than an arc (X.690 8.19.4).
    if (arc > maxArc + 80) return false;
    inside = byte > 0x7f;
  }
  return !inside;
}

/** Dotted form of well-formed content; `0.0` for the empty one, as libsnmp prints it. */
export function dottedOid(bytes: Uint8Array, start: number, end: number): string {
  if (end <= start) return "0.0";
  let text = "";
  let arc = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    arc = arc * 128 + (byte & 0x7f);
    if (byte > 0x7f) continue;
    if (text === "") text = arc < 40 ? `0.${arc}` : arc < 80 ? `1.${arc - 40}` : `2.${arc - 80}`;
    else text += `.${arc}`;
    arc = 0;
  }
  return text;
}

/** Dotted arcs of well-formed index content. */
export function dottedIndex(bytes: Uint8Array, start: number, end: number): string {
  const arcs: number[] = [];
  let arc = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    arc = arc * 128 + (byte & 0x7f);
    if (byte > 0x7f) continue;
    arcs.push(arc);
    arc = 0;
  }
  return arcs.join(".");
}

/**
 * Lexicographic order of arcs of the well-formed content [start, end) and another one: < 0, 0, > 0. Plain byte order is wrong: 16383 is `ff 7f`,
 * 16384 is `81 80 00`.
 */
export function compareOids(bytes: Uint8Array, start: number, end: number, other: Uint8Array): number {
  const common = Math.min(end - start, other.length);
  let offset = 0;
  let arcOffset = 0;
  while (offset < common && bytes[start + offset] === other[offset]) {
    if ((other[offset] ?? 0) < 0x80) arcOffset = offset + 1;
    offset++;
  }
  if (offset === common) return end - start - other.length;
  return arcAt(bytes, start + arcOffset) - arcAt(other, arcOffset);
}

function arcAt(bytes: Uint8Array, start: number): number {
  let arc = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) break;
  }
  return arc;
}

/** Whether [start, end) begins with `prefix`. Sound for whole arcs, since a prefix ends with a complete one. */
export function hasPrefix(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[start + index] !== prefix[index]) return false;
  return true;
}

export function sameBytes(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  return end - start === expected.length && hasPrefix(bytes, start, end, expected);
}

const recentMax = 16;
const recentBytesMax = 32;

/** Values that are OIDs are mostly sysObjectID, which comes with every poll: what was said lately is not put together again. */
export class RecentOids {
  readonly #known: { readonly bytes: Uint8Array; readonly text: string }[] = [];
  #next = 0;

  /** As dottedOid. */
  text(bytes: Uint8Array, start: number, end: number): string {
    const known = this.#known;
    for (let place = 0; place < known.length; place++) {
      const one = known[place];
      if (one !== undefined && sameBytes(bytes, start, end, one.bytes)) return one.text;
    }
    const text = dottedOid(bytes, start, end);
    if (end - start > recentBytesMax) return text;
    // A copy: what a datagram lies in is used for the next one, and a Buffer's own `slice` is a view of it.
    this.#known[this.#next] = { bytes: new Uint8Array(bytes.subarray(start, end)), text };
    this.#next = (this.#next + 1) % recentMax;
    return text;
  }
}

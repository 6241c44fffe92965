import { GatewayError } from "#model/errors.ts";
import { limits, WireFloat } from "./layout.ts";

/** What a CBOR item turns into. Integers beyond 2^53 are bigints; floats of integral value are wrapped; maps keep their key types. */
export type CborItem =
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | WireFloat
  | Uint8Array
  | CborItem[]
  | Map<CborItem, CborItem>;

const textDecoder = new TextDecoder("utf-8", { fatal: true });
const breakMark = Symbol("break");

function malformed(message: string, at: number): GatewayError {
  return new GatewayError("codec.malformed", { message, fields: { at } });
}

function wrapped(value: number): number | WireFloat {
  return Number.isInteger(value) ? new WireFloat(value) : value;
}

/**
 * Reads one CBOR item (RFC 8949), definite lengths or not, from bytes nobody vouches for. Bounded in depth, items and containers; never
 * allocates by a declared length. Tags 2 and 3 become bigints, other tags are passed over. @throws GatewayError codec.malformed | codec.limit
 */
export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #items = 0;
  #containers = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The whole input as one item; anything behind it is an error. */
  readAll(): CborItem {
    const item = this.#item(0);
    if (item === breakMark) throw malformed("a break without a container", this.#at);
    if (this.#at !== this.#bytes.length) throw malformed("bytes behind the end", this.#at);
    return item;
  }

  #advance(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw malformed("the end is missing", at);
    this.#at = at + count;
    return at;
  }

  #item(depth: number): CborItem | typeof breakMark {
    if (depth > limits.depth) throw new GatewayError("codec.limit", { message: "nested too deeply", fields: { depth } });
    this.#items += 1;
    if (this.#items > limits.items) throw new GatewayError("codec.limit", { message: "too many items", fields: { items: this.#items } });
    const initial = this.#bytes[this.#advance(1)] ?? 0;
    const major = initial >>> 5;
    const info = initial & 31;
    if (major === 7) return this.#simple(info);
    if (info === 31) return this.#indefinite(major, depth);
    const argument = this.#argument(info);
    switch (major) {
      case 0:
        return argument;
      case 1:
        return typeof argument === "number" && argument < Number.MAX_SAFE_INTEGER ? -1 - argument : -1n - BigInt(argument);
      case 2:
        return this.#chunk(argument);
      case 3:
        return this.#text(this.#chunk(argument));
      case 4:
        return this.#array(this.#count(argument), depth);
      case 5:
        return this.#map(this.#count(argument), depth);
      default:
        return this.#tagged(argument, depth);
    }
  }

  #argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info === 24) return this.#view.getUint8(this.#advance(1));
    if (info === 25) return this.#view.getUint16(this.#advance(2));
    if (info === 26) return this.#view.getUint32(this.#advance(4));
    if (info !== 27) throw malformed("a reserved length", this.#at);
    const at = this.#advance(8);
    const high = this.#view.getUint32(at);
    if (high < 0x20_0000) return high * 4_294_967_296 + this.#view.getUint32(at + 4);
    return this.#view.getBigUint64(at);
  }

  #count(argument: number | bigint): number {
    if (typeof argument === "bigint" || argument > this.#bytes.length - this.#at) throw malformed("more elements than bytes", this.#at);
    return argument;
  }

  #chunk(argument: number | bigint): Uint8Array {
    const count = this.#count(argument);
    const at = this.#advance(count);
    return this.#bytes.subarray(at, at + count);
  }

  #text(bytes: Uint8Array): string {
    try {
      return textDecoder.decode(bytes);
    } catch {
      throw malformed("a text that is not UTF-8", this.#at);
    }
  }

  #container(): void {
    this.#containers += 1;
    if (this.#containers > limits.containers) throw new GatewayError("codec.limit", { message: "too many containers" });
  }

  /** @param count undefined = until a break */
  #array(count: number | undefined, depth: number): CborItem[] {
    this.#container();
    const items: CborItem[] = [];
    for (let i = 0; count === undefined || i < count; i++) {
      const item = this.#item(depth + 1);
      if (item === breakMark) {
        if (count === undefined) break;
        throw malformed("a break inside a counted array", this.#at);
      }
      items.push(item);
    }
    return items;
  }

  #map(count: number | undefined, depth: number): Map<CborItem, CborItem> {
    this.#container();
    // A map costs far more memory than its bytes; a chunk has two.
    this.#containers += 64;
    const map = new Map<CborItem, CborItem>();
    for (let i = 0; count === undefined || i < count; i++) {
      const key = this.#item(depth + 1);
      if (key === breakMark) {
        if (count === undefined) break;
        throw malformed("a break inside a counted map", this.#at);
      }
      const value = this.#item(depth + 1);
      if (value === breakMark) throw malformed("a key without a value", this.#at);
      if (map.has(key)) throw malformed("a key twice", this.#at);
      map.set(key, value);
    }
    return map;
  }

  #indefinite(major: number, depth: number): CborItem {
    if (major === 4) return this.#array(undefined, depth);
    if (major === 5) return this.#map(undefined, depth);
    if (major !== 2 && major !== 3) throw malformed("an indefinite length where none may be", this.#at);
    const parts: Uint8Array[] = [];
    let total = 0;
    for (;;) {
      this.#items += 1;
      const initial = this.#bytes[this.#advance(1)] ?? 0;
      if (initial === 0xff) break;
      if (initial >>> 5 !== major || (initial & 31) === 31) throw malformed("a foreign part in a string", this.#at);
      const part = this.#chunk(this.#argument(initial & 31));
      // RFC 8949 3.2.3: each part of a text is a valid text by itself.
      if (major === 3) this.#text(part);
      parts.push(part);
      total += part.length;
      if (parts.length > limits.containers) throw new GatewayError("codec.limit", { message: "too many parts" });
    }
    const joined = new Uint8Array(total);
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return major === 2 ? joined : this.#text(joined);
  }

  #tagged(tag: number | bigint, depth: number): CborItem {
    const content = this.#item(depth + 1);
    if (content === breakMark) throw malformed("a tag without content", this.#at);
    if (tag !== 2 && tag !== 3) return content;
    if (!(content instanceof Uint8Array)) throw malformed("a bignum that is not bytes", this.#at);
    if (content.length > 16) throw new GatewayError("codec.limit", { message: "a bignum of more than 128 bits" });
    let value = 0n;
    for (const byte of content) value = (value << 8n) | BigInt(byte);
    return tag === 2 ? value : -1n - value;
  }

  #simple(info: number): CborItem | typeof breakMark {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 23:
        return undefined;
      case 25:
        return wrapped(this.#half(this.#view.getUint16(this.#advance(2))));
      case 26:
        return wrapped(this.#view.getFloat32(this.#advance(4)));
      case 27:
        return wrapped(this.#view.getFloat64(this.#advance(8)));
      case 31:
        return breakMark;
      default:
        if (info === 24 && this.#view.getUint8(this.#advance(1)) >= 32) return undefined;
        if (info < 20) return undefined;
        throw malformed("a simple value that is reserved", this.#at);
    }
  }

  /** IEEE 754 binary16. */
  #half(bits: number): number {
    const exponent = (bits >>> 10) & 31;
    const fraction = bits & 1_023;
    const sign = bits & 0x8000 ? -1 : 1;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1 + fraction / 1_024) * 2 ** (exponent - 15);
  }
}

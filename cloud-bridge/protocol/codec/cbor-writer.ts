import { GatewayError } from "#model/errors.ts";
import { WireFloat, type WireInteger, type WireValue } from "./layout.ts";

const twoTo32 = 4_294_967_296;
const maxUint64 = 0xffff_ffff_ffff_ffffn;
const textEncoder = new TextEncoder();

/** Bytes of a head with this argument, 0 .. 2^32-1. */
export function headBytes(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  return argument < 0x1_0000 ? 3 : 5;
}

/**
 * Appends CBOR (RFC 8949) to a buffer that is kept between uses. For the hot path: no object per value; a 64-bit value comes as two
 * halves. Grows by doubling up to `maxBytes`.
 */
export class CborWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  /** What was cut off so far ends here; 0 where nothing ever is. */
  #origin = 0;
  /** Where the next byte goes. */
  #end = 0;
  readonly #initialBytes: number;
  readonly #maxBytes: number;

  constructor(initialBytes = 4_096, maxBytes = 16_777_216) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#initialBytes = initialBytes;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#end - this.#origin;
  }

  reset(): this {
    this.#end = this.#origin;
    return this;
  }

  /** What was written; a view that the next reset invalidates. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#origin, this.#end);
  }

  /** A copy of what was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(this.#origin, this.#end);
  }

  /**
   * What was written, for good: nobody writes there again. The next goes behind it into the same buffer, or into a new one: one allocation for dozens
   * of frames instead of one each.
   */
  cut(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#bytes.buffer, this.#origin, this.#end - this.#origin);
    this.#origin = this.#end;
    return taken;
  }

  /** What was cut off is not needed any more: the buffer is written anew from its beginning. */
  rewind(): void {
    this.#origin = 0;
    this.#end = 0;
  }

  /**
   * Room for `count` more bytes, for loops that write many values: they store bytes from `end` on and say with `wroteTo` how far. The buffer is good until
   * the next call of anything else here.
   */
  room(count: number): Uint8Array<ArrayBuffer> {
    if (this.#end + count > this.#bytes.length) this.#grow(this.#end + count);
    return this.#bytes;
  }

  /** Place in the buffer where the next byte goes. */
  get end(): number {
    return this.#end;
  }

  wroteTo(end: number): void {
    this.#end = end;
  }

  #reserve(count: number): number {
    if (this.#end + count > this.#bytes.length) this.#grow(this.#end + count);
    const at = this.#end;
    this.#end = at + count;
    return at;
  }

  /** To a larger buffer; behind what was cut off to another one, which is not larger than it must be. */
  #grow(end: number): void {
    const needed = end - this.#origin;
    if (needed > this.#maxBytes)
      throw new GatewayError("codec.limit", { message: "the payload grows beyond its bound", fields: { needed } });
    const doubled = this.#origin > 0 ? this.#initialBytes : this.#bytes.length * 2;
    const larger = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, doubled)));
    larger.set(this.#bytes.subarray(this.#origin, this.#end));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
    this.#end -= this.#origin;
    this.#origin = 0;
  }

  byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  raw(bytes: Uint8Array): void {
    // Reserved first: it may replace the buffer.
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Major type and argument in the shortest form. @param major already shifted: 0x00, 0x20, 0x40 ... */
  #head(major: number, argument: number): void {
    if (argument < 24) {
      this.byte(major | argument);
    } else if (argument < 0x100) {
      const at = this.#reserve(2);
      this.#bytes[at] = major | 24;
      this.#bytes[at + 1] = argument;
    } else if (argument < 0x1_0000) {
      const at = this.#reserve(3);
      this.#bytes[at] = major | 25;
      this.#view.setUint16(at + 1, argument);
    } else if (argument < twoTo32) {
      const at = this.#reserve(5);
      this.#bytes[at] = major | 26;
      this.#view.setUint32(at + 1, argument);
    } else {
      const at = this.#reserve(9);
      this.#bytes[at] = major | 27;
      this.#view.setUint32(at + 1, Math.floor(argument / twoTo32));
      this.#view.setUint32(at + 5, argument % twoTo32);
    }
  }

  /** @param value safe integer >= 0 */
  uint(value: number): void {
    this.#head(0x00, value);
  }

  /** @param value safe integer */
  int(value: number): void {
    if (value < 0) this.#head(0x20, -1 - value);
    else this.#head(0x00, value);
  }

  /** An unsigned 64-bit value in halves of 32 bits. */
  uint64(low: number, high: number): void {
    if (high === 0) this.#head(0x00, low);
    else {
      const at = this.#reserve(9);
      this.#bytes[at] = 27;
      this.#view.setUint32(at + 1, high);
      this.#view.setUint32(at + 5, low);
    }
  }

  /** @param value within -2^64 .. 2^64-1 */
  bigint(value: bigint): void {
    const magnitude = value < 0n ? -1n - value : value;
    if (magnitude > maxUint64) throw new GatewayError("codec.limit", { message: "an integer of more than 64 bits" });
    const at = this.#reserve(9);
    this.#bytes[at] = value < 0n ? 0x3b : 0x1b;
    this.#view.setBigUint64(at + 1, magnitude);
  }

  /** Single precision where that is exact, else double. */
  float(value: number): void {
    if (Math.fround(value) === value && !Object.is(value, -0)) {
      const at = this.#reserve(5);
      this.#bytes[at] = 0xfa;
      this.#view.setFloat32(at + 1, value);
    } else {
      const at = this.#reserve(9);
      this.#bytes[at] = 0xfb;
      this.#view.setFloat64(at + 1, value);
    }
  }

  text(value: string): void {
    this.textBytes(textEncoder.encode(value));
  }

  /** A text whose UTF-8 form is at hand. */
  textBytes(utf8: Uint8Array): void {
    this.#head(0x60, utf8.length);
    this.raw(utf8);
  }

  bytes(value: Uint8Array): void {
    this.#head(0x40, value.length);
    this.raw(value);
  }

  /** Head of a byte string whose bytes follow. */
  bytesHead(count: number): void {
    this.#head(0x40, count);
  }

  array(count: number): void {
    this.#head(0x80, count);
  }

  /** Leaves room for what is known later. */
  skip(count: number): void {
    this.#reserve(count);
  }

  /** @param at place in what was written, counted from its beginning */
  patch(at: number, from: Uint8Array, count: number): void {
    const place = this.#origin + at;
    for (let index = 0; index < count; index++) this.#bytes[place + index] = from[index] ?? 0;
  }

  /** The head of an array for which `room` bytes were left at `at`; what it does not need is closed up. */
  patchArray(at: number, room: number, count: number): void {
    const needed = headBytes(count);
    const place = this.#origin + at;
    const end = this.#end;
    if (needed < room) this.#bytes.copyWithin(place + needed, place + room, end);
    this.#end = place;
    this.#head(0x80, count);
    this.#end = end - room + needed;
  }

  map(count: number): void {
    this.#head(0xa0, count);
  }

  boolean(value: boolean): void {
    this.byte(value ? 0xf5 : 0xf4);
  }

  null(): void {
    this.byte(0xf6);
  }

  integer(value: WireInteger): void {
    if (value === null) this.null();
    else if (typeof value === "bigint") this.bigint(value);
    else if (typeof value === "string") this.bigint(BigInt(value));
    else this.int(value);
  }

  /** Any element of `vals`. A number that is integral is an integer; floats of integral value come wrapped. */
  value(value: WireValue): void {
    if (value === null) this.null();
    else if (typeof value === "number") Number.isInteger(value) ? this.int(value) : this.float(value);
    else if (typeof value === "bigint") this.bigint(value);
    else if (typeof value === "string") this.text(value);
    else if (typeof value === "boolean") this.boolean(value);
    else if (value instanceof WireFloat) this.float(value.value);
  }
}

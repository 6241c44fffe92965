import { hex, ipText, macText, octetsAsText } from "../conversions/label-text.ts";
import { Pattern } from "./pattern.ts";

/** What a file asks to be made of an OCTET STRING. A value that does not fit yields nothing. */
export type ValueConversion =
  | { readonly is: "mac" }
  | { readonly is: "ip" }
  | { readonly is: "engine-id" }
  | { readonly is: "timestamp" }
  | { readonly is: "one" }
  | { readonly is: "powerset" }
  | { readonly is: "integer"; readonly littleEndian: boolean; readonly bytes: 2 | 4 | 8 }
  | { readonly is: "regexp"; readonly pattern: Pattern };

/** Reads `hextoint:LittleEndian:uint32`, `regexp:(\d+)` and the like. @returns the conversion, or why it is refused */
export function parseConversion(text: string): ValueConversion | string {
  const [name = "", ...rest] = text.split(":");
  switch (name.trim().toLowerCase()) {
    case "hwaddr":
    case "mac_address":
      return { is: "mac" };
    case "hextoip":
    case "ip_address":
      return { is: "ip" };
    case "engine_id":
      return { is: "engine-id" };
    case "timestamp":
      return { is: "timestamp" };
    case "to_one":
      return { is: "one" };
    case "powerset_status":
      return { is: "powerset" };
    case "hextoint":
      return parseInteger(rest);
    case "regexp": {
      const pattern = Pattern.compile(rest.join(":"));
      return typeof pattern === "string" ? pattern : { is: "regexp", pattern };
    }
    default:
      return "is no conversion that is known";
  }
}

function parseInteger([endian = "", type = ""]: readonly string[]): ValueConversion | string {
  const bytes = { uint16: 2, uint32: 4, uint64: 8 }[type.trim()] as 2 | 4 | 8 | undefined;
  if (bytes === undefined || !/^(Little|Big)Endian$/.test(endian.trim()))
    return "wants hextoint:LittleEndian|BigEndian:uint16|uint32|uint64";
  return { is: "integer", littleEndian: endian.trim() === "LittleEndian", bytes };
}

/** Whether the conversion makes a text rather than a number. */
export function makesText(conversion: ValueConversion | undefined): boolean {
  return conversion?.is === "mac" || conversion?.is === "ip" || conversion?.is === "engine-id";
}

/** @returns "" = the value does not fit */
export function convertToText(conversion: ValueConversion, bytes: Uint8Array): string {
  switch (conversion.is) {
    case "mac":
      return macText(bytes);
    case "ip":
      return addressText(bytes);
    case "engine-id":
      return hex(bytes).replace(/..(?!$)/g, "$&:");
    case "regexp":
      return conversion.pattern.extract(octetsAsText(bytes, hex)) ?? "";
    case "one":
      return octetsAsText(bytes, hex);
    default: {
      const value = convertToNumber(conversion, bytes);
      return Number.isNaN(value) ? "" : String(value);
    }
  }
}

/** @returns NaN = the value does not fit */
export function convertToNumber(conversion: ValueConversion, bytes: Uint8Array): number {
  switch (conversion.is) {
    case "one":
      return 1;
    case "integer":
      return integerOf(bytes, conversion);
    case "powerset":
      return powersetLevel(bytes);
    case "timestamp":
      return unixSeconds(bytes);
    case "regexp":
      return decimal(conversion.pattern.extract(octetsAsText(bytes, hex)));
    default:
      return Number.NaN;
  }
}

/** A whole text that is a number; anything else is none. Decimal point only. */
export function decimal(text: string | undefined): number {
  const trimmed = text?.trim() ?? "";
  return /^[+-]?\d{1,18}(\.\d{1,12})?$/.test(trimmed) ? Number(trimmed) : Number.NaN;
}

/** IPv4 and IPv6; some agents write an IPv4 address as four 16-bit numbers. */
function addressText(bytes: Uint8Array): string {
  if (bytes.length !== 8) return ipText(bytes);
  const high = [0, 2, 4, 6].every((at) => bytes[at] === 0);
  return high ? [1, 3, 5, 7].map((at) => bytes[at]).join(".") : "";
}

function integerOf(bytes: Uint8Array, { bytes: width, littleEndian }: Extract<ValueConversion, { is: "integer" }>): number {
  if (bytes.length < width) return Number.NaN;
  const view = new DataView(bytes.buffer, bytes.byteOffset, width);
  if (width === 2) return view.getUint16(0, littleEndian);
  return width === 4 ? view.getUint32(0, littleEndian) : Number(view.getBigUint64(0, littleEndian));
}

/** DateAndTime (RFC 2579): 8 bytes of local time, or 11 with the offset from UTC. */
function unixSeconds(bytes: Uint8Array): number {
  if (bytes.length !== 8 && bytes.length !== 11) return Number.NaN;
  const at = (position: number): number => bytes[position] ?? 0;
  const [month, day, hour, minute, second] = [at(2), at(3), at(4), at(5), at(6)];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return Number.NaN;
  const local = Date.UTC(at(0) * 256 + at(1), month - 1, day, hour, minute, second) / 1000;
  if (bytes.length === 8) return local;
  const offset = at(9) * 3600 + at(10) * 60;
  return at(8) === 0x2d ? local + offset : local - offset;
}

/** Flags of PowerNet-MIB's upsBasicStateOutputState, positions from 1, by what they mean to a person who must act. */
const powersetFlags: readonly (readonly [level: 2 | 3 | 4, positions: readonly number[]])[] = [
  [4, [3, 14, 23, 24, 25, 28, 33]],
  [3, [2, 5, 9, 11, 15, 16, 21, 26]],
  [2, [1, 7, 8, 10, 12, 13, 17, 18, 20, 22, 27, 29, 30, 31, 32]],
];

/** The worst of the flags that stand: 1 informational, 2 warning, 3 high, 4 disaster. */
function powersetLevel(bytes: Uint8Array): number {
  const text = octetsAsText(bytes, hex);
  if (!/^[01]{16,}$/.test(text)) return Number.NaN;
  for (const [level, positions] of powersetFlags) if (positions.some((position) => text[position - 1] === "1")) return level;
  return 1;
}

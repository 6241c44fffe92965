import type { Varbind } from "#ports/snmp.ts";
import { enumerations } from "../metric-sets/enumerations.ts";
import type { LabelFormat } from "../metric-sets/metric-set.ts";

/** Longer labels are cut: a hostile agent must not fill dictionaries. */
export const maxLabelLength = 255;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });
const latin1 = new TextDecoder("latin1");

/** Value of a label as text; "" = nothing usable. Never throws whatever the agent sent. */
export function labelText(format: LabelFormat, enumeration: string | undefined, value: Varbind["value"]): string {
  if (value === undefined) return "";
  if (value instanceof Uint8Array) return octetsText(format, value);
  if (typeof value === "string") return stringText(format, enumeration, value);
  if (format === "enum") return enumerations[enumeration ?? ""]?.names[Number(value)] ?? String(value);
  return String(value);
}

function stringText(format: LabelFormat, enumeration: string | undefined, value: string): string {
  if (format === "enum") {
    const lastArc = Number(value.slice(value.lastIndexOf(".") + 1));
    return enumerations[enumeration ?? ""]?.names[lastArc] ?? value.slice(0, maxLabelLength);
  }
  return clean(value);
}

function octetsText(format: LabelFormat, bytes: Uint8Array): string {
  switch (format) {
    case "mac":
      return macText(bytes);
    case "ip":
      return ipText(bytes);
    case "hex":
      return hex(bytes);
    case "auto":
      // Six bytes that are no UTF-8 are an address rather than Latin-1.
      return octetsAsText(bytes, bytes.length === 6 ? macText : hex);
    default:
      return octetsAsText(bytes, hex);
  }
}

/** Readable text of an OCTET STRING: UTF-8, else Latin-1 if that is printable, else as `otherwise` says. Trailing NULs and blanks go. */
export function octetsAsText(bytes: Uint8Array, otherwise: (bytes: Uint8Array) => string): string {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const trimmed = bytes.subarray(0, end);
  const text = utf8(trimmed) ?? (otherwise === macText ? "" : latin1.decode(trimmed));
  if (text === "" && trimmed.length > 0) return otherwise(bytes);
  return isPrintable(text) ? clean(text) : otherwise(bytes);
}

/** undefined = not UTF-8: field devices write Latin-1, too. */
function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

/** No control characters but tab, line feed and carriage return. */
function isPrintable(text: string): boolean {
  return !/[\p{Cc}\ufffd]/u.test(text.replace(/[\t\r\n]/g, ""));
}

/** One line, no control characters, at most maxLabelLength characters. */
export function clean(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, maxLabelLength);
}

/** `00:1a:2b:3c:4d:5e`. Some agents send the text instead of the six bytes. "" = no usable address. */
export function macText(bytes: Uint8Array): string {
  if (bytes.length === 6 || bytes.length === 8) {
    const text = hex(bytes).replace(/..(?!$)/g, "$&:");
    return /^[0:]+$/.test(text) ? "" : text;
  }
  const text = latin1.decode(bytes.subarray(0, 32)).trim().toLowerCase();
  const digits = text.replace(/[:.\- ]/g, "");
  return /^[0-9a-f]{12}$/.test(digits) && !/^0+$/.test(digits) ? digits.replace(/..(?!$)/g, "$&:") : "";
}

/** IPv4 dotted, IPv6 as eight groups; "" for another length. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  return bytes.length === 16 ? hex(bytes).replace(/....(?!$)/g, "$&:") : "";
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes.subarray(0, maxLabelLength >> 1)) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** A name that stands in an index as length and characters (`4.110.97.109.101`). "" = the index has no such name at its start. */
export function nameInIndex(index: string): string {
  const arcs = index.split(".").map(Number);
  const length = arcs[0] ?? 0;
  const bytes = arcs.slice(1, 1 + length);
  if (bytes.length !== length || bytes.some((arc) => !(arc >= 0 && arc <= 255))) return "";
  return octetsAsText(Uint8Array.from(bytes), hex);
}

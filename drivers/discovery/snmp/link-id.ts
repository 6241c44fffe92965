import type { LinkId } from "#ports/discovery.ts";
import { cleanText } from "./table.ts";

/** `00:1a:2b:3c:4d:5e`; undefined unless there are exactly six octets. */
export function macOf(octets: ArrayLike<number>): string | undefined {
  if (octets.length !== 6) return undefined;
  const parts = Array.from(octets);
  if (parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.map((part) => part.toString(16).padStart(2, "0")).join(":");
}

/** Four octets as an IPv4 address. */
export function addressOf(octets: ArrayLike<number>): string | undefined {
  if (octets.length !== 4) return undefined;
  const parts = Array.from(octets);
  return parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255) ? parts.join(".") : undefined;
}

/** MAC addresses written as text: `00-1A-2B-3C-4D-5E`, `001a.2b3c.4d5e`, `001A2B3C4D5E`. */
export function macOfText(text: string): string | undefined {
  if (!/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2}[0-9a-f]{4}$|^[0-9a-f]{12}$/i.test(text)) return undefined;
  const digits = text.replaceAll(/[^0-9a-f]/gi, "").toLowerCase();
  return digits.match(/../g)?.join(":");
}

/** Subtypes of LldpChassisIdSubtype and LldpPortIdSubtype that are not plain text. */
const subtypes = {
  chassis: { mac: 4, network: 5 },
  port: { mac: 3, network: 4 },
} as const;

/**
 * An LLDP identifier (IEEE 802.1AB). Subtypes lie: MAC addresses come as text, and subtype 0 occurs, so the bytes have the last word.
 */
export function lldpId(what: "chassis" | "port", subtype: number | undefined, bytes: Uint8Array): LinkId {
  if (subtype === subtypes[what].network) return networkId(bytes);
  const text = cleanText(bytes);
  const printable = isPrintable(bytes);
  const mac = macOf(bytes);
  const saysMac = subtype === subtypes[what].mac;
  if (mac !== undefined && (saysMac || !printable)) return { kind: "mac", value: mac };
  const written = macOfText(text);
  // Twelve digits may be a serial number: only a subtype of MAC or separators make them an address.
  if (written !== undefined && (saysMac || /[:.-]/.test(text))) return { kind: "mac", value: written };
  return { kind: "text", value: printable ? text : hexOf(bytes) };
}

/** First octet = address family number (1 = IPv4); some agents leave it out. */
function networkId(bytes: Uint8Array): LinkId {
  const address = bytes[0] === 1 ? addressOf(bytes.subarray(1)) : addressOf(bytes);
  if (address !== undefined) return { kind: "address", value: address };
  const text = cleanText(bytes);
  return /^\d+\.\d+\.\d+\.\d+$/.test(text) ? { kind: "address", value: text } : { kind: "text", value: hexOf(bytes) };
}

/** CDP's DeviceId is a name, a serial number or a MAC address, as text or as bytes. */
export function cdpId(bytes: Uint8Array): LinkId {
  const mac = macOf(bytes);
  if (mac !== undefined && !isPrintable(bytes)) return { kind: "mac", value: mac };
  const text = cleanText(bytes);
  const written = macOfText(text);
  return written === undefined ? { kind: "text", value: isPrintable(bytes) ? text : hexOf(bytes) } : { kind: "mac", value: written };
}

/** Trailing zero bytes are C's, not the name's. */
function isPrintable(bytes: Uint8Array): boolean {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  if (end >= 0 && bytes.subarray(end).some((byte) => byte !== 0)) return false;
  return text.length > 0 && text.every((byte) => byte >= 32 && byte !== 127) && !cleanDecode(text).includes("\uFFFD");
}

function cleanDecode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 64)).toString("hex");
}

import type { Varbind } from "#ports/snmp.ts";
import { opaqueNumber as numberInOpaque } from "../../drivers/snmp/engine/opaque.ts";

/** One line of `snmp get` and `snmp walk`. */
export function showVarbind(varbind: Varbind): string {
  return `${varbind.oid} = ${varbind.type}: ${showValue(varbind)}`;
}

/** A value for people. What an agent says must not drive the terminal, so control characters never pass. */
export function showValue({ type, value }: Varbind): string {
  if (value === undefined) return type === "null" ? "(no value)" : `(${type.replaceAll("-", " ")})`;
  if (value instanceof Uint8Array) {
    if (type === "opaque") return showOpaque(value);
    const text = printable(value);
    if (text !== undefined) return text === "" ? '""' : text;
    return looksLikeMac(value) ? hex(value, ":") : `0x${hex(value, "")}`;
  }
  if (type === "timeticks" && typeof value === "number") return `${value} (${duration(value)})`;
  return String(value);
}

/** Machine-readable form: 64-bit values as decimal strings, octets as text where they are text and always as hex. */
export function jsonVarbind({ oid, type, value }: Varbind): Readonly<Record<string, unknown>> {
  if (value instanceof Uint8Array) {
    const text = type === "octet-string" ? printable(value) : undefined;
    const number = type === "opaque" ? opaqueNumber(value) : undefined;
    return { oid, type, hex: hex(value, ""), ...(text === undefined ? {} : { text }), ...(number === undefined ? {} : { number }) };
  }
  return { oid, type, value: typeof value === "bigint" ? value.toString() : (value ?? null) };
}

function hex(bytes: Uint8Array, separator: string): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(separator);
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** The text, without the NULs that some agents append; undefined when it is not text. */
function printable(bytes: Uint8Array): string | undefined {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  if (end === 0 && bytes.length > 0) return undefined;
  try {
    const text = strictUtf8.decode(bytes.subarray(0, end));
    return /[\p{Cc}\p{Cf}\p{Cn}]/u.test(text.replaceAll(/[\r\n\t]/g, " ")) ? undefined : text.replaceAll(/[\r\n\t]+/g, " ");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

function looksLikeMac(bytes: Uint8Array): boolean {
  return bytes.length === 6;
}

function showOpaque(bytes: Uint8Array): string {
  const number = opaqueNumber(bytes);
  return number === undefined ? `0x${hex(bytes, "")}` : String(number);
}

/** The number that Net-SNMP and others wrap in an Opaque; a float shows no more digits than it has. */
function opaqueNumber(bytes: Uint8Array): number | undefined {
  const number = numberInOpaque(bytes, 0, bytes.length);
  if (Number.isNaN(number)) return undefined;
  return bytes[1] === 0x78 ? Number(number.toPrecision(7)) : number;
}

function duration(ticks: number): string {
  const seconds = Math.floor(ticks / 100);
  const days = Math.floor(seconds / 86_400);
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return `${days} d ${clock.join(":")}.${String(ticks % 100).padStart(2, "0")}`;
}

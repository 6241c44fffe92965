import { GatewayError } from "#model/errors.ts";
import type { SnmpType, Varbind } from "#ports/snmp.ts";
import {
  element,
  encodeElement,
  encodeInteger,
  encodeUnsigned64,
  expectElement,
  integerValue,
  readElement,
  tags,
  unsigned64Value,
  unsignedValue,
} from "./ber.ts";
import { encodeOid, isWellFormedOid, RecentOids } from "./oid.ts";

const typeOfTag: ReadonlyMap<number, SnmpType> = new Map([
  [tags.integer, "integer"],
  [tags.octetString, "octet-string"],
  [tags.null, "null"],
  [tags.oid, "oid"],
  [tags.ipAddress, "ip-address"],
  [tags.counter32, "counter32"],
  [tags.gauge32, "gauge32"],
  [tags.timeTicks, "timeticks"],
  [tags.opaque, "opaque"],
  [tags.counter64, "counter64"],
  [tags.noSuchObject, "no-such-object"],
  [tags.noSuchInstance, "no-such-instance"],
  [tags.endOfMibView, "end-of-mib-view"],
]);

/** Where the parts of one varbind lie; overwritten by each `readVarbind`. */
export const varbindSpan = { nameStart: 0, nameEnd: 0, tag: 0, valueStart: 0, valueEnd: 0, end: 0 };

/** Reads the structure of the varbind at `at`. False when it is not exactly a SEQUENCE of a well-formed OID and one value. */
export function readVarbind(bytes: Uint8Array, at: number, limit: number): boolean {
  if (!expectElement(tags.sequence, bytes, at, limit)) return false;
  const end = element.end;
  if (!expectElement(tags.oid, bytes, element.start, end)) return false;
  varbindSpan.nameStart = element.start;
  varbindSpan.nameEnd = element.end;
  if (!isWellFormedOid(bytes, element.start, element.end)) return false;
  if (!readElement(bytes, element.end, end) || element.end !== end) return false;
  varbindSpan.tag = element.tag;
  varbindSpan.valueStart = element.start;
  varbindSpan.valueEnd = element.end;
  varbindSpan.end = end;
  return true;
}

/** The value of a varbind as the port defines it. `fit: false`: its bytes do not fit its type; it is then a null without a value. */
export function decodeValue(
  bytes: Uint8Array,
  tag: number,
  start: number,
  end: number,
): { type: SnmpType; value: Varbind["value"]; fit: boolean } {
  const type = typeOfTag.get(tag);
  if (type === undefined) return { type: "null", value: undefined, fit: false };
  const value = decodeTyped(bytes, type, start, end);
  const valueless = type === "null" || type === "no-such-object" || type === "no-such-instance" || type === "end-of-mib-view";
  return value === undefined && !valueless ? { type: "null", value, fit: false } : { type, value, fit: true };
}

const recentOids = new RecentOids();

function decodeTyped(bytes: Uint8Array, type: SnmpType, start: number, end: number): Varbind["value"] {
  switch (type) {
    case "integer":
      return numberOrNothing(integerValue(bytes, start, end));
    case "counter32":
    case "gauge32":
    case "timeticks":
      return numberOrNothing(unsignedValue(bytes, start, end));
    case "counter64":
      return unsigned64Value(bytes, start, end);
    case "octet-string":
    case "opaque":
      return new Uint8Array(bytes.subarray(start, end));
    case "oid":
      return isWellFormedOid(bytes, start, end) ? recentOids.text(bytes, start, end) : undefined;
    case "ip-address":
      return end - start === 4 ? bytes.subarray(start, end).join(".") : undefined;
    default:
      return undefined;
  }
}

function numberOrNothing(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

/** One varbind of a SET. @throws GatewayError driver.refused when the value does not fit its type */
export function encodeVarbind(varbind: Varbind): Buffer {
  return encodeElement(tags.sequence, encodeElement(tags.oid, encodeOid(varbind.oid)), encodeValue(varbind));
}

function encodeValue({ type, value }: Varbind): Buffer {
  if (type === "null") return encodeElement(tags.null);
  if (type === "octet-string" && value instanceof Uint8Array) return encodeElement(tags.octetString, value);
  if (type === "opaque" && value instanceof Uint8Array) return encodeElement(tags.opaque, value);
  if (type === "oid" && typeof value === "string") return encodeElement(tags.oid, encodeOid(value));
  if (type === "counter64" && typeof value === "bigint" && value >= 0n && value < 1n << 64n) return encodeUnsigned64(value);
  if (type === "ip-address" && typeof value === "string") return encodeElement(tags.ipAddress, parseIpAddress(value));
  if (type === "integer" && isWithin(value, -0x80000000, 0x7fffffff)) return encodeInteger(value);
  if (type === "counter32" && isWithin(value, 0, 0xffffffff)) return encodeInteger(value, tags.counter32);
  if (type === "gauge32" && isWithin(value, 0, 0xffffffff)) return encodeInteger(value, tags.gauge32);
  if (type === "timeticks" && isWithin(value, 0, 0xffffffff)) return encodeInteger(value, tags.timeTicks);
  throw new GatewayError("driver.refused", { message: `the value does not fit the SNMP type ${type}`, fields: { type } });
}

function isWithin(value: Varbind["value"], minimum: number, maximum: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum;
}

function parseIpAddress(text: string): Uint8Array {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || !parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)) {
    throw new GatewayError("driver.refused", { message: "not an IPv4 address" });
  }
  return Uint8Array.from(parts);
}

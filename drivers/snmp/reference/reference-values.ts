import type { SnmpType, Varbind } from "#ports/snmp.ts";
import type { NetSnmpVarbind } from "./net-snmp-border.ts";

const types: readonly (readonly [number, SnmpType])[] = [
  [2, "integer"],
  [4, "octet-string"],
  [5, "null"],
  [6, "oid"],
  [64, "ip-address"],
  [65, "counter32"],
  [66, "gauge32"],
  [67, "timeticks"],
  [68, "opaque"],
  [70, "counter64"],
  [128, "no-such-object"],
  [129, "no-such-instance"],
  [130, "end-of-mib-view"],
];
const typeOfTag = new Map(types);
const tagOfType = new Map(types.map(([tag, type]) => [type, tag]));

/** The library leaves Counter64 and octets as Buffers, and gives exceptions and nulls a value of null. */
export function toVarbind({ oid, type: tag, value }: NetSnmpVarbind): Varbind {
  const type = typeOfTag.get(tag) ?? "null";
  if (value instanceof Uint8Array) {
    if (type === "counter64") return { oid, type, value: bigintOf(value) };
    return { oid, type, value: new Uint8Array(value) };
  }
  if (typeof value === "number" || typeof value === "string") return { oid, type, value };
  return { oid, type, value: undefined };
}

function bigintOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  return BigInt.asUintN(64, value);
}

export function toNetSnmp({ oid, type, value }: Varbind): NetSnmpVarbind {
  const tag = tagOfType.get(type) ?? 5;
  if (typeof value === "bigint") return { oid, type: tag, value: Buffer.from(value.toString(16).padStart(16, "0"), "hex") };
  return { oid, type: tag, value: value instanceof Uint8Array ? Buffer.from(value) : value };
}

import type { SnmpType, TableColumn, Varbind } from "../../../../runtime/ports/snmp.ts";
import { arcs, type PlainVarbind, signed } from "./plain-ber.ts";

// What an agent really said, by a decoder of its own: a sample is wrong if its agent never said that value under that name.

const types: Readonly<Record<number, SnmpType>> = {
  2: "integer",
  4: "octet-string",
  5: "null",
  6: "oid",
  64: "ip-address",
  65: "counter32",
  66: "gauge32",
  67: "timeticks",
  68: "opaque",
  70: "counter64",
  128: "no-such-object",
  129: "no-such-instance",
  130: "end-of-mib-view",
};

type Said = Pick<PlainVarbind, "tag" | "content">;

/** The value of a varbind, or undefined if its bytes make none. Signs as libsnmp reads them. */
function valueOfSaid({ tag, content }: Said): Varbind["value"] {
  const type = types[tag];
  const length = content.length;
  if (type === "octet-string" || type === "opaque") return content;
  if (type === "oid") return oidOf(content);
  if (type === "ip-address") return length === 4 ? [...content].join(".") : undefined;
  if (type === undefined || length === 0 || length > 9) return undefined;
  if (type === "integer") return length > 8 || BigInt.asIntN(32, signed(content)) !== signed(content) ? undefined : Number(signed(content));
  const bits = type === "counter64" ? 64 : 32;
  const isPadded = length === bits / 8 + 1 && content[0] === 0;
  if (length > bits / 8 && !isPadded) return undefined;
  const value = BigInt.asUintN(bits, signed(content));
  return bits === 64 ? value : Number(value);
}

function oidOf(content: Uint8Array): string | undefined {
  try {
    return arcs(content).join(".");
  } catch {
    return undefined; // not an OID
  }
}

function textOf(value: Varbind["value"]): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value);
}

/** Whether a varbind is one that was said. */
export function isSaid(varbind: Varbind, said: readonly Said[]): boolean {
  return said.some((one) => {
    const value = valueOfSaid(one);
    const type = types[one.tag];
    const isValueless = type === "null" || one.tag >= 0x80;
    // What makes no value is handed on as a null.
    if (type === undefined || (value === undefined && !isValueless)) return varbind.type === "null";
    return varbind.type === type && (isValueless || textOf(varbind.value) === textOf(value));
  });
}

/** Whether the value of a walked cell was said. */
export function isValueSaid(value: Varbind["value"], said: readonly Said[]): boolean {
  return said.some((one) => textOf(valueOfSaid(one)) === textOf(value));
}

/** Whether the cell of a column holds something that was said. */
export function isCellSaid(column: TableColumn, row: number, said: readonly Said[]): boolean {
  const cell = column.value[row];
  return said.some((one) => {
    const value = valueOfSaid(one);
    if (column.as === "text")
      return value instanceof Uint8Array ? new TextDecoder().decode(value).replace(/\0+$/, "") === cell : value === cell;
    if (column.as === "bytes") return cell instanceof Uint8Array && textOf(cell) === textOf(value);
    return (typeof value === "number" || typeof value === "bigint") && Number(value) === Number(cell);
  });
}

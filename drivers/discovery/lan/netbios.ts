import { GatewayError } from "#model/errors.ts";
import type { HostHint } from "#ports/discovery.ts";
import { said } from "./said.ts";

export const netbiosPort = 137;
/** `*` padded with zeros, in first-level encoding (RFC 1001 14.1). */
const wildcard = `CK${"A".repeat(30)}`;
const headerBytes = 12;
const nameEntryBytes = 18;
const maxNames = 32;

/** Node status request (RFC 1002 4.2.17). */
export function encodeNodeStatus(transactionId: number): Uint8Array {
  const name = new TextEncoder().encode(wildcard);
  return Uint8Array.from([transactionId >> 8, transactionId & 255, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.length, ...name, 0, 0, 0x21, 0, 1]);
}

/** Node status response (RFC 1002 4.2.18). @throws GatewayError driver.bad-answer */
export function readNodeStatus(bytes: Uint8Array, transactionId: number, address: string): HostHint {
  // Header, the name as it was asked (34 octets), type, class, TTL, length: NUM_NAMES comes next.
  const start = headerBytes + 34 + 10;
  const count = bytes[start];
  if (count === undefined || (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) !== transactionId || ((bytes[2] ?? 0) & 0x80) === 0)
    throw malformed();
  const end = start + 1 + count * nameEntryBytes;
  if (count > maxNames || end + 6 > bytes.length) throw malformed();
  const services = new Set<string>();
  let hostName = "";
  for (let at = start + 1; at < end; at += nameEntryBytes) {
    const name = said(new TextDecoder("latin1").decode(bytes.subarray(at, at + 15)));
    const suffix = bytes[at + 15];
    const isGroup = ((bytes[at + 16] ?? 0) & 0x80) !== 0;
    if (suffix === 0x00 && !isGroup && hostName === "") hostName = name;
    if (suffix === 0x20 && !isGroup) services.add("file-server");
    if (suffix === 0x1c && isGroup) services.add("domain-controller");
  }
  const mac = [...bytes.subarray(end, end + 6)].map((octet) => octet.toString(16).padStart(2, "0")).join(":");
  return {
    address,
    source: "netbios",
    ...(hostName === "" ? {} : { hostName }),
    // Samba answers zeros.
    ...(mac === "00:00:00:00:00:00" ? {} : { mac }),
    services: [...services],
  };
}

function malformed(): GatewayError {
  return new GatewayError("driver.bad-answer", { message: "malformed NetBIOS node status" });
}

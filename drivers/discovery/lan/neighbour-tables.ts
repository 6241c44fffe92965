import { parseIpv4 } from "#model/ipv4.ts";
import type { ArpEntry, DhcpLease } from "#ports/discovery.ts";
import { said } from "./said.ts";

const maxEntries = 8_192;
const nobody = new Set(["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"]);

/** /proc/net/arp: complete entries only (flag 0x2). */
export function parseProcArp(text: string): readonly ArpEntry[] {
  return bounded(text).flatMap((line) => {
    const [address = "", , flags = "", mac = ""] = line.trim().split(/\s+/);
    return (Number(flags) & 2) === 2 ? entryOf(address, mac) : [];
  });
}

/** Output of `ip -j neigh`. What is FAILED or INCOMPLETE has no address, or an old one. */
export function parseIpNeigh(text: string): readonly ArpEntry[] {
  return jsonList(text).flatMap((entry) => {
    const { dst, lladdr, state } = entry;
    const states = Array.isArray(state) ? state : [];
    if (states.includes("FAILED") || states.includes("INCOMPLETE")) return [];
    return typeof dst === "string" && typeof lladdr === "string" ? entryOf(dst, lladdr) : [];
  });
}

/** dnsmasq.leases: `expiry mac ip name client-id`; the name is `*` if there is none. */
export function parseDnsmasqLeases(text: string): readonly DhcpLease[] {
  return bounded(text).flatMap((line) => {
    const [, mac = "", address = "", name = "*"] = line.trim().split(/\s+/);
    return leaseOf(address, mac, name === "*" ? "" : name);
  });
}

/** Kea's memfile: CSV with a head line; the last line of an address counts. State 0 = assigned. */
export function parseKeaLeases(text: string): readonly DhcpLease[] {
  const [head = "", ...lines] = bounded(text);
  const columns = head.split(",").map((column) => column.trim());
  const at = (cells: readonly string[], column: string): string => cells[columns.indexOf(column)] ?? "";
  const found = new Map<string, readonly DhcpLease[]>();
  for (const line of lines) {
    const cells = line.split(",");
    const address = at(cells, "address");
    found.set(address, at(cells, "state") === "0" ? leaseOf(address, at(cells, "hwaddr"), at(cells, "hostname")) : []);
  }
  return [...found.values()].flat();
}

/** dhcpd.leases of ISC: blocks; a later block of an address replaces an earlier one. */
export function parseIscLeases(text: string): readonly DhcpLease[] {
  const found = new Map<string, readonly DhcpLease[]>();
  let address = "";
  let mac = "";
  let name = "";
  let active = true;
  for (const line of bounded(text)) {
    const words = line.trim().replace(/;$/, "").split(/\s+/);
    if (words[0] === "lease" && words[2] === "{") [address, mac, name, active] = [words[1] ?? "", "", "", true];
    else if (words[0] === "hardware" && words[1] === "ethernet") mac = words[2] ?? "";
    else if (words[0] === "client-hostname") name = (words[1] ?? "").replaceAll('"', "");
    else if (words[0] === "binding" && words[1] === "state") active = words[2] === "active";
    else if (words[0] === "}" && address !== "") found.set(address, active ? leaseOf(address, mac, name) : []);
  }
  return [...found.values()].flat();
}

/** By its look: ISC has blocks, Kea has a head line, the rest is dnsmasq's. */
export function parseLeases(text: string): readonly DhcpLease[] {
  if (/^address,hwaddr,/m.test(text.slice(0, 4_096))) return parseKeaLeases(text);
  return /^lease .* \{$/m.test(text) ? parseIscLeases(text) : parseDnsmasqLeases(text);
}

/** Default gateways of `ip -j route show default`. */
export function parseDefaultGateways(text: string): readonly string[] {
  return jsonList(text).flatMap(({ gateway }) => (typeof gateway === "string" && parseIpv4(gateway) !== undefined ? [gateway] : []));
}

export function parseNameServers(resolvConf: string): readonly string[] {
  return bounded(resolvConf).flatMap((line) => {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? "";
    return parseIpv4(address) === undefined ? [] : [address];
  });
}

function leaseOf(address: string, mac: string, name: string): readonly DhcpLease[] {
  const hostName = said(name);
  return entryOf(address, mac).map((entry) => (hostName === "" ? entry : { ...entry, hostName }));
}

function entryOf(address: string, written: string): readonly ArpEntry[] {
  const mac = written.toLowerCase();
  if (parseIpv4(address) === undefined || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) || nobody.has(mac)) return [];
  return [{ address, mac }];
}

function bounded(text: string): readonly string[] {
  return text.split("\n", maxEntries).filter((line) => line.length < 2_048);
}

/** Another program's JSON: a list of objects, or nothing. */
function jsonList(text: string): readonly Readonly<Record<string, unknown>>[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text === "" ? "[]" : text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
  if (!Array.isArray(parsed)) return [];
  return parsed.slice(0, maxEntries).filter((entry): entry is Record<string, unknown> => typeof entry === "object" && entry !== null);
}

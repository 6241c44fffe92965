import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that real-peer tests talk to. */
export interface Peer {
  readonly available: boolean;
  /** Where it is; "" if it is not. */
  readonly path: string;
  /** Why it is not there, for the skipped test's title; "" if it is. */
  readonly reason: string;
}

/** Debian's package for each peer. `.ci/run` installs them all. */
export const peerPackages = {
  snmpd: "snmpd",
  snmpget: "snmp",
  snmpwalk: "snmp",
  snmpbulkwalk: "snmp",
  snmptrap: "snmp",
  mosquitto: "mosquitto",
  mosquitto_pub: "mosquitto-clients",
  mosquitto_sub: "mosquitto-clients",
  mosquitto_passwd: "mosquitto",
  chromium: "chromium",
  fping: "fping",
  strace: "strace",
  ip: "iproute2",
  openssl: "openssl",
  gcc: "gcc",
  busybox: "busybox",
} as const;

export type PeerName = keyof typeof peerPackages;

/** Debian keeps daemons out of an ordinary user's PATH. */
const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"];

/**
 * Finds a peer: `it.skipIf(!peer("snmpd").available)(...)`. With GATEHOUSE_REQUIRE_PEERS=1 (CI) a missing one is an error, so that the test
 * file fails instead of being skipped.
 */
export function peer(name: PeerName): Peer {
  const path = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (path !== undefined) return { available: true, path, reason: "" };
  const reason = `${name} is not installed (apt-get install ${peerPackages[name]})`;
  if (process.env["GATEHOUSE_REQUIRE_PEERS"] === "1") throw new Error(`GATEHOUSE_REQUIRE_PEERS=1, but ${reason}`);
  return { available: false, path: "", reason };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there or not ours to run: the same for a test.
    return false;
  }
}

import type { Device } from "../device.ts";

/** Addresses are from TEST-NET-1 (RFC 5737): they name nobody. */
export interface Neighbouring {
  readonly ip: string;
  readonly mac: Buffer;
  readonly ifIndex: number;
  readonly alive: () => boolean;
}

/** IP-MIB's old tables, which is what equipment fills: own addresses and the ARP cache. */
export function addAddresses(
  device: Device,
  own: readonly { readonly ip: string; readonly ifIndex: number }[],
  neighbours: readonly Neighbouring[],
): void {
  device.tree
    .table("1.3.6.1.2.1.4.20.1", own, ({ ip }) => ip, [
      [1, "ip-address", ({ ip }) => ip],
      [2, "integer", ({ ifIndex }) => ifIndex],
      [3, "ip-address", () => "255.255.255.0"],
    ])
    .table("1.3.6.1.2.1.4.22.1", neighbours, ({ ip, ifIndex }) => `${ifIndex}.${ip}`, [
      [1, "integer", (row) => (row.alive() ? row.ifIndex : undefined)],
      [2, "octet-string", (row) => (row.alive() ? row.mac : undefined)],
      [3, "ip-address", (row) => (row.alive() ? row.ip : undefined)],
      [4, "integer", (row) => (row.alive() ? 3 : undefined)],
    ]);
}

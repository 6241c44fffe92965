import type { ArpEntry } from "#ports/discovery.ts";
import { addressOf, macOf } from "./link-id.ts";
import { arcsOf, bytesOf, columnOf, type Part, type Reading } from "./table.ts";

const maxOwn = 512;
const maxArp = 2_048;
/** InetAddressType ipv4. */
const ipv4 = 1;

/** ipAdEntIfIndex and ipNetToMediaPhysAddress: deprecated, and there on most equipment. */
export const addressRoots = {
  own: { what: "own addresses", oid: "1.3.6.1.2.1.4.20.1.2", maxRows: maxOwn },
  arp: { what: "ARP table", oid: "1.3.6.1.2.1.4.22.1.2", maxRows: maxArp },
} as const;

/** ipAddressIfIndex and ipNetToPhysicalPhysAddress: where the old ones are empty. */
export const inetAddressRoots = {
  ownInet: { what: "own addresses", oid: "1.3.6.1.2.1.4.34.1.3", maxRows: maxOwn },
  arpInet: { what: "ARP table", oid: "1.3.6.1.2.1.4.35.1.4", maxRows: maxArp },
} as const;

/** IPv4 addresses that the device has itself; loopback left out, since everybody has it. @throws GatewayError driver.* */
export function ownAddressesOf(reading: Reading, own: Part, inet: Part | undefined): readonly string[] {
  const old = columnOf(reading, own);
  const isOld = old.size > 0 || inet === undefined;
  const cells = isOld ? old : columnOf(reading, inet);
  const found = [...cells.keys()].flatMap((index) => (isOld ? addressOf(arcsOf(index)) : inetAddress(arcsOf(index))) ?? []);
  return [...new Set(found)].filter((address) => !address.startsWith("127.") && address !== "0.0.0.0");
}

/** The device's ARP table: addresses that are there although they never answered us. @throws GatewayError driver.* */
export function arpOf(reading: Reading, media: Part, physical: Part | undefined): readonly ArpEntry[] {
  const old = columnOf(reading, media);
  const isOld = old.size > 0 || physical === undefined;
  const cells = isOld ? old : columnOf(reading, physical);
  return [...cells].flatMap(([index, cell]) => {
    const [, ...rest] = arcsOf(index);
    const address = isOld ? addressOf(rest) : inetAddress(rest);
    const mac = macOf(bytesOf(cell));
    return address === undefined || mac === undefined || mac === "00:00:00:00:00:00" || mac === "ff:ff:ff:ff:ff:ff"
      ? []
      : [{ address, mac }];
  });
}

/** InetAddressType.Length.Octets. */
function inetAddress([type, length, ...octets]: readonly number[]): string | undefined {
  return type === ipv4 && length === octets.length ? addressOf(octets) : undefined;
}

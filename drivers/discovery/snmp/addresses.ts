import type { ArpEntry } from "#ports/discovery.ts";
import { addressOf, macOf } from "./link-id.ts";
import { arcsOf, bytesOf, type Reading, readColumn } from "./table.ts";

const ipAdEntIfIndex = "1.3.6.1.2.1.4.20.1.2";
const ipAddressIfIndex = "1.3.6.1.2.1.4.34.1.3";
const ipNetToMediaPhysAddress = "1.3.6.1.2.1.4.22.1.2";
const ipNetToPhysicalPhysAddress = "1.3.6.1.2.1.4.35.1.4";
const maxOwn = 512;
const maxArp = 2_048;
/** InetAddressType ipv4. */
const ipv4 = 1;

/** IPv4 addresses that the device has itself; loopback left out, since everybody has it. @throws GatewayError driver.* */
export async function readOwnAddresses(reading: Reading): Promise<readonly string[]> {
  const old = await readColumn(reading, "own addresses", ipAdEntIfIndex, maxOwn);
  const cells = old.size > 0 ? old : await readColumn(reading, "own addresses", ipAddressIfIndex, maxOwn);
  const found = [...cells.keys()].flatMap((index) => (old.size > 0 ? addressOf(arcsOf(index)) : inetAddress(arcsOf(index))) ?? []);
  return [...new Set(found)].filter((address) => !address.startsWith("127.") && address !== "0.0.0.0");
}

/** The device's ARP table: addresses that are there although they never answered us. @throws GatewayError driver.* */
export async function readArp(reading: Reading): Promise<readonly ArpEntry[]> {
  const old = await readColumn(reading, "ARP table", ipNetToMediaPhysAddress, maxArp);
  const cells = old.size > 0 ? old : await readColumn(reading, "ARP table", ipNetToPhysicalPhysAddress, maxArp);
  return [...cells].flatMap(([index, cell]) => {
    const [, ...rest] = arcsOf(index);
    const address = old.size > 0 ? addressOf(rest) : inetAddress(rest);
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

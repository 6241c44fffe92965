import { BlockList, isIP } from "node:net";

/** Whether datagrams of this source address (no zone, no mapped IPv4) are looked at. */
export type SourceCheck = (address: string) => boolean;

/** @param networks addresses and networks in CIDR form, IPv4 and IPv6, checked by the configuration; what is none of these allows nobody */
export function allowedSources(networks: readonly string[]): SourceCheck {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", length] = network.split("/");
    const family = isIP(address);
    if (family === 0) continue;
    const type = family === 4 ? "ipv4" : "ipv6";
    if (length === undefined) list.addAddress(address, type);
    else list.addSubnet(address, Number(length), type);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? "ipv4" : "ipv6");
  };
}

import { type Ipv4Network, isInIpv4Network, parseIpv4Network, privateNetworks, sizeOfIpv4Network } from "#model/ipv4.ts";
import type { Report } from "./load-document.ts";
import { quoted } from "./source.ts";
import { at, itemsOf, textOf } from "./untyped.ts";

const maxCredentials = 5;
const maxAddresses = 1_024;
const maxConfirmed = 65_536;

/** What the schema cannot say of the subnets that discovery may look at. Scanning what is not the site's is refused, enabled or not. */
export function checkDiscovery(discovery: unknown, credentials: readonly string[], report: Report): void {
  const seen: { readonly network: Ipv4Network; readonly index: number }[] = [];
  for (const [index, subnet] of itemsOf(at(discovery, "subnets"))) {
    const pointer = `/discovery/subnets/${index}`;
    const cidr = textOf(subnet.cidr);
    const network = cidr === undefined ? undefined : parseIpv4Network(cidr);
    if (cidr !== undefined && network === undefined) report(`${pointer}/cidr`, `${quoted(cidr)} is not an IPv4 network`);
    if (network !== undefined) {
      checkNetwork(network, subnet.confirmLarge === true, pointer, report);
      const other = seen.find((one) => overlap(one.network, network));
      if (other !== undefined) report(`${pointer}/cidr`, `overlaps /discovery/subnets/${other.index}`);
      seen.push({ network, index });
    }
    for (const [position, excluded] of entries(subnet.exclude)) {
      if (parseIpv4Network(excluded) === undefined)
        report(`${pointer}/exclude/${position}`, `${quoted(excluded)} is not an IPv4 network or address`);
    }
    if (entries(subnet.credentials).length > maxCredentials)
      report(`${pointer}/credentials`, `lists more than ${maxCredentials} credentials`);
    for (const [position, name] of entries(subnet.credentials)) {
      if (!credentials.includes(name)) report(`${pointer}/credentials/${position}`, `unknown credential ${quoted(name)}`);
    }
  }
}

function checkNetwork(network: Ipv4Network, confirmed: boolean, pointer: string, report: Report): void {
  if (!privateNetworks.some((range) => range.prefixLength <= network.prefixLength && isInIpv4Network(network.first, range)))
    report(`${pointer}/cidr`, "lies outside 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16; other networks are never scanned");
  else if (sizeOfIpv4Network(network) > maxConfirmed) report(`${pointer}/cidr`, "is larger than a /16");
  else if (sizeOfIpv4Network(network) > maxAddresses && !confirmed)
    report(`${pointer}/cidr`, "is larger than a /22: confirm it with confirmLarge: true");
}

function overlap(one: Ipv4Network, other: Ipv4Network): boolean {
  return isInIpv4Network(one.first, other) || isInIpv4Network(other.first, one);
}

function entries(list: unknown): readonly (readonly [number, string])[] {
  return Array.isArray(list) ? list.flatMap((entry, index) => (typeof entry === "string" ? [[index, entry] as const] : [])) : [];
}

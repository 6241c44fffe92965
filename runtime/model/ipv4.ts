/** IPv4 addresses as unsigned 32-bit numbers: what an address plan is reckoned with. Text is dotted decimal, four parts, no leading zeros. */

/** A network: its lowest address and the length of its prefix. */
export interface Ipv4Network {
  readonly first: number;
  /** 0 to 32. */
  readonly prefixLength: number;
}

const octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const addressPattern = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`);

/** undefined for anything but dotted decimal. */
export function parseIpv4(text: string): number | undefined {
  const parts = addressPattern.exec(text);
  if (parts === null) return undefined;
  return ((Number(parts[1]) << 24) | (Number(parts[2]) << 16) | (Number(parts[3]) << 8) | Number(parts[4])) >>> 0;
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/** `192.168.1.0/24`; host bits are cleared; a bare address is a /32. */
export function parseIpv4Network(text: string): Ipv4Network | undefined {
  const [address = "", length = "32", ...rest] = text.split("/");
  const parsed = parseIpv4(address);
  if (parsed === undefined || rest.length > 0 || !/^([0-9]|[12][0-9]|3[0-2])$/.test(length)) return undefined;
  const prefixLength = Number(length);
  return { first: (parsed & maskOf(prefixLength)) >>> 0, prefixLength };
}

export function formatIpv4Network({ first, prefixLength }: Ipv4Network): string {
  return `${formatIpv4(first)}/${prefixLength}`;
}

/** Number of addresses, network and broadcast address included. */
export function sizeOfIpv4Network({ prefixLength }: Ipv4Network): number {
  return 2 ** (32 - prefixLength);
}

export function lastOfIpv4Network(network: Ipv4Network): number {
  return network.first + sizeOfIpv4Network(network) - 1;
}

export function isInIpv4Network(address: number, network: Ipv4Network): boolean {
  return (address & maskOf(network.prefixLength)) >>> 0 === network.first;
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}

/** The private ranges of RFC 1918: the only ones that discovery may touch. */
export const privateNetworks: readonly Ipv4Network[] = [
  { first: 0x0a000000, prefixLength: 8 },
  { first: 0xac100000, prefixLength: 12 },
  { first: 0xc0a80000, prefixLength: 16 },
];

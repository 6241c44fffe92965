/** There is no IPv4 address. */
export const noIpv4 = -1;

const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** An IPv4 literal as one number, most significant byte first; `noIpv4` for anything else. */
export function ipv4Of(address: string): number {
  const [, a = "", b = "", c = "", d = ""] = dotted.exec(address) ?? [];
  const bytes = [a, b, c, d].map(Number);
  if (a === "" || bytes.some((byte) => byte > 255)) return noIpv4;
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

export function ipv4Text(ipv4: number): string {
  return [ipv4 >>> 24, (ipv4 >>> 16) & 255, (ipv4 >>> 8) & 255, ipv4 & 255].join(".");
}

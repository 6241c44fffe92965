import { formatIpv4, parseIpv4 } from "#model/ipv4.ts";

/** A sender's address as dotted IPv4; undefined for anything else. */
export function plainIpv4(address: string): string | undefined {
  const parsed = parseIpv4(address.replace(/^::ffff:/i, ""));
  return parsed === undefined ? undefined : formatIpv4(parsed);
}

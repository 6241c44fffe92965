import { GatewayError } from "#model/errors.ts";
import {
  formatIpv4,
  formatIpv4Network,
  type Ipv4Network,
  isInIpv4Network,
  lastOfIpv4Network,
  parseIpv4,
  parseIpv4Network,
  privateNetworks,
  sizeOfIpv4Network,
} from "#model/ipv4.ts";
import type { ConnectedNetwork } from "#ports/discovery.ts";
import { type DiscoverySubnet, gentle } from "./settings.ts";

export interface ScopeRules {
  readonly networks: readonly ConnectedNetwork[];
  /** For trials on one machine. Everything else that is never scanned stays so. */
  readonly permitLoopback?: boolean;
}

/** /24. */
const addressesPerPart = 256;
const loopback: Ipv4Network = { first: 0x7f000000, prefixLength: 8 };

/** The addresses of one subnet that may be sent packets: excluded ones are taken out first, then whatever is never scanned. */
export class Scope {
  readonly network: Ipv4Network;
  readonly cidr: string;
  readonly #excluded: readonly Ipv4Network[];
  readonly #never: ReadonlySet<number>;

  /** @throws GatewayError config.invalid with the reason in words */
  constructor(subnet: DiscoverySubnet, rules: ScopeRules) {
    this.network = networkOf(subnet.cidr);
    this.cidr = formatIpv4Network(this.network);
    const allowed = rules.permitLoopback === true ? [...privateNetworks, loopback] : privateNetworks;
    if (!allowed.some((range) => range.prefixLength <= this.network.prefixLength && isInIpv4Network(this.network.first, range)))
      throw refused(`${this.cidr} is not inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16; other networks are never scanned`);
    checkSize(this.cidr, this.network, subnet.confirmLarge);
    if (subnet.credentials.length > gentle.maxCredentials)
      throw refused(`${this.cidr} lists ${subnet.credentials.length} credentials; ${gentle.maxCredentials} are the most`);
    this.#excluded = subnet.exclude.map(networkOf);
    this.#never = neverOf(this.network, rules);
  }

  includes(address: string): boolean {
    const number = parseIpv4(address);
    return number !== undefined && isInIpv4Network(number, this.network) && this.#allows(number);
  }

  /** Ascending, in groups of a /24 at most. */
  *parts(): Generator<readonly string[]> {
    const last = lastOfIpv4Network(this.network);
    for (let first = this.network.first; first <= last; first += addressesPerPart) {
      const part: string[] = [];
      for (let address = first; address <= Math.min(last, first + addressesPerPart - 1); address++)
        if (this.#allows(address)) part.push(formatIpv4(address));
      yield part;
    }
  }

  get size(): number {
    let size = 0;
    for (const part of this.parts()) size += part.length;
    return size;
  }

  #allows(address: number): boolean {
    return !this.#excluded.some((network) => isInIpv4Network(address, network)) && !this.#never.has(address);
  }
}

/** The private networks that this machine is directly in: what it would propose to a person. */
export function proposedSubnets(networks: readonly ConnectedNetwork[]): readonly string[] {
  const found = networks.flatMap(({ address, prefixLength, kind }) => {
    const network = parseIpv4Network(`${address}/${prefixLength}`);
    if (kind !== "lan" || network === undefined || prefixLength > 30) return [];
    return privateNetworks.some((range) => isInIpv4Network(network.first, range)) ? [formatIpv4Network(network)] : [];
  });
  return [...new Set(found)];
}

function networkOf(text: string): Ipv4Network {
  const network = parseIpv4Network(text);
  if (network === undefined) throw refused(`"${text.slice(0, 40)}" is not an IPv4 network like 192.168.1.0/24`);
  return network;
}

function checkSize(cidr: string, network: Ipv4Network, confirmed: boolean): void {
  const size = sizeOfIpv4Network(network);
  if (size > gentle.maxConfirmedAddresses) throw refused(`${cidr} has ${size} addresses; a /16 is the most`);
  if (size > gentle.maxAddresses && !confirmed)
    throw refused(
      `${cidr} has ${size} addresses; more than a /22 (${gentle.maxAddresses}) needs confirmation: confirmLarge in the configuration, --confirm-large on the command line`,
    );
}

/** Network and broadcast addresses, and this machine's own. Networks behind a tunnel or in containers are refused as a whole. */
function neverOf(network: Ipv4Network, { networks, permitLoopback }: ScopeRules): ReadonlySet<number> {
  const never = new Set<number>();
  const addEnds = (one: Ipv4Network): void => {
    if (one.prefixLength < 31) never.add(one.first).add(lastOfIpv4Network(one));
  };
  addEnds(network);
  for (const { address, prefixLength, kind, interfaceName } of networks) {
    const connected = parseIpv4Network(`${address}/${prefixLength}`);
    const own = parseIpv4(address);
    if (connected === undefined || own === undefined) continue;
    const overlaps = isInIpv4Network(network.first, connected) || isInIpv4Network(connected.first, network);
    if (!overlaps) continue;
    if (kind !== "lan" && !(kind === "loopback" && permitLoopback === true))
      throw refused(`${formatIpv4Network(network)} lies behind ${interfaceName}, which is no LAN (${kind})`);
    if (kind === "loopback") continue;
    never.add(own);
    addEnds(connected);
  }
  return never;
}

function refused(sentence: string): GatewayError {
  return new GatewayError("config.invalid", { message: sentence });
}

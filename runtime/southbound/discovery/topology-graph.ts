import type { DevicePort, LearntMac, LinkFacts, LinkNeighbour } from "#ports/discovery.ts";
import { isBurntIn } from "./identity.ts";

/** What topology wants to know of LinkFacts; hence LinkFacts will do. */
export interface TopologyLinks
  extends Pick<LinkFacts, "bridgeAddress" | "chassis" | "lldpSysName" | "addresses" | "ports" | "arp" | "rootIfIndex"> {
  readonly neighbours: readonly HeardNeighbour[];
  readonly learnt: readonly Pick<LearntMac, "mac" | "ifIndex">[];
}

export type HeardNeighbour = Omit<LinkNeighbour, "sysDescr">;

/** A device as topology sees it. */
export interface TopologyDevice {
  readonly id: string;
  readonly label: string;
  readonly addresses: readonly string[];
  readonly serials: readonly string[];
  readonly links: TopologyLinks;
}

/** Devices that need not be held all at once: each is read up to three times, one after the other, and is the same each time. */
export interface TopologySource {
  readonly count: number;
  /** @param place 0 to count - 1 */
  device(place: number): TopologyDevice;
}

export interface TopologyHost {
  readonly address: string;
  readonly mac: string;
}

/** `d3`: a device; `host:ADDRESS` or `host:MAC`; `foreign:NAME`: heard of, not met; `segment:d3/PORT`: an unmanaged switch, inferred. */
export interface EdgeEnd {
  readonly node: string;
  readonly label: string;
  readonly port?: string;
}

export type EdgeSource = "lldp-both" | "lldp" | "cdp" | "forwarding" | "inferred";

export interface TopologyEdge {
  readonly a: EdgeEnd;
  readonly b: EdgeEnd;
  readonly source: EdgeSource;
  /** In words, for people. */
  readonly evidence: string;
}

/** The same link has the same key, whichever end told of it. */
export function edgeKey({ a, b }: TopologyEdge): string {
  return [`${a.node} ${a.port ?? ""}`, `${b.node} ${b.port ?? ""}`].sort().join(" - ");
}

/** Those that lead to hosts: directly, or to an unmanaged switch behind which there is nothing else. */
export function hostEdgesOf(edges: readonly TopologyEdge[]): ReadonlySet<TopologyEdge> {
  const joining = new Set<string>();
  for (const { a, b } of edges) if (isSegment(a) && !isHost(b)) joining.add(a.node);
  const isOfHosts = (end: EdgeEnd) => isHost(end) || (isSegment(end) && !joining.has(end.node));
  return new Set(edges.filter(({ a, b }) => isOfHosts(a) || isOfHosts(b)));
}

/** At most `max`, in the order given: links between equipment have precedence, hosts get the places that are left. */
export function withoutSurplus(edges: readonly TopologyEdge[], max: number): readonly TopologyEdge[] {
  if (edges.length <= max) return edges;
  const hosts = hostEdgesOf(edges);
  let places = max - (edges.length - hosts.size);
  return edges.filter((edge) => !hosts.has(edge) || places-- > 0).slice(0, max);
}

function isHost({ node }: EdgeEnd): boolean {
  return node.startsWith("host:");
}

function isSegment({ node }: EdgeEnd): boolean {
  return node.startsWith("segment:");
}

export function portKey(device: string, ifIndex: number | undefined): string | undefined {
  return ifIndex === undefined ? undefined : `${device}/${ifIndex}`;
}

export function portLabel(port: DevicePort): string {
  return port.name || port.descr || port.alias || String(port.ifIndex);
}

/** Addresses that belong to one device only. */
export function macsOf({ links }: TopologyDevice): readonly string[] {
  const chassis = links.chassis?.kind === "mac" ? [links.chassis.value] : [];
  const all = [links.bridgeAddress ?? "", ...chassis, ...links.ports.flatMap((port) => port.mac ?? [])];
  return [...new Set(all)].filter((mac) => mac !== "" && isBurntIn(mac));
}

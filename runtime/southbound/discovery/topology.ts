import type { DevicePort, LinkId } from "#ports/discovery.ts";
import { inferFromForwarding } from "./forwarding.ts";
import {
  edgeKey,
  type HeardNeighbour,
  hostEdgesOf,
  portKey,
  portLabel,
  type TopologyDevice,
  type TopologyEdge,
  type TopologyHost,
  type TopologySource,
  withoutSurplus,
} from "./topology-graph.ts";
import { labelPorts, type TopologyNode, TopologyNodes } from "./topology-nodes.ts";

export const maxEdges = 4_000;

interface FarPort {
  readonly ifIndex: number;
  readonly label: string;
}

interface Claim {
  readonly from: TopologyNode;
  readonly neighbour: HeardNeighbour;
  readonly to: TopologyNode | undefined;
  /** Undefined also until the other end's interfaces were looked through. */
  toPort: FarPort | undefined;
}

/** By who makes them, in the order of the devices. */
type Claims = ReadonlyMap<TopologyNode, readonly Claim[]>;

/** Who is beside whom, by the best evidence for each port: LLDP of both ends, LLDP of one, CDP, then what forwarding tables imply. Pure. */
export function deriveTopology(devices: readonly TopologyDevice[], hosts: readonly TopologyHost[]): readonly TopologyEdge[] {
  const known = new Map(devices.entries());
  const steps = topologySteps({ count: devices.length, device: (place) => deviceAt(known, place) }, hosts);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function deviceAt(devices: ReadonlyMap<number, TopologyDevice>, place: number): TopologyDevice {
  const device = devices.get(place);
  if (device === undefined) throw new RangeError("no such device");
  return device;
}

/**
 * The same in steps of one device each, for sites of many: the caller does other things between them, and never more than one device is unpacked.
 * @param hosts `arp`: what the devices' own ARP tables say
 */
export function* topologySteps(
  source: TopologySource,
  hosts: readonly TopologyHost[] | "arp",
): Generator<undefined, readonly TopologyEdge[]> {
  const nodes = new TopologyNodes(source, hosts);
  yield* nodes.read();
  const claimed = { lldp: new Map<TopologyNode, readonly Claim[]>(), cdp: new Map<TopologyNode, readonly Claim[]>() };
  const about = new Map<TopologyNode, Claim[]>();
  for (const node of nodes.all) {
    const claims = claimsOf(node, nodes);
    for (const protocol of ["lldp", "cdp"] as const)
      claimed[protocol].set(
        node,
        claims.filter(({ neighbour }) => neighbour.protocol === protocol),
      );
    for (const claim of claims) {
      if (claim.to === undefined) continue;
      const others = about.get(claim.to);
      if (others === undefined) about.set(claim.to, [claim]);
      else others.push(claim);
    }
    yield;
  }
  yield* lookUpPorts(nodes, about);
  const edges = new Map<string, TopologyEdge>();
  const coveredPorts = new Set<string>();
  for (const protocol of ["lldp", "cdp"] as const) yield* drawClaims(claimed[protocol], edges, coveredPorts);
  let toHosts = 0;
  for (const inferred of inferFromForwarding(nodes, coveredPorts)) {
    const hostEdges = hostEdgesOf(inferred);
    for (const edge of inferred) {
      const id = edgeKey(edge);
      const isToHost = hostEdges.has(edge);
      // Links between equipment may follow, and take the places of hosts.
      if (edges.has(id) || (isToHost && edges.size >= maxEdges)) continue;
      edges.set(id, edge);
      if (isToHost) toHosts += 1;
    }
    // What comes later finds no room.
    if (edges.size - toHosts >= maxEdges) break;
    yield;
  }
  return withoutSurplus([...edges.values()], maxEdges);
}

function claimsOf(from: TopologyNode, nodes: TopologyNodes): readonly Claim[] {
  return from.neighbours.flatMap((neighbour) => {
    const to = nodes.find(neighbour);
    // A loop plugged into one switch, or a reflection: no neighbour.
    return to === from ? [] : [{ from, neighbour, to, toPort: undefined }];
  });
}

/** Of those of whom somebody spoke, or who learnt addresses. */
function* lookUpPorts(nodes: TopologyNodes, about: ReadonlyMap<TopologyNode, readonly Claim[]>): Generator<undefined> {
  for (const node of nodes.all) {
    const claims = about.get(node) ?? [];
    if (claims.length === 0 && node.views.length === 0) continue;
    const device = nodes.device(node);
    labelPorts(node, device);
    for (const claim of claims) {
      const port = findPort(device.links.ports, claim.neighbour.port, claim.neighbour.portDescr);
      if (port !== undefined) claim.toPort = { ifIndex: port.ifIndex, label: portLabel(port) };
    }
    yield;
  }
}

function* drawClaims(byNode: Claims, edges: Map<string, TopologyEdge>, coveredPorts: Set<string>): Generator<undefined> {
  for (const [node, claims] of byNode) {
    const crowded = portsWithSeveral(claims);
    for (const claim of claims) {
      const own = portKey(node.id, claim.neighbour.localIfIndex);
      // What LLDP said of a port is not said again, and not contradicted, by CDP.
      if (claim.neighbour.protocol === "cdp" && own !== undefined && coveredPorts.has(own)) continue;
      const edge = edgeOf(claim, byNode, crowded);
      const id = edgeKey(edge);
      if (edges.get(id)?.source !== "lldp-both") edges.set(id, edge);
    }
    yield;
  }
  for (const claims of byNode.values()) {
    for (const { from, neighbour, to, toPort } of claims) {
      for (const covered of [portKey(from.id, neighbour.localIfIndex), to && portKey(to.id, toPort?.ifIndex)])
        if (covered !== undefined) coveredPorts.add(covered);
    }
  }
}

/** Ports of one device, each by its key. */
function portsWithSeveral(claims: readonly Claim[]): ReadonlySet<string> {
  const seen = new Map<string, number>();
  for (const { from, neighbour } of claims) {
    const key = portKey(from.id, neighbour.localIfIndex);
    if (key !== undefined) seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return new Set([...seen].filter(([, count]) => count > 1).map(([key]) => key));
}

function edgeOf(claim: Claim, claims: Claims, crowded: ReadonlySet<string>): TopologyEdge {
  const { from, neighbour, to, toPort } = claim;
  const protocol = neighbour.protocol.toUpperCase();
  const back = to === undefined ? undefined : claims.get(to)?.find((other) => other.to === from && agree(claim, other));
  const isBoth = neighbour.protocol === "lldp" && back !== undefined;
  const farPort = back?.neighbour.localPort ?? (toPort === undefined ? neighbour.port.value || neighbour.portDescr : toPort.label);
  const several = crowded.has(portKey(from.id, neighbour.localIfIndex) ?? "");
  const doubt = several ? "; several neighbours on this port: an unmanaged switch lies between (inferred)" : "";
  const farLabel = to?.label ?? cut(neighbour.sysName || neighbour.chassis.value);
  return {
    a: { node: from.id, label: from.label, port: cut(neighbour.localPort) },
    b: { node: to?.id ?? `foreign:${cut(neighbour.chassis.value)}`, label: farLabel, ...(farPort === "" ? {} : { port: cut(farPort) }) },
    source: isBoth ? "lldp-both" : neighbour.protocol,
    evidence: isBoth
      ? `both ends name each other by LLDP${doubt}`
      : `${from.label} hears ${farLabel} by ${protocol} on port ${neighbour.localPort}${doubt}`,
  };
}

/** What neighbours call themselves is theirs to choose; a map has room for so much. */
function cut(text: string): string {
  return text.slice(0, 64);
}

/** Two claims speak of one cable: each names the other's port, as far as the ports could be found. */
function agree(one: Claim, other: Claim): boolean {
  const matches = (named: FarPort | undefined, ownIfIndex: number | undefined): boolean =>
    named === undefined || ownIfIndex === undefined || named.ifIndex === ownIfIndex;
  return matches(one.toPort, other.neighbour.localIfIndex) && matches(other.toPort, one.neighbour.localIfIndex);
}

function findPort(ports: readonly DevicePort[], id: LinkId, descr: string): DevicePort | undefined {
  const only = (fits: (port: DevicePort) => boolean): DevicePort | undefined => {
    const found = ports.filter(fits);
    return found.length === 1 ? found[0] : undefined;
  };
  if (id.kind === "mac") {
    const found = only((port) => port.mac === id.value);
    if (found !== undefined) return found;
  }
  for (const text of [id.kind === "text" ? id.value : "", descr]) {
    if (text === "") continue;
    const found = only((port) => port.name === text) ?? only((port) => port.descr === text) ?? only((port) => port.alias === text);
    if (found !== undefined) return found;
  }
  return undefined;
}

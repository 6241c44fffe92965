import type { DevicePort, LinkId, LinkNeighbour } from "#ports/discovery.ts";
import { inferFromForwarding } from "./forwarding.ts";
import {
  edgeKey,
  macsOf,
  portKey,
  portLabel,
  type TopologyDevice,
  type TopologyEdge,
  type TopologyHost,
  unique,
} from "./topology-graph.ts";

export const maxEdges = 4_000;

interface Claim {
  readonly from: TopologyDevice;
  readonly neighbour: LinkNeighbour;
  readonly to: TopologyDevice | undefined;
  readonly toPort: DevicePort | undefined;
}

/** Who is beside whom, by the best evidence for each port: LLDP of both ends, LLDP of one, CDP, then what forwarding tables imply. Pure. */
export function deriveTopology(devices: readonly TopologyDevice[], hosts: readonly TopologyHost[]): readonly TopologyEdge[] {
  const directory = new Directory(devices);
  const edges = new Map<string, TopologyEdge>();
  const coveredPorts = new Set<string>();
  for (const protocol of ["lldp", "cdp"] as const) {
    const claims = devices.flatMap((from) => claimsOf(from, protocol, directory));
    const crowded = portsWithSeveral(claims);
    for (const claim of claims) {
      const own = portKey(claim.from.id, claim.neighbour.localIfIndex);
      // What LLDP said of a port is not said again, and not contradicted, by CDP.
      if (protocol === "cdp" && own !== undefined && coveredPorts.has(own)) continue;
      const edge = edgeOf(claim, claims, crowded);
      const id = edgeKey(edge);
      if (edges.get(id)?.source !== "lldp-both") edges.set(id, edge);
    }
    for (const { from, neighbour, to, toPort } of claims) {
      for (const covered of [portKey(from.id, neighbour.localIfIndex), to && portKey(to.id, toPort?.ifIndex)])
        if (covered !== undefined) coveredPorts.add(covered);
    }
  }
  for (const edge of inferFromForwarding(devices, hosts, coveredPorts)) {
    const id = edgeKey(edge);
    if (!edges.has(id)) edges.set(id, edge);
  }
  return [...edges.values()].slice(0, maxEdges);
}

function claimsOf(from: TopologyDevice, protocol: LinkNeighbour["protocol"], directory: Directory): readonly Claim[] {
  return from.links.neighbours
    .filter((neighbour) => neighbour.protocol === protocol)
    .flatMap((neighbour) => {
      const to = directory.find(neighbour);
      // A loop plugged into one switch, or a reflection: no neighbour.
      if (to === from) return [];
      return [
        { from, neighbour, to, toPort: to === undefined ? undefined : findPort(to.links.ports, neighbour.port, neighbour.portDescr) },
      ];
    });
}

function portsWithSeveral(claims: readonly Claim[]): ReadonlySet<string> {
  const seen = new Map<string, number>();
  for (const { from, neighbour } of claims) {
    const key = portKey(from.id, neighbour.localIfIndex);
    if (key !== undefined) seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return new Set([...seen].filter(([, count]) => count > 1).map(([key]) => key));
}

function edgeOf(claim: Claim, claims: readonly Claim[], crowded: ReadonlySet<string>): TopologyEdge {
  const { from, neighbour, to, toPort } = claim;
  const protocol = neighbour.protocol.toUpperCase();
  const back = to === undefined ? undefined : claims.find((other) => other.from === to && other.to === from && agree(claim, other));
  const isBoth = neighbour.protocol === "lldp" && back !== undefined;
  const farPort = back?.neighbour.localPort ?? (toPort === undefined ? neighbour.port.value || neighbour.portDescr : portLabel(toPort));
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
  const matches = (named: DevicePort | undefined, ownIfIndex: number | undefined): boolean =>
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

/** Finds devices by what neighbours call them; what two devices share finds none. */
class Directory {
  readonly #byMac: ReadonlyMap<string, TopologyDevice | undefined>;
  readonly #byAddress: ReadonlyMap<string, TopologyDevice | undefined>;
  readonly #byName: ReadonlyMap<string, TopologyDevice | undefined>;

  constructor(devices: readonly TopologyDevice[]) {
    this.#byMac = unique(devices, macsOf);
    this.#byAddress = unique(devices, (device) => [...new Set([...device.addresses, ...device.links.addresses])]);
    this.#byName = unique(devices, (device) => [
      ...new Set([
        plainName(device.label),
        plainName(device.links.lldpSysName ?? ""),
        chassisText(device),
        ...device.serials.map(serialOf),
      ]),
    ]);
  }

  find(neighbour: LinkNeighbour): TopologyDevice | undefined {
    const { chassis, addresses, sysName } = neighbour;
    const byChassis =
      chassis.kind === "mac"
        ? this.#byMac.get(chassis.value)
        : chassis.kind === "address"
          ? this.#byAddress.get(chassis.value)
          : this.#byName.get(plainName(chassis.value));
    if (byChassis !== undefined) return byChassis;
    for (const address of addresses) {
      const device = this.#byAddress.get(address);
      if (device !== undefined) return device;
    }
    return sysName === "" ? undefined : this.#byName.get(plainName(sysName));
  }
}

/** Host name without its domain, lower case; addresses stay whole. */
function plainName(name: string): string {
  const text = name.trim().toLowerCase();
  return /^[\d.]+$/.test(text) ? text : (text.split(".")[0] ?? "");
}

function chassisText({ links }: TopologyDevice): string {
  return links.chassis?.kind === "text" ? plainName(links.chassis.value) : "";
}

function serialOf(serial: string): string {
  return serial.slice(serial.indexOf("/") + 1);
}

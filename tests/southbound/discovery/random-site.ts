import type { LearntMac, LinkFacts, LinkNeighbour } from "../../../runtime/ports/discovery.ts";
import type { TopologyDevice as Seen } from "../../../runtime/southbound/discovery/topology-graph.ts";

/** With all that was read of it. */
type SeenDevice = Seen & { readonly links: LinkFacts };

export interface SiteShape {
  readonly switches: number;
  readonly ports: number;
  /** Addresses of computers, phones and so on that the whole site has. */
  readonly hosts: number;
  /** Devices of one and the same name, of a hundred. */
  readonly twinsPercent: number;
}

/** Which switch each one hangs on, -1 = none. The same seed gives the same ones to `randomSite`. */
export function randomTree(random: () => number, switches: number): readonly number[] {
  return Array.from({ length: switches }, (_, at) => (at === 0 ? -1 : Math.floor(random() * at)));
}

/**
 * A tree of switches, as their tables show it: by LLDP of one or both ends, CDP, forwarding tables with holes, hubs and hypervisors behind ports,
 * names and addresses that two share, ports that were renamed.
 */
export function randomSite(random: () => number, shape: SiteShape): readonly SeenDevice[] {
  const { switches, ports, hosts, twinsPercent } = shape;
  const parents = randomTree(random, switches);
  const twins = twinsPercent / 100;
  return Array.from({ length: switches }, (_, at): SeenDevice => {
    const links = linksOf({ at, parents, ports, hosts, random, twins });
    const label = random() < twins ? "twin" : `sw-${at}.example.net`;
    return { id: `d${at}`, label, addresses: [`10.1.${at >> 8}.${at & 255}`], serials: random() < 0.1 ? [`/sn${at >> 1}`] : [], links };
  });
}

interface Around {
  readonly at: number;
  readonly parents: readonly number[];
  readonly ports: number;
  readonly hosts: number;
  readonly random: () => number;
  /** Share of devices that have the name of others. */
  readonly twins: number;
}

/** Port 1 leads up; the children hang on the next ones. */
function portTo({ at, parents, ports }: Around, other: number): number {
  if (parents[at] === other) return 1;
  return 2 + (other % Math.max(1, ports - 1));
}

function linksOf(around: Around): LinkFacts {
  const { at, parents, ports, random } = around;
  const step = at % 3 === 0 ? 100 : 1;
  const beside = parents.flatMap((parent, other) => (parent === at ? [other] : other === at && parent >= 0 ? [parent] : []));
  const interfaces = Array.from({ length: ports }, (_, port) => ({
    ifIndex: (port + 1) * step,
    name: random() < 0.05 ? "same" : `p${port + 1}`,
    descr: random() < 0.5 ? "" : `Port ${port + 1}`,
    alias: random() < 0.8 ? "" : `to sw-${port}`,
    ...(random() < 0.9 ? { mac: mac(at, random() < 0.02 ? 1 : port + 1) } : {}),
    ...(random() < 0.02 ? { type: 71 } : { type: 6 }),
  }));
  const neighbours = beside.flatMap((other) => (random() < 0.4 ? heard(around, other, step) : []));
  const learnt = beside.flatMap((other) => (random() < 0.8 ? learntBehind(around, other, step) : []));
  const arp = Array.from({ length: 3 }, () => Math.floor(random() * around.hosts)).map((host) => ({
    address: `10.2.${host >> 8}.${host & 255}`,
    mac: hostMac(host),
  }));
  return {
    ...(random() < 0.8 ? { bridgeAddress: mac(random() < 0.02 ? 0 : at, 0) } : {}),
    ...(random() < 0.3 ? { chassis: { kind: "text" as const, value: `sw-${at}` } } : {}),
    ...(random() < 0.3 ? { lldpSysName: `sw-${at}` } : {}),
    ...(at > 0 && random() < 0.7 ? { rootIfIndex: step } : {}),
    addresses: random() < 0.5 ? [`10.3.${at >> 8}.${at & 255}`] : [],
    ports: interfaces,
    neighbours,
    learnt: [...learnt, ...edgeHosts(around, step)],
    arp,
    notes: [],
  };
}

function heard(around: Around, other: number, step: number): readonly LinkNeighbour[] {
  const { random, at } = around;
  const local = portTo(around, other);
  const far = portTo({ ...around, at: other }, at);
  const chassis = [
    { kind: "mac", value: mac(other, 0) },
    { kind: "text", value: random() < 4 * around.twins ? "twin" : `SW-${other}.example.net` },
    { kind: "address", value: `10.1.${other >> 8}.${other & 255}` },
  ] as const;
  const port =
    random() < 0.3
      ? ({ kind: "mac", value: mac(other, far) } as const)
      : ({ kind: "text", value: random() < 0.8 ? `p${far}` : "unknown" } as const);
  const one = (protocol: "lldp" | "cdp"): LinkNeighbour => ({
    protocol,
    ...(random() < 0.9 ? { localIfIndex: local * step } : {}),
    localPort: `p${local}`,
    chassis: chassis[Math.floor(random() * 3)] ?? chassis[0],
    port,
    portDescr: random() < 0.3 ? `Port ${far}` : "",
    sysName: random() < 0.5 ? `sw-${other}` : "",
    sysDescr: "a switch of some kind, with a long description",
    addresses: random() < 0.3 ? [`10.3.${other >> 8}.${other & 255}`] : [],
  });
  if (random() < 0.2) return [one("lldp"), one("cdp")];
  return [one(random() < 0.7 ? "lldp" : "cdp")];
}

/** Other switches that frames come from through this port. */
function learntBehind(around: Around, other: number, step: number): readonly LearntMac[] {
  const { at, parents, random } = around;
  const port = portTo(around, other);
  const isAbove = parents[at] === other;
  const behind = parents.flatMap((_, one) => {
    let up = one;
    while (up > 0 && up !== at) up = parents[up] ?? -1;
    const isBelowMe = up === at;
    if (isAbove) return isBelowMe ? [] : [one];
    let branch = one;
    while (branch > 0 && branch !== other) branch = parents[branch] ?? -1;
    return branch === other ? [one] : [];
  });
  return behind.filter(() => random() < 0.7).map((one) => ({ mac: mac(one, 0), bridgePort: port, ifIndex: port * step }));
}

function edgeHosts({ ports, hosts, random }: Around, step: number): readonly LearntMac[] {
  const found: LearntMac[] = [];
  for (let port = Math.ceil(ports / 2); port <= ports; port++) {
    const many = random() < 0.5 ? 1 : Math.floor(random() * 5);
    for (let one = 0; one < many; one++) {
      const host = Math.floor(random() * hosts);
      found.push({ mac: hostMac(host), bridgePort: port, ...(random() < 0.95 ? { ifIndex: port * step } : {}), vlan: 1 });
    }
  }
  return found;
}

function mac(device: number, port: number): string {
  return `00:1b:${[device >> 8, device, port >> 8, port].map((octet) => (octet & 255).toString(16).padStart(2, "0")).join(":")}`;
}

function hostMac(host: number): string {
  const tail = [(host >> 16) & 255, (host >> 8) & 255, host & 255].map((octet) => octet.toString(16).padStart(2, "0")).join(":");
  return `${host % 7 === 0 ? "00:50:56" : host % 11 === 0 ? "02:00:00" : "00:1c:7f"}:${tail}`;
}

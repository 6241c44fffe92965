import { isBurntIn } from "./identity.ts";
import {
  type EdgeEnd,
  macsOf,
  portKey,
  portLabel,
  type TopologyDevice,
  type TopologyEdge,
  type TopologyHost,
  unique,
} from "./topology-graph.ts";

/** More addresses than this on a port: an uplink, of which nothing can be said. */
const maxMacsPerPort = 32;
/** Virtual machines of VMware, Hyper-V, Xen, Parallels, VirtualBox: several on one port are one host. */
const hypervisors = /^(00:50:56|00:0c:29|00:05:69|00:15:5d|00:16:3e|00:1c:42|08:00:27)/;

interface PortView {
  readonly device: TopologyDevice;
  readonly ifIndex: number;
  readonly macs: readonly string[];
}

/**
 * What learnt addresses imply where no neighbour protocol speaks. A port with one address is an edge port; a port behind which another bridge
 * is nearest leads to it; many addresses and no bridge are an unmanaged switch, which is said to be inferred.
 */
export function inferFromForwarding(
  devices: readonly TopologyDevice[],
  hosts: readonly TopologyHost[],
  covered: ReadonlySet<string>,
): readonly TopologyEdge[] {
  const owners = unique(devices, macsOf);
  const addresses = new Map(hosts.map((host) => [host.mac, host.address]));
  const views = devices.flatMap(portViews);
  const sight = new Sight(views, owners);
  const edges: TopologyEdge[] = [];
  for (const view of views) {
    if (covered.has(portKey(view.device.id, view.ifIndex) ?? "") || view.ifIndex === view.device.links.rootIfIndex) continue;
    const bridge = sight.nearestBridge(view);
    if (bridge === "several") {
      edges.push(...segmentEdges(view, [...sight.bridgesOn(view)].map(deviceEnd)));
    } else if (bridge !== undefined) {
      const back = sight.portTowards(bridge, view.device);
      if (covered.has(portKey(bridge.id, back) ?? "")) continue;
      edges.push(bridgeEdge(view, bridge, back));
    } else if (view.macs.length <= maxMacsPerPort) {
      edges.push(...hostEdges(view, owners, addresses));
    }
  }
  return edges;
}

function portViews(device: TopologyDevice): readonly PortView[] {
  const byPort = new Map<number, Set<string>>();
  const own = new Set(macsOf(device));
  for (const { ifIndex, mac } of device.links.learnt) {
    if (ifIndex === undefined || own.has(mac) || !isSomebody(mac)) continue;
    const macs = byPort.get(ifIndex) ?? new Set<string>();
    byPort.set(ifIndex, macs.add(mac));
  }
  return [...byPort].map(([ifIndex, macs]) => ({ device, ifIndex, macs: [...macs] }));
}

/** Random addresses of phones and virtual machines count as somebody; virtual routers do not. */
function isSomebody(mac: string): boolean {
  return isBurntIn(mac) || (Number.parseInt(mac.slice(0, 2), 16) & 3) === 2;
}

/** Which bridge sees which other one on which port. */
class Sight {
  readonly #bridges = new Map<PortView, ReadonlySet<TopologyDevice>>();
  readonly #towards = new Map<string, number>();

  constructor(views: readonly PortView[], owners: ReadonlyMap<string, TopologyDevice | undefined>) {
    const isBridge = new Set(views.map((view) => view.device));
    for (const view of views) {
      const seen = view.macs.map((mac) => owners.get(mac)).filter((owner) => owner !== undefined && isBridge.has(owner));
      const bridges = new Set(seen.filter((owner) => owner !== undefined));
      this.#bridges.set(view, bridges);
      for (const bridge of bridges) this.#towards.set(`${view.device.id} ${bridge.id}`, view.ifIndex);
    }
  }

  bridgesOn(view: PortView): ReadonlySet<TopologyDevice> {
    return this.#bridges.get(view) ?? new Set();
  }

  /** A bridge that does not see the other one still knows where the root is, and that is where everybody is. */
  portTowards(from: TopologyDevice, to: TopologyDevice): number | undefined {
    return this.#towards.get(`${from.id} ${to.id}`) ?? from.links.rootIfIndex;
  }

  /** Of the bridges behind a port the one that has all the others behind it: it sees them on other ports than us. */
  nearestBridge(view: PortView): TopologyDevice | "several" | undefined {
    const bridges = [...this.bridgesOn(view)];
    if (bridges.length <= 1) return bridges[0];
    const nearest = bridges.filter((bridge) => {
      const up = this.portTowards(bridge, view.device);
      return up !== undefined && bridges.every((other) => other === bridge || this.portTowards(bridge, other) !== up);
    });
    return nearest.length === 1 ? nearest[0] : "several";
  }
}

function bridgeEdge(view: PortView, bridge: TopologyDevice, back: number | undefined): TopologyEdge {
  const port = bridge.links.ports.find((one) => one.ifIndex === back);
  return {
    a: portEnd(view),
    b: { ...deviceEnd(bridge), ...(port === undefined ? {} : { port: portLabel(port) }) },
    source: "forwarding",
    evidence: `${bridge.label} is the nearest bridge whose address ${view.device.label} learnt on this port`,
  };
}

function hostEdges(
  view: PortView,
  owners: ReadonlyMap<string, TopologyDevice | undefined>,
  addresses: ReadonlyMap<string, string>,
): readonly TopologyEdge[] {
  const { macs } = view;
  const known = [...new Set(macs.map((mac) => owners.get(mac)).filter((owner) => owner !== undefined))];
  const physical = macs.filter((mac) => isBurntIn(mac) && !hypervisors.test(mac));
  const strangers = physical.filter((mac) => owners.get(mac) === undefined);
  const [device] = known;
  // An access point with its clients, a phone with a computer: the device is on the port, the others are behind it.
  if (device !== undefined && known.length === 1 && (strangers.length === 0 || isWireless(device)))
    return [edgePort(view, deviceEnd(device), `${device.label} is the only device learnt on this port`)];
  const ends = macs.map((mac): EdgeEnd => {
    const owner = owners.get(mac);
    return owner === undefined ? hostEnd(mac, addresses.get(mac)) : deviceEnd(owner);
  });
  const [only] = ends;
  if (only !== undefined && ends.length === 1) return [edgePort(view, only, "one address learnt on this port")];
  if (physical.length + known.filter((one) => !macs.some((mac) => physical.includes(mac) && owners.get(mac) === one)).length <= 1) {
    const [host] = physical;
    if (host === undefined) return [];
    return [edgePort(view, hostEnd(host, addresses.get(host)), "one physical address and virtual ones learnt on this port")];
  }
  return segmentEdges(view, ends);
}

/** IANAifType ieee80211. */
function isWireless(device: TopologyDevice): boolean {
  return device.links.ports.some((port) => port.type === 71);
}

function segmentEdges(view: PortView, ends: readonly EdgeEnd[]): readonly TopologyEdge[] {
  const near = portEnd(view);
  const node = `segment:${view.device.id}/${near.port ?? view.ifIndex}`;
  const segment: EdgeEnd = { node, label: `unmanaged switch behind ${view.device.label} ${near.port ?? ""} (inferred)` };
  const evidence = `inferred: ${ends.length} neighbours on one port and none of them is the nearest`;
  const members = new Map(ends.map((end) => [end.node, end]));
  return [
    { a: near, b: segment, source: "inferred", evidence },
    ...[...members.values()].map((end): TopologyEdge => ({ a: segment, b: end, source: "inferred", evidence })),
  ];
}

function edgePort(view: PortView, end: EdgeEnd, evidence: string): TopologyEdge {
  return { a: portEnd(view), b: end, source: "forwarding", evidence };
}

function portEnd({ device, ifIndex }: PortView): EdgeEnd {
  const port = device.links.ports.find((one) => one.ifIndex === ifIndex);
  return { ...deviceEnd(device), port: port === undefined ? String(ifIndex) : portLabel(port) };
}

function deviceEnd(device: TopologyDevice): EdgeEnd {
  return { node: device.id, label: device.label };
}

function hostEnd(mac: string, address: string | undefined): EdgeEnd {
  return { node: `host:${address ?? mac}`, label: address ?? mac };
}

import { isBurntIn } from "./identity.ts";
import { type EdgeEnd, portKey, type TopologyEdge } from "./topology-graph.ts";
import type { PortView, TopologyNode, TopologyNodes } from "./topology-nodes.ts";

/** More addresses than this on a port: an uplink, of which nothing can be said. */
const maxMacsPerPort = 32;
/** Virtual machines of VMware, Hyper-V, Xen, Parallels, VirtualBox: several on one port are one host. */
const hypervisors = /^(00:50:56|00:0c:29|00:05:69|00:15:5d|00:16:3e|00:1c:42|08:00:27)/;

/**
 * What learnt addresses imply where no neighbour protocol speaks. A port with one address is an edge port; a port behind which another bridge
 * is nearest leads to it; many addresses and no bridge are an unmanaged switch, which is said to be inferred. Yields what each device told.
 */
export function* inferFromForwarding(nodes: TopologyNodes, covered: ReadonlySet<string>): Generator<readonly TopologyEdge[]> {
  const { owners, hosts } = nodes;
  const sight = new Sight(nodes);
  yield* sight.look();
  for (const node of nodes.all) {
    const edges: TopologyEdge[] = [];
    for (const view of node.views) {
      if (covered.has(portKey(node.id, view.ifIndex) ?? "") || view.ifIndex === node.rootIfIndex) continue;
      const bridge = sight.nearestBridge(view);
      if (bridge === "several") {
        edges.push(...segmentEdges(view, [...sight.bridgesOn(view)].map(deviceEnd)));
      } else if (bridge !== undefined) {
        const back = sight.portTowards(bridge, node);
        if (covered.has(portKey(bridge.id, back) ?? "")) continue;
        edges.push(bridgeEdge(view, bridge, back));
      } else if (view.macs.length <= maxMacsPerPort) {
        edges.push(...hostEdges(view, owners, hosts));
      }
    }
    yield edges;
  }
}

const none: ReadonlySet<TopologyNode> = new Set();

/** Which bridge sees which other one on which port. */
class Sight {
  readonly #nodes: TopologyNodes;
  readonly #bridges = new Map<PortView, ReadonlySet<TopologyNode>>();
  readonly #towards = new Map<TopologyNode, Map<TopologyNode, number>>();

  constructor(nodes: TopologyNodes) {
    this.#nodes = nodes;
  }

  *look(): Generator<readonly []> {
    const { all, owners } = this.#nodes;
    for (const node of all) {
      const towards = new Map<TopologyNode, number>();
      for (const view of node.views) {
        const bridges = new Set<TopologyNode>();
        for (const mac of view.macs) {
          const owner = owners.get(mac);
          if (owner === undefined || owner.views.length === 0) continue;
          bridges.add(owner);
          towards.set(owner, view.ifIndex);
        }
        if (bridges.size > 0) this.#bridges.set(view, bridges);
      }
      if (towards.size > 0) this.#towards.set(node, towards);
      yield [];
    }
  }

  bridgesOn(view: PortView): ReadonlySet<TopologyNode> {
    return this.#bridges.get(view) ?? none;
  }

  /** A bridge that does not see the other one still knows where the root is, and that is where everybody is. */
  portTowards(from: TopologyNode, to: TopologyNode): number | undefined {
    return this.#towards.get(from)?.get(to) ?? from.rootIfIndex;
  }

  /** Of the bridges behind a port the one that has all the others behind it: it sees them on other ports than us. */
  nearestBridge(view: PortView): TopologyNode | "several" | undefined {
    const bridges = [...this.bridgesOn(view)];
    if (bridges.length <= 1) return bridges[0];
    const nearest = bridges.filter((bridge) => {
      const up = this.portTowards(bridge, view.node);
      return up !== undefined && bridges.every((other) => other === bridge || this.portTowards(bridge, other) !== up);
    });
    return nearest.length === 1 ? nearest[0] : "several";
  }
}

function bridgeEdge(view: PortView, bridge: TopologyNode, back: number | undefined): TopologyEdge {
  const port = back === undefined ? undefined : bridge.labels.get(back);
  return {
    a: portEnd(view),
    b: { ...deviceEnd(bridge), ...(port === undefined ? {} : { port }) },
    source: "forwarding",
    evidence: `${bridge.label} is the nearest bridge whose address ${view.node.label} learnt on this port`,
  };
}

function hostEdges(
  view: PortView,
  owners: ReadonlyMap<string, TopologyNode | undefined>,
  addresses: ReadonlyMap<string, string>,
): readonly TopologyEdge[] {
  const { macs } = view;
  const known = [...new Set(macs.map((mac) => owners.get(mac)).filter((owner) => owner !== undefined))];
  const physical = macs.filter((mac) => isBurntIn(mac) && !hypervisors.test(mac));
  const strangers = physical.filter((mac) => owners.get(mac) === undefined);
  const [device] = known;
  // An access point with its clients, a phone with a computer: the device is on the port, the others are behind it.
  if (device !== undefined && known.length === 1 && (strangers.length === 0 || device.isWireless))
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

function segmentEdges(view: PortView, ends: readonly EdgeEnd[]): readonly TopologyEdge[] {
  const near = portEnd(view);
  const node = `segment:${view.node.id}/${near.port ?? view.ifIndex}`;
  const segment: EdgeEnd = { node, label: `unmanaged switch behind ${view.node.label} ${near.port ?? ""} (inferred)` };
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

function portEnd({ node, ifIndex }: PortView): EdgeEnd {
  return { ...deviceEnd(node), port: node.labels.get(ifIndex) ?? String(ifIndex) };
}

function deviceEnd({ id, label }: TopologyNode): EdgeEnd {
  return { node: id, label };
}

function hostEnd(mac: string, address: string | undefined): EdgeEnd {
  return { node: `host:${address ?? mac}`, label: address ?? mac };
}

import { isBurntIn, plainName, serialOf } from "./identity.ts";
import { type HeardNeighbour, macsOf, portLabel, type TopologyDevice, type TopologyHost, type TopologySource } from "./topology-graph.ts";

/** Addresses learnt on one port, without the device's own ones. */
export interface PortView {
  readonly node: TopologyNode;
  readonly ifIndex: number;
  readonly macs: readonly string[];
}

/** What is held of a device while a map is made: not its interfaces, of which those matter that somebody speaks of. */
export interface TopologyNode {
  readonly place: number;
  readonly id: string;
  readonly label: string;
  readonly neighbours: readonly HeardNeighbour[];
  readonly views: PortView[];
  readonly rootIfIndex: number | undefined;
  readonly isWireless: boolean;
  /** What the interfaces of the views and the one towards the root are called, by ifIndex; filled by `labelPorts`. */
  readonly labels: Map<number, string>;
}

/** What is left when something belongs to nobody or to several: `get` finds nothing. */
type Owners = ReadonlyMap<string, TopologyNode | undefined>;

/** IANAifType ieee80211. */
const wireless = 71;

/** The devices of a site, read one after the other. */
export class TopologyNodes {
  readonly all: TopologyNode[] = [];
  /** Address of a host by its MAC address; the last word counts. */
  readonly hosts: Map<string, string>;
  readonly #source: TopologySource;
  readonly #isArpTold: boolean;
  /** What somebody spoke of: each device has as many keys as ports, and hardly any is asked for. Equal addresses are one string. */
  readonly #macs = new Map<string, string>();
  readonly #addresses = new Set<string>();
  readonly #names = new Set<string>();
  readonly #byMac = new Map<string, TopologyNode | undefined>();
  readonly #byAddress = new Map<string, TopologyNode | undefined>();
  readonly #byName = new Map<string, TopologyNode | undefined>();

  /** @param hosts `arp`: what the devices' own ARP tables say */
  constructor(source: TopologySource, hosts: readonly TopologyHost[] | "arp") {
    this.#source = source;
    this.#isArpTold = hosts === "arp";
    this.hosts = new Map(hosts === "arp" ? [] : hosts.map(({ mac, address }) => [mac, address]));
  }

  /** By MAC address, of interfaces, bridge or chassis. */
  get owners(): Owners {
    return this.#byMac;
  }

  /** Reads all; yields after each. */
  *read(): Generator<undefined> {
    for (let place = 0; place < this.#source.count; place++) {
      const device = this.#source.device(place);
      this.all.push(this.#nodeOf(device, place));
      if (this.#isArpTold) for (const { mac, address } of device.links.arp) this.hosts.set(mac, address);
      yield;
    }
    for (const node of this.all) {
      this.#enter(this.#source.device(node.place), node);
      yield;
    }
  }

  /** The device itself once more. */
  device(node: TopologyNode): TopologyDevice {
    return this.#source.device(node.place);
  }

  #nodeOf(device: TopologyDevice, place: number): TopologyNode {
    const { id, label, links } = device;
    const neighbours = links.neighbours.map(({ protocol, localIfIndex, localPort, chassis, port, portDescr, sysName, addresses }) => ({
      ...{ protocol, localPort, chassis, port, portDescr, sysName, addresses },
      ...(localIfIndex === undefined ? {} : { localIfIndex }),
    }));
    for (const neighbour of neighbours) this.#noteAsked(neighbour);
    const isWireless = links.ports.some(({ type }) => type === wireless);
    const node = { place, id, label, neighbours, views: [], rootIfIndex: links.rootIfIndex, isWireless, labels: new Map() };
    this.#addViews(node, device);
    return node;
  }

  #noteAsked({ chassis, addresses, sysName }: HeardNeighbour): void {
    if (chassis.kind === "mac") this.#macs.set(chassis.value, chassis.value);
    else if (chassis.kind === "address") this.#addresses.add(chassis.value);
    else this.#names.add(plainName(chassis.value));
    for (const address of addresses) this.#addresses.add(address);
    if (sysName !== "") this.#names.add(plainName(sysName));
  }

  #addViews(node: TopologyNode, device: TopologyDevice): void {
    const byPort = new Map<number, Set<string>>();
    const own = new Set(macsOf(device));
    for (const { ifIndex, mac } of device.links.learnt) {
      if (ifIndex === undefined || own.has(mac) || !isSomebody(mac)) continue;
      const macs = byPort.get(ifIndex) ?? new Set<string>();
      byPort.set(ifIndex, macs.add(this.#one(mac)));
    }
    for (const [ifIndex, macs] of byPort) node.views.push({ node, ifIndex, macs: [...macs] });
  }

  #one(mac: string): string {
    const known = this.#macs.get(mac);
    if (known !== undefined) return known;
    this.#macs.set(mac, mac);
    return mac;
  }

  #enter(device: TopologyDevice, node: TopologyNode): void {
    const { links, serials } = device;
    enter(this.#byMac, macsOf(device), this.#macs, node);
    enter(this.#byAddress, new Set([...device.addresses, ...links.addresses]), this.#addresses, node);
    const chassis = links.chassis?.kind === "text" ? links.chassis.value : "";
    const names = [plainName(device.label), plainName(links.lldpSysName ?? ""), plainName(chassis), ...serials.map(serialOf)];
    enter(this.#byName, new Set(names), this.#names, node);
  }

  /** Whom a neighbour's words mean. */
  find({ chassis, addresses, sysName }: HeardNeighbour): TopologyNode | undefined {
    const byChassis =
      chassis.kind === "mac"
        ? this.#byMac.get(chassis.value)
        : chassis.kind === "address"
          ? this.#byAddress.get(chassis.value)
          : this.#byName.get(plainName(chassis.value));
    if (byChassis !== undefined) return byChassis;
    for (const address of addresses) {
      const node = this.#byAddress.get(address);
      if (node !== undefined) return node;
    }
    return sysName === "" ? undefined : this.#byName.get(plainName(sysName));
  }
}

function enter(
  found: Map<string, TopologyNode | undefined>,
  keys: Iterable<string>,
  asked: { has(key: string): boolean },
  node: TopologyNode,
): void {
  for (const key of keys) if (key !== "" && asked.has(key)) found.set(key, found.has(key) ? undefined : node);
}

/** Fills the labels of the interfaces on which something was learnt, and of the one towards the root. */
export function labelPorts(node: TopologyNode, { links }: TopologyDevice): void {
  const wanted = new Set([...node.views.map(({ ifIndex }) => ifIndex), node.rootIfIndex]);
  for (const port of links.ports)
    if (wanted.has(port.ifIndex) && !node.labels.has(port.ifIndex)) node.labels.set(port.ifIndex, portLabel(port));
}

/** Random addresses of phones and virtual machines count as somebody; virtual routers do not. */
function isSomebody(mac: string): boolean {
  return isBurntIn(mac) || (Number.parseInt(mac.slice(0, 2), 16) & 3) === 2;
}

import { loadProfiles } from "../../../drivers/snmp/profiles/load-profiles.ts";
import type { SnmpCredential } from "../../../runtime/model/equipment.ts";
import type { Event } from "../../../runtime/model/observation.ts";
import { deviceReader } from "../../../runtime/parts-discovery.ts";
import { Discovery, type DiscoveryParts } from "../../../runtime/southbound/discovery/discovery.ts";
import type { DiscoverySubnet } from "../../../runtime/southbound/discovery/settings.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { agentOf, hear, learn } from "./agents.ts";
import { MemoryState } from "./memory-state.ts";
import { VirtualLan } from "./virtual-lan.ts";

export const credentials: Readonly<Record<string, SnmpCredential>> = {
  "old-v1": { version: "1", community: "v1-key" },
  "lan-v2c": { version: "2c", community: "v2c-key" },
  "lan-v3": { version: "3", user: "v3-key" },
};

export const subnet: DiscoverySubnet = {
  cidr: "10.20.0.0/23",
  enabled: true,
  activeSweep: true,
  credentials: ["old-v1", "lan-v2c", "lan-v3"],
  exclude: ["10.20.1.192/26"],
  confirmLarge: false,
  snmpPort: 161,
};

export const ownAddress = "10.20.0.9";
const book = loadProfiles();

/** A device that discovery has to find: the addresses it answers at. */
export type Truth = Readonly<Record<string, readonly string[]>>;

export interface OfficeLan {
  readonly clock: VirtualClock;
  readonly lan: VirtualLan;
  readonly truth: Truth;
  /** Links between switches, `a|b` sorted. */
  readonly links: readonly string[];
}

export function mac(kind: number, number: number): string {
  return `00:1b:${[kind, number >> 16, number >> 8, number].map((octet) => (octet & 255).toString(16).padStart(2, "0")).join(":")}`;
}

const clonedEngine = "80001f8880a1b2c3d4e5f60718";
const emptyEngine = "80001f88800000000000000000";

/** Hundreds of addresses with every trap in the way. Same seed, same office. */
export function officeLan(seed: number): OfficeLan {
  const { random } = seededEntropy(seed);
  const clock = new VirtualClock();
  const lan = new VirtualLan(clock, [{ interfaceName: "eth0", address: ownAddress, prefixLength: 23, kind: "lan" }]);
  const truth: Record<string, readonly string[]> = {};
  const links = addSwitches(lan, truth);
  addRouters(lan, truth);
  // Cloned image: one engine id for twelve devices that differ in their serial number, or only in their addresses.
  for (let index = 0; index < 12; index++) {
    const address = `10.20.0.${100 + index}`;
    const port = { name: "eth0", mac: mac(3, index) };
    const serials = index % 2 === 0 ? [`AP${seed}X${index}`] : [];
    const agent = agentOf({ name: `ap-${index}`, engineId: clonedEngine, serials, ports: [port] });
    lan.add({ address, mac: port.mac, agent, key: "v2c-key" });
    truth[`ap-${index}`] = [address];
  }
  // Nothing identifies these but their address: an empty engine id, a made-up serial number, a locally administered MAC that all share.
  for (let index = 0; index < 6; index++) {
    const address = `10.20.0.${120 + index}`;
    const ports = [{ name: "lan", mac: "02:00:00:00:00:01" }];
    const agent = agentOf({ name: "camera", engineId: emptyEngine, serials: ["1234567890"], ports });
    lan.add({ address, mac: mac(4, index), agent, key: "v1-key", ports: [554] });
    truth[`camera-${index}`] = [address];
  }
  addHosts(lan, random);
  return { clock, lan, truth, links };
}

/** A core, six access switches (the last a stack of three), LLDP on all but two of them. */
function addSwitches(lan: VirtualLan, truth: Record<string, readonly string[]>): readonly string[] {
  const portsOf = (number: number) =>
    Array.from({ length: 8 }, (_, port) => ({ name: `ge-${port + 1}`, mac: mac(1, number * 256 + port + 1) }));
  const core = agentOf({ name: "core", engineId: "8000113d03001b01000000", serials: ["CORE1"], bridge: mac(1, 0), ports: portsOf(0) });
  lan.add({ address: "10.20.0.2", mac: mac(1, 0), agent: core, key: "v3-key" });
  truth.core = ["10.20.0.2"];
  const links: string[] = [];
  for (let number = 1; number <= 6; number++) {
    const name = `access-${number}`;
    const bridge = mac(1, number * 256);
    const serials = number === 6 ? ["STACK1", "STACK2", "STACK3"] : [`ACC${number}`];
    const agent = agentOf({
      name,
      serials,
      bridge,
      ports: portsOf(number),
      engineId: `8000113d03001b0100${number.toString(16).padStart(2, "0")}00`,
    });
    const address = `10.20.0.${10 + number}`;
    lan.add({ address, mac: bridge, agent, key: "v2c-key" });
    truth[name] = [address];
    links.push(["core", name].sort().join("|"));
    if (number === 6) {
      // The stack answers at a second address.
      lan.add({ address: "10.20.1.6", mac: bridge, agent, key: "v2c-key" });
      truth[name] = [address, "10.20.1.6"];
    }
    if (number <= 4) {
      hear(core, { port: number - 1, chassis: bridge, remotePort: "ge-8", sysName: name, management: address });
      hear(agent, { port: 7, chassis: mac(1, 0), remotePort: `ge-${number}`, sysName: "core" });
    }
    // Forwarding: the uplink sees the core, the core's port sees the switch and what hangs on it.
    learn(agent, 7, [mac(1, 0)]);
    learn(core, number - 1, [bridge, mac(6, number * 10), mac(6, number * 10 + 1)]);
    learn(agent, 0, [mac(6, number * 10)]);
    learn(agent, 1, [mac(6, number * 10 + 1)]);
  }
  return links;
}

/** A router with three addresses on this network, and two firewalls that share a fourth by VRRP and a private link that both call 10.0.0.x. */
function addRouters(lan: VirtualLan, truth: Record<string, readonly string[]>): void {
  const ports = [0, 1, 2].map((port) => ({ name: `wan${port}`, mac: mac(2, port) }));
  const addresses = ["10.20.0.1", "10.20.1.1", "10.20.1.2", "192.168.77.1"];
  const arp = [{ address: "10.20.1.150", mac: mac(5, 150) }];
  const router = agentOf({ name: "router", engineId: "8000113d03001b02000000", ports, addresses, arp });
  for (const [index, address] of addresses.slice(0, 3).entries())
    lan.add({ address, mac: ports[index]?.mac ?? "", agent: router, key: "v2c-key" });
  truth.router = addresses.slice(0, 3);
  for (const side of [1, 2]) {
    const own = `10.20.0.${20 + side}`;
    const agent = agentOf({
      name: `fw-${side}`,
      engineId: `8000113d03001b02010${side}00`,
      ports: [
        { name: "lan", mac: mac(2, 100 + side) },
        { name: "vrrp", mac: "00:00:5e:00:01:07" },
      ],
      addresses: [own, "10.20.0.20", "10.0.0.1"],
    });
    lan.add({ address: own, mac: mac(2, 100 + side), agent, key: "v2c-key" });
    if (side === 1) lan.add({ address: "10.20.0.20", mac: "00:00:5e:00:01:07", agent, key: "v2c-key" });
    truth[`fw-${side}`] = side === 1 ? [own, "10.20.0.20"] : [own];
  }
}

/** Computers, phones, a printer and a NAS without SNMP; some answer no echo; some stand where nobody may look. */
function addHosts(lan: VirtualLan, random: () => number): void {
  for (let host = 0; host < 150; host++) {
    const address = `10.20.${host < 100 ? 0 : 1}.${host < 100 ? 140 + host : host - 80}`;
    const isPhone = random() < 0.4;
    const own = isPhone ? mac(7, host).replace("00:1b", "da:1b") : mac(5, host);
    lan.add({ address, mac: own, echoes: random() < 0.8, ports: random() < 0.3 ? [445, 3389] : [], netbios: `PC-${host}` });
  }
  lan.add({ address: "10.20.1.150", mac: mac(5, 150), echoes: false });
  lan.add({
    address: "10.20.1.160",
    mac: mac(8, 1),
    ports: [9100],
    announces: { source: "mdns", hostName: "printer", model: "Example Laser", services: ["_ipp._tcp"] },
  });
  lan.add({ address: "10.20.1.161", mac: mac(8, 2), announces: { source: "mdns", hostName: "store", services: ["_adisk._tcp"] } });
  // Excluded: a device that would answer.
  for (const last of [192, 200, 255]) {
    const agent = agentOf({ name: "forbidden" });
    lan.add({ address: `10.20.1.${last}`, mac: mac(9, last), agent, key: "v2c-key" });
  }
}

export interface RunningDiscovery {
  readonly discovery: Discovery;
  readonly events: Event[];
  readonly state: MemoryState;
}

export function discoveryOn({ clock, lan }: Pick<OfficeLan, "clock" | "lan">, more: Partial<DiscoveryParts> = {}): RunningDiscovery {
  const events: Event[] = [];
  const state = (more.state as MemoryState | undefined) ?? new MemoryState();
  const discovery = new Discovery({
    settings: { subnets: [subnet], autoAccept: [], maxDevices: 500, pollIntervalMs: 60_000 },
    clock,
    logger: silentLogger,
    network: lan,
    snmp: lan,
    reader: deviceReader(book, clock),
    sink: { offer: (event) => events.push(event) },
    credential: (name) => credentials[name],
    equipment: () => [],
    ...more,
    state,
  });
  return { discovery, events, state };
}

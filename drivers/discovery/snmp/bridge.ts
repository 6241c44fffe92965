import type { LearntMac } from "#ports/discovery.ts";
import type { SnmpSession } from "#ports/snmp.ts";
import { macOf } from "./link-id.ts";
import { arcsOf, bytesOf, numberOf, type Reading, readColumn } from "./table.ts";

const bridge = "1.3.6.1.2.1.17";
const qBridge = `${bridge}.7.1`;
const vtpVlanState = "1.3.6.1.4.1.9.9.46.1.3.1.1.2";
const maxBridgePorts = 1_024;
const maxLearnt = 8_192;
const maxVlanViews = 32;
/** dot1dTpFdbStatus and dot1qTpFdbStatus: invalid, self, mgmt are nobody's neighbour; other and absent occur for learnt ones. */
const notLearnt = new Set([2, 4, 5]);

export interface BridgeFacts {
  readonly address?: string;
  /** Bridge port to ifIndex. */
  readonly ports: ReadonlyMap<number, number>;
  readonly rootIfIndex?: number;
  readonly learnt: readonly LearntMac[];
}

/** Numbering and spanning tree of a bridge; the forwarding table is read apart. @throws GatewayError driver.* */
export async function readBridge(reading: Reading): Promise<Omit<BridgeFacts, "learnt">> {
  const [base, root] = await reading.session.get([`${bridge}.1.1.0`, `${bridge}.2.7.0`], reading.signal);
  const address = macOf(bytesOf(base));
  const ports = new Map<number, number>();
  for (const [index, cell] of await readColumn(reading, "bridge ports", `${bridge}.1.4.1.2`, maxBridgePorts)) {
    const ifIndex = numberOf(cell);
    if (ifIndex !== undefined) ports.set(Number(index), ifIndex);
  }
  const rootPort = numberOf(root);
  const rootIfIndex = rootPort === undefined || rootPort === 0 ? undefined : ifIndexOf(ports, rootPort);
  return {
    ...(address === undefined || address === "00:00:00:00:00:00" ? {} : { address }),
    ports,
    ...(rootIfIndex === undefined ? {} : { rootIfIndex }),
  };
}

/** Bridge port is not ifIndex on every third switch; where the device has no mapping, they are taken to be the same. */
function ifIndexOf(ports: ReadonlyMap<number, number>, port: number): number | undefined {
  return ports.size === 0 ? port : ports.get(port);
}

/** Learnt addresses: Q-BRIDGE first, since it is there more often, then BRIDGE, then one view per VLAN. @throws GatewayError driver.* */
export async function readForwarding(
  reading: Reading,
  ports: ReadonlyMap<number, number>,
  inVlan: ((vlan: number) => SnmpSession) | undefined,
): Promise<readonly LearntMac[]> {
  const tagged = await readQBridge(reading, ports);
  const learnt = tagged.length > 0 ? tagged : await readPlain(reading, ports, undefined);
  if (learnt.length > 0 && ports.size === 0) reading.note("bridge ports are not mapped to interfaces; their numbers were taken as ifIndex");
  if (tagged.length > 0 || inVlan === undefined) return learnt;
  return [...learnt, ...(await readPerVlan(reading, inVlan))].slice(0, maxLearnt);
}

async function readQBridge(reading: Reading, ports: ReadonlyMap<number, number>): Promise<readonly LearntMac[]> {
  const cells = await readColumn(reading, "forwarding table", `${qBridge}.2.2.1.2`, maxLearnt);
  if (cells.size === 0) return [];
  const status = await readColumn(reading, "forwarding table", `${qBridge}.2.2.1.3`, maxLearnt);
  // The index names a forwarding database, not a VLAN; dot1qVlanFdbId says which belong together.
  const vlans = new Map<number, number>();
  for (const [index, cell] of await readColumn(reading, "VLANs", `${qBridge}.4.2.1.3`, 4_096)) {
    const database = numberOf(cell);
    const vlan = arcsOf(index).at(-1);
    if (database !== undefined && vlan !== undefined && !vlans.has(database)) vlans.set(database, vlan);
  }
  return [...cells].flatMap(([index, cell]) => {
    const [database = 0, ...octets] = arcsOf(index);
    const vlan = vlans.get(database);
    return learntOf(octets, numberOf(cell), numberOf(status.get(index)), ports, vlan);
  });
}

async function readPlain(reading: Reading, ports: ReadonlyMap<number, number>, vlan: number | undefined): Promise<readonly LearntMac[]> {
  const cells = await readColumn(reading, "forwarding table", `${bridge}.4.3.1.2`, maxLearnt);
  if (cells.size === 0) return [];
  const status = await readColumn(reading, "forwarding table", `${bridge}.4.3.1.3`, maxLearnt);
  return [...cells].flatMap(([index, cell]) => learntOf(arcsOf(index), numberOf(cell), numberOf(status.get(index)), ports, vlan));
}

function learntOf(
  octets: readonly number[],
  bridgePort: number | undefined,
  status: number | undefined,
  ports: ReadonlyMap<number, number>,
  vlan: number | undefined,
): readonly LearntMac[] {
  const mac = macOf(octets.length === 7 && octets[0] === 6 ? octets.slice(1) : octets);
  // Port 0 is the bridge itself, or an address that it does not know where to find.
  if (mac === undefined || bridgePort === undefined || bridgePort === 0 || notLearnt.has(status ?? 3)) return [];
  // A group address is not somebody's.
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) return [];
  const ifIndex = ifIndexOf(ports, bridgePort);
  return [{ mac, bridgePort, ...(ifIndex === undefined ? {} : { ifIndex }), ...(vlan === undefined ? {} : { vlan }) }];
}

async function readPerVlan(reading: Reading, inVlan: (vlan: number) => SnmpSession): Promise<readonly LearntMac[]> {
  const states = await readColumn(reading, "VLAN list", vtpVlanState, 4_096);
  // 1002 to 1005 are token ring and FDDI, there on every such switch and always empty.
  const vlans = [...states]
    .filter(([, cell]) => numberOf(cell) === 1)
    .map(([index]) => arcsOf(index).at(-1) ?? 0)
    .filter((vlan) => vlan > 0 && (vlan < 1002 || vlan > 1005));
  if (vlans.length > maxVlanViews) reading.note(`forwarding tables of ${maxVlanViews} of ${vlans.length} VLANs were read`);
  const learnt: LearntMac[] = [];
  for (const vlan of vlans.slice(0, maxVlanViews)) {
    const session = inVlan(vlan);
    try {
      const view = { ...reading, session };
      const { ports } = await readBridge(view);
      if (learnt.length < maxLearnt) learnt.push(...(await readPlain(view, ports, vlan)));
    } finally {
      session.close();
    }
  }
  return learnt;
}

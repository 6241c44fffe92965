import type { LearntMac } from "#ports/discovery.ts";
import type { SnmpSession, Varbind } from "#ports/snmp.ts";
import { macOf } from "./link-id.ts";
import { arcsOf, bytesOf, columnOf, numberOf, type Part, type Parts, type Reading, readTogether } from "./table.ts";

const bridge = "1.3.6.1.2.1.17";
const qBridge = `${bridge}.7.1`;
/** vtpVlanState. */
const vlanList = { what: "VLAN list", oid: "1.3.6.1.4.1.9.9.46.1.3.1.1.2", maxRows: 4_096 };
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

/** dot1dBasePortIfIndex. */
export const bridgePortRoots = {
  bridgePorts: { what: "bridge ports", oid: `${bridge}.1.4.1.2`, maxRows: maxBridgePorts },
} as const;

/**
 * dot1qTpFdbPort, dot1qTpFdbStatus, dot1qVlanFdbId. The index of the first two names a forwarding database, not a VLAN; the third says which belong
 * together.
 */
export const taggedRoots = {
  taggedPorts: { what: "forwarding table", oid: `${qBridge}.2.2.1.2`, maxRows: maxLearnt },
  taggedStatus: { what: "forwarding table", oid: `${qBridge}.2.2.1.3`, maxRows: maxLearnt },
  vlans: { what: "VLANs", oid: `${qBridge}.4.2.1.3`, maxRows: 4_096 },
} as const;

/** dot1dTpFdbPort, dot1dTpFdbStatus: where there is no Q-BRIDGE. */
export const plainRoots = {
  plainPorts: { what: "forwarding table", oid: `${bridge}.4.3.1.2`, maxRows: maxLearnt },
  plainStatus: { what: "forwarding table", oid: `${bridge}.4.3.1.3`, maxRows: maxLearnt },
} as const;

/** dot1dBaseBridgeAddress, dot1dStpRootPort. */
export const bridgeScalars = [`${bridge}.1.1.0`, `${bridge}.2.7.0`] as const;

/** Numbering and spanning tree of a bridge. @param scalars answers to bridgeScalars @throws GatewayError driver.* */
export function bridgeOf(reading: Reading, read: Part, scalars: readonly Varbind[]): Omit<BridgeFacts, "learnt"> {
  const [base, root] = scalars;
  const address = macOf(bytesOf(base));
  const ports = bridgePortsOf(reading, read);
  const rootPort = numberOf(root);
  const rootIfIndex = rootPort === undefined || rootPort === 0 ? undefined : ifIndexOf(ports, rootPort);
  return {
    ...(address === undefined || address === "00:00:00:00:00:00" ? {} : { address }),
    ports,
    ...(rootIfIndex === undefined ? {} : { rootIfIndex }),
  };
}

function bridgePortsOf(reading: Reading, read: Part): ReadonlyMap<number, number> {
  const ports = new Map<number, number>();
  for (const [index, cell] of columnOf(reading, read)) {
    const ifIndex = numberOf(cell);
    if (ifIndex !== undefined) ports.set(Number(index), ifIndex);
  }
  return ports;
}

/** Bridge port is not ifIndex on every third switch; where the device has no mapping, they are taken to be the same. */
function ifIndexOf(ports: ReadonlyMap<number, number>, port: number): number | undefined {
  return ports.size === 0 ? port : ports.get(port);
}

/**
 * Learnt addresses where Q-BRIDGE has none: BRIDGE, then one view per VLAN. @throws GatewayError driver.*
 */
export async function readUntagged(
  reading: Reading,
  read: Plain,
  ports: ReadonlyMap<number, number>,
  inVlan: ((vlan: number) => SnmpSession) | undefined,
): Promise<readonly LearntMac[]> {
  const learnt = plainOf(reading, read, ports, undefined);
  noteUnmapped(reading, learnt, ports);
  return inVlan === undefined ? learnt : [...learnt, ...(await readPerVlan(reading, inVlan))].slice(0, maxLearnt);
}

function noteUnmapped(reading: Reading, learnt: readonly LearntMac[], ports: ReadonlyMap<number, number>): void {
  if (learnt.length > 0 && ports.size === 0) reading.note("bridge ports are not mapped to interfaces; their numbers were taken as ifIndex");
}

/** Learnt addresses by Q-BRIDGE, which is there more often. @throws GatewayError driver.* */
export function taggedOf(reading: Reading, read: Parts<typeof taggedRoots>, ports: ReadonlyMap<number, number>): readonly LearntMac[] {
  const cells = columnOf(reading, read.taggedPorts);
  if (cells.size === 0) return [];
  const status = columnOf(reading, read.taggedStatus);
  const vlans = new Map<number, number>();
  for (const [index, cell] of columnOf(reading, read.vlans)) {
    const database = numberOf(cell);
    const vlan = arcsOf(index).at(-1);
    if (database !== undefined && vlan !== undefined && !vlans.has(database)) vlans.set(database, vlan);
  }
  const learnt = [...cells].flatMap(([index, cell]) => {
    const [database = 0, ...octets] = arcsOf(index);
    const vlan = vlans.get(database);
    return learntOf(octets, numberOf(cell), numberOf(status.get(index)), ports, vlan);
  });
  noteUnmapped(reading, learnt, ports);
  return learnt;
}

interface Plain {
  readonly plainPorts: Part | undefined;
  readonly plainStatus: Part | undefined;
}

function plainOf(reading: Reading, read: Plain, ports: ReadonlyMap<number, number>, vlan: number | undefined): readonly LearntMac[] {
  if (read.plainPorts === undefined || read.plainStatus === undefined) return [];
  const cells = columnOf(reading, read.plainPorts);
  if (cells.size === 0) return [];
  const status = columnOf(reading, read.plainStatus);
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
  const states = columnOf(reading, (await readTogether(reading, { vlanList })).vlanList);
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
      if (learnt.length >= maxLearnt) break;
      const read = await readTogether(view, { ...bridgePortRoots, ...plainRoots });
      learnt.push(...plainOf(view, read, bridgePortsOf(view, read.bridgePorts), vlan));
    } finally {
      session.close();
    }
  }
  return learnt;
}

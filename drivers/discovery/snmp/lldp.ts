import type { LinkId, LinkNeighbour } from "#ports/discovery.ts";
import type { Varbind } from "#ports/snmp.ts";
import { labelOf, type PortIndex } from "./interfaces.ts";
import { addressOf, lldpId } from "./link-id.ts";
import { arcsOf, bytesOf, numberOf, type Reading, type Rows, readEntry, textOf } from "./table.ts";

const lldp = "1.0.8802.1.1.2.1";
const maxLocalCells = 3 * 1_024;
const maxRemoteCells = 8_192;
const maxManagementCells = 1_024;
const maxNeighbours = 512;
const maxAddresses = 8;

export interface LldpFacts {
  readonly chassis?: LinkId;
  readonly sysName?: string;
  readonly neighbours: readonly LinkNeighbour[];
}

/** Who this device is and who it hears by LLDP. @throws GatewayError driver.* */
export async function readLldp(reading: Reading, ports: PortIndex, bridgePorts: ReadonlyMap<number, number>): Promise<LldpFacts> {
  const [subtype, id, name] = await reading.session.get([`${lldp}.3.1.0`, `${lldp}.3.2.0`, `${lldp}.3.3.0`], reading.signal);
  const bytes = bytesOf(id);
  const own = {
    ...(bytes.length === 0 ? {} : { chassis: lldpId("chassis", numberOf(subtype), bytes) }),
    ...(textOf(name) === "" ? {} : { sysName: textOf(name) }),
  };
  const remote = await readEntry(reading, "LLDP neighbours", `${lldp}.4.1.1`, maxRemoteCells);
  if (remote.size === 0) return { ...own, neighbours: [] };
  const local = await readEntry(reading, "LLDP ports", `${lldp}.3.7.1`, maxLocalCells);
  const management = await readEntry(reading, "LLDP addresses", `${lldp}.4.2.1`, maxManagementCells);
  const addresses = managementAddresses(management);
  const toIfIndex = localPorts(local, ports, bridgePorts);
  const neighbours = [...remote]
    .slice(0, maxNeighbours)
    .flatMap(([index, row]) => neighbourOf(index, row, { ports, toIfIndex, addresses }));
  return { ...own, neighbours };
}

interface Known {
  readonly ports: PortIndex;
  readonly toIfIndex: (localPort: number) => { readonly ifIndex?: number; readonly label: string };
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

function neighbourOf(index: string, row: ReadonlyMap<number, Varbind>, known: Known): readonly LinkNeighbour[] {
  const key = remoteKey(arcsOf(index));
  const chassis = bytesOf(row.get(5));
  if (key === undefined || chassis.length === 0) return [];
  const { ifIndex, label } = known.toIfIndex(key.localPort);
  return [
    {
      protocol: "lldp",
      ...(ifIndex === undefined ? {} : { localIfIndex: ifIndex }),
      localPort: label,
      chassis: lldpId("chassis", numberOf(row.get(4)), chassis),
      port: lldpId("port", numberOf(row.get(6)), bytesOf(row.get(7))),
      portDescr: textOf(row.get(8)),
      sysName: textOf(row.get(9)),
      sysDescr: textOf(row.get(10)),
      addresses: known.addresses.get(key.text) ?? [],
    },
  ];
}

/** TimeMark.LocalPortNum.RemIndex; agents that leave the time mark out have two arcs, some have the port alone. */
function remoteKey(arcs: readonly number[]): { readonly localPort: number; readonly text: string } | undefined {
  const [first, second] = arcs.length >= 3 ? arcs.slice(1) : arcs;
  if (first === undefined || arcs.length > 3) return undefined;
  return { localPort: first, text: `${first}.${second ?? 0}` };
}

/** The address stands in the index: TimeMark.LocalPortNum.RemIndex.Subtype.Length.Octets, and some agents leave the length out. */
function managementAddresses(rows: Rows): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const index of rows.keys()) {
    const [, localPort, remIndex, subtype, ...rest] = arcsOf(index);
    const octets = rest[0] === rest.length - 1 ? rest.slice(1) : rest;
    const address = subtype === 1 ? addressOf(octets) : undefined;
    if (localPort === undefined || remIndex === undefined || address === undefined) continue;
    const key = `${localPort}.${remIndex}`;
    const list = found.get(key) ?? [];
    found.set(key, list);
    if (!list.includes(address) && list.length < maxAddresses) list.push(address);
  }
  return found;
}

/**
 * The local port number is the ifIndex only by habit. What the port is called finds the interface; then the bridge's own numbering; only
 * then the number itself.
 */
function localPorts(rows: Rows, ports: PortIndex, bridgePorts: ReadonlyMap<number, number>): Known["toIfIndex"] {
  return (localPort) => {
    const row = rows.get(String(localPort));
    const id = lldpId("port", numberOf(row?.get(2)), bytesOf(row?.get(3)));
    const descr = textOf(row?.get(4));
    const text = id.kind === "text" ? id.value : "";
    const found =
      ports.byText(text) ??
      ports.byText(descr) ??
      (id.kind === "mac" ? ports.byMac(id.value) : undefined) ??
      ports.byIfIndex.get(bridgePorts.get(localPort) ?? Number.NaN) ??
      ports.byIfIndex.get(localPort);
    if (found !== undefined) return { ifIndex: found.ifIndex, label: labelOf(found) };
    return { label: text || descr || String(localPort) };
  };
}

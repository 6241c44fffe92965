import { isGatewayError } from "#model/errors.ts";
import type { LinkId, LinkNeighbour } from "#ports/discovery.ts";
import type { Varbind } from "#ports/snmp.ts";
import { labelOf, type PortIndex } from "./interfaces.ts";
import { addressOf, lldpId } from "./link-id.ts";
import { arcsOf, bytesOf, numberOf, type Parts, type Reading, type Rows, readTogether, rowsOf, textOf } from "./table.ts";

const lldp = "1.0.8802.1.1.2.1";
const maxNeighbours = 512;
const maxAddresses = 8;
/** Of so many local ports and less the names are asked for one by one; of more the table is read. */
const maxAskedPorts = 8;

/** lldpRemTable and lldpRemManAddrTable. */
export const lldpRoots = {
  remote: { what: "LLDP neighbours", oid: `${lldp}.4.1.1`, maxRows: 8_192 },
  management: { what: "LLDP addresses", oid: `${lldp}.4.2.1`, maxRows: 1_024 },
} as const;

/** lldpLocPortTable. */
const local = { what: "LLDP ports", oid: `${lldp}.3.7.1`, maxRows: 3 * 1_024 };
/** Subtype, identifier and description. */
const localColumns = [2, 3, 4];

/** lldpLocChassisIdSubtype, lldpLocChassisId, lldpLocSysName. */
export const lldpScalars = [`${lldp}.3.1.0`, `${lldp}.3.2.0`, `${lldp}.3.3.0`] as const;

export interface LldpFacts {
  readonly chassis?: LinkId;
  readonly sysName?: string;
  readonly neighbours: readonly LinkNeighbour[];
}

/** Who this device is and who it hears by LLDP. @param scalars answers to lldpScalars @throws GatewayError driver.* */
export async function readLldp(
  reading: Reading,
  read: Parts<typeof lldpRoots>,
  scalars: readonly Varbind[],
  { ports, bridgePorts }: { readonly ports: PortIndex; readonly bridgePorts: ReadonlyMap<number, number> },
): Promise<LldpFacts> {
  const [subtype, id, name] = scalars;
  const bytes = bytesOf(id);
  const own = {
    ...(bytes.length === 0 ? {} : { chassis: lldpId("chassis", numberOf(subtype), bytes) }),
    ...(textOf(name) === "" ? {} : { sysName: textOf(name) }),
  };
  const remote = rowsOf(reading, read.remote);
  if (remote.size === 0) return { ...own, neighbours: [] };
  const rows = await readLocal(reading, remote);
  const addresses = managementAddresses(rowsOf(reading, read.management));
  const toIfIndex = localPorts(rows, ports, bridgePorts);
  const neighbours = [...remote]
    .slice(0, maxNeighbours)
    .flatMap(([index, row]) => neighbourOf(index, row, { ports, toIfIndex, addresses }));
  return { ...own, neighbours };
}

/** What the local ports are called behind which somebody was heard; most ports of a switch have nobody who speaks LLDP. */
async function readLocal(reading: Reading, remote: Rows): Promise<Rows> {
  const heard = [...new Set([...remote.keys()].flatMap((index) => remoteKey(arcsOf(index))?.localPort ?? []))];
  const asked = heard.length > maxAskedPorts ? undefined : await askLocal(reading, heard);
  return asked ?? rowsOf(reading, (await readTogether(reading, { local })).local);
}

/** @returns undefined where the device does not say it of one of them: the table may have rows that a question for one does not find */
async function askLocal({ session, signal }: Reading, heard: readonly number[]): Promise<Rows | undefined> {
  try {
    const oids = heard.flatMap((port) => localColumns.map((column) => `${local.oid}.${column}.${port}`));
    const answers = await session.get(oids, signal);
    const rows = heard.map((port, place): readonly [string, ReadonlyMap<number, Varbind>] => {
      const cells = localColumns.flatMap((column, offset): (readonly [number, Varbind])[] => {
        const cell = answers[place * localColumns.length + offset];
        return cell?.value === undefined ? [] : [[column, cell]];
      });
      return [String(port), new Map(cells)];
    });
    return rows.every(([, row]) => row.size > 0) ? new Map(rows) : undefined;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return undefined;
  }
}

interface Known {
  readonly ports: PortIndex;
  readonly toIfIndex: (localPort: number) => { readonly ifIndex?: number; readonly label: string };
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

type RowCells = NonNullable<ReturnType<Rows["get"]>>;

function neighbourOf(index: string, row: RowCells, known: Known): readonly LinkNeighbour[] {
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

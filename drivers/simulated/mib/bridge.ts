import type { Device } from "../device.ts";
import type { Port } from "../port.ts";

/** One learnt address: whose, behind which port. */
export interface LearntAddress {
  readonly mac: Buffer;
  readonly port: Port;
}

/** BRIDGE-MIB and Q-BRIDGE-MIB with one VLAN; bridge port numbers differ from ifIndex on purpose, as they often do. */
export function addBridge(device: Device, learnt: readonly LearntAddress[], rootMac: Buffer): void {
  const bridgePort = (port: Port) => port.index + bridgePortOffset;
  const { tree, ports } = device;
  const awake = ({ port }: LearntAddress) => port.up;
  tree.scalars("1.3.6.1.2.1.17.1", [
    [1, "octet-string", () => device.mac(0)],
    [2, "integer", () => ports.length],
    [3, "integer", () => 2],
  ]);
  tree.table("1.3.6.1.2.1.17.1.4.1", ports, bridgePort, [
    [1, "integer", bridgePort],
    [2, "integer", (port) => port.index],
  ]);
  tree.scalars("1.3.6.1.2.1.17.2", [
    [1, "integer", () => 3],
    [3, "timeticks", () => device.upTimeTicks],
    [4, "counter32", () => 4],
    [5, "octet-string", () => Buffer.concat([Buffer.from([0x80, 0x00]), rootMac])],
  ]);
  tree.table("1.3.6.1.2.1.17.2.15.1", ports, bridgePort, [[3, "integer", (port) => (port.up ? 5 : 1)]]);
  const macIndex = ({ mac }: LearntAddress) => [...mac].join(".");
  tree.table("1.3.6.1.2.1.17.4.3.1", learnt, macIndex, [
    [1, "octet-string", (entry) => (awake(entry) ? entry.mac : undefined)],
    [2, "integer", (entry) => (awake(entry) ? bridgePort(entry.port) : undefined)],
    [3, "integer", (entry) => (awake(entry) ? 3 : undefined)],
  ]);
  tree.table("1.3.6.1.2.1.17.7.1.2.2.1", learnt, (entry) => `1.${macIndex(entry)}`, [
    [2, "integer", (entry) => (awake(entry) ? bridgePort(entry.port) : undefined)],
    [3, "integer", (entry) => (awake(entry) ? 3 : undefined)],
  ]);
  tree.table("1.3.6.1.2.1.17.7.1.4.2.1", [1], (vlan) => `0.${vlan}`, [[3, "gauge32", () => 1]]);
  tree.table("1.3.6.1.2.1.17.7.1.4.3.1", [1], (vlan) => vlan, [[1, "octet-string", () => "office"]]);
  tree.table("1.3.6.1.2.1.17.7.1.4.5.1", ports, bridgePort, [[1, "gauge32", () => 1]]);
}

const bridgePortOffset = 0x20;

export interface Neighbour {
  readonly port: Port;
  readonly chassisMac: Buffer;
  readonly portName: string;
  readonly sysName: () => string;
  readonly sysDescr: string;
  /** LldpSystemCapabilitiesMap, first octet: 0x20 bridge, 0x10 access point, 0x08 router, 0x01 station. */
  readonly capabilities: number;
}

/** LLDP-MIB (IEEE 802.1AB): who is behind which port. Local port number = ifIndex. */
export function addLldp(device: Device, neighbours: readonly Neighbour[]): void {
  const { tree, ports } = device;
  const wired = ports.filter((port) => port.options.type === 6);
  const live =
    <T>(value: (neighbour: Neighbour) => T) =>
    (neighbour: Neighbour) =>
      neighbour.port.up ? value(neighbour) : undefined;
  tree.scalars("1.0.8802.1.1.2.1.3", [
    [1, "integer", () => 4],
    [2, "octet-string", () => device.mac(0)],
    [3, "octet-string", () => device.sysName],
    [4, "octet-string", () => device.identity.sysDescr],
  ]);
  tree.table("1.0.8802.1.1.2.1.3.7.1", wired, (port) => port.index, [
    [2, "integer", () => 5],
    [3, "octet-string", (port) => port.options.name],
    [4, "octet-string", (port) => port.options.descr],
  ]);
  tree.table("1.0.8802.1.1.2.1.4.1.1", neighbours, ({ port }) => `0.${port.index}.1`, [
    [4, "integer", live(() => 4)],
    [5, "octet-string", live((neighbour) => neighbour.chassisMac)],
    [6, "integer", live(() => 5)],
    [7, "octet-string", live((neighbour) => neighbour.portName)],
    [8, "octet-string", live((neighbour) => neighbour.portName)],
    [9, "octet-string", live((neighbour) => neighbour.sysName())],
    [10, "octet-string", live((neighbour) => neighbour.sysDescr)],
    [12, "octet-string", live((neighbour) => Buffer.from([neighbour.capabilities, 0]))],
  ]);
}

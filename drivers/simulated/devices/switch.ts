import type { Device } from "../device.ts";
import { type Flow, officeClient } from "../load.ts";
import { addBridge, addLldp, type LearntAddress, type Neighbour } from "../mib/bridge.ts";
import { addInterfaces } from "../mib/interfaces.ts";
import { addPoe, type PoePort } from "../mib/poe.ts";
import { addChassis, addSystem } from "../mib/system.ts";
import { Port } from "../port.ts";
import { seedOf, uniformAt, wander } from "../random.ts";
import type { SiteModel } from "../site-model.ts";

/** What a switch has besides its attachments. */
export interface SwitchLayout {
  readonly portCount: number;
  /** Access ports in use by office clients. */
  readonly clientPorts: readonly number[];
  /** Watts for PoE; absent = none. */
  readonly poeBudgetW?: number;
}

export const mainLayout: SwitchLayout = {
  portCount: 24,
  clientPorts: [2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 17, 18, 20],
  poeBudgetW: 190,
};
/** The small switch of an annex: uplink on port 1. */
export const annexLayout: SwitchLayout = { portCount: 8, clientPorts: [4, 5, 6] };
/** A powered device needs this long after power returns until its link and its traffic are back. */
export const poeBootMs = 20_000;

/** What is behind a port of the switch; absent = an office client if the port is in use. */
export interface Attachment {
  readonly device: Device;
  readonly port: Port;
  readonly flows: readonly Flow[];
  /** This way to the provider: the further ports that everything but local traffic crosses. */
  readonly upstream?: readonly Port[];
  /** Stays inside the site. */
  readonly local?: boolean;
  readonly poeMilliwatts?: () => number;
  readonly capabilities: number;
  /** The other end lays the cable. */
  readonly wiredThere?: true;
}

export interface SimulatedSwitch {
  readonly device: Device;
  readonly poePorts: readonly PoePort[];
  /** Switches PoE of a port; what hangs on it boots when power returns. */
  readonly setPoe: (port: PoePort, enabled: boolean) => void;
  /** Faults of the board: degrees added, and whether the fan stands still. */
  readonly board: Board;
  /** Milliwatts that something unexpected draws. */
  readonly strayPoe: { milliwatts: number };
  /** Traffic of everything behind it that leaves by the uplink. */
  readonly flows: readonly Flow[];
}

export interface Board {
  excessCelsius: number;
  fanFailed: boolean;
}

/** A managed switch. Call after what hangs on it: it takes the wires to all other devices. */
export function createSwitch(
  model: SiteModel,
  device: Device,
  attachments: ReadonlyMap<number, Attachment>,
  siteSeed: number,
  layout: SwitchLayout = mainLayout,
): SimulatedSwitch {
  const { portCount, clientPorts, poeBudgetW } = layout;
  const name = layout === mainLayout ? "client" : `${device.identity.id}/client`;
  const clients = new Map(clientPorts.map((index) => [index, officeClient(siteSeed, `${name}-${index}`, model.dayStartMs)]));
  const upstreamFlows = [
    ...[...attachments.values()].filter(({ local }) => local !== true).flatMap(({ flows }) => flows),
    ...clients.values(),
  ];
  for (let index = 1; index <= portCount; index++) {
    const attachment = attachments.get(index);
    const client = clients.get(index);
    const flows = attachment?.upstream !== undefined ? upstreamFlows : (attachment?.flows ?? (client === undefined ? [] : [client]));
    const port = new Port({
      index,
      name: `gi${index}`,
      descr: `GigabitEthernet ${index}`,
      alias: attachment?.device.sysName ?? (client === undefined ? "" : `desk ${index}`),
      type: 6,
      speedMbit: 1_000,
      mac: device.mac(index),
      flows,
      side: attachment?.upstream !== undefined ? "network" : "client",
      // A port towards another switch.
      ...(attachment?.capabilities === 0x20 && attachment.wiredThere !== true ? { behindSwitch: true as const } : {}),
    });
    device.ports.push(port);
  }
  wire(model, device, attachments, clients);
  const board: Board = { excessCelsius: 0, fanFailed: false };
  const strayPoe = { milliwatts: 0 };
  const poePorts = poeBudgetW === undefined ? [] : poePortsOf(device, attachments, clients, siteSeed);
  const setPoe = (poePort: PoePort, enabled: boolean) => switchPoe(model, poePort, enabled);
  addSystem(device, 2);
  addInterfaces(device, (port, adminUp) => model.change(() => (port.adminUp = adminUp)));
  if (poeBudgetW !== undefined) addPoe(device, poePorts, poeBudgetW, setPoe, strayPoe);
  addChassis(device);
  addEnvironment(device, board);
  addBridge(device, learntAddresses(device, attachments, clients, siteSeed), device.mac(0));
  addLldp(device, neighbours(device, attachments));
  return { device, poePorts, setPoe, board, strayPoe, flows: upstreamFlows };
}

function wire(model: SiteModel, device: Device, attachments: ReadonlyMap<number, Attachment>, clients: ReadonlyMap<number, Flow>): void {
  const uplink = device.ports.find((port) => attachments.get(port.index)?.upstream !== undefined);
  const upstream = uplink === undefined ? [] : [uplink, ...(attachments.get(uplink.index)?.upstream ?? [])];
  for (const port of device.ports) {
    const attachment = attachments.get(port.index);
    const client = clients.get(port.index);
    const far = attachment === undefined ? {} : { far: { device: attachment.device, port: attachment.port } };
    if (attachment?.wiredThere !== true)
      model.cables.push({
        near: port,
        nearDevice: device,
        plugged: attachment !== undefined || client !== undefined,
        silent: false,
        ...far,
      });
    const path = attachment?.local === true ? [port] : [port, ...upstream];
    if (client !== undefined) model.flows.push({ flow: client, path });
    for (const flow of attachment?.flows ?? []) model.flows.push({ flow, path });
  }
}

function poePortsOf(
  device: Device,
  attachments: ReadonlyMap<number, Attachment>,
  clients: ReadonlyMap<number, Flow>,
  siteSeed: number,
): PoePort[] {
  return device.ports
    .filter((port) => attachments.get(port.index)?.upstream === undefined)
    .map((port) => {
      const seed = seedOf(`${siteSeed}/poe/${port.index}`);
      const phone = clients.has(port.index) && uniformAt(seed, 0) < 0.5;
      const draw =
        attachments.get(port.index)?.poeMilliwatts ?? (phone ? () => wander(seed, device.time.elapsedMs(), 2_900, 200) : () => 0);
      return { port, enabled: true, consumptionMw: () => (port.adminUp ? draw() : 0), powerClass: phone ? 3 : 4 };
    });
}

function switchPoe(model: SiteModel, poePort: PoePort, enabled: boolean): void {
  if (poePort.enabled === enabled) return;
  model.change(() => {
    const cable = model.cableOf(poePort.port);
    const powered = poePort.consumptionMw() > 0;
    poePort.enabled = enabled;
    if (cable === undefined || !powered) return;
    if (!enabled) {
      cable.plugged = false;
      if (cable.far !== undefined) model.setPower(cable.far.device, false);
      return;
    }
    model.after(poeBootMs, () => {
      if (!poePort.enabled) return;
      cable.plugged = true;
      // A fresh boot is what heals a powered device that hangs.
      cable.silent = false;
      if (cable.far !== undefined) model.setPower(cable.far.device, true);
    });
  });
}

/** ENTITY-SENSOR-MIB: board temperature in tenths of a degree, fan speed. */
function addEnvironment(device: Device, board: Board): void {
  const now = () => device.time.elapsedMs();
  const celsius = () => wander(device.seed, now(), 412, 18) + 10 * board.excessCelsius;
  const turns = () => (board.fanFailed ? 0 : wander(device.seed + 5, now(), 3_150, 60));
  const sensors = [
    { index: 101, type: 8, precision: 1, value: celsius, name: "Board temperature", status: () => 1 },
    // EntitySensorStatus: 3 = nonoperational.
    { index: 102, type: 10, precision: 0, value: turns, name: "Fan 1", status: () => (board.fanFailed ? 3 : 1) },
  ];
  const index = (sensor: { readonly index: number }) => sensor.index;
  device.tree
    .table("1.3.6.1.2.1.47.1.1.1.1", sensors, index, [
      [2, "octet-string", (sensor) => sensor.name],
      [4, "integer", () => 1],
      [5, "integer", () => 8],
      [7, "octet-string", (sensor) => sensor.name],
    ])
    .table("1.3.6.1.2.1.99.1.1.1", sensors, index, [
      [1, "integer", (sensor) => sensor.type],
      [2, "integer", () => 9],
      [3, "integer", (sensor) => sensor.precision],
      [4, "integer", (sensor) => Math.round(sensor.value())],
      [5, "integer", (sensor) => sensor.status()],
    ]);
}

function learntAddresses(
  device: Device,
  attachments: ReadonlyMap<number, Attachment>,
  clients: ReadonlyMap<number, Flow>,
  siteSeed: number,
): LearntAddress[] {
  return device.ports.flatMap((port) => {
    const attachment = attachments.get(port.index);
    if (attachment !== undefined) return [{ mac: attachment.port.options.mac, port }];
    if (!clients.has(port.index)) return [];
    const seed = seedOf(`${siteSeed}/mac/${port.index}`);
    // Locally administered, as phones and laptops with privacy addresses have.
    return [{ mac: Buffer.from([0x02, 0x53, (seed >>> 24) & 0xff, (seed >>> 16) & 0xff, (seed >>> 8) & 0xff, port.index]), port }];
  });
}

function neighbours(device: Device, attachments: ReadonlyMap<number, Attachment>): Neighbour[] {
  return device.ports.flatMap((port) => {
    const attachment = attachments.get(port.index);
    if (attachment === undefined || attachment.capabilities === 0) return [];
    return [
      {
        port,
        chassisMac: attachment.device.mac(0),
        portName: attachment.port.options.name,
        sysName: () => attachment.device.sysName,
        sysDescr: attachment.device.identity.sysDescr,
        capabilities: attachment.capabilities,
      },
    ];
  });
}

import { GatewayError } from "#model/errors.ts";
import type { Device } from "./device.ts";
import { cameraPort, type Office } from "./office.ts";
import type { Port } from "./port.ts";
import type { SimulatedAgent } from "./simulated-agent.ts";

/** One order to the simulated site. `on: false` takes a lasting fault back; one-shot faults ignore it. */
export interface FaultOrder {
  readonly device: string;
  readonly fault: string;
  /** Default true. */
  readonly on?: boolean;
  readonly port?: number;
  readonly percent?: number;
  readonly delayMs?: number;
  readonly perSecond?: number;
  readonly disk?: number;
  readonly text?: string;
}

/** Whose conversation can be disturbed. */
export type Disturbed = Pick<SimulatedAgent, "disturbance">;

interface FaultContext {
  readonly office: Office;
  readonly device: Device;
  readonly agent: Disturbed;
  readonly on: boolean;
  readonly order: FaultOrder;
}

interface FaultDefinition {
  readonly help: string;
  /** Absent = any device. */
  readonly device?: string;
  readonly oneShot?: true;
  /** Within `SiteModel.change`. */
  readonly apply: (context: FaultContext) => void;
}

/** Everything that can go wrong at the simulated site. */
export const faults: Readonly<Record<string, FaultDefinition>> = {
  "power-off": {
    help: "the device is dark; its port on the switch loses link; back on it boots (coldStart, uptime 0)",
    apply: ({ office, device, on }) => office.model.setPower(device, !on),
  },
  reboot: { help: "sysUpTime and counters start again, engineBoots + 1, coldStart", oneShot: true, apply: reboot },
  "counter-reset": { help: "counters of `port` (or all) start again; the uptime does not", oneShot: true, apply: resetCounters },
  slow: {
    help: "answers come after `delayMs` (default 2000)",
    apply: ({ agent, on, order }) => (agent.disturbance.delayMs = on ? (order.delayMs ?? 2_000) : 0),
  },
  loss: {
    help: "`percent` of requests are lost (default 30)",
    apply: ({ agent, on, order }) => (agent.disturbance.loss = on ? (order.percent ?? 30) / 100 : 0),
  },
  "wrong-community": {
    help: "the device no longer accepts the credential; authenticationFailure traps",
    apply: ({ agent, on }) => (agent.disturbance.wrongCommunity = on),
  },
  "uptime-wrap": {
    help: "sysUpTime stands `delayMs` (default 30000) before it wraps at 497 days",
    oneShot: true,
    apply: ({ device, order }) => device.setUpTime(2 ** 32 * 10 - (order.delayMs ?? 30_000)),
  },
  "serial-swap": { help: "another unit in its place: new serial number and engine id, boots anew", oneShot: true, apply: swapSerial },
  firmware: { help: "firmware becomes `text`", oneShot: true, apply: changeFirmware },
  "port-down": { help: "the cable of `port` is pulled", apply: unplug },
  "port-errors": { help: "`perSecond` damaged frames on `port` (default 20)", apply: damagePort },
  "duplex-mismatch": { help: "`port` runs at half duplex, with errors", apply: mismatchDuplex },
  "camera-silent": {
    help: "the camera hangs: link and PoE stay, traffic and SNMP stop; a power cycle of its port heals it",
    device: "cam-1",
    apply: silenceCamera,
  },
  "on-battery": {
    help: "mains fails; `percent` sets the charge to start from; upsTrapOnBattery each minute; when the battery is empty, switch, firewall, NAS and all PoE go dark until mains returns",
    device: "ups-1",
    apply: ({ office, on, order }) => office.ups.setOnBattery(on, order.percent),
  },
  "disk-fill": {
    help: "the volume is at `percent` (default 97); off: 61",
    device: "nas-1",
    apply: ({ office, on, order }) => office.nas.volume.setUsedPercent(on ? (order.percent ?? 97) : 61),
  },
  "disk-failed": {
    help: "`disk` (1..4, default 2) fails, the RAID is degraded; off: it repairs for 10 min",
    device: "nas-1",
    apply: failDisk,
  },
  "bad-sectors": { help: "`disk` has bad sectors", device: "nas-1", apply: badSectors },
  "disk-filling": {
    help: "something writes `perSecond` MB into the volume",
    device: "nas-1",
    apply: ({ office, on, order }) => {
      office.nas.volume.fillBytesPerS = on ? (order.perSecond ?? 100) * 1e6 : 0;
    },
  },
  hot: {
    help: "`percent` degrees more than usual (default 30): a dirty filter, a hot room; sw-1 or nas-1",
    apply: ({ office, device, on, order }) => {
      boardOf(office, device).excessCelsius = on ? (order.percent ?? 30) : 0;
    },
  },
  "fan-failed": {
    help: "a fan stands still; sw-1 or nas-1",
    apply: ({ office, device, on }) => {
      boardOf(office, device).fanFailed = on;
    },
  },
  "battery-old": {
    help: "the battery is good for `percent` of what it was (default 8)",
    device: "ups-1",
    apply: ({ office, on, order }) => {
      office.ups.battery.health = on ? (order.percent ?? 8) / 100 : 1;
    },
  },
  "poe-overload": {
    help: "something draws `percent` watts more from PoE (default 160)",
    device: "sw-1",
    apply: ({ office, on, order }) => {
      office.switch.strayPoe.milliwatts = on ? (order.percent ?? 160) * 1_000 : 0;
    },
  },
  "toner-low": {
    help: "toner at `percent` (default 4); off: 100",
    device: "printer-1",
    apply: ({ office, on, order }) => office.printer.state.setTonerPercent(on ? (order.percent ?? 4) : 100),
  },
  "paper-empty": { help: "no paper, nobody refills", device: "printer-1", apply: emptyPaper },
  jam: { help: "paper jam", device: "printer-1", apply: ({ office, on }) => (office.printer.state.jammed = on) },
  "wan-down": { help: "the line to the provider is gone", device: "fw-1", apply: ({ office, on }) => plug(office, office.router.wan, !on) },
  "channel-crowded": {
    help: "foreign networks use `percent` (default 80) of the channels",
    device: "ap-1",
    apply: ({ office, on, order }) => {
      office.accessPoint.foreignPercent = on ? (order.percent ?? 80) : 0;
    },
  },
  overload: {
    help: "processor load + `percent` (default 85)",
    device: "fw-1",
    apply: ({ office, on, order }) => {
      office.router.overloadPercent = on ? (order.percent ?? 85) : 0;
    },
  },
};

/** @throws GatewayError command.refused for an unknown fault, device, port or disk */
export function applyFault(office: Office, agents: ReadonlyMap<string, Disturbed>, order: FaultOrder): void {
  const definition = faults[order.fault];
  const device = office.model.devices.find(({ identity }) => identity.id === order.device);
  const agent = agents.get(order.device);
  if (definition === undefined) throw refused(`no such fault; there are ${Object.keys(faults).join(", ")}`);
  if (device === undefined || agent === undefined) throw refused(`no such device; there are ${[...agents.keys()].join(", ")}`);
  if (definition.device !== undefined && definition.device !== order.device)
    throw refused(`${order.fault} is a fault of ${definition.device}`);
  office.model.change(() => definition.apply({ office, device, agent, on: order.on ?? true, order }));
}

function reboot({ device }: FaultContext): void {
  device.reboot();
  device.emitTrap({ oid: "1.3.6.1.6.3.1.1.5.1", varbinds: [] });
}

function resetCounters({ device, order }: FaultContext): void {
  const ports = order.port === undefined ? device.ports : [portOf(device, order.port)];
  for (const port of ports) {
    port.resetCounters();
    port.discontinuityTicks = device.upTimeTicks;
  }
}

function swapSerial(context: FaultContext): void {
  context.device.unit += 1;
  context.device.serial = `${context.device.serial.split("-")[0]}-${context.device.unit}`;
  context.device.engineBoots = 0;
  reboot(context);
}

function changeFirmware(context: FaultContext): void {
  context.device.firmware = (context.order.text ?? "9.9.9").slice(0, 32);
  reboot(context);
}

function unplug({ office, device, on, order }: FaultContext): void {
  plug(office, portOf(device, order.port), !on);
}

function plug(office: Office, port: Port, plugged: boolean): void {
  const cable = office.model.cables.find((each) => each.near === port || each.far?.port === port);
  if (cable === undefined) throw refused(`port ${port.index} has no cable`);
  cable.plugged = plugged;
}

function damagePort({ device, on, order }: FaultContext): void {
  const port = portOf(device, order.port);
  const flow = port.options.flows[0];
  if (flow === undefined) throw refused(`port ${port.index} has no traffic`);
  flow.errorsPerS = on ? (order.perSecond ?? 20) : 0;
}

function mismatchDuplex(context: FaultContext): void {
  portOf(context.device, context.order.port).fullDuplex = !context.on;
  damagePort(context);
}

function silenceCamera({ office, on }: FaultContext): void {
  const port = portOf(office.switch.device, cameraPort);
  const cable = office.model.cableOf(port);
  if (cable !== undefined) cable.silent = on;
}

function failDisk({ office, on, order }: FaultContext): void {
  const disk = diskOf(office, order.disk ?? 2);
  disk.failed = on;
  if (on) return;
  office.nas.volume.raidStatus = 2;
  office.model.after(600_000, () => {
    office.nas.volume.raidStatus = 1;
  });
}

function badSectors({ office, on, order }: FaultContext): void {
  diskOf(office, order.disk ?? 2).badSectors = on ? 24 : 0;
}

function emptyPaper({ office, on }: FaultContext): void {
  office.printer.state.refilled = !on;
  office.printer.state.sheets = on ? 0 : 500;
}

function boardOf(office: Office, device: Device): { excessCelsius: number; fanFailed: boolean } {
  if (device === office.switch.device) return office.switch.board;
  if (device === office.nas.device) return office.nas.board;
  throw refused(`${device.identity.id} has no such sensors; sw-1 and nas-1 have`);
}

function diskOf(office: Office, number: number) {
  const disk = office.nas.disks[number - 1];
  if (disk === undefined) throw refused(`no disk ${number}; there are 1..${office.nas.disks.length}`);
  return disk;
}

function portOf(device: Device, index: number | undefined): Port {
  const port = index === undefined ? undefined : device.port(index);
  if (port === undefined) throw refused(`${device.identity.id} has no port ${index ?? "given"}`);
  return port;
}

function refused(message: string): GatewayError {
  return new GatewayError("command.refused", { message });
}

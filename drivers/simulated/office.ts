import { Device, type DeviceIdentityOptions } from "./device.ts";
import { createAccessPoint, type SimulatedAccessPoint } from "./devices/access-point.ts";
import { createCamera } from "./devices/camera.ts";
import { createNas, type SimulatedNas } from "./devices/nas.ts";
import { createPrinter, type SimulatedPrinter } from "./devices/printer.ts";
import { createRouter, type SimulatedRouter } from "./devices/router.ts";
import { type Attachment, annexLayout, createSwitch, type SimulatedSwitch } from "./devices/switch.ts";
import { createUps, type SimulatedUps } from "./devices/ups.ts";
import { Flow, type FlowOptions, officeClient } from "./load.ts";
import { addAddresses } from "./mib/addresses.ts";
import { Port } from "./port.ts";
import { seedOf, wander } from "./random.ts";
import { SiteModel } from "./site-model.ts";

/** The port of the switch that the camera hangs on. */
export const cameraPort = 12;
/** The port of the switch that leads to the annex. */
export const annexPort = 23;

/** A small office: seven devices around one switch. The order is that of the UDP ports. */
const models = [
  ["sw-1", "switch", "EX-24P", "4.2.1", "managed switch, 24 ports, PoE"],
  ["ups-1", "ups", "EX-UPS1000", "2.07", "line-interactive UPS, 1 kVA, network card"],
  ["printer-1", "printer", "EX-Laser 400", "20.11.3", "laser printer, monochrome"],
  ["nas-1", "nas", "EX-NAS4", "7.1-4", "NAS, four bays"],
  ["ap-1", "access-point", "EX-AP2", "6.5.28", "Wi-Fi access point, two radios"],
  ["fw-1", "router", "EX-FW2", "24.7", "router and firewall"],
  ["cam-1", "camera", "EX-CAM", "11.2.0", "PoE camera"],
  ["sw-2", "switch", "EX-8", "4.2.1", "managed switch, 8 ports"],
] as const;

const identities: readonly DeviceIdentityOptions[] = models.map(([id, kind, model, firmware, what], number) => ({
  number,
  id,
  kind,
  sysName: id,
  sysDescr: `Example Networks ${model}, ${what}, firmware ${firmware} (simulated)`,
  productArc: String(number + 1),
  model,
  firmware,
  location: "Office, ground floor",
}));

export interface Office {
  readonly model: SiteModel;
  readonly switch: SimulatedSwitch;
  readonly ups: SimulatedUps;
  readonly printer: SimulatedPrinter;
  readonly nas: SimulatedNas;
  readonly router: SimulatedRouter;
  readonly accessPoint: SimulatedAccessPoint;
  /** The second switch, with printer and NAS behind it; absent in the small office. */
  readonly annex?: SimulatedSwitch;
}

export interface OfficeOptions {
  /** A second, small switch behind the first; printer and NAS hang on it. */
  readonly annex?: boolean;
}

/**
 * @param readElapsedMs monotonic milliseconds since the site's start
 * @param startWallMs Unix ms at the start: gives the time of day
 */
export function createOffice(seed: number, readElapsedMs: () => number, startWallMs: number, options: OfficeOptions = {}): Office {
  const model = new SiteModel(readElapsedMs, startWallMs);
  const [sw, ups, printer, nas, ap, fw, camera, sw2] = identities.map((each) => new Device(each, seed, model.time));
  if (sw === undefined || ups === undefined || printer === undefined || nas === undefined) throw new Error("the office is incomplete");
  if (ap === undefined || fw === undefined || camera === undefined || sw2 === undefined) throw new Error("the office is incomplete");
  model.devices.push(sw, ups, printer, nas, ap, fw, camera);
  const flow = (name: string, options: Partial<FlowOptions>) => new Flow({ ...flowDefaults(seed, name), ...options }, model.dayStartMs);
  const flows = {
    ups: flow("ups", { downOctetsPerS: 90, upOctetsPerS: 140, steady: true }),
    printer: flow("printer", { downOctetsPerS: 9_000, upOctetsPerS: 700 }),
    nas: flow("nas", { downOctetsPerS: 900_000, upOctetsPerS: 1_400_000, upPacketOctets: 1_100, steady: true }),
    staff: officeClient(seed, "wifi-staff", model.dayStartMs),
    guests: officeClient(seed, "wifi-guests", model.dayStartMs),
    camera: flow("camera", { downOctetsPerS: 3_000, upOctetsPerS: 480_000, upPacketOctets: 1_300, steady: true }),
  };
  const made = {
    ups: createUps(model, ups, flows.ups),
    printer: createPrinter(model, printer, flows.printer),
    nas: createNas(model, nas, flows.nas),
  };
  const accessPoint = createAccessPoint(model, ap, flows.staff, flows.guests);
  createCamera(model, camera, flows.camera);
  // The router is made before the switch knows its clients: it shares the list, which the switch's flows complete below.
  const routed: Flow[] = [];
  const router = createRouter(model, fw, routed);
  const attachments = new Map<number, Attachment>([
    [1, { device: fw, port: portOf(fw, 1), flows: [], upstream: [portOf(fw, 1), router.wan], capabilities: 0x28 }],
    [
      11,
      { device: ap, port: portOf(ap, 1), flows: [flows.staff, flows.guests], capabilities: 0x30, poeMilliwatts: () => drawOf(ap, 7_400) },
    ],
    [
      cameraPort,
      {
        device: camera,
        port: portOf(camera, 1),
        flows: [flows.camera],
        local: true,
        capabilities: 0x01,
        poeMilliwatts: () => drawOf(camera, 5_100),
      },
    ],
    [19, { device: ups, port: portOf(ups, 1), flows: [flows.ups], local: true, capabilities: 0 }],
  ]);
  const atPrinter: Attachment = { device: printer, port: portOf(printer, 1), flows: [flows.printer], local: true, capabilities: 0 };
  const atNas: Attachment = { device: nas, port: portOf(nas, 2), flows: [flows.nas], local: true, capabilities: 0x01 };
  const annex = options.annex === true ? createAnnex(model, { main: sw, device: sw2, atPrinter, atNas }, seed) : undefined;
  if (annex === undefined) attachments.set(16, atPrinter).set(22, atNas);
  else attachments.set(annexPort, { device: sw2, port: portOf(sw2, 1), flows: annex.flows, capabilities: 0x20 });
  const simulatedSwitch = createSwitch(model, sw, attachments, seed);
  if (annex !== undefined) {
    model.devices.push(sw2);
    joinPaths(model);
  }
  for (const device of [sw, fw, nas, ...(annex === undefined ? [] : [sw2])]) model.powerSource.set(device, ups);
  for (const device of [ap, camera]) model.powerSource.set(device, sw);
  model.cables.push({ near: router.wan, nearDevice: fw, plugged: true, silent: false });
  routed.push(...model.flows.filter(({ path }) => path.includes(router.wan)).map((each) => each.flow));
  addSiteAddresses(model, fw);
  begin(model);
  return { model, switch: simulatedSwitch, ...made, router, accessPoint, ...(annex === undefined ? {} : { annex }) };
}

/** The router knows everybody's address (ARP). */
function addSiteAddresses(model: SiteModel, fw: Device): void {
  const firstMac = (device: Device) => device.ports.find(({ options }) => options.mac.length === 6)?.options.mac ?? device.mac(0);
  addAddresses(
    fw,
    [
      { ip: siteAddress(1), ifIndex: 1 },
      { ip: "198.51.100.2", ifIndex: 2 },
    ],
    model.devices
      .filter((device) => device !== fw)
      .map((device) => ({
        ip: siteAddress(10 + device.identity.number),
        mac: firstMac(device),
        ifIndex: 1,
        alive: () => !model.isDark(device),
      })),
  );
}

interface AnnexParts {
  readonly main: Device;
  readonly device: Device;
  readonly atPrinter: Attachment;
  readonly atNas: Attachment;
}

/** A small switch; its uplink is wired by the main switch, which is made later. */
function createAnnex(model: SiteModel, { main, device, atPrinter, atNas }: AnnexParts, seed: number): SimulatedSwitch {
  const name = `gi${annexPort}`;
  const wire = { descr: `GigabitEthernet ${annexPort}`, alias: device.sysName, type: 6, speedMbit: 1_000, flows: [] };
  // What the main switch will call its end.
  const farEnd = new Port({ index: annexPort, name, mac: main.mac(annexPort), side: "client", ...wire });
  const attachments = new Map<number, Attachment>([
    [1, { device: main, port: farEnd, flows: [], upstream: [], capabilities: 0x20, wiredThere: true }],
    [2, atPrinter],
    [3, atNas],
  ]);
  return createSwitch(model, device, attachments, seed, annexLayout);
}

/** Traffic from the annex crosses both switches: it flows while every port of both parts of its way is up. */
function joinPaths(model: SiteModel): void {
  const joined = new Map<Flow, Port[]>();
  for (const { flow, path } of model.flows) joined.set(flow, [...(joined.get(flow) ?? []), ...path]);
  model.flows.splice(0, Number.POSITIVE_INFINITY, ...[...joined].map(([flow, path]) => ({ flow, path })));
}

/** Counters start as if each device had been running for its uptime. */
function begin(model: SiteModel): void {
  for (const device of model.devices) {
    for (const port of device.ports) port.resetCounters(device.upTimeS);
  }
  model.change(() => undefined);
}

/** Inside TEST-NET-1. */
function siteAddress(host: number): string {
  return `192.0.2.${host}`;
}

function flowDefaults(siteSeed: number, name: string): FlowOptions {
  const seed = seedOf(`${siteSeed}/${name}`);
  return { name, seed, downOctetsPerS: 1_000, upOctetsPerS: 1_000, downPacketOctets: 600, upPacketOctets: 400, steady: false };
}

function portOf(device: Device, index: number): Port {
  const port = device.port(index);
  if (port === undefined) throw new Error(`${device.identity.id} has no port ${index}`);
  return port;
}

function drawOf(device: Device, milliwatts: number): number {
  return wander(device.seed + 77, device.time.elapsedMs(), milliwatts, milliwatts * 0.06);
}

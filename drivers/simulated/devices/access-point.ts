import type { Device } from "../device.ts";
import { diurnalFactor, type Flow } from "../load.ts";
import { addUcd } from "../mib/host.ts";
import { addInterfaces } from "../mib/interfaces.ts";
import { addChassis, addSystem } from "../mib/system.ts";
import { addWireless, type Radio } from "../mib/wireless.ts";
import { Port } from "../port.ts";
import { wander } from "../random.ts";
import type { SiteModel } from "../site-model.ts";

export interface SimulatedAccessPoint {
  readonly device: Device;
  /** Per cent of the channels that foreign networks use: a fault. */
  foreignPercent: number;
}

/** A Wi-Fi access point with two radios; the guests' and the staff's traffic are two flows. */
export function createAccessPoint(model: SiteModel, device: Device, staff: Flow, guests: Flow): SimulatedAccessPoint {
  const { seed, time } = device;
  const dayFactor = () => diurnalFactor(time.wallMs() % 86_400_000);
  const stations = (offset: number, most: number) => () =>
    Math.max(0, Math.round(most * dayFactor() + wander(seed + offset, time.elapsedMs(), 0, 1.6)));
  const point: SimulatedAccessPoint = { device, foreignPercent: 0 };
  const channelUse = (offset: number, flow: Flow) => () =>
    Math.max(2, Math.min(97, wander(seed + offset, time.elapsedMs(), 14, 4) + flow.downOctetsPerS / 40_000 + point.foreignPercent));
  const radios: Radio[] = [
    { index: 1, name: "radio0", ssid: "office", channel: 36, stations: stations(1, 14), channelUsePercent: channelUse(3, staff) },
    { index: 2, name: "radio1", ssid: "guests", channel: 6, stations: stations(2, 9), channelUsePercent: channelUse(4, guests) },
  ];
  const mac = (offset: number) => device.mac(offset);
  device.ports.push(
    new Port({
      index: 1,
      name: "eth0",
      descr: "eth0",
      alias: "uplink",
      type: 6,
      speedMbit: 1_000,
      mac: mac(0),
      flows: [staff, guests],
      side: "network",
    }),
    new Port({
      index: 2,
      name: "ath0",
      descr: "ath0",
      alias: "office",
      type: 71,
      speedMbit: 866,
      mac: mac(1),
      flows: [staff],
      side: "client",
    }),
    new Port({
      index: 3,
      name: "ath1",
      descr: "ath1",
      alias: "guests",
      type: 71,
      speedMbit: 300,
      mac: mac(2),
      flows: [guests],
      side: "client",
    }),
  );
  addSystem(device, 6);
  addChassis(device);
  addInterfaces(device, (port, adminUp) => model.change(() => (port.adminUp = adminUp)));
  addWireless(device, radios);
  addUcd(device, {
    load: () => Math.max(0.01, wander(seed + 6, time.elapsedMs(), 0.35, 0.12)),
    totalKiB: 131_072,
    freeKiB: () => wander(seed + 7, time.elapsedMs(), 41_000, 3_000),
    cachedKiB: () => 22_000,
    cpuPercent: () => Math.max(1, wander(seed + 8, time.elapsedMs(), 12, 4)),
  });
  return point;
}

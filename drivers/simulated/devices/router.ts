import type { Device } from "../device.ts";
import type { Flow } from "../load.ts";
import { addHostResources, addUcd } from "../mib/host.ts";
import { addInterfaces } from "../mib/interfaces.ts";
import { addChassis, addSystem } from "../mib/system.ts";
import { Port } from "../port.ts";
import { wander } from "../random.ts";
import type { SiteModel } from "../site-model.ts";

const ramBytes = 4 * 2 ** 30;
const diskBytes = 30 * 2 ** 30;

export interface SimulatedRouter {
  readonly device: Device;
  readonly wan: Port;
  readonly lan: Port;
  /** Additional processor load, per cent: a fault. */
  overloadPercent: number;
}

/** Router and firewall: WAN and LAN, processor, memory, and the state table in the objects of BEGEMOT-PF-MIB. */
export function createRouter(model: SiteModel, device: Device, flows: readonly Flow[]): SimulatedRouter {
  const { seed, time } = device;
  const port = (index: number, name: string, alias: string, speedMbit: number, side: "client" | "network") =>
    new Port({ index, name, descr: name, alias, type: 6, speedMbit, mac: device.mac(index - 1), flows, side, behindSwitch: true });
  const lan = port(1, "igb0", "LAN", 1_000, "client");
  const wan = port(2, "igb1", "WAN", 500, "network");
  device.ports.push(lan, wan);
  const router: SimulatedRouter = { device, wan, lan, overloadPercent: 0 };
  const load = () => lan.rate.in + lan.rate.out;
  const cpu = (core: number) => () =>
    Math.max(1, Math.min(100, wander(seed + core, time.elapsedMs(), 7, 2) + load() / 1e6 + router.overloadPercent));
  const sessions = () => Math.round(Math.max(12, 180 + load() / 3_000 + wander(seed + 11, time.elapsedMs(), 0, 40)));
  const used = () => ramBytes * 0.01 * wander(seed + 12, time.elapsedMs(), 38, 2);
  addSystem(device, 76);
  addChassis(device);
  addInterfaces(device, (each, adminUp) => model.change(() => (each.adminUp = adminUp)));
  addHostResources(device, {
    processors: [cpu(0), cpu(1)],
    storage: [
      { index: 1, type: 2, descr: "Real memory", unitBytes: 4_096, totalBytes: ramBytes, usedBytes: used },
      { index: 2, type: 4, descr: "/", unitBytes: 4_096, totalBytes: diskBytes, usedBytes: () => diskBytes * 0.11 },
    ],
    processes: () => Math.round(wander(seed + 13, time.elapsedMs(), 72, 3)),
    users: () => 0,
  });
  addUcd(device, {
    load: () => Math.max(0.02, (cpu(0)() + cpu(1)()) / 60),
    totalKiB: ramBytes / 1_024,
    freeKiB: () => (ramBytes - used()) / 1_024,
    cachedKiB: () => (ramBytes * 0.1) / 1_024,
    cpuPercent: cpu(0),
  });
  const pf = "1.3.6.1.4.1.12325.1.200.1";
  device.tree.scalars(pf, [
    ["1.1", "integer", () => 1],
    ["1.2", "timeticks", () => device.upTimeTicks],
    ["2.6", "counter64", () => 0n],
    ["3.1", "gauge32", sessions],
    ["5.1", "gauge32", () => 400_000],
  ]);
  return router;
}

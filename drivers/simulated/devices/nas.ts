import type { Device } from "../device.ts";
import type { Flow } from "../load.ts";
import { addHostResources, addUcd } from "../mib/host.ts";
import { addInterfaces } from "../mib/interfaces.ts";
import { addNas, type NasDisk } from "../mib/nas.ts";
import { addChassis, addSystem } from "../mib/system.ts";
import { Port } from "../port.ts";
import { wander } from "../random.ts";
import type { Evolving, SiteModel } from "../site-model.ts";

const ramBytes = 2 * 2 ** 30;
const volumeBytes = 7_864_320_000_000;
const growthBytesPerS = 900_000;

/** Space on the volume: grows with the backups; a fault fills it. */
export class VolumeState implements Evolving {
  usedBytes = volumeBytes * 0.61;
  /** 1 normal, 2 repairing, 11 degrade, 12 crashed. */
  raidStatus = 1;
  fillBytesPerS = 0;
  #atMs = 0;

  advanceTo(elapsedMs: number): void {
    const seconds = (elapsedMs - this.#atMs) / 1_000;
    this.#atMs = elapsedMs;
    this.usedBytes = Math.min(volumeBytes, this.usedBytes + (growthBytesPerS + this.fillBytesPerS) * seconds);
  }

  setUsedPercent(percent: number): void {
    this.usedBytes = (volumeBytes * percent) / 100;
  }
}

export interface SimulatedNas {
  readonly device: Device;
  readonly disks: readonly NasDisk[];
  readonly volume: VolumeState;
  /** Degrees added by a dirty filter or a hot room; the fan that stands still. */
  readonly board: { excessCelsius: number; fanFailed: boolean };
}

/** A four-bay NAS: HOST-RESOURCES, UCD, and disks and RAID as the metric sets know them. */
export function createNas(model: SiteModel, device: Device, flow: Flow): SimulatedNas {
  const volume = new VolumeState();
  model.evolving.push(volume);
  const { seed, time } = device;
  const board = { excessCelsius: 0, fanFailed: false };
  const disks: NasDisk[] = [0, 1, 2, 3].map((index) => ({
    index,
    name: `Disk ${index + 1}`,
    model: "SIM4000-64",
    temperatureCelsius: () => wander(seed + index, time.elapsedMs(), 36 + index * 0.6, 1.2) + board.excessCelsius,
    failed: false,
    badSectors: 0,
  }));
  device.ports.push(
    new Port({ index: 1, name: "lo", descr: "lo", alias: "", type: 24, speedMbit: 10, mac: Buffer.alloc(0), flows: [], side: "client" }),
    new Port({
      index: 2,
      name: "eth0",
      descr: "eth0",
      alias: "",
      type: 6,
      speedMbit: 1_000,
      mac: device.mac(0),
      flows: [flow],
      side: "network",
    }),
  );
  const cpu = (core: number) => () =>
    Math.max(1, Math.min(100, wander(seed + 20 + core, time.elapsedMs(), 14, 5) + flow.upOctetsPerS / 2e6));
  const ramUsed = () => ramBytes * 0.01 * wander(seed + 30, time.elapsedMs(), 46, 3);
  addSystem(device, 72);
  addChassis(device);
  addInterfaces(device, (port, adminUp) => model.change(() => (port.adminUp = adminUp)));
  addHostResources(device, {
    processors: [cpu(0), cpu(1)],
    storage: [
      { index: 1, type: 2, descr: "Physical memory", unitBytes: 1_024, totalBytes: ramBytes, usedBytes: () => ramUsed() + ramBytes * 0.3 },
      { index: 3, type: 3, descr: "Swap space", unitBytes: 1_024, totalBytes: ramBytes, usedBytes: () => ramBytes * 0.02 },
      { index: 51, type: 4, descr: "/volume1", unitBytes: 4_096, totalBytes: volumeBytes, usedBytes: () => volume.usedBytes },
    ],
    processes: () => Math.round(wander(seed + 31, time.elapsedMs(), 190, 6)),
    users: () => 1,
  });
  addUcd(device, {
    load: () => Math.max(0.01, wander(seed + 32, time.elapsedMs(), 0.6, 0.2)),
    totalKiB: ramBytes / 1_024,
    freeKiB: () => (ramBytes * 0.7 - ramUsed()) / 1_024,
    cachedKiB: () => (ramBytes * 0.27) / 1_024,
    cpuPercent: cpu(0),
  });
  addNas(device, {
    disks,
    raidStatus: () => volume.raidStatus,
    totalBytes: volumeBytes,
    freeBytes: () => volumeBytes - volume.usedBytes,
    temperatureCelsius: () => wander(seed + 33, time.elapsedMs(), 44, 2) + board.excessCelsius,
    fanFailed: () => board.fanFailed,
  });
  return { device, disks, volume, board };
}

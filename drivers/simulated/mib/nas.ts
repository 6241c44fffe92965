import { type Device, exampleVendor } from "../device.ts";

export interface NasDisk {
  readonly index: number;
  readonly name: string;
  readonly model: string;
  readonly temperatureCelsius: () => number;
  failed: boolean;
  badSectors: number;
}

export interface NasReadings {
  readonly disks: readonly NasDisk[];
  /** 1 normal, 2 repairing, 11 degrade, 12 crashed. */
  readonly raidStatus: () => number;
  readonly totalBytes: number;
  readonly freeBytes: () => number;
  readonly temperatureCelsius: () => number;
  readonly fanFailed: () => boolean;
}

/**
 * Disks and RAID, twice: in the objects of SYNOLOGY-SYSTEM/DISK/RAID-MIB, because the built-in metric sets read those, and in the same
 * shape below the example vendor, for profiles that are dropped in.
 */
export function addNas(device: Device, nas: NasReadings): void {
  addTree(device, nas, "1.3.6.1.4.1.6574");
  addTree(device, nas, `${exampleVendor}.3`);
}

function addTree(device: Device, nas: NasReadings, root: string): void {
  const failedDisks = () => nas.disks.some((disk) => disk.failed);
  device.tree
    .scalars(`${root}.1`, [
      [1, "integer", () => 1],
      [2, "integer", () => Math.round(nas.temperatureCelsius())],
      [3, "integer", () => 1],
      ["4.1", "integer", () => (nas.fanFailed() ? 2 : 1)],
      ["4.2", "integer", () => 1],
      ["5.1", "octet-string", () => device.identity.model],
      ["5.2", "octet-string", () => device.serial],
      ["5.3", "octet-string", () => device.firmware],
      ["5.4", "integer", () => 2],
    ])
    .table(`${root}.2.1.1`, nas.disks, (disk) => disk.index, [
      [1, "integer", (disk) => disk.index],
      [2, "octet-string", (disk) => disk.name],
      [3, "octet-string", (disk) => disk.model],
      [4, "octet-string", () => "SATA"],
      [5, "integer", (disk) => (disk.failed ? 5 : 1)],
      [6, "integer", (disk) => Math.round(disk.temperatureCelsius())],
      [9, "gauge32", (disk) => disk.badSectors],
      [13, "integer", (disk) => (disk.failed ? 4 : disk.badSectors > 0 ? 2 : 1)],
    ])
    .table(`${root}.3.1.1`, [0], (row) => row, [
      [1, "integer", (row) => row],
      [2, "octet-string", () => "Volume 1"],
      [3, "integer", () => (failedDisks() ? 11 : nas.raidStatus())],
      [4, "counter64", () => BigInt(Math.floor(nas.freeBytes()))],
      [5, "counter64", () => BigInt(nas.totalBytes)],
    ]);
}

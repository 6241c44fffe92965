import type { Device } from "../device.ts";

export interface StorageArea {
  readonly index: number;
  /** hrStorageTypes: 2 ram, 3 virtual memory, 4 fixed disk. */
  readonly type: number;
  readonly descr: string;
  readonly unitBytes: number;
  readonly totalBytes: number;
  readonly usedBytes: () => number;
}

export interface HostOptions {
  /** Load of each core, per cent, now. */
  readonly processors: readonly (() => number)[];
  readonly storage: readonly StorageArea[];
  readonly processes: () => number;
  readonly users: () => number;
}

/** HOST-RESOURCES-MIB (RFC 2790): system, storage, processors. Device indexes of processors follow net-snmp's 196608. */
export function addHostResources(device: Device, host: HostOptions): void {
  const ram = host.storage.find((area) => area.type === 2);
  device.tree
    .scalars("1.3.6.1.2.1.25.1", [
      [1, "timeticks", () => device.upTimeTicks],
      [5, "gauge32", host.users],
      [6, "gauge32", host.processes],
    ])
    .scalars("1.3.6.1.2.1.25.2", [[2, "integer", () => (ram === undefined ? undefined : ram.totalBytes / 1_024)]])
    .table("1.3.6.1.2.1.25.2.3.1", host.storage, (area) => area.index, [
      [1, "integer", (area) => area.index],
      [2, "oid", (area) => `1.3.6.1.2.1.25.2.1.${area.type}`],
      [3, "octet-string", (area) => area.descr],
      [4, "integer", (area) => area.unitBytes],
      [5, "integer", (area) => Math.floor(area.totalBytes / area.unitBytes)],
      [6, "integer", (area) => Math.floor(area.usedBytes() / area.unitBytes)],
    ]);
  const cores = host.processors.map((load, index) => ({ index: 196_608 + index, load }));
  const index = (core: { readonly index: number }) => core.index;
  device.tree
    .table("1.3.6.1.2.1.25.3.2.1", cores, index, [
      [1, "integer", index],
      [2, "oid", () => "1.3.6.1.2.1.25.3.1.3"],
      [3, "octet-string", () => "Simulated processor"],
      [5, "integer", () => 2],
    ])
    .table("1.3.6.1.2.1.25.3.3.1", cores, index, [
      [1, "oid", () => "0.0"],
      [2, "integer", (core) => Math.round(core.load())],
    ]);
}

export interface UcdOptions {
  readonly load: () => number;
  readonly totalKiB: number;
  readonly freeKiB: () => number;
  readonly cachedKiB: () => number;
  readonly cpuPercent: () => number;
}

/** UCD-SNMP-MIB: memory, load, CPU ticks (100 per second, summed over what passed at the present load). */
export function addUcd(device: Device, host: UcdOptions): void {
  const loads = [1, 2, 3].map((index) => ({ index, minutes: [1, 5, 15][index - 1] ?? 1 }));
  device.tree
    .scalars("1.3.6.1.4.1.2021.4", [
      [3, "integer", () => host.totalKiB / 2],
      [4, "integer", () => host.totalKiB / 2],
      [5, "integer", () => host.totalKiB],
      [6, "integer", () => Math.round(host.freeKiB())],
      [14, "integer", () => Math.round(host.cachedKiB() / 8)],
      [15, "integer", () => Math.round(host.cachedKiB())],
    ])
    .table("1.3.6.1.4.1.2021.10.1", loads, (row) => row.index, [
      [1, "integer", (row) => row.index],
      [2, "octet-string", (row) => `Load-${row.minutes}`],
      [3, "octet-string", () => host.load().toFixed(2)],
      [5, "integer", () => Math.round(host.load() * 100)],
    ])
    .scalars("1.3.6.1.4.1.2021.11", [
      [11, "integer", () => Math.round(100 - host.cpuPercent())],
      [50, "counter32", () => ticks(device, 0.06)],
      [52, "counter32", () => ticks(device, 0.03)],
      [53, "counter32", () => ticks(device, 0.9)],
      [54, "counter32", () => ticks(device, 0.01)],
    ]);
}

function ticks(device: Device, share: number): number {
  return Math.floor(device.upTimeS * 100 * share) % 2 ** 32;
}

import { globSync, readFileSync, statfsSync } from "node:fs";
import { basename } from "node:path";

/** Readings of the machine below the gateway; undefined = it does not say. */
export interface MachineReadings {
  /** Hottest thermal zone, degrees Celsius. */
  readonly temperatureC: number | undefined;
  /** 1 = the processor is slowed down now for heat or voltage, 0 = it is not. */
  readonly throttled: number | undefined;
  /** Share of the flash's life that is used, 0 to 1 (eMMC and SD cards that report it, in steps of a tenth). */
  readonly flashWear: number | undefined;
  /** Share of the state's file system that is used, 0 to 1. */
  readonly diskUsed: number | undefined;
  /** Memory that programs could still get, bytes. */
  readonly memoryAvailable: number | undefined;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not on this machine, or not for this user: said as undefined.
    return undefined;
  }
}

function numbersOf(pattern: string): readonly number[] {
  return globSync(pattern).flatMap((path) => {
    const value = Number(textOf(path) || Number.NaN);
    return Number.isFinite(value) ? [value] : [];
  });
}

/** Reads them all; some twenty small files of /sys and /proc. @param stateDir whose file system is meant */
export function readMachine(stateDir: string, root = ""): MachineReadings {
  const zones = numbersOf(`${root}/sys/class/thermal/thermal_zone*/temp`).filter((milli) => milli > -50_000 && milli < 200_000);
  return {
    temperatureC: zones.length === 0 ? undefined : Math.max(...zones) / 1_000,
    throttled: throttled(root),
    flashWear: flashWear(root),
    diskUsed: diskUsed(stateDir),
    memoryAvailable: availableMemory(root),
  };
}

/** Raspberry Pi: bits 0 to 3 of what the firmware says are the present. Others: a cooling device of the processor that is in use. */
function throttled(root: string): number | undefined {
  const firmware = textOf(`${root}/sys/devices/platform/soc/soc:firmware/get_throttled`);
  if (firmware !== undefined) return (Number.parseInt(firmware, 16) & 0xf) === 0 ? 0 : 1;
  const devices = globSync(`${root}/sys/class/thermal/cooling_device*`).filter((path) =>
    /processor|cpufreq|cpu/i.test(textOf(`${path}/type`) ?? ""),
  );
  if (devices.length === 0) return undefined;
  return devices.some((path) => Number(textOf(`${path}/cur_state`)) > 0) ? 1 : 0;
}

/** JEDEC life time estimation: 0x01 = up to 10 % used ... 0x0a = up to 100 %, 0x0b = beyond. */
function flashWear(root: string): number | undefined {
  const used = globSync(`${root}/sys/block/mmcblk*/device/life_time`).flatMap((path) =>
    (textOf(path) ?? "").split(/\s+/).map((one) => Number.parseInt(one, 16)),
  );
  const known = used.filter((value) => value > 0 && value <= 0x0b);
  return known.length === 0 ? undefined : Math.min(Math.max(...known) / 10, 1);
}

/** Share of a folder's file system that is used, as an ordinary user sees it; undefined = not known. */
export function diskUsed(stateDir: string): number | undefined {
  try {
    const { blocks, bavail } = statfsSync(stateDir);
    return blocks === 0 ? undefined : 1 - bavail / blocks;
  } catch {
    return undefined;
  }
}

function availableMemory(root: string): number | undefined {
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(textOf(`${root}/proc/meminfo`) ?? "")?.[1];
  return kib === undefined ? undefined : Number(kib) * 1_024;
}

/** Names of block devices below a path's file system, for people. */
export function blockDevices(root = ""): readonly string[] {
  return globSync(`${root}/sys/block/{mmcblk,sd,nvme,vd}*`).map((path) => basename(path));
}

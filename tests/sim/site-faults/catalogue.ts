import type { FaultOrder } from "../../../drivers/simulated/faults.ts";
import type { FaultDomain } from "../../../runtime/model/verdict.ts";
import type { Provider } from "./site-network.ts";
import type { SiteWorld } from "./site-world.ts";

/** One thing that goes wrong at the site or behind it, and what a good colleague would say of it. Only the judge reads `expect`. */
export interface SiteFault {
  readonly name: string;
  /** Done to equipment and network, never to the gateway's configuration. */
  readonly inject: (world: SiteWorld) => void;
  readonly repair: (world: SiteWorld) => void;
  /** Something that goes on while the fault lasts, every `everyMs`. */
  readonly during?: { readonly everyMs: number; readonly act: (world: SiteWorld, turn: number) => void };
  /** How long it lasts. */
  readonly holdMs?: number;
  /** Kinds of alarms that say the right thing; the first incident of them is the detection. */
  readonly types: readonly string[];
  readonly equipment?: readonly string[];
  /** Verdicts that are right; absent = the fault is no outage, and no verdict is asked for. */
  readonly domains?: readonly FaultDomain[];
  /** Longest time from the repair to the last clear, milliseconds. */
  readonly clearMs?: number;
}

const minute = 60_000;

/** A fault of the simulated equipment (drivers/simulated/faults.ts). */
function equipment(name: string, order: Omit<FaultOrder, "on">, expect: Omit<SiteFault, "name" | "inject" | "repair">): SiteFault {
  return { name, inject: (world) => world.order(order), repair: (world) => world.order({ ...order, on: false }), ...expect };
}

/** A fault behind the router. */
function beyond(
  name: string,
  change: (provider: Provider, on: boolean) => void,
  expect: Omit<SiteFault, "name" | "inject" | "repair">,
): SiteFault {
  return {
    name,
    inject: ({ network }) => change(network.provider, true),
    repair: ({ network }) => change(network.provider, false),
    ...expect,
  };
}

const away = ["equipmentUnreachable", "linkDown"];

const links: readonly SiteFault[] = [
  equipment(
    "port down (access point)",
    { device: "sw-1", fault: "port-down", port: 11 },
    { types: away, equipment: ["sw-1", "ap-1"], domains: ["device", "lan"] },
  ),
  equipment(
    "uplink to the annex down",
    { device: "sw-1", fault: "port-down", port: 23 },
    { types: away, equipment: ["sw-1", "sw-2"], domains: ["device", "lan"] },
  ),
  {
    name: "flapping port",
    inject: (world) => world.order({ device: "sw-1", fault: "port-down", port: 23 }),
    repair: (world) => world.order({ device: "sw-1", fault: "port-down", port: 23, on: false }),
    during: { everyMs: 50_000, act: (world, turn) => world.order({ device: "sw-1", fault: "port-down", port: 23, on: turn % 2 === 1 }) },
    ...{ types: away, equipment: ["sw-1", "sw-2"], clearMs: 20 * minute },
  },
  equipment(
    "error rate on a cable",
    { device: "sw-1", fault: "port-errors", port: 11, perSecond: 40 },
    { types: ["linkErrors"], equipment: ["sw-1"] },
  ),
  equipment(
    "duplex mismatch",
    { device: "sw-1", fault: "duplex-mismatch", port: 11, perSecond: 40 },
    { types: ["duplexMismatch", "linkErrors"], equipment: ["sw-1"] },
  ),
  equipment(
    "switch dead, two behind it",
    { device: "sw-2", fault: "power-off" },
    { types: away, equipment: ["sw-1", "sw-2"], domains: ["device", "lan"] },
  ),
  equipment(
    "main switch dead",
    { device: "sw-1", fault: "power-off" },
    { types: ["gatewayIsolated", "lanDown"], domains: ["gateway", "lan"], clearMs: 90 * minute },
  ),
  {
    name: "gateway's cable pulled",
    inject: ({ network }) => {
      network.gatewayIsPlugged = false;
    },
    repair: ({ network }) => {
      network.gatewayIsPlugged = true;
    },
    ...{ types: ["gatewayIsolated"], domains: ["gateway"] },
  },
];

const line: readonly SiteFault[] = [
  equipment(
    "WAN down (no link at the router)",
    { device: "fw-1", fault: "wan-down" },
    { types: ["accessLineDown", "linkDown"], domains: ["line"] },
  ),
  beyond("provider down", (provider, on) => (provider.isUp = !on), { types: ["ispDown", "accessLineDown"], domains: ["isp", "line"] }),
  beyond("provider loses 35 %", (provider, on) => (provider.lossPercent = on ? 35 : 0), {
    types: ["checkFailed", "ispDown"],
    domains: ["isp", "line"],
  }),
  beyond("DNS answers wrongly", (provider, on) => (provider.names = on ? "wrong" : "right"), {
    types: ["dnsDown", "checkFailed"],
    domains: ["dns"],
  }),
  beyond("DNS silent", (provider, on) => (provider.names = on ? "silent" : "right"), { types: ["dnsDown"], domains: ["dns"] }),
  beyond("SaaS down", ({ saas }, on) => (saas.isUp = !on), { types: ["checkFailed"], domains: ["service"] }),
  beyond("SaaS slow", ({ saas }, on) => (saas.delayMs = on ? 6_000 : 80), { types: ["checkFailed"], domains: ["service"] }),
  beyond("SaaS answers 503", ({ saas }, on) => (saas.status = on ? 503 : 200), { types: ["checkFailed"], domains: ["service"] }),
  beyond("TLS certificate expired", ({ saas }, on) => (saas.certificateDays = on ? -1 : 80), {
    types: ["certificateExpiry", "checkFailed"],
    domains: ["service"],
    clearMs: 40 * minute,
  }),
  beyond("TLS certificate not renewed", ({ saas }, on) => (saas.certificateDays = on ? 2 : 80), {
    types: ["certificateExpiry"],
    holdMs: 40 * minute,
    clearMs: 40 * minute,
  }),
  beyond("NOC unreachable", (provider, on) => (provider.nocIsUp = !on), { types: ["nocUnreachable", "checkFailed"], domains: ["noc"] }),
  equipment(
    "router dead",
    { device: "fw-1", fault: "power-off" },
    { types: ["equipmentUnreachable", "accessLineDown"], domains: ["device", "line"], clearMs: 90 * minute },
  ),
  {
    name: "gateway's clock wrong",
    inject: (world) => world.gateway?.clock.step(95_000),
    repair: (world) => world.gateway?.clock.step(-95_000),
    ...{ types: ["clockWrong"], clearMs: 40 * minute, holdMs: 40 * minute },
  },
];

const power: readonly SiteFault[] = [
  // Before the mains fail: its runtime says something only while it is full, and an empty battery takes hours to be that again.
  equipment(
    "UPS battery old",
    { device: "ups-1", fault: "battery-old" },
    { types: ["upsBatteryWorn", "upsBatteryFading", "upsRuntimeLow"], equipment: ["ups-1"], holdMs: 90 * minute },
  ),
  equipment(
    "mains fail, UPS holds",
    { device: "ups-1", fault: "on-battery", percent: 100 },
    { types: ["upsOnBattery"], equipment: ["ups-1"] },
  ),
  equipment(
    "mains fail, UPS runs empty",
    { device: "ups-1", fault: "on-battery", percent: 20 },
    { types: ["upsOnBattery"], equipment: ["ups-1"], domains: ["power", "gateway", "lan"], clearMs: 90 * minute },
  ),
  equipment("PoE budget used up", { device: "sw-1", fault: "poe-overload", percent: 165 }, { types: ["poeBudget"], equipment: ["sw-1"] }),
];

const devices: readonly SiteFault[] = [
  equipment(
    "access point dead",
    { device: "ap-1", fault: "power-off" },
    { types: away, equipment: ["ap-1", "sw-1"], domains: ["device", "lan"] },
  ),
  equipment(
    "camera hangs",
    { device: "cam-1", fault: "camera-silent" },
    { types: ["equipmentUnreachable"], equipment: ["cam-1"], domains: ["device"] },
  ),
  equipment(
    "printer dead",
    { device: "printer-1", fault: "power-off" },
    { types: away, equipment: ["printer-1", "sw-2"], domains: ["device", "lan"] },
  ),
  equipment(
    "printer jam",
    { device: "printer-1", fault: "jam" },
    { types: ["printerStopped"], equipment: ["printer-1"], holdMs: 30 * minute },
  ),
  equipment(
    "printer without paper",
    { device: "printer-1", fault: "paper-empty" },
    { types: ["printerStopped"], equipment: ["printer-1"], holdMs: 30 * minute },
  ),
  equipment(
    "toner low",
    { device: "printer-1", fault: "toner-low" },
    { types: ["supplyLow"], equipment: ["printer-1"], clearMs: 90 * minute, holdMs: 60 * minute },
  ),
  equipment(
    "volume full",
    { device: "nas-1", fault: "disk-fill" },
    { types: ["volumeFull", "poolFull"], equipment: ["nas-1"], holdMs: 30 * minute },
  ),
  {
    ...equipment(
      "volume filling",
      { device: "nas-1", fault: "disk-filling", perSecond: 1_500 },
      { types: ["volumeFull", "poolFull", "volumeForecast"], equipment: ["nas-1"], holdMs: 50 * minute, clearMs: 30 * minute },
    ),
    repair: (world) => {
      world.order({ device: "nas-1", fault: "disk-filling", on: false });
      world.order({ device: "nas-1", fault: "disk-fill", on: false });
    },
  },
  equipment(
    "disk failed, RAID degraded",
    { device: "nas-1", fault: "disk-failed" },
    { types: ["diskStatus", "raidStatus", "diskHealthStatus"], equipment: ["nas-1"], clearMs: 40 * minute },
  ),
  equipment(
    "bad sectors",
    { device: "nas-1", fault: "bad-sectors" },
    { types: ["diskBadSectors", "diskHealthStatus", "diskStatus"], equipment: ["nas-1"] },
  ),
  equipment("NAS too hot", { device: "nas-1", fault: "hot", percent: 38 }, { types: ["temperatureHigh"], equipment: ["nas-1"] }),
  equipment("switch too hot", { device: "sw-1", fault: "hot", percent: 55 }, { types: ["temperatureHigh"], equipment: ["sw-1"] }),
  equipment("NAS fan failed", { device: "nas-1", fault: "fan-failed" }, { types: ["systemFanStatus"], equipment: ["nas-1"] }),
  equipment("switch fan failed", { device: "sw-1", fault: "fan-failed" }, { types: ["entPhySensorOperStatus"], equipment: ["sw-1"] }),
  equipment(
    "processor overloaded",
    { device: "fw-1", fault: "overload", percent: 92 },
    { types: ["processorLoad"], equipment: ["fw-1"], holdMs: 30 * minute },
  ),
  equipment(
    "device swapped",
    { device: "nas-1", fault: "serial-swap" },
    { types: ["deviceSwapped"], equipment: ["nas-1"], clearMs: 26 * 60 * minute },
  ),
  equipment(
    "reboot nobody ordered",
    { device: "sw-2", fault: "reboot" },
    { types: ["unexpectedRestart"], equipment: ["sw-2"], clearMs: 26 * 60 * minute },
  ),
  equipment(
    "agent restarted, counters from zero",
    { device: "ap-1", fault: "reboot" },
    { types: ["unexpectedRestart"], equipment: ["ap-1"], clearMs: 26 * 60 * minute },
  ),
  equipment(
    "agent hangs",
    { device: "sw-2", fault: "slow", delayMs: 20_000 },
    { types: ["equipmentUnreachable"], equipment: ["sw-2"], domains: ["device"] },
  ),
  equipment("v3 password changed", { device: "fw-1", fault: "wrong-community" }, { types: ["equipmentAccess"], equipment: ["fw-1"] }),
  equipment(
    "community changed",
    { device: "sw-2", fault: "wrong-community" },
    { types: ["equipmentUnreachable", "equipmentAccess"], equipment: ["sw-2"], domains: ["device"] },
  ),
];

/** Everything that can go wrong here. */
export const siteFaults: readonly SiteFault[] = [...links, ...line, ...power, ...devices];

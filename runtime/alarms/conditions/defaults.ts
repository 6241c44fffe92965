import { powerConditions } from "./defaults-power.ts";
import type { Condition, ConditionScope, Step, ThresholdCondition } from "./definition.ts";

const minute = 60_000;

type Threshold = Omit<ThresholdCondition, "kind" | "clearHoldMs" | "side" | "scope"> & Partial<Pick<ThresholdCondition, "side" | "scope">>;

export function threshold(definition: Threshold): ThresholdCondition {
  return { kind: "threshold", side: "above", scope: {}, clearHoldMs: 0, ...definition };
}

/** at, clear, severity. */
export function step(at: number, clear: number, severity: Step["severity"]): Step {
  return { at, clear, severity };
}

const networkDevices = ["switch", "router", "firewall", "access-point", "wireless-bridge"] as const;

/** Images that are full by nature. */
const fullByNature = ["/rom*", "/snap*", "/cdrom*", "/media*", "/mnt/cdrom*", "/mnt/iso*", "/run*", "/dev*", "/proc*", "/sys*"];
const fullSteps = [step(90, 87, "warning"), step(95, 92, "major"), step(99, 97, "critical")];

const storage: readonly Condition[] = [
  threshold({
    name: "volume-full",
    alarm: "volumeFull",
    scope: { label: { name: "hrStorageType", oneOf: ["fixedDisk", "flashMemory", "networkDisk"] }, except: fullByNature },
    operand: { is: "share", part: "hrStorageUsed", whole: "hrStorageSize" },
    steps: fullSteps,
    text: "{row} is {value} % full",
    cause: "storageCapacityProblem",
    repair: "Delete or move data, or enlarge the volume",
    holdMs: 4 * minute,
  }),
  ...(
    [
      ["raid-full", "raidFreeSize", "raidTotalSize"],
      ["qnap-volume-full", "volumeFreeSize", "volumeCapacity"],
      ["qnap-system-volume-full", "sysVolumeFreeSize", "sysVolumeTotalSize"],
    ] as const
  ).map(([name, part, whole]) =>
    threshold({
      ...{ name, alarm: "poolFull", operand: { is: "share", part, whole, isFree: true }, path: "volume" },
      ...{ steps: fullSteps, text: "{row} is {value} % full", cause: "storageCapacityProblem", holdMs: 4 * minute },
      repair: "Delete or move data, or enlarge the volume",
    }),
  ),
  {
    ...{ kind: "forecast", name: "volume-forecast", alarm: "volumeForecast", holdMs: 0, clearHoldMs: 0 },
    scope: { label: { name: "hrStorageType", oneOf: ["fixedDisk", "flashMemory", "networkDisk"] }, except: fullByNature },
    operand: { is: "share", part: "hrStorageUsed", whole: "hrStorageSize" },
    ...{ limit: 100, from: 60, text: "{row} will be full in {value} days at the pace of the last days" },
    ...{ cause: "storageCapacityProblem", repair: "Find what grows; delete or move data, or enlarge the volume" },
    withinDays: [
      { days: 14, severity: "warning" },
      { days: 3, severity: "minor" },
    ],
  },
  threshold({
    name: "bad-sectors",
    alarm: "diskBadSectors",
    operand: { is: "value", metric: "diskBadSector" },
    steps: [step(1, 1, "warning"), step(100, 100, "minor")],
    text: "{row} has {value} bad sectors",
    cause: "equipmentMalfunction",
    repair: "Have the disk replaced before it fails",
    holdMs: 0,
  }),
];

const temperatures: readonly Condition[] = (
  [
    ["sensor-hot", "entPhySensorValue", [85, 95], "ENTITY-SENSOR-MIB:entPhySensorTable/celsius"],
    ["cisco-sensor-hot", "entSensorValue", [85, 95], "CISCO-ENTITY-SENSOR-MIB:entSensorValueTable/celsius"],
    ["disk-hot", "diskTemperature", [60, 66]],
    ["hd-hot", "hdTemperature", [60, 66]],
    ["qnap-disk-hot", "diskTemperture", [60, 66]],
    ["nas-hot", "temperature", [70, 80], "SYNOLOGY-SYSTEM-MIB:synoSystem"],
    ["ups-battery-hot", "upsBatteryTemperature", [45, 55]],
    ["apc-battery-hot", "upsAdvBatteryTemperature", [45, 55]],
    ["room-hot", "uioSensorStatusTemperatureDegC", [35, 42]],
    ["ups-room-hot", "xupsEnvAmbientTemp", [40, 48]],
  ] as const
).map(([name, metric, [warm, hot], table]) =>
  threshold({
    ...{ name, alarm: "temperatureHigh", operand: { is: "value", metric }, holdMs: 3 * minute },
    scope: table === undefined ? {} : { table },
    steps: [step(warm, warm - 4, "minor"), step(hot, hot - 4, "major")],
    ...{ text: "{row} is {value} °C hot", cause: "highTemperature", repair: "Check fans, air ways and room cooling" },
  }),
);

const load: readonly Condition[] = (
  [
    ["processor-load", "hrProcessorLoad"],
    ["cisco-processor-load", "cpmCPUTotal5minRev"],
    ["cisco-busy", "avgBusy5"],
    ["small-business-processor-load", "rlCpuUtilDuringLast5Minutes"],
    ["fortigate-processor-load", "fgSysCpuUsage"],
    ["fastpath-processor-load", "agentSwitchCpuProcessTotalUtilization"],
    ["sonicwall-processor-load", "sonicCurrentCPUUtil"],
    ["juniper-processor-load", "jnxOperatingCPU"],
  ] as const
).map(([name, metric]) =>
  threshold({
    ...{ name, alarm: "processorLoad", operand: { is: "value", metric }, holdMs: 10 * minute },
    scope: { deviceClasses: networkDevices },
    steps: [step(90, 80, "warning"), step(98, 90, "minor")],
    ...{ text: "processor {row} is {value} % busy", cause: "cpuCyclesLimitExceeded", repair: "See what loads it: traffic, a loop, a scan" },
  }),
);

const sessions: readonly Condition[] = [
  threshold({
    ...{ name: "pf-states", alarm: "sessionsFull", operand: { is: "share", part: "pfStateTableCount", whole: "pfLimitsStates" } },
    ...{ steps: [step(85, 75, "warning"), step(95, 90, "major")], text: "the state table is {value} % full", holdMs: 3 * minute },
  }),
  threshold({
    ...{ name: "pan-sessions", alarm: "sessionsFull", operand: { is: "value", metric: "panSessionUtilization" } },
    ...{ steps: [step(85, 75, "warning"), step(95, 90, "major")], text: "the session table is {value} % full", holdMs: 3 * minute },
  }),
  threshold({
    ...{ name: "fortigate-memory", alarm: "memoryLow", operand: { is: "value", metric: "fgSysMemUsage" } },
    ...{ steps: [step(88, 82, "warning"), step(95, 90, "major")], text: "memory is {value} % full", holdMs: 10 * minute },
  }),
];

const wired: ConditionScope = {
  label: { name: "ifType", noneOf: ["ieee80211", "radioMAC", "propWirelessP2P", "tunnel", "bridge"] },
  portIsUp: true,
};

const links: readonly Condition[] = [
  threshold({
    name: "link-errors",
    alarm: "linkErrors",
    scope: wired,
    operand: { is: "bad-share", bad: ["ifInErrors", "ifOutErrors"], all: ["ifHCInUcastPkts", "ifHCOutUcastPkts"], least: 5 },
    steps: [step(0.1, 0.05, "warning"), step(1, 0.5, "minor")],
    text: "{value} % of the frames on {row} are damaged",
    cause: "degradedSignal",
    repair: "Check cable, plugs, SFP and duplex settings of both ends",
    holdMs: 4 * minute,
  }),
  {
    ...{ kind: "state", name: "half-duplex", alarm: "duplexMismatch", metric: "dot3StatsDuplexStatus", values: { 2: "warning" } },
    ...{ scope: { portIsUp: true }, holdMs: 4 * minute, clearHoldMs: 0 },
    ...{ text: "{row} runs at half duplex", cause: "configurationOrCustomizationError" },
    repair: "Set both ends to negotiate, or both to the same speed and duplex",
  },
  threshold({
    name: "poe-budget",
    alarm: "poeBudget",
    operand: { is: "share", part: "pethMainPseConsumptionPower", whole: "pethMainPsePower" },
    steps: [step(90, 85, "warning"), step(97, 93, "major")],
    text: "{value} % of the power for PoE is used",
    cause: "powerProblem",
    repair: "Move powered devices to another switch, or lower their class",
    holdMs: 3 * minute,
  }),
];

const printing: readonly Condition[] = [
  {
    ...{ kind: "flags", name: "printer-stopped", alarm: "printerStopped", scope: {}, holdMs: 10 * minute, clearHoldMs: 0 },
    flags: {
      ...{ noPaper: "minor", noToner: "minor", jammed: "minor", doorOpen: "warning", serviceRequested: "warning" },
      ...{ outputFull: "warning", markerSupplyMissing: "warning", inputTrayMissing: "warning", outputTrayMissing: "warning" },
    },
    ...{ text: "the printer waits for somebody: {state}", repair: "Look at its display", path: "printer" },
  },
  threshold({
    name: "supply-low",
    alarm: "supplyLow",
    scope: { label: { name: "prtMarkerSuppliesClass", oneOf: ["supplyThatIsConsumed"] } },
    operand: { is: "value", metric: "prtMarkerSuppliesLevel" },
    side: "below",
    steps: [step(10, 15, "warning"), step(3, 5, "minor")],
    text: "{row} is at {value} %",
    repair: "Order and replace it",
    holdMs: 0,
  }),
];

/** The gateway's own numbers (equipment `_gateway`). */
const own: readonly Condition[] = [
  threshold({
    name: "data-dropped",
    alarm: "dataDropped",
    scope: { table: "gateway" },
    operand: { is: "change", metric: "ledgerDropped", overMs: minute },
    steps: [step(0.001, 0.001, "major")],
    text: "the buffer is over its budget: the oldest values are dropped",
    repair: "Restore the uplink or raise buffer.budgetBytes",
    holdMs: 0,
  }),
  threshold({
    name: "flash-slow",
    alarm: "flashSlow",
    scope: { table: "gateway" },
    operand: { is: "value", metric: "commitTimeP99" },
    steps: [step(3_000, 1_500, "warning")],
    text: "writing to flash takes {value} ms",
    repair: "The card is worn out or busy: replace it soon",
    holdMs: 10 * minute,
  }),
];

/** What ships with the gateway and is on unless `alarms.disable` names it. */
export const defaultConditions: readonly Condition[] = [
  ...storage,
  ...temperatures,
  ...load,
  ...sessions,
  ...links,
  ...printing,
  ...powerConditions,
  ...own,
];

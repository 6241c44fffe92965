import { celsius, gauge, label, percent, size, state, text } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const synologyRoot = "1.3.6.1.4.1.6574";
const qnapRoot = "1.3.6.1.4.1.24681.1";
const qts = `${qnapRoot}.4.1.1.1`;

export const synology: MetricSet = {
  name: "synology",
  title: "Synology NAS",
  identity: [
    { field: "vendor", value: "Synology" },
    { field: "deviceClass", value: "nas" },
    { field: "osName", value: "DSM" },
    { field: "model", oid: `${synologyRoot}.1.5.1.0` },
    { field: "serial", oid: `${synologyRoot}.1.5.2.0` },
    { field: "firmware", oid: `${synologyRoot}.1.5.3.0` },
  ],
  tables: [
    {
      table: "SYNOLOGY-SYSTEM-MIB:synoSystem",
      cadence: "live",
      scalars: true,
      columns: [
        state("systemStatus", `${synologyRoot}.1.1`, { enumeration: "normalFailed" }),
        celsius("temperature", `${synologyRoot}.1.2`),
        state("powerStatus", `${synologyRoot}.1.3`, { enumeration: "normalFailed" }),
        state("systemFanStatus", `${synologyRoot}.1.4.1`, { enumeration: "normalFailed" }),
        state("cpuFanStatus", `${synologyRoot}.1.4.2`, { enumeration: "normalFailed" }),
        state("upgradeAvailable", `${synologyRoot}.1.5.4`),
      ],
    },
    {
      table: "SYNOLOGY-DISK-MIB:diskTable",
      cadence: "slow",
      key: ["diskID"],
      component: { kind: "disk", name: ["diskID"] },
      labels: [label("diskID", `${synologyRoot}.2.1.1.2`), label("diskModel", `${synologyRoot}.2.1.1.3`)],
      columns: [
        state("diskStatus", `${synologyRoot}.2.1.1.5`),
        celsius("diskTemperature", `${synologyRoot}.2.1.1.6`),
        gauge("diskBadSector", `${synologyRoot}.2.1.1.9`, "{sector}", { range: [0, 2 ** 40] }),
        state("diskHealthStatus", `${synologyRoot}.2.1.1.13`),
      ],
    },
    {
      table: "SYNOLOGY-RAID-MIB:raidTable",
      cadence: "slow",
      key: ["raidName"],
      component: { kind: "volume", name: ["raidName"] },
      labels: [label("raidName", `${synologyRoot}.3.1.1.2`)],
      columns: [
        state("raidStatus", `${synologyRoot}.3.1.1.3`, { enumeration: "synologyRaidStatus" }),
        gauge("raidFreeSize", `${synologyRoot}.3.1.1.4`, "By", size),
        gauge("raidTotalSize", `${synologyRoot}.3.1.1.5`, "By", size),
      ],
    },
  ],
};

/** One row per disk and attribute: only on request. */
export const synologySmart: MetricSet = {
  name: "synology-smart",
  title: "SMART attributes (Synology)",
  optional: true,
  tables: [
    {
      table: "SYNOLOGY-SMART-MIB:diskSMARTTable",
      cadence: "rare",
      labels: [label("diskSMARTInfoDevName", `${synologyRoot}.5.1.1.2`), label("diskSMARTAttrName", `${synologyRoot}.5.1.1.3`)],
      columns: [gauge("diskSMARTAttrRaw", `${synologyRoot}.5.1.1.8`, "")],
    },
  ],
};

/** The older tree answers with sentences ("28 C/82 F", "1.81 TB"), the newer one with numbers and Counter64 for sizes. */
export const qnap: MetricSet = {
  name: "qnap",
  title: "QNAP NAS",
  identity: [
    { field: "vendor", value: "QNAP" },
    { field: "osName", value: "QTS" },
    { field: "deviceClass", value: "nas" },
    { field: "model", oid: `${qts}.1.1.2.1.3` },
    { field: "serial", oid: `${qts}.1.1.2.1.4` },
    { field: "model", oid: `${qnapRoot}.2.12.0` },
  ],
  tables: [
    {
      table: "NAS-MIB:systemInfo",
      cadence: "live",
      scalars: true,
      columns: [
        percent("systemCPU-Usage", `${qnapRoot}.2.1`, { scale: 100, convert: { is: "number-in-text" } }),
        gauge("systemTotalMem", `${qnapRoot}.2.2`, "By", { ...size, convert: { is: "size-in-text" } }),
        celsius("cpu-Temperature", `${qnapRoot}.2.5`, { convert: { is: "number-in-text" } }),
        celsius("systemTemperature", `${qnapRoot}.2.6`, { convert: { is: "number-in-text" } }),
        percent("systemCPU-UsageEX", `${qnapRoot}.3.1`),
        gauge("systemTotalMemEX", `${qnapRoot}.3.2`, "By", size),
        gauge("systemFreeMemEX", `${qnapRoot}.3.3`, "By", size),
      ],
    },
    {
      table: "NAS-MIB:systemHdTable",
      cadence: "slow",
      key: ["hdDescr"],
      component: { kind: "disk", name: ["hdDescr"] },
      labels: [label("hdDescr", `${qnapRoot}.2.11.1.2`), label("hdModel", `${qnapRoot}.2.11.1.5`)],
      columns: [
        celsius("hdTemperature", `${qnapRoot}.2.11.1.3`, { convert: { is: "number-in-text" } }),
        state("hdStatus", `${qnapRoot}.2.11.1.4`, { enumeration: "qnapHdStatus" }),
        text("hdSmartInfo", `${qnapRoot}.2.11.1.7`, "auto"),
      ],
    },
    {
      table: "NAS-MIB:systemFanTable",
      cadence: "live",
      key: ["sysFanDescr"],
      labels: [label("sysFanDescr", `${qnapRoot}.2.15.1.2`)],
      columns: [gauge("sysFanSpeed", `${qnapRoot}.2.15.1.3`, "/min", { range: [0, 100_000], convert: { is: "number-in-text" } })],
    },
    {
      table: "NAS-MIB:systemVolumeTable",
      cadence: "slow",
      key: ["sysVolumeDescr"],
      component: { kind: "volume", name: ["sysVolumeDescr"] },
      labels: [label("sysVolumeDescr", `${qnapRoot}.2.17.1.2`)],
      columns: [
        gauge("sysVolumeTotalSize", `${qnapRoot}.2.17.1.4`, "By", { ...size, convert: { is: "size-in-text" } }),
        gauge("sysVolumeFreeSize", `${qnapRoot}.2.17.1.5`, "By", { ...size, convert: { is: "size-in-text" } }),
        text("sysVolumeStatus", `${qnapRoot}.2.17.1.6`, "auto"),
      ],
    },
    {
      table: "NAS-MIB:enclosureTable",
      cadence: "live",
      columns: [celsius("enclosureSystemTemp", `${qts}.1.1.2.1.7`)],
    },
    {
      table: "NAS-MIB:systemFan2Table",
      cadence: "live",
      columns: [gauge("systemFanSpeed", `${qts}.1.2.2.1.5`, "/min", { range: [0, 100_000] })],
    },
    {
      table: "NAS-MIB:systemPowerTable",
      cadence: "live",
      columns: [state("systemPowerStatus", `${qts}.1.3.2.1.4`, { enumeration: "zeroIsGood" })],
    },
    {
      table: "NAS-MIB:diskTable",
      cadence: "slow",
      component: { kind: "disk", name: ["diskModel"] },
      labels: [label("diskModel", `${qts}.1.5.2.1.8`)],
      columns: [
        state("diskSummary", `${qts}.1.5.2.1.4`, {
          enumeration: "qnapDiskHealth",
          convert: { is: "text-state", values: { good: 0, warning: 1, abnormal: 2 } },
        }),
        state("diskSmartInfo", `${qts}.1.5.2.1.5`, { enumeration: "qnapDiskHealth" }),
        celsius("diskTemperture", `${qts}.1.5.2.1.6`),
      ],
    },
    {
      table: "NAS-MIB:raidTable",
      cadence: "slow",
      columns: [text("raidStatus", `${qts}.2.1.2.1.5`, "auto")],
    },
    {
      table: "NAS-MIB:volumeTable",
      cadence: "slow",
      component: { kind: "volume", name: [] },
      columns: [
        gauge("volumeCapacity", `${qts}.2.3.2.1.3`, "By", size),
        gauge("volumeFreeSize", `${qts}.2.3.2.1.4`, "By", size),
        text("volumeStatus", `${qts}.2.3.2.1.5`, "auto"),
      ],
    },
  ],
};

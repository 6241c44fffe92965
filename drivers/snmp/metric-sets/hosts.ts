import type { MetricSet } from "./metric-set.ts";

const hrStorageEntry = "1.3.6.1.2.1.25.2.3.1";
const ucd = "1.3.6.1.4.1.2021";
const integer32Max = 2_147_483_647;

/** HOST-RESOURCES-MIB (RFC 2790). */
export const hostResources: MetricSet = {
  name: "host-resources",
  title: "Host resources: processors, storage, processes",
  tables: [
    {
      table: "HOST-RESOURCES-MIB:hrProcessorTable",
      cadence: "live",
      aggregate: "mean",
      columns: [{ metric: "hrProcessorLoad", oid: "1.3.6.1.2.1.25.3.3.1.2", kind: "gauge", unit: "%", scale: 0, range: [0, 100] }],
    },
    {
      table: "HOST-RESOURCES-MIB:hrSystem",
      cadence: "live",
      scalars: true,
      columns: [
        { metric: "hrSystemNumUsers", oid: "1.3.6.1.2.1.25.1.5", kind: "gauge", unit: "{user}", range: [0, integer32Max] },
        { metric: "hrSystemProcesses", oid: "1.3.6.1.2.1.25.1.6", kind: "gauge", unit: "{process}", range: [0, integer32Max] },
        {
          metric: "hrMemorySize",
          oid: "1.3.6.1.2.1.25.2.2",
          kind: "gauge",
          unit: "By",
          convert: { is: "multiply", by: 1024 },
          range: [1, Number.MAX_SAFE_INTEGER],
        },
      ],
    },
    {
      table: "HOST-RESOURCES-MIB:hrStorageTable",
      cadence: "slow",
      key: ["hrStorageDescr"],
      indexLabel: "hrStorageIndex",
      component: { kind: "volume", name: ["hrStorageDescr"] },
      labels: [
        { name: "hrStorageDescr", oid: `${hrStorageEntry}.3`, format: "auto" },
        { name: "hrStorageType", oid: `${hrStorageEntry}.2`, format: "enum", enumeration: "hrStorageType" },
        { name: "hrStorageAllocationUnits", oid: `${hrStorageEntry}.4`, format: "integer", hidden: true },
        { name: "hrStorageSize", oid: `${hrStorageEntry}.5`, format: "integer", hidden: true },
      ],
      skip: [
        { label: "hrStorageSize", equals: ["0"] },
        { label: "hrStorageAllocationUnits", matches: /^(0|-\d+)$/ },
        { label: "hrStorageType", equals: ["compactDisc", "floppyDisk"] },
        { label: "hrStorageDescr", matches: /^(\/var\/lib\/(docker|containers|kubelet)|\/run($|\/)|\/dev($|\/shm)|\/sys|\/proc|\/snap\/)/ },
      ],
      columns: [
        {
          metric: "hrStorageSize",
          oid: `${hrStorageEntry}.5`,
          kind: "gauge",
          unit: "By",
          convert: { is: "storage-units", units: "hrStorageAllocationUnits" },
        },
        {
          metric: "hrStorageUsed",
          oid: `${hrStorageEntry}.6`,
          kind: "gauge",
          unit: "By",
          convert: { is: "storage-units", units: "hrStorageAllocationUnits" },
        },
      ],
    },
    {
      table: "HOST-RESOURCES-MIB:hrDeviceTable",
      cadence: "slow",
      key: ["hrDeviceDescr"],
      indexLabel: "hrDeviceIndex",
      labels: [
        { name: "hrDeviceDescr", oid: "1.3.6.1.2.1.25.3.2.1.3", format: "auto" },
        { name: "hrDeviceType", oid: "1.3.6.1.2.1.25.3.2.1.2", format: "enum", enumeration: "hrDeviceType" },
      ],
      // Processors and interfaces are told better by their own tables, and a server has hundreds of them here.
      skip: [{ label: "hrDeviceType", equals: ["processor", "network", "coprocessor", "clock", "other"] }],
      columns: [{ metric: "hrDeviceStatus", oid: "1.3.6.1.2.1.25.3.2.1.5", kind: "state", unit: "enum:hrDeviceStatus" }],
    },
  ],
};

/** hrSWRunStatus has a row per process: only on request. */
export const processes: MetricSet = {
  name: "processes",
  title: "Running programs (HOST-RESOURCES-MIB)",
  optional: true,
  tables: [
    {
      table: "HOST-RESOURCES-MIB:hrSWRunTable",
      cadence: "slow",
      key: ["hrSWRunName"],
      labels: [{ name: "hrSWRunName", oid: "1.3.6.1.2.1.25.4.2.1.2", format: "auto" }],
      columns: [{ metric: "hrSWRunStatus", oid: "1.3.6.1.2.1.25.4.2.1.7", kind: "state", unit: "enum:hrSWRunStatus" }],
    },
  ],
};

/** UCD-SNMP-MIB and UCD-DISKIO-MIB: Net-SNMP's own view of a Unix host. */
export const ucdSnmp: MetricSet = {
  name: "ucd-snmp",
  title: "Unix host: load, memory, processor time, disks (UCD-SNMP-MIB)",
  tables: [
    {
      table: "UCD-SNMP-MIB:laTable",
      cadence: "live",
      key: ["laNames"],
      labels: [{ name: "laNames", oid: `${ucd}.10.1.2`, format: "text" }],
      columns: [
        {
          metric: "laLoad",
          oid: `${ucd}.10.1.5`,
          fallback: `${ucd}.10.1.3`,
          kind: "gauge",
          unit: "",
          scale: 100,
          convert: { is: "divide", by: 100 },
          fallbackConvert: { is: "number-in-text" },
        },
      ],
    },
    {
      table: "UCD-SNMP-MIB:memory",
      cadence: "live",
      scalars: true,
      columns: [
        ["memTotalSwap", 3],
        ["memAvailSwap", 4],
        ["memTotalReal", 5],
        ["memAvailReal", 6],
        ["memBuffer", 14],
        ["memCached", 15],
      ].map(([metric, arc]) => ({
        metric: String(metric),
        oid: `${ucd}.4.${arc}`,
        kind: "gauge" as const,
        unit: "By",
        convert: { is: "multiply" as const, by: 1024 },
        range: [0, Number.MAX_SAFE_INTEGER] as const,
      })),
    },
    {
      table: "UCD-SNMP-MIB:systemStats",
      cadence: "live",
      scalars: true,
      columns: [
        { metric: "ssCpuIdle", oid: `${ucd}.11.11`, kind: "gauge", unit: "%", range: [0, 100] },
        // Share = one column's increase over the sum of all: the tick's length differs between systems.
        { metric: "ssCpuRawUser", oid: `${ucd}.11.50`, kind: "counter", unit: "{tick}" },
        { metric: "ssCpuRawNice", oid: `${ucd}.11.51`, kind: "counter", unit: "{tick}" },
        { metric: "ssCpuRawSystem", oid: `${ucd}.11.52`, kind: "counter", unit: "{tick}" },
        { metric: "ssCpuRawIdle", oid: `${ucd}.11.53`, kind: "counter", unit: "{tick}" },
        { metric: "ssCpuRawWait", oid: `${ucd}.11.54`, kind: "counter", unit: "{tick}" },
      ],
    },
    {
      table: "UCD-SNMP-MIB:dskTable",
      cadence: "slow",
      key: ["dskPath"],
      labels: [{ name: "dskPath", oid: `${ucd}.9.1.2`, format: "auto" }],
      columns: [{ metric: "dskPercent", oid: `${ucd}.9.1.9`, kind: "gauge", unit: "%", range: [0, 100] }],
    },
    {
      table: "UCD-DISKIO-MIB:diskIOTable",
      cadence: "live",
      key: ["diskIODevice"],
      labels: [{ name: "diskIODevice", oid: `${ucd}.13.15.1.1.2`, format: "auto" }],
      skip: [{ label: "diskIODevice", matches: /^(loop|ram|zram|fd|sr)\d+$/ }],
      columns: [
        { metric: "diskIONReadX", oid: `${ucd}.13.15.1.1.12`, kind: "counter", unit: "By" },
        { metric: "diskIONWrittenX", oid: `${ucd}.13.15.1.1.13`, kind: "counter", unit: "By" },
      ],
    },
  ],
};

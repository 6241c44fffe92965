import { celsius, gauge, kibi, label, state, tenths, text } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const dell = "1.3.6.1.4.1.674.10892.5";
const compaq = "1.3.6.1.4.1.232";

export const dellBmc: MetricSet = {
  name: "idrac",
  title: "Dell iDRAC",
  identity: [
    { field: "vendor", value: "Dell" },
    { field: "deviceClass", value: "server" },
    { field: "serial", oid: `${dell}.1.3.2.0` },
    { field: "model", oid: `${dell}.1.3.12.0` },
  ],
  tables: [
    {
      table: "IDRAC-MIB-SMIv2:status",
      cadence: "live",
      scalars: true,
      columns: [
        state("globalSystemStatus", `${dell}.2.1`, { enumeration: "dellStatus" }),
        state("globalStorageStatus", `${dell}.2.3`, { enumeration: "dellStatus" }),
      ],
    },
    {
      table: "IDRAC-MIB-SMIv2:temperatureProbeTable",
      cadence: "live",
      key: ["temperatureProbeLocationName"],
      labels: [label("temperatureProbeLocationName", `${dell}.4.700.20.1.8`)],
      columns: [celsius("temperatureProbeReading", `${dell}.4.700.20.1.6`, tenths)],
    },
    {
      table: "IDRAC-MIB-SMIv2:coolingDeviceTable",
      cadence: "live",
      key: ["coolingDeviceLocationName"],
      labels: [label("coolingDeviceLocationName", `${dell}.4.700.12.1.8`)],
      columns: [gauge("coolingDeviceReading", `${dell}.4.700.12.1.6`, "/min", { range: [0, 100_000] })],
    },
    {
      // amperageProbeType tells whole watts from tenths of amperes.
      table: "IDRAC-MIB-SMIv2:amperageProbeTable",
      cadence: "live",
      key: ["amperageProbeLocationName"],
      labels: [
        label("amperageProbeLocationName", `${dell}.4.600.30.1.8`),
        { ...label("amperageProbeType", `${dell}.4.600.30.1.7`, "integer"), hidden: true },
      ],
      split: {
        label: "amperageProbeType",
        cases: {
          23: { suffix: "supply-amperes", metric: "amperageProbeReading", unit: "A", scale: 10, divide: 10 },
          24: { suffix: "supply-watts", metric: "amperageProbeReading", unit: "W" },
          25: { suffix: "system-amperes", metric: "amperageProbeReading", unit: "A", scale: 10, divide: 10 },
          26: { suffix: "system-watts", metric: "amperageProbeReading", unit: "W" },
        },
      },
      columns: [gauge("amperageProbeReading", `${dell}.4.600.30.1.6`, "")],
    },
    {
      table: "IDRAC-MIB-SMIv2:physicalDiskTable",
      cadence: "slow",
      key: ["physicalDiskName"],
      component: { kind: "disk", name: ["physicalDiskName"] },
      labels: [label("physicalDiskName", `${dell}.5.1.20.130.4.1.2`)],
      columns: [state("physicalDiskState", `${dell}.5.1.20.130.4.1.4`)],
    },
    {
      table: "IDRAC-MIB-SMIv2:virtualDiskTable",
      cadence: "slow",
      key: ["virtualDiskName"],
      component: { kind: "volume", name: ["virtualDiskName"] },
      labels: [label("virtualDiskName", `${dell}.5.1.20.140.1.1.2`)],
      columns: [state("virtualDiskState", `${dell}.5.1.20.140.1.1.4`)],
    },
  ],
};

export const hpeBmc: MetricSet = {
  name: "ilo",
  title: "HPE iLO and Insight agents",
  identity: [
    { field: "vendor", value: "HPE" },
    { field: "deviceClass", value: "server" },
    { field: "serial", oid: `${compaq}.2.2.2.1.0` },
  ],
  tables: [
    {
      table: "CPQHLTH-MIB:cpqHe",
      cadence: "live",
      scalars: true,
      columns: [state("cpqHeMibCondition", `${compaq}.6.1.3`, { enumeration: "cpqCondition" })],
    },
    {
      table: "CPQHLTH-MIB:cpqHeTemperatureTable",
      cadence: "live",
      columns: [celsius("cpqHeTemperatureCelsius", `${compaq}.6.2.6.8.1.4`)],
    },
    {
      table: "CPQHLTH-MIB:cpqHeFltTolPowerSupplyTable",
      cadence: "live",
      columns: [state("cpqHeFltTolPowerSupplyCondition", `${compaq}.6.2.9.3.1.4`, { enumeration: "cpqCondition" })],
    },
    {
      table: "CPQIDA-MIB:cpqDaPhyDrvTable",
      cadence: "slow",
      component: { kind: "disk", name: ["cpqDaPhyDrvModel"] },
      labels: [label("cpqDaPhyDrvModel", `${compaq}.3.2.5.1.1.3`)],
      columns: [state("cpqDaPhyDrvStatus", `${compaq}.3.2.5.1.1.6`)],
    },
    {
      table: "CPQIDA-MIB:cpqDaLogDrvTable",
      cadence: "slow",
      component: { kind: "volume", name: [] },
      columns: [state("cpqDaLogDrvStatus", `${compaq}.3.2.3.1.1.4`)],
    },
  ],
};

const vmware = "1.3.6.1.4.1.6876";
const nsExtend = "1.3.6.1.4.1.8072.1.3.2";

export const vmwareEsxi: MetricSet = {
  name: "esxi",
  title: "VMware ESXi",
  identity: [
    { field: "vendor", value: "VMware" },
    { field: "deviceClass", value: "server" },
    { field: "osName", value: "ESXi" },
    { field: "firmware", oid: `${vmware}.1.2.0` },
    { field: "hardware", oid: `${vmware}.1.4.0` },
  ],
  tables: [
    {
      table: "VMWARE-RESOURCES-MIB:vmwMemory",
      cadence: "live",
      scalars: true,
      columns: [gauge("vmwMemSize", `${vmware}.3.2.1`, "By", kibi), gauge("vmwMemAvail", `${vmware}.3.2.3`, "By", kibi)],
    },
    {
      table: "VMWARE-VMINFO-MIB:vmwVmTable",
      cadence: "live",
      key: ["vmwVmDisplayName"],
      labels: [label("vmwVmDisplayName", `${vmware}.2.1.1.2`)],
      columns: [
        state("vmwVmState", `${vmware}.2.1.1.6`, {
          convert: {
            is: "text-state",
            values: { "powered on": 1, poweredon: 1, "powered off": 2, poweredoff: 2, suspended: 3, stuck: 4, unknown: 0 },
          },
        }),
      ],
    },
  ],
};

/** Scripts of the operator's own, run by Net-SNMP: exit code and output. */
export const netSnmpExtend: MetricSet = {
  name: "extend",
  title: "Net-SNMP extend scripts",
  tables: [
    {
      table: "NET-SNMP-EXTEND-MIB:nsExtendOutput1Table",
      cadence: "live",
      key: ["script"],
      maxRows: 100,
      labels: [{ name: "script", oid: "", format: "index-name" }],
      columns: [text("nsExtendOutput1Line", `${nsExtend}.3.1.1`, "auto"), gauge("nsExtendResult", `${nsExtend}.3.1.4`, "")],
    },
    {
      table: "NET-SNMP-EXTEND-MIB:nsExtendOutputFull",
      cadence: "slow",
      key: ["script"],
      maxRows: 100,
      labels: [{ name: "script", oid: "", format: "index-name" }],
      columns: [text("nsExtendOutputFull", `${nsExtend}.3.1.2`, "auto")],
    },
    {
      table: "NET-SNMP-EXTEND-MIB:nsExtend",
      cadence: "slow",
      scalars: true,
      columns: [gauge("nsExtendNumEntries", `${nsExtend}.1`, "{script}", { range: [0, 100_000] })],
    },
  ],
};

export const axisCameras: MetricSet = {
  name: "axis",
  title: "Axis cameras",
  identity: [
    { field: "vendor", value: "Axis" },
    { field: "deviceClass", value: "camera" },
  ],
  tables: [
    {
      table: "AXIS-VIDEO-MIB:tempSensorTable",
      cadence: "live",
      columns: [celsius("tempSensorValue", "1.3.6.1.4.1.368.4.1.3.1.4")],
    },
    {
      table: "AXIS-VIDEO-MIB:storageTable",
      cadence: "slow",
      columns: [state("storageDisruptionDetected", "1.3.6.1.4.1.368.4.1.8.1.3")],
    },
  ],
};

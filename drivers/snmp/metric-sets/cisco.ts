import { celsius, gauge, kibi, label, percent, size, state, thousandths } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const cisco = "1.3.6.1.4.1.9.9";
const smallBusiness = "1.3.6.1.4.1.9.6.1.101";
const processor = `${cisco}.109.1.1.1.1`;

/** Cisco IOS, IOS-XE and NX-OS: processor, memory, environment, stack. */
export const ciscoSystem: MetricSet = {
  name: "cisco",
  title: "Cisco processor, memory, environment",
  identity: [{ field: "vendor", value: "Cisco" }],
  tables: [
    {
      table: "CISCO-PROCESS-MIB:cpmCPUTotalTable",
      cadence: "live",
      labels: [label("cpmCPUTotalPhysicalIndex", `${processor}.2`, "integer")],
      columns: [
        percent("cpmCPUTotal1minRev", `${processor}.7`),
        percent("cpmCPUTotal5minRev", `${processor}.8`),
        gauge("cpmCPUMemoryUsed", `${processor}.12`, "By", kibi),
        gauge("cpmCPUMemoryFree", `${processor}.13`, "By", kibi),
      ],
    },
    {
      table: "OLD-CISCO-CPU-MIB:lcpu",
      cadence: "live",
      scalars: true,
      columns: [percent("avgBusy5", "1.3.6.1.4.1.9.2.1.58")],
    },
    {
      table: "CISCO-MEMORY-POOL-MIB:ciscoMemoryPoolTable",
      cadence: "slow",
      key: ["ciscoMemoryPoolName"],
      labels: [label("ciscoMemoryPoolName", `${cisco}.48.1.1.1.2`)],
      columns: [
        gauge("ciscoMemoryPoolUsed", `${cisco}.48.1.1.1.5`, "By", size),
        gauge("ciscoMemoryPoolFree", `${cisco}.48.1.1.1.6`, "By", size),
      ],
    },
    {
      // Counter64 in the MIB, a size in meaning.
      table: "CISCO-ENHANCED-MEMPOOL-MIB:cempMemPoolTable",
      cadence: "slow",
      key: ["cempMemPoolName"],
      labels: [label("cempMemPoolName", `${cisco}.221.1.1.1.1.3`)],
      columns: [gauge("cempMemPoolHCUsed", `${cisco}.221.1.1.1.1.18`, "By", size)],
    },
    {
      table: "CISCO-ENVMON-MIB:ciscoEnvMonTemperatureStatusTable",
      cadence: "live",
      key: ["ciscoEnvMonTemperatureStatusDescr"],
      labels: [label("ciscoEnvMonTemperatureStatusDescr", `${cisco}.13.1.3.1.2`)],
      columns: [
        celsius("ciscoEnvMonTemperatureStatusValue", `${cisco}.13.1.3.1.3`),
        state("ciscoEnvMonTemperatureState", `${cisco}.13.1.3.1.6`, { enumeration: "ciscoEnvMonState" }),
      ],
    },
    {
      table: "CISCO-ENVMON-MIB:ciscoEnvMonFanStatusTable",
      cadence: "live",
      key: ["ciscoEnvMonFanStatusDescr"],
      labels: [label("ciscoEnvMonFanStatusDescr", `${cisco}.13.1.4.1.2`)],
      columns: [state("ciscoEnvMonFanState", `${cisco}.13.1.4.1.3`, { enumeration: "ciscoEnvMonState" })],
    },
    {
      table: "CISCO-ENVMON-MIB:ciscoEnvMonSupplyStatusTable",
      cadence: "live",
      key: ["ciscoEnvMonSupplyStatusDescr"],
      labels: [label("ciscoEnvMonSupplyStatusDescr", `${cisco}.13.1.5.1.2`)],
      columns: [state("ciscoEnvMonSupplyState", `${cisco}.13.1.5.1.3`, { enumeration: "ciscoEnvMonState" })],
    },
    {
      table: "CISCO-STACKWISE-MIB:cswSwitchInfoTable",
      cadence: "live",
      columns: [state("cswSwitchState", `${cisco}.500.1.2.1.1.6`)],
    },
  ],
};

/** Cisco Small Business (the former Linksys line). */
export const ciscoSmallBusiness: MetricSet = {
  name: "cisco-small-business",
  title: "Cisco Small Business switches",
  identity: [
    { field: "vendor", value: "Cisco" },
    { field: "deviceClass", value: "switch" },
    { field: "serial", oid: `${smallBusiness}.53.14.1.5` },
    { field: "firmware", oid: `${smallBusiness}.53.14.1.2` },
    { field: "model", oid: `${smallBusiness}.53.14.1.11` },
  ],
  tables: [
    {
      table: "CISCOSB-rndMng:rlCpu",
      cadence: "live",
      scalars: true,
      columns: [
        percent("rlCpuUtilDuringLastMinute", `${smallBusiness}.1.8`),
        percent("rlCpuUtilDuringLast5Minutes", `${smallBusiness}.1.9`),
      ],
    },
    {
      table: "CISCOSB-HWENVIROMENT:rlEnvMonFanStatusTable",
      cadence: "live",
      key: ["rlEnvMonFanStatusDescr"],
      labels: [label("rlEnvMonFanStatusDescr", `${smallBusiness}.83.1.1.1.2`)],
      columns: [state("rlEnvMonFanState", `${smallBusiness}.83.1.1.1.3`, { enumeration: "ciscoEnvMonState" })],
    },
    {
      table: "CISCOSB-POE-MIB:rlPethPsePortTable",
      cadence: "live",
      indexLabel: "groupAndPort",
      columns: [gauge("rlPethPsePortOutputPower", `${smallBusiness}.108.1.1.5`, "W", { ...thousandths, range: [0, 1_000] })],
    },
  ],
};

import { celsius, gauge, label, percent, size, state, tenths, thousandths } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const hp = "1.3.6.1.4.1.11.2.14.11";
const arubaWired = "1.3.6.1.4.1.47196.4.1.1.3.11";
const instant = "1.3.6.1.4.1.14823.2.3.3.1.2";
const tpLink = "1.3.6.1.4.1.11863.6";
const juniper = "1.3.6.1.4.1.2636.3";

export const procurve: MetricSet = {
  name: "procurve",
  title: "HP ProCurve and ArubaOS switches",
  identity: [{ field: "deviceClass", value: "switch" }],
  tables: [
    {
      table: "STATISTICS-MIB:hpSwitchStat",
      cadence: "live",
      scalars: true,
      columns: [percent("hpSwitchCpuStat", `${hp}.5.1.9.6.1`)],
    },
    {
      table: "NETSWITCH-MIB:hpLocalMemTable",
      cadence: "slow",
      indexLabel: "slot",
      columns: [
        gauge("hpLocalMemTotalBytes", `${hp}.5.1.1.2.1.1.1.5`, "By", size),
        gauge("hpLocalMemFreeBytes", `${hp}.5.1.1.2.1.1.1.6`, "By", size),
      ],
    },
    {
      table: "HP-ICF-CHASSIS:hpicfSensorTable",
      cadence: "live",
      key: ["hpicfSensorDescr"],
      labels: [label("hpicfSensorDescr", `${hp}.1.2.6.1.7`)],
      columns: [state("hpicfSensorStatus", `${hp}.1.2.6.1.4`)],
    },
    {
      table: "HP-ICF-POE-MIB:hpicfPoePethPsePortTable",
      cadence: "live",
      indexLabel: "groupAndPort",
      columns: [gauge("hpicfPoePethPsePortActualPower", `${hp}.1.9.1.1.1.8`, "W", { ...thousandths, range: [0, 1_000] })],
    },
  ],
};

export const arubaCx: MetricSet = {
  name: "aruba-cx",
  title: "Aruba CX switches",
  identity: [
    { field: "vendor", value: "HPE Aruba" },
    { field: "deviceClass", value: "switch" },
  ],
  tables: [
    {
      table: "ARUBAWIRED-TEMPSENSOR-MIB:arubaWiredTempSensorTable",
      cadence: "live",
      columns: [celsius("arubaWiredTempSensorTemperature", `${arubaWired}.3.1.1.7`, thousandths)],
    },
    {
      table: "ARUBAWIRED-FAN-MIB:arubaWiredFanTable",
      cadence: "live",
      columns: [state("arubaWiredFanStateEnum", `${arubaWired}.5.1.1.10`)],
    },
  ],
};

export const arubaInstant: MetricSet = {
  name: "aruba-instant",
  title: "Aruba Instant access points and clients",
  identity: [
    { field: "vendor", value: "HPE Aruba" },
    { field: "deviceClass", value: "access-point" },
    { field: "serial", oid: `${instant}.1.1.4` },
  ],
  tables: [
    {
      table: "AI-AP-MIB:aiAccessPointTable",
      cadence: "live",
      key: ["aiAPName"],
      labels: [label("aiAPName", `${instant}.1.1.2`), label("aiAPSerialNum", `${instant}.1.1.4`)],
      columns: [percent("aiAPCPUUtilization", `${instant}.1.1.7`), state("aiAPStatus", `${instant}.1.1.11`)],
    },
    {
      table: "AI-AP-MIB:aiClientTable",
      cadence: "slow",
      aggregate: "count",
      columns: [gauge("aiClientIPAddress", `${instant}.4.1.3`, "{client}")],
    },
  ],
};

/** Switches whose makers have few tables each. */
export const smallBusinessSwitches: MetricSet = {
  name: "tp-link-zyxel-netgear",
  title: "TP-Link, Zyxel and Netgear switches",
  identity: [
    { field: "deviceClass", value: "switch" },
    { field: "serial", oid: `${tpLink}.1.1.8.0` },
    { field: "serial", oid: "1.3.6.1.4.1.890.1.15.3.1.12.0" },
    { field: "serial", oid: "1.3.6.1.4.1.4526.10.1.1.1.4.0" },
  ],
  tables: [
    {
      table: "TPLINK-SYSMONITOR-MIB:tpSysMonitorCpuTable",
      cadence: "live",
      indexLabel: "unit",
      columns: [percent("tpSysMonitorCpu1Minute", `${tpLink}.4.1.1.1.1.3`)],
    },
    {
      table: "TPLINK-SYSMONITOR-MIB:tpSysMonitorMemoryTable",
      cadence: "live",
      indexLabel: "unit",
      columns: [percent("tpSysMonitorMemoryUtilization", `${tpLink}.4.1.2.1.1.2`)],
    },
    {
      table: "TPLINK-POWER-OVER-ETHERNET-MIB:tpPoePortTable",
      cadence: "live",
      indexLabel: "port",
      columns: [gauge("tpPoePower", `${tpLink}.56.1.1.2.1.1.7`, "W", { ...tenths, range: [0, 1_000] })],
    },
    {
      table: "ZYXEL-ES-COMMON:sysMgmt",
      cadence: "live",
      scalars: true,
      columns: [percent("sysMgmtCPUUsage", "1.3.6.1.4.1.890.1.15.3.2.4")],
    },
    {
      table: "NETGEAR-BOXSERVICES-PRIVATE-MIB:boxServicesTempSensorsTable",
      cadence: "live",
      columns: [celsius("boxServicesTempSensorTemperature", "1.3.6.1.4.1.4526.10.43.1.8.1.5")],
    },
  ],
};

export const juniperSystem: MetricSet = {
  name: "juniper",
  title: "Juniper Junos",
  identity: [
    { field: "vendor", value: "Juniper" },
    { field: "serial", oid: `${juniper}.1.3.0` },
  ],
  tables: [
    {
      table: "JUNIPER-MIB:jnxOperatingTable",
      cadence: "live",
      key: ["jnxOperatingDescr"],
      labels: [label("jnxOperatingDescr", `${juniper}.1.13.1.5`)],
      columns: [
        state("jnxOperatingState", `${juniper}.1.13.1.6`),
        // Zero means that there is no sensor.
        celsius("jnxOperatingTemp", `${juniper}.1.13.1.7`, { range: [1, 250] }),
        percent("jnxOperatingCPU", `${juniper}.1.13.1.8`),
        percent("jnxOperatingBuffer", `${juniper}.1.13.1.11`),
      ],
    },
    {
      table: "JUNIPER-ALARM-MIB:jnxRedAlarm",
      cadence: "live",
      scalars: true,
      columns: [gauge("jnxRedAlarmCount", `${juniper}.4.2.3.2`, "{alarm}", { range: [0, 10_000] })],
    },
  ],
};

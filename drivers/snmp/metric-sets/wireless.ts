import { celsius, gauge, label, percent, state, tenths, text, thousandths } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const mikrotikRoot = "1.3.6.1.4.1.14988.1.1";
const ubiquiti = "1.3.6.1.4.1.41112.1";
const edgeSwitch = "1.3.6.1.4.1.4413.1.1";

/** RouterOS 6 has scalars in tenths; RouterOS 7 a table whose unit column decides. */
export const mikrotik: MetricSet = {
  name: "mikrotik",
  title: "MikroTik RouterOS",
  identity: [
    { field: "vendor", value: "MikroTik" },
    { field: "osName", value: "RouterOS" },
    { field: "serial", oid: `${mikrotikRoot}.7.3.0` },
    { field: "firmware", oid: `${mikrotikRoot}.7.4.0` },
    { field: "model", oid: `${mikrotikRoot}.7.9.0` },
  ],
  tables: [
    {
      table: "MIKROTIK-MIB:mtxrHealth",
      cadence: "live",
      scalars: true,
      columns: [
        celsius("mtxrHlCpuTemperature", `${mikrotikRoot}.3.6`, tenths),
        gauge("mtxrHlVoltage", `${mikrotikRoot}.3.8`, "V", { ...tenths, range: [0, 1_000] }),
        celsius("mtxrHlTemperature", `${mikrotikRoot}.3.10`, tenths),
        gauge("mtxrHlPower", `${mikrotikRoot}.3.12`, "W", { ...tenths, range: [0, 10_000] }),
        gauge("mtxrDHCPLeaseCount", `${mikrotikRoot}.6.1`, "{lease}", { range: [0, 2 ** 31] }),
        text("mtxrFirmwareUpgradeVersion", `${mikrotikRoot}.7.7`, "auto"),
      ],
    },
    {
      table: "MIKROTIK-MIB:mtxrGaugeTable",
      cadence: "live",
      key: ["mtxrGaugeName"],
      labels: [
        label("mtxrGaugeName", `${mikrotikRoot}.3.100.1.2`),
        { ...label("mtxrGaugeUnit", `${mikrotikRoot}.3.100.1.4`, "integer"), hidden: true },
      ],
      split: {
        label: "mtxrGaugeUnit",
        cases: {
          1: { suffix: "celsius", metric: "mtxrGaugeValue", unit: "Cel", range: [-60, 250] },
          2: { suffix: "rpm", metric: "mtxrGaugeValue", unit: "/min", range: [0, 100_000] },
          3: { suffix: "volts", metric: "mtxrGaugeValue", unit: "V", scale: 10, divide: 10 },
          4: { suffix: "amperes", metric: "mtxrGaugeValue", unit: "A", scale: 10, divide: 10 },
          5: { suffix: "watts", metric: "mtxrGaugeValue", unit: "W", scale: 10, divide: 10 },
          6: { suffix: "status", metric: "mtxrGaugeValue", unit: "" },
        },
      },
      columns: [gauge("mtxrGaugeValue", `${mikrotikRoot}.3.100.1.3`, "")],
    },
    {
      table: "MIKROTIK-MIB:mtxrPOETable",
      cadence: "live",
      key: ["mtxrPOEName"],
      labels: [label("mtxrPOEName", `${mikrotikRoot}.15.1.1.2`)],
      columns: [
        state("mtxrPOEStatus", `${mikrotikRoot}.15.1.1.3`),
        gauge("mtxrPOEPower", `${mikrotikRoot}.15.1.1.6`, "W", { ...tenths, range: [0, 1_000] }),
      ],
    },
    {
      table: "MIKROTIK-MIB:mtxrOpticalTable",
      cadence: "live",
      key: ["mtxrOpticalName"],
      labels: [label("mtxrOpticalName", `${mikrotikRoot}.19.1.1.2`)],
      columns: [gauge("mtxrOpticalRxPower", `${mikrotikRoot}.19.1.1.10`, "dB{mW}", { ...thousandths, range: [-100, 50] })],
    },
    {
      table: "MIKROTIK-MIB:mtxrWlApTable",
      cadence: "live",
      indexLabel: "ifIndex",
      labels: [label("mtxrWlApSsid", `${mikrotikRoot}.1.3.1.4`)],
      columns: [gauge("mtxrWlApClientCount", `${mikrotikRoot}.1.3.1.6`, "{client}", { range: [0, 100_000] })],
    },
    {
      table: "MIKROTIK-MIB:mtxrWlStatTable",
      cadence: "live",
      indexLabel: "ifIndex",
      columns: [gauge("mtxrWlStatStrength", `${mikrotikRoot}.1.1.1.4`, "dB{mW}", { range: [-150, 50] })],
    },
    {
      table: "MIKROTIK-MIB:mtxrNeighborTable",
      cadence: "rare",
      maxRows: 1_000,
      columns: [text("mtxrNeighborIpAddress", `${mikrotikRoot}.11.1.1.2`, "ip")],
    },
  ],
};

export const unifi: MetricSet = {
  name: "unifi",
  title: "UniFi access points",
  identity: [
    { field: "vendor", value: "Ubiquiti" },
    { field: "deviceClass", value: "access-point" },
    { field: "model", oid: `${ubiquiti}.6.3.3.0` },
    { field: "firmware", oid: `${ubiquiti}.6.3.6.0` },
  ],
  tables: [
    {
      table: "UBNT-UniFi-MIB:unifiVapTable",
      cadence: "live",
      key: ["unifiVapName", "unifiVapEssId"],
      labels: [label("unifiVapName", `${ubiquiti}.6.1.2.1.7`), label("unifiVapEssId", `${ubiquiti}.6.1.2.1.6`)],
      columns: [
        gauge("unifiVapChannel", `${ubiquiti}.6.1.2.1.4`, "", { range: [0, 1_000] }),
        gauge("unifiVapNumStations", `${ubiquiti}.6.1.2.1.8`, "{client}", { range: [0, 10_000] }),
      ],
    },
    {
      table: "UBNT-UniFi-MIB:unifiRadioTable",
      cadence: "live",
      key: ["unifiRadioName"],
      labels: [label("unifiRadioName", `${ubiquiti}.6.1.1.1.2`)],
      columns: [percent("unifiRadioCuTotal", `${ubiquiti}.6.1.1.1.6`)],
    },
  ],
};

export const ubiquitiAirMax: MetricSet = {
  name: "airmax",
  title: "Ubiquiti airMAX radios",
  identity: [
    { field: "vendor", value: "Ubiquiti" },
    { field: "deviceClass", value: "wireless-bridge" },
  ],
  tables: [
    {
      table: "UBNT-AirMAX-MIB:ubntWlStatTable",
      cadence: "live",
      columns: [
        gauge("ubntWlStatSignal", `${ubiquiti}.4.5.1.5`, "dB{mW}", { range: [-150, 50] }),
        percent("ubntWlStatCcq", `${ubiquiti}.4.5.1.7`, tenths),
        gauge("ubntWlStatStaCount", `${ubiquiti}.4.5.1.15`, "{client}", { range: [0, 10_000] }),
      ],
    },
    {
      table: "UBNT-AirMAX-MIB:ubntHost",
      cadence: "live",
      scalars: true,
      columns: [celsius("ubntHostTemperature", `${ubiquiti}.4.8.4`)],
    },
  ],
};

/** EdgeSwitch and other switches on Broadcom's FASTPATH: the processor's load is a sentence. */
export const fastpath: MetricSet = {
  name: "fastpath",
  title: "EdgeSwitch and FASTPATH switches",
  identity: [
    { field: "deviceClass", value: "switch" },
    { field: "serial", oid: `${edgeSwitch}.1.1.1.4.0` },
  ],
  tables: [
    {
      table: "EdgeSwitch-SWITCHING-MIB:agentSwitchCpuProcess",
      cadence: "live",
      scalars: true,
      columns: [
        percent("agentSwitchCpuProcessTotalUtilization", `${edgeSwitch}.1.1.4.9`, { scale: 10_000, convert: { is: "percent-in-text" } }),
      ],
    },
    {
      table: "EdgeSwitch-BOXSERVICES-PRIVATE-MIB:boxServicesTempSensorsTable",
      cadence: "live",
      columns: [celsius("boxServicesTempSensorTemperature", `${edgeSwitch}.43.1.8.1.5`)],
    },
    {
      table: "EdgeSwitch-BOXSERVICES-PRIVATE-MIB:boxServicesFansTable",
      cadence: "live",
      columns: [state("boxServicesFanItemState", `${edgeSwitch}.43.1.6.1.3`)],
    },
  ],
};

import { celsius, gauge, hundredths, label, percent, state, tenths } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const ups = "1.3.6.1.2.1.33.1";
const apc = "1.3.6.1.4.1.318.1.1";
const eaton = "1.3.6.1.4.1.534.1";
const mge = "1.3.6.1.4.1.705.1";
const cyberPower = "1.3.6.1.4.1.3808.1.1.1";

/** UPS-MIB (RFC 1628): minutes, and tenths of a volt for the battery only. */
export const upsStandard: MetricSet = {
  name: "ups",
  title: "UPS (RFC 1628)",
  identity: [
    { field: "deviceClass", value: "ups" },
    { field: "vendor", oid: `${ups}.1.1.0` },
    { field: "model", oid: `${ups}.1.2.0` },
    { field: "firmware", oid: `${ups}.1.3.0` },
  ],
  tables: [
    {
      table: "UPS-MIB:upsBattery",
      cadence: "live",
      scalars: true,
      columns: [
        state("upsBatteryStatus", `${ups}.2.1`),
        gauge("upsSecondsOnBattery", `${ups}.2.2`, "s", { range: [0, 2 ** 31] }),
        gauge("upsEstimatedMinutesRemaining", `${ups}.2.3`, "min", { range: [0, 100_000] }),
        percent("upsEstimatedChargeRemaining", `${ups}.2.4`),
        gauge("upsBatteryVoltage", `${ups}.2.5`, "V", { ...tenths, range: [0, 10_000] }),
        celsius("upsBatteryTemperature", `${ups}.2.7`),
        state("upsOutputSource", `${ups}.4.1`),
        gauge("upsAlarmsPresent", `${ups}.6.1`, "{alarm}", { range: [0, 1_000] }),
      ],
    },
    {
      table: "UPS-MIB:upsInputTable",
      cadence: "live",
      indexLabel: "line",
      columns: [
        gauge("upsInputFrequency", `${ups}.3.3.1.2`, "Hz", { ...tenths, range: [0, 1_000] }),
        gauge("upsInputVoltage", `${ups}.3.3.1.3`, "V", { range: [0, 100_000] }),
      ],
    },
    {
      table: "UPS-MIB:upsOutputTable",
      cadence: "live",
      indexLabel: "line",
      columns: [
        gauge("upsOutputVoltage", `${ups}.4.4.1.2`, "V", { range: [0, 100_000] }),
        gauge("upsOutputCurrent", `${ups}.4.4.1.3`, "A", { ...tenths, range: [0, 100_000] }),
        gauge("upsOutputPower", `${ups}.4.4.1.4`, "W", { range: [0, 10_000_000] }),
        gauge("upsOutputPercentLoad", `${ups}.4.4.1.5`, "%", { range: [0, 500] }),
      ],
    },
  ],
};

/** PowerNet-MIB: ticks for times. */
export const apcPower: MetricSet = {
  name: "apc",
  title: "APC UPS, rack PDU and sensors (PowerNet-MIB)",
  identity: [
    { field: "vendor", value: "APC" },
    { field: "deviceClass", value: "ups" },
    { field: "model", oid: `${apc}.1.1.1.1.0` },
    { field: "serial", oid: `${apc}.1.1.2.3.0` },
    { field: "firmware", oid: `${apc}.1.1.2.1.0` },
  ],
  tables: [
    {
      table: "PowerNet-MIB:ups",
      cadence: "live",
      scalars: true,
      columns: [
        state("upsBasicBatteryStatus", `${apc}.1.2.1.1`),
        gauge("upsBasicBatteryTimeOnBattery", `${apc}.1.2.1.2`, "s", hundredths),
        percent("upsAdvBatteryCapacity", `${apc}.1.2.2.1`),
        percent("upsHighPrecBatteryCapacity", `${apc}.1.2.3.1`, tenths),
        celsius("upsAdvBatteryTemperature", `${apc}.1.2.2.2`),
        gauge("upsAdvBatteryRunTimeRemaining", `${apc}.1.2.2.3`, "s", hundredths),
        state("upsAdvBatteryReplaceIndicator", `${apc}.1.2.2.4`),
        gauge("upsAdvInputLineVoltage", `${apc}.1.3.2.1`, "V", { range: [0, 100_000] }),
        state("upsBasicOutputStatus", `${apc}.1.4.1.1`),
        gauge("upsAdvOutputLoad", `${apc}.1.4.2.3`, "%", { range: [0, 500] }),
        gauge("upsHighPrecOutputLoad", `${apc}.1.4.3.3`, "%", { ...tenths, range: [0, 500] }),
        state("upsAdvTestDiagnosticsResults", `${apc}.1.7.2.3`),
        ...(
          [
            ["upsStateAbnormal", 1],
            ["upsStateOnBattery", 2],
            ["upsStateLowBattery", 3],
            ["upsStateReplaceBattery", 5],
            ["upsStateOverload", 9],
          ] as const
        ).map(([metric, position]) =>
          state(metric, `${apc}.1.11.1.1`, { enumeration: "alarmFlag", convert: { is: "flag-character", position } }),
        ),
      ],
    },
    {
      table: "PowerNet-MIB:rPDULoadStatusTable",
      cadence: "live",
      columns: [gauge("rPDULoadStatusLoad", `${apc}.12.2.3.1.1.2`, "A", { ...tenths, range: [0, 10_000] })],
    },
    {
      table: "PowerNet-MIB:uioSensorStatusTable",
      cadence: "live",
      key: ["uioSensorStatusSensorName"],
      labels: [label("uioSensorStatusSensorName", `${apc}.25.1.2.1.3`)],
      columns: [celsius("uioSensorStatusTemperatureDegC", `${apc}.25.1.2.1.6`)],
    },
  ],
};

/** XUPS-MIB and MG-SNMP-UPS-MIB count seconds. */
export const otherUps: MetricSet = {
  name: "eaton-mge-cyberpower",
  title: "Eaton, MGE and CyberPower UPS",
  identity: [
    { field: "deviceClass", value: "ups" },
    { field: "model", oid: `${eaton}.1.2.0` },
  ],
  tables: [
    {
      table: "XUPS-MIB:xups",
      cadence: "live",
      scalars: true,
      columns: [
        gauge("xupsBatTimeRemaining", `${eaton}.2.1`, "s", { range: [0, 2 ** 31] }),
        percent("xupsBatCapacity", `${eaton}.2.4`),
        gauge("xupsOutputLoad", `${eaton}.4.1`, "%", { range: [0, 500] }),
        state("xupsOutputSource", `${eaton}.4.5`),
        celsius("xupsEnvAmbientTemp", `${eaton}.6.1`),
      ],
    },
    {
      table: "MG-SNMP-UPS-MIB:upsmg",
      cadence: "live",
      scalars: true,
      columns: [
        gauge("upsmgBatteryRemainingTime", `${mge}.5.1`, "s", { range: [0, 2 ** 31] }),
        percent("upsmgBatteryLevel", `${mge}.5.2`),
        state("upsmgBatteryReplacement", `${mge}.5.11`, { enumeration: "yesIsBad" }),
        state("upsmgOutputOnBattery", `${mge}.7.3`, { enumeration: "yesIsBad" }),
      ],
    },
    {
      table: "CPS-MIB:ups",
      cadence: "live",
      scalars: true,
      columns: [
        state("upsBaseBatteryStatus", `${cyberPower}.2.1.1`),
        percent("upsAdvanceBatteryCapacity", `${cyberPower}.2.2.1`),
        gauge("upsAdvanceOutputLoad", `${cyberPower}.4.2.3`, "%", { range: [0, 500] }),
      ],
    },
  ],
};

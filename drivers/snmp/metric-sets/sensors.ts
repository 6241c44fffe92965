import { celsius, gauge, hidden, label, state, thousandths } from "./columns.ts";
import type { LabelDefinition, MetricSet, SplitRule, TableDefinition } from "./metric-set.ts";

const entPhysical = "1.3.6.1.2.1.47.1.1.1.1";
/** Chassis have thousands of sensors; more than this is a burden, not information. */
const maxSensors = 1_000;

/** Codes of EntitySensorDataType (RFC 3433); Cisco adds 14. Precision is often wrong in the field, so each type has its limits. */
function byType(label: string, metric: string): SplitRule {
  return {
    label,
    cases: {
      3: { suffix: "volts-ac", metric, unit: "V", scale: 0, range: [0, 100_000] },
      4: { suffix: "volts-dc", metric, unit: "V", scale: 0, range: [-10_000, 10_000] },
      5: { suffix: "amperes", metric, unit: "A", scale: 0, range: [-10_000, 10_000] },
      6: { suffix: "watts", metric, unit: "W", scale: 0, range: [-1_000_000, 1_000_000] },
      7: { suffix: "hertz", metric, unit: "Hz", scale: 0, range: [0, 1e12] },
      8: { suffix: "celsius", metric, unit: "Cel", scale: 0, range: [-60, 250] },
      9: { suffix: "humidity", metric, unit: "%", scale: 0, range: [0, 100] },
      10: { suffix: "rpm", metric, unit: "/min", scale: 0, range: [0, 100_000] },
      11: { suffix: "airflow", metric, unit: "m3/min", scale: 0, range: [0, 100_000] },
      12: { suffix: "truth", metric, unit: "", range: [0, 2] },
      14: { suffix: "dbm", metric, unit: "dB{mW}", scale: 0, range: [-100, 50] },
    },
  };
}

const entityNames: readonly LabelDefinition[] = [
  label("entPhysicalName", `${entPhysical}.7`),
  label("entPhysicalDescr", `${entPhysical}.2`),
];

function entitySensors(table: string, root: string, prefix: "entPhySensor" | "entSensor", status: string): TableDefinition {
  return {
    table,
    cadence: "live",
    key: ["entPhysicalName", "entPhysicalDescr"],
    indexLabel: "entPhysicalIndex",
    maxRows: maxSensors,
    component: { kind: "sensor", name: ["entPhysicalName", "entPhysicalDescr"] },
    labels: [
      ...entityNames,
      hidden(`${prefix}Type`, `${root}.1`),
      hidden(`${prefix}Scale`, `${root}.2`),
      hidden(`${prefix}Precision`, `${root}.3`),
    ],
    split: byType(`${prefix}Type`, `${prefix}Value`),
    columns: [
      gauge(`${prefix}Value`, `${root}.4`, "", {
        convert: { is: "entity-sensor", scale: `${prefix}Scale`, precision: `${prefix}Precision` },
        onlyIf: { metric: status, equals: 1 },
      }),
      state(status, `${root}.5`, { enumeration: "entPhySensorOperStatus" }),
    ],
  };
}

/** ENTITY-SENSOR-MIB (RFC 3433) and Cisco's older twin. */
export const entitySensorSet: MetricSet = {
  name: "entity-sensors",
  title: "Sensors (ENTITY-SENSOR-MIB)",
  tables: [
    entitySensors("ENTITY-SENSOR-MIB:entPhySensorTable", "1.3.6.1.2.1.99.1.1.1", "entPhySensor", "entPhySensorOperStatus"),
    entitySensors("CISCO-ENTITY-SENSOR-MIB:entSensorValueTable", "1.3.6.1.4.1.9.9.91.1.1.1.1", "entSensor", "entSensorStatus"),
  ],
};

/** LM-SENSORS-MIB: milli-units. */
export const lmSensors: MetricSet = {
  name: "lm-sensors",
  title: "Hardware sensors (LM-SENSORS-MIB)",
  tables: [
    {
      table: "LM-SENSORS-MIB:lmTempSensorsTable",
      cadence: "live",
      key: ["lmTempSensorsDevice"],
      labels: [label("lmTempSensorsDevice", "1.3.6.1.4.1.2021.13.16.2.1.2")],
      columns: [celsius("lmTempSensorsValue", "1.3.6.1.4.1.2021.13.16.2.1.3", thousandths)],
    },
    {
      table: "LM-SENSORS-MIB:lmFanSensorsTable",
      cadence: "live",
      key: ["lmFanSensorsDevice"],
      labels: [label("lmFanSensorsDevice", "1.3.6.1.4.1.2021.13.16.3.1.2")],
      columns: [gauge("lmFanSensorsValue", "1.3.6.1.4.1.2021.13.16.3.1.3", "/min", { range: [0, 100_000] })],
    },
    {
      table: "LM-SENSORS-MIB:lmVoltSensorsTable",
      cadence: "live",
      key: ["lmVoltSensorsDevice"],
      labels: [label("lmVoltSensorsDevice", "1.3.6.1.4.1.2021.13.16.4.1.2")],
      columns: [gauge("lmVoltSensorsValue", "1.3.6.1.4.1.2021.13.16.4.1.3", "V", { ...thousandths, range: [-1_000, 1_000] })],
    },
  ],
};

const pethPort = "1.3.6.1.2.1.105.1.1.1";
const pethMain = "1.3.6.1.2.1.105.1.3.1.1";

/** POWER-ETHERNET-MIB (RFC 3621): whole watts per group; power per port is in vendor tables, milliwatts. */
export const powerEthernet: MetricSet = {
  name: "poe",
  title: "Power over Ethernet",
  tables: [
    {
      table: "POWER-ETHERNET-MIB:pethPsePortTable",
      cadence: "live",
      indexLabel: "groupAndPort",
      columns: [
        state("pethPsePortAdminEnable", `${pethPort}.3`, { enumeration: "truth" }),
        state("pethPsePortDetectionStatus", `${pethPort}.6`),
        state("pethPsePortPowerClassifications", `${pethPort}.10`),
      ],
    },
    {
      table: "POWER-ETHERNET-MIB:pethMainPseTable",
      cadence: "live",
      indexLabel: "group",
      columns: [
        gauge("pethMainPsePower", `${pethMain}.2`, "W", { range: [0, 1_000_000] }),
        state("pethMainPseOperStatus", `${pethMain}.3`),
        gauge("pethMainPseConsumptionPower", `${pethMain}.4`, "W", { range: [0, 1_000_000] }),
        gauge("pethMainPseUsageThreshold", `${pethMain}.5`, "%", { range: [0, 100] }),
      ],
    },
    {
      table: "CISCO-POWER-ETHERNET-EXT-MIB:cpeExtPsePortTable",
      cadence: "live",
      indexLabel: "groupAndPort",
      columns: [gauge("cpeExtPsePortPwrConsumption", "1.3.6.1.4.1.9.9.402.1.2.1.9", "W", { ...thousandths, range: [0, 1_000] })],
    },
  ],
};

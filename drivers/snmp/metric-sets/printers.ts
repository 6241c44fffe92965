import { counter, gauge, hidden, label, state, text } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const printer = "1.3.6.1.2.1.43";
const hrPrinter = "1.3.6.1.2.1.25.3.5.1";

/** hrPrinterDetectedErrorState (RFC 2790), bit 0 = highest of the first byte. */
const printerErrors = [
  "lowPaper",
  "noPaper",
  "lowToner",
  "noToner",
  "doorOpen",
  "jammed",
  "offline",
  "serviceRequested",
  "inputTrayMissing",
  "outputTrayMissing",
  "markerSupplyMissing",
  "outputNearFull",
  "outputFull",
  "inputTrayEmpty",
  "overduePreventMaint",
] as const;

/** Printer-MIB (RFC 3805) and the printer part of HOST-RESOURCES-MIB. Printers answer slowly: nothing here is live but the state. */
export const printers: MetricSet = {
  name: "printer",
  title: "Printers (Printer-MIB)",
  identity: [
    { field: "deviceClass", value: "printer" },
    { field: "serial", oid: `${printer}.5.1.1.17` },
    // Some printers add serial number and firmware, behind a semicolon or comma.
    { field: "model", oid: "1.3.6.1.2.1.25.3.2.1.3", extract: /^([^;,]{2,80})/ },
  ],
  tables: [
    {
      table: "HOST-RESOURCES-MIB:hrPrinterTable",
      cadence: "live",
      key: ["hrDeviceDescr"],
      labels: [label("hrDeviceDescr", "1.3.6.1.2.1.25.3.2.1.3")],
      columns: [
        state("hrPrinterStatus", `${hrPrinter}.1`),
        ...printerErrors.map((name, position) =>
          state(name, `${hrPrinter}.2`, { enumeration: "alarmFlag", convert: { is: "bit", position } }),
        ),
      ],
    },
    {
      table: "Printer-MIB:prtMarkerTable",
      cadence: "slow",
      labels: [{ name: "counterUnit", oid: `${printer}.10.2.1.3`, format: "enum", enumeration: "prtMarkerCounterUnit" }],
      columns: [counter("prtMarkerLifeCount", `${printer}.10.2.1.4`, "{page}")],
    },
    {
      table: "Printer-MIB:prtMarkerSuppliesTable",
      cadence: "rare",
      key: ["prtMarkerSuppliesDescription"],
      component: { kind: "supply", name: ["prtMarkerSuppliesDescription"] },
      labels: [
        label("prtMarkerSuppliesDescription", `${printer}.11.1.1.6`),
        { name: "prtMarkerSuppliesType", oid: `${printer}.11.1.1.5`, format: "enum", enumeration: "prtMarkerSuppliesType" },
        // Waste boxes fill up instead of running empty.
        { name: "prtMarkerSuppliesClass", oid: `${printer}.11.1.1.4`, format: "enum", enumeration: "prtMarkerSuppliesClass" },
        hidden("prtMarkerSuppliesMaxCapacity", `${printer}.11.1.1.8`),
      ],
      columns: [
        gauge("prtMarkerSuppliesLevel", `${printer}.11.1.1.9`, "%", {
          scale: 10,
          range: [0, 100],
          convert: { is: "percent-of", label: "prtMarkerSuppliesMaxCapacity" },
        }),
        state("prtMarkerSuppliesState", `${printer}.11.1.1.9`, { enumeration: "specialLevel", convert: { is: "special-level" } }),
      ],
    },
    {
      table: "Printer-MIB:prtInputTable",
      cadence: "slow",
      key: ["prtInputName"],
      labels: [label("prtInputName", `${printer}.8.2.1.13`), hidden("prtInputMaxCapacity", `${printer}.8.2.1.9`)],
      columns: [
        gauge("prtInputCurrentLevel", `${printer}.8.2.1.10`, "%", {
          scale: 10,
          range: [0, 100],
          convert: { is: "percent-of", label: "prtInputMaxCapacity" },
        }),
        state("prtInputState", `${printer}.8.2.1.10`, { enumeration: "specialLevel", convert: { is: "special-level" } }),
      ],
    },
    {
      table: "Printer-MIB:prtCoverTable",
      cadence: "slow",
      key: ["prtCoverDescription"],
      labels: [label("prtCoverDescription", `${printer}.6.1.1.2`)],
      columns: [state("prtCoverStatus", `${printer}.6.1.1.3`)],
    },
    {
      table: "Printer-MIB:prtConsoleDisplayBufferTable",
      cadence: "slow",
      maxRows: 16,
      columns: [text("prtConsoleDisplayBufferText", `${printer}.16.5.1.2`, "auto")],
    },
    {
      table: "Printer-MIB:prtAlertTable",
      cadence: "slow",
      maxRows: 64,
      columns: [state("prtAlertSeverityLevel", `${printer}.18.1.1.2`), text("prtAlertDescription", `${printer}.18.1.1.8`, "auto")],
    },
  ],
};

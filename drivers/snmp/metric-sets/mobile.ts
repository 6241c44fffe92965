import { celsius, gauge, state, tenths, text } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const teltonikaRoot = "1.3.6.1.4.1.48690";

export const mobileRouters: MetricSet = {
  name: "teltonika",
  title: "Teltonika LTE routers",
  identity: [
    { field: "vendor", value: "Teltonika" },
    { field: "osName", value: "RutOS" },
    { field: "deviceClass", value: "router" },
    { field: "serial", oid: `${teltonikaRoot}.1.1.0` },
    { field: "model", oid: `${teltonikaRoot}.1.2.0` },
    { field: "firmware", oid: `${teltonikaRoot}.1.6.0` },
  ],
  tables: [
    {
      table: "TELTONIKA-RUTX-MIB:modemTable",
      cadence: "live",
      indexLabel: "modem",
      columns: [
        text("mNetState", `${teltonikaRoot}.2.2.1.11`, "auto"),
        gauge("mSignal", `${teltonikaRoot}.2.2.1.12`, "dB{mW}", { range: [-150, 0], convert: { is: "number-in-text" } }),
        celsius("mTemperature", `${teltonikaRoot}.2.2.1.17`, { ...tenths }),
        gauge("mRSRP", `${teltonikaRoot}.2.2.1.20`, "dB{mW}", { range: [-200, 0], convert: { is: "number-in-text" } }),
        gauge("mSent", `${teltonikaRoot}.2.2.1.22`, "By", { range: [0, Number.MAX_SAFE_INTEGER], convert: { is: "number-in-text" } }),
        gauge("mReceived", `${teltonikaRoot}.2.2.1.23`, "By", { range: [0, Number.MAX_SAFE_INTEGER], convert: { is: "number-in-text" } }),
      ],
    },
  ],
};

export const fixedWireless: MetricSet = {
  name: "cambium",
  title: "Cambium fixed wireless",
  identity: [
    { field: "vendor", value: "Cambium" },
    { field: "deviceClass", value: "wireless-bridge" },
  ],
  tables: [
    {
      table: "WHISP-APS-MIB:whispAps",
      cadence: "live",
      scalars: true,
      columns: [gauge("regCount", "1.3.6.1.4.1.161.19.3.1.7.1", "{module}", { range: [0, 100_000] })],
    },
    {
      table: "CAMBIUM-PMP80211-MIB:cambiumStatus",
      cadence: "live",
      scalars: true,
      columns: [gauge("cambiumSTADLRSSI", "1.3.6.1.4.1.17713.21.1.2.3", "dB{mW}", { range: [-150, 0] })],
    },
  ],
};

const ruckusRoot = "1.3.6.1.4.1.25053.1";

export const ruckus: MetricSet = {
  name: "ruckus",
  title: "Ruckus access points and controllers",
  identity: [
    { field: "vendor", value: "Ruckus" },
    { field: "deviceClass", value: "access-point" },
    { field: "serial", oid: `${ruckusRoot}.15.1.1.1.1.15.0` },
  ],
  tables: [
    {
      table: "RUCKUS-ZD-SYSTEM-MIB:ruckusZDSystemStats",
      cadence: "live",
      scalars: true,
      columns: [gauge("ruckusZDSystemStatsNumSta", `${ruckusRoot}.2.1.1.1.15.2`, "{client}", { range: [0, 1_000_000] })],
    },
    {
      table: "RUCKUS-ZD-WLAN-MIB:ruckusZDWLANAPTable",
      cadence: "live",
      columns: [state("ruckusZDWLANAPStatus", `${ruckusRoot}.2.2.1.1.2.1.1.3`)],
    },
  ],
};

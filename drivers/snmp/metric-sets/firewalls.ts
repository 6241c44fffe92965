import { counter, gauge, label, percent, state, text } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const pf = "1.3.6.1.4.1.12325.1.200.1";
const fortinet = "1.3.6.1.4.1.12356";
const fortigate = `${fortinet}.101`;

export const fortinetFirewall: MetricSet = {
  name: "fortinet",
  title: "Fortinet FortiGate",
  identity: [
    { field: "vendor", value: "Fortinet" },
    { field: "deviceClass", value: "firewall" },
    { field: "serial", oid: `${fortinet}.100.1.1.1.0` },
    { field: "firmware", oid: `${fortigate}.4.1.1.0` },
  ],
  tables: [
    {
      table: "FORTINET-FORTIGATE-MIB:fgSystem",
      cadence: "live",
      scalars: true,
      columns: [
        percent("fgSysCpuUsage", `${fortigate}.4.1.3`),
        percent("fgSysMemUsage", `${fortigate}.4.1.4`),
        gauge("fgSysMemCapacity", `${fortigate}.4.1.5`, "By", { convert: { is: "multiply", by: 1024 }, range: [1, 2 ** 50] }),
        gauge("fgSysSesCount", `${fortigate}.4.1.8`, "{session}", { range: [0, 2 ** 32] }),
        state("fgHaSystemMode", `${fortigate}.13.1.1`),
      ],
    },
    {
      table: "FORTINET-FORTIGATE-MIB:fgHaStatsTable",
      cadence: "live",
      key: ["fgHaStatsSerial"],
      labels: [label("fgHaStatsSerial", `${fortigate}.13.2.1.1.2`), label("fgHaStatsHostname", `${fortigate}.13.2.1.1.11`)],
      columns: [state("fgHaStatsSyncStatus", `${fortigate}.13.2.1.1.12`)],
    },
    {
      table: "FORTINET-FORTIGATE-MIB:fgVpnTunTable",
      cadence: "live",
      key: ["fgVpnTunEntPhase2Name", "fgVpnTunEntPhase1Name"],
      labels: [label("fgVpnTunEntPhase1Name", `${fortigate}.12.2.2.1.2`), label("fgVpnTunEntPhase2Name", `${fortigate}.12.2.2.1.3`)],
      columns: [state("fgVpnTunEntStatus", `${fortigate}.12.2.2.1.20`)],
    },
    {
      table: "FORTINET-FORTIGATE-MIB:fgVpnSslStatsTable",
      cadence: "live",
      indexLabel: "vdom",
      columns: [gauge("fgVpnSslStatsLoginUsers", `${fortigate}.12.2.3.1.2`, "{user}", { range: [0, 1_000_000] })],
    },
    {
      table: "FORTINET-FORTIGATE-MIB:fgHwSensorTable",
      cadence: "live",
      key: ["fgHwSensorEntName"],
      labels: [label("fgHwSensorEntName", `${fortigate}.4.3.2.1.2`)],
      columns: [
        gauge("fgHwSensorEntValue", `${fortigate}.4.3.2.1.3`, "", { scale: 0, convert: { is: "number-in-text" } }),
        state("fgHwSensorEntAlarmStatus", `${fortigate}.4.3.2.1.4`, { enumeration: "alarmFlag" }),
      ],
    },
    {
      table: "FORTINET-FORTIGATE-MIB:fgLinkMonitorTable",
      cadence: "live",
      key: ["fgLinkMonitorName"],
      labels: [label("fgLinkMonitorName", `${fortigate}.4.8.2.1.2`)],
      columns: [
        state("fgLinkMonitorState", `${fortigate}.4.8.2.1.3`),
        gauge("fgLinkMonitorLatency", `${fortigate}.4.8.2.1.4`, "ms", { scale: 1000, range: [0, 1e6], convert: { is: "number-in-text" } }),
        percent("fgLinkMonitorPacketLoss", `${fortigate}.4.8.2.1.8`, { scale: 1000, convert: { is: "number-in-text" } }),
      ],
    },
  ],
};

export const pfFirewall: MetricSet = {
  name: "pf",
  title: "pfSense and OPNsense (BEGEMOT-PF-MIB)",
  identity: [{ field: "deviceClass", value: "firewall" }],
  tables: [
    {
      table: "BEGEMOT-PF-MIB:pf",
      cadence: "live",
      scalars: true,
      columns: [
        state("pfStatusRunning", `${pf}.1.1`, { enumeration: "truth" }),
        counter("pfCounterMemDrop", `${pf}.2.6`, "{packet}"),
        gauge("pfStateTableCount", `${pf}.3.1`, "{state}", { range: [0, 2 ** 32] }),
        gauge("pfLimitsStates", `${pf}.5.1`, "{state}", { range: [0, 2 ** 32] }),
      ],
    },
  ],
};

const paloAlto = "1.3.6.1.4.1.25461.2.1.2";
const sonicWall = "1.3.6.1.4.1.8741.1.3.1";
const sophos = "1.3.6.1.4.1.2604.5.1.2";

export const otherFirewalls: MetricSet = {
  name: "firewalls",
  title: "Palo Alto, SonicWall and Sophos firewalls",
  identity: [
    { field: "deviceClass", value: "firewall" },
    { field: "firmware", oid: `${paloAlto}.1.1.0` },
    { field: "serial", oid: `${paloAlto}.1.3.0` },
  ],
  tables: [
    {
      table: "PAN-COMMON-MIB:pan",
      cadence: "live",
      scalars: true,
      columns: [percent("panSessionUtilization", `${paloAlto}.3.1`), text("panSysHAState", `${paloAlto}.1.11`, "auto")],
    },
    {
      table: "SONICWALL-FIREWALL-IP-STATISTICS-MIB:sonic",
      cadence: "live",
      scalars: true,
      columns: [
        gauge("sonicCurrentConnCacheEntries", `${sonicWall}.2`, "{connection}", { range: [0, 2 ** 32] }),
        percent("sonicCurrentCPUUtil", `${sonicWall}.3`),
        percent("sonicCurrentRAMUtil", `${sonicWall}.4`),
      ],
    },
    {
      table: "SFOS-FIREWALL-MIB:sfos",
      cadence: "live",
      scalars: true,
      columns: [
        percent("sfosMemoryPercentUsage", `${sophos}.5.2`),
        gauge("sfosLiveUsersCount", `${sophos}.6`, "{user}", { range: [0, 2 ** 32] }),
      ],
    },
  ],
};

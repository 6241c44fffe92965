import type { MetricSet } from "./metric-set.ts";

const ifEntry = "1.3.6.1.2.1.2.2.1";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";

/** IF-MIB (RFC 2863): 64-bit columns with their 32-bit ones as fallback per interface. */
export const interfaces: MetricSet = {
  name: "interfaces",
  title: "Interfaces (IF-MIB)",
  tables: [
    {
      table: "IF-MIB:ifTable",
      cadence: "live",
      key: ["ifName", "ifDescr", "ifAlias"],
      tiebreak: ["ifPhysAddress"],
      indexLabel: "ifIndex",
      discontinuity: `${ifXEntry}.19`,
      speedLabel: "speed",
      speedChangesWith: "ifOperStatus",
      changeIndicator: "1.3.6.1.2.1.31.1.5.0",
      component: { kind: "interface", name: ["ifName", "ifDescr", "ifAlias"] },
      labels: [
        { name: "ifDescr", oid: `${ifEntry}.2`, format: "auto" },
        { name: "ifName", oid: `${ifXEntry}.1`, format: "auto" },
        { name: "ifAlias", oid: `${ifXEntry}.18`, format: "auto" },
        { name: "ifType", oid: `${ifEntry}.3`, format: "enum", enumeration: "ifType" },
        { name: "ifPhysAddress", oid: `${ifEntry}.6`, format: "mac", hidden: true },
        { name: "ifMtu", oid: `${ifEntry}.4`, format: "integer", hidden: true },
        { name: "ifSpeed", oid: `${ifEntry}.5`, format: "integer", hidden: true },
        { name: "ifHighSpeed", oid: `${ifXEntry}.15`, format: "integer", hidden: true },
      ],
      skip: [
        { label: "ifType", equals: ["softwareLoopback", "propVirtual", "other-virtual"] },
        { label: "ifDescr", matches: /^(virtual-|async|voip-null|null\d|vlan-?twin|lo\d*$|unrouted|isatap|teredo|npcap|wan miniport)/i },
        { label: "ifDescr", matches: /(-(qos|wfp|npcap) |lightweight filter|packet scheduler|kernel debug)/i },
      ],
      columns: [
        { metric: "ifAdminStatus", oid: `${ifEntry}.7`, kind: "state", unit: "enum:ifAdminStatus" },
        { metric: "ifOperStatus", oid: `${ifEntry}.8`, kind: "state", unit: "enum:ifOperStatus" },
        { metric: "ifHCInOctets", oid: `${ifXEntry}.6`, kind: "counter", unit: "By", fallback: `${ifEntry}.10`, rateLimit: "octets" },
        { metric: "ifHCOutOctets", oid: `${ifXEntry}.10`, kind: "counter", unit: "By", fallback: `${ifEntry}.16`, rateLimit: "octets" },
        {
          metric: "ifHCInUcastPkts",
          oid: `${ifXEntry}.7`,
          kind: "counter",
          unit: "{packet}",
          fallback: `${ifEntry}.11`,
          rateLimit: "frames",
        },
        {
          metric: "ifHCOutUcastPkts",
          oid: `${ifXEntry}.11`,
          kind: "counter",
          unit: "{packet}",
          fallback: `${ifEntry}.17`,
          rateLimit: "frames",
        },
        { metric: "ifHCInMulticastPkts", oid: `${ifXEntry}.8`, kind: "counter", unit: "{packet}", rateLimit: "frames" },
        { metric: "ifHCInBroadcastPkts", oid: `${ifXEntry}.9`, kind: "counter", unit: "{packet}", rateLimit: "frames" },
        { metric: "ifHCOutMulticastPkts", oid: `${ifXEntry}.12`, kind: "counter", unit: "{packet}", rateLimit: "frames" },
        { metric: "ifHCOutBroadcastPkts", oid: `${ifXEntry}.13`, kind: "counter", unit: "{packet}", rateLimit: "frames" },
        { metric: "ifInDiscards", oid: `${ifEntry}.13`, kind: "counter", unit: "{packet}", rateLimit: "frames" },
        { metric: "ifInErrors", oid: `${ifEntry}.14`, kind: "counter", unit: "{packet}", rateLimit: "frames" },
        { metric: "ifOutDiscards", oid: `${ifEntry}.19`, kind: "counter", unit: "{packet}", rateLimit: "frames" },
        { metric: "ifOutErrors", oid: `${ifEntry}.20`, kind: "counter", unit: "{packet}", rateLimit: "frames" },
      ],
    },
    {
      table: "IF-MIB:interfaces",
      cadence: "rare",
      scalars: true,
      columns: [{ metric: "ifNumber", oid: "1.3.6.1.2.1.2.1", kind: "gauge", unit: "{interface}", range: [0, 2_147_483_647] }],
    },
    {
      table: "IF-MIB:ifLink",
      cadence: "slow",
      rowsOf: "IF-MIB:ifTable",
      columns: [
        {
          metric: "ifSpeed",
          oid: `${ifXEntry}.15`,
          kind: "gauge",
          unit: "bit/s",
          convert: { is: "multiply", by: 1_000_000 },
          range: [1, 1e13],
          fallback: `${ifEntry}.5`,
          fallbackConvert: { is: "multiply", by: 1 },
          // ifSpeed saturates at 2^32 - 1.
          fallbackRange: [1, 4_294_967_294],
        },
        { metric: "ifMtu", oid: `${ifEntry}.4`, kind: "gauge", unit: "By", range: [1, 2_147_483_647] },
        // sysUpTime at the last change of state.
        { metric: "ifLastChange", oid: `${ifEntry}.9`, kind: "gauge", unit: "s", convert: { is: "divide", by: 100 } },
      ],
    },
  ],
};

/** EtherLike-MIB (RFC 3635): why frames were bad, and half duplex. */
export const ethernet: MetricSet = {
  name: "ethernet",
  title: "Ethernet errors (EtherLike-MIB)",
  tables: [
    {
      table: "EtherLike-MIB:dot3StatsTable",
      cadence: "slow",
      rowsOf: "IF-MIB:ifTable",
      columns: [
        { metric: "dot3StatsAlignmentErrors", oid: "1.3.6.1.2.1.10.7.2.1.2", kind: "counter", unit: "{frame}" },
        { metric: "dot3StatsFCSErrors", oid: "1.3.6.1.2.1.10.7.2.1.3", kind: "counter", unit: "{frame}" },
        { metric: "dot3StatsDuplexStatus", oid: "1.3.6.1.2.1.10.7.2.1.19", kind: "state", unit: "enum:dot3StatsDuplexStatus" },
      ],
    },
  ],
};

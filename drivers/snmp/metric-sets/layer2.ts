import { counter, gauge, hundredths, label, state, text } from "./columns.ts";
import type { MetricSet } from "./metric-set.ts";

const bridge = "1.3.6.1.2.1.17";
const lldp = "1.0.8802.1.1.2.1";
const cdp = "1.3.6.1.4.1.9.9.23.1.2.1.1";

/** BRIDGE-MIB spanning tree; and the address of the bridge, which is the best MAC address to know a switch by. */
export const spanningTree: MetricSet = {
  name: "bridge",
  title: "Bridge and spanning tree (BRIDGE-MIB)",
  identity: [{ field: "macAddress", oid: `${bridge}.1.1.0`, format: "mac" }],
  tables: [
    {
      table: "BRIDGE-MIB:dot1dStp",
      cadence: "live",
      scalars: true,
      columns: [
        gauge("dot1dStpTimeSinceTopologyChange", `${bridge}.2.3`, "s", hundredths),
        counter("dot1dStpTopChanges", `${bridge}.2.4`, "{change}"),
        text("dot1dStpDesignatedRoot", `${bridge}.2.5`, "hex"),
      ],
    },
    {
      table: "BRIDGE-MIB:dot1dStpPortTable",
      cadence: "slow",
      indexLabel: "bridgePort",
      labels: [label("ifIndex", `${bridge}.1.4.1.2`, "integer")],
      columns: [state("dot1dStpPortState", `${bridge}.2.15.1.3`)],
    },
  ],
};

/** VLANs: who has which, in rare intervals; large on trunks, so only on request. */
export const vlans: MetricSet = {
  name: "vlans",
  title: "VLANs (Q-BRIDGE-MIB)",
  optional: true,
  tables: [
    {
      table: "Q-BRIDGE-MIB:dot1qVlanStaticTable",
      cadence: "rare",
      indexLabel: "vlan",
      columns: [text("dot1qVlanStaticName", `${bridge}.7.1.4.3.1.1`, "auto")],
    },
    {
      table: "Q-BRIDGE-MIB:dot1qVlanCurrentTable",
      cadence: "rare",
      indexLabel: "timeMarkAndVlan",
      keyIndexFrom: 1,
      columns: [gauge("dot1qVlanFdbId", `${bridge}.7.1.4.2.1.3`, ""), text("dot1qVlanCurrentEgressPorts", `${bridge}.7.1.4.2.1.4`, "hex")],
    },
    {
      table: "Q-BRIDGE-MIB:dot1qPortVlanTable",
      cadence: "rare",
      indexLabel: "bridgePort",
      labels: [label("ifIndex", `${bridge}.1.4.1.2`, "integer")],
      columns: [gauge("dot1qPvid", `${bridge}.7.1.4.5.1.1`, "")],
    },
  ],
};

/** How many addresses were learnt. Walks are dear on busy switches: only on request; discovery reads these tables itself. */
export const forwardingDatabase: MetricSet = {
  name: "fdb",
  title: "Number of learnt MAC addresses (BRIDGE-MIB, Q-BRIDGE-MIB)",
  optional: true,
  tables: [
    {
      table: "BRIDGE-MIB:dot1dTpFdbTable",
      cadence: "rare",
      aggregate: "count",
      columns: [gauge("dot1dTpFdbPort", `${bridge}.4.3.1.2`, "{address}")],
    },
    {
      table: "Q-BRIDGE-MIB:dot1qTpFdbTable",
      cadence: "rare",
      aggregate: "count",
      columns: [gauge("dot1qTpFdbPort", `${bridge}.7.1.2.2.1.2`, "{address}")],
    },
    {
      table: "BRIDGE-MIB:dot1dTpFdbStatus",
      cadence: "rare",
      aggregate: "count",
      columns: [gauge("dot1dTpFdbStatus", `${bridge}.4.3.1.3`, "{address}")],
    },
  ],
};

/** LLDP-MIB and LLDP-EXT-MED-MIB: neighbours as text, keyed by local port and neighbour; the index' time mark is left out of the key. */
export const lldpNeighbours: MetricSet = {
  name: "lldp",
  title: "LLDP neighbours",
  identity: [{ field: "macAddress", oid: `${lldp}.3.2.0`, format: "mac" }],
  tables: [
    {
      table: "LLDP-MIB:lldpRemTable",
      cadence: "rare",
      keyIndexFrom: 1,
      maxRows: 1_000,
      columns: [
        state("lldpRemChassisIdSubtype", `${lldp}.4.1.1.4`),
        text("lldpRemChassisId", `${lldp}.4.1.1.5`, "auto"),
        state("lldpRemPortIdSubtype", `${lldp}.4.1.1.6`),
        text("lldpRemPortId", `${lldp}.4.1.1.7`, "auto"),
        text("lldpRemPortDesc", `${lldp}.4.1.1.8`, "auto"),
        text("lldpRemSysName", `${lldp}.4.1.1.9`, "auto"),
        text("lldpRemSysDesc", `${lldp}.4.1.1.10`, "auto"),
        text("lldpRemSysCapEnabled", `${lldp}.4.1.1.12`, "hex"),
      ],
    },
    {
      table: "LLDP-MIB:lldpLocPortTable",
      cadence: "rare",
      columns: [text("lldpLocPortId", `${lldp}.3.7.1.3`, "auto"), text("lldpLocPortDesc", `${lldp}.3.7.1.4`, "auto")],
    },
    {
      // The neighbour's management address stands in the index.
      table: "LLDP-MIB:lldpRemManAddrTable",
      cadence: "rare",
      keyIndexFrom: 1,
      maxRows: 1_000,
      columns: [gauge("lldpRemManAddrIfId", `${lldp}.4.2.1.4`, "")],
    },
    {
      table: "LLDP-EXT-MED-MIB:lldpXMedRemInventoryTable",
      cadence: "rare",
      keyIndexFrom: 1,
      maxRows: 1_000,
      columns: [
        // Extension 4795 is TIA's OUI; some agents follow a draft that has 1.
        { ...text("lldpXMedRemSerialNum", `${lldp}.5.4795.1.3.3.1.4`, "auto"), fallback: `${lldp}.5.1.1.3.3.1.4` },
        { ...text("lldpXMedRemModelName", `${lldp}.5.4795.1.3.3.1.6`, "auto"), fallback: `${lldp}.5.1.1.3.3.1.6` },
      ],
    },
  ],
};

/** CISCO-CDP-MIB. */
export const cdpNeighbours: MetricSet = {
  name: "cdp",
  title: "CDP neighbours",
  tables: [
    {
      table: "CISCO-CDP-MIB:cdpCacheTable",
      cadence: "rare",
      maxRows: 1_000,
      columns: [
        state("cdpCacheAddressType", `${cdp}.3`),
        text("cdpCacheAddress", `${cdp}.4`, "ip"),
        text("cdpCacheVersion", `${cdp}.5`, "auto"),
        text("cdpCacheDeviceId", `${cdp}.6`, "auto"),
        text("cdpCacheDevicePort", `${cdp}.7`, "auto"),
        text("cdpCachePlatform", `${cdp}.8`, "auto"),
      ],
    },
  ],
};

/** IP-MIB and TCP-MIB. The address and route tables are walked only on request, and only counted. */
export const ipAddresses: MetricSet = {
  name: "ip",
  title: "IP addresses and TCP connections",
  tables: [
    {
      table: "TCP-MIB:tcp",
      cadence: "live",
      scalars: true,
      columns: [gauge("tcpCurrEstab", "1.3.6.1.2.1.6.9", "{connection}", { range: [0, 2 ** 32] })],
    },
    {
      table: "IP-MIB:ipAddrTable",
      cadence: "rare",
      indexLabel: "address",
      columns: [gauge("ipAdEntIfIndex", "1.3.6.1.2.1.4.20.1.2", ""), text("ipAdEntNetMask", "1.3.6.1.2.1.4.20.1.3")],
    },
  ],
};

export const arpTables: MetricSet = {
  name: "arp",
  title: "Number of ARP entries, addresses and routes",
  optional: true,
  tables: (
    [
      ["IP-MIB:ipNetToMediaTable", "ipNetToMediaPhysAddress", "1.3.6.1.2.1.4.22.1.2", "{address}"],
      ["IP-MIB:ipNetToPhysicalTable", "ipNetToPhysicalPhysAddress", "1.3.6.1.2.1.4.35.1.4", "{address}"],
      ["IP-MIB:ipAddressTable", "ipAddressIfIndex", "1.3.6.1.2.1.4.34.1.3", "{address}"],
      ["IP-FORWARD-MIB:inetCidrRouteTable", "inetCidrRouteIfIndex", "1.3.6.1.2.1.4.24.7.1.7", "{route}"],
    ] as const
  ).map(([table, metric, oid, unit]) => ({ table, cadence: "rare", aggregate: "count", columns: [gauge(metric, oid, unit)] })),
};

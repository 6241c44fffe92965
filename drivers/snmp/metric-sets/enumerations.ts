/** What a state means to a NOC, whatever the device calls it. */
export type GenericSeverity = "ok" | "warning" | "critical" | "unknown";

export interface Enumeration {
  readonly names: Readonly<Record<number, string>>;
  /** Only where it is obvious; a value without one has no opinion. */
  readonly severity?: Readonly<Record<number, GenericSeverity>>;
}

/** By name as used in `enum:NAME` (RFC or vendor MIB object). OID-valued ones are keyed by the last arc. */
export const enumerations: Readonly<Record<string, Enumeration>> = {
  ifAdminStatus: { names: { 1: "up", 2: "down", 3: "testing" } },
  ifOperStatus: {
    names: { 1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "notPresent", 7: "lowerLayerDown" },
    severity: { 1: "ok", 4: "unknown" },
  },
  ifType: {
    names: {
      1: "other",
      6: "ethernetCsmacd",
      23: "ppp",
      24: "softwareLoopback",
      32: "frameRelay",
      37: "atm",
      53: "propVirtual",
      54: "propMultiplexor",
      62: "fastEther",
      71: "ieee80211",
      94: "adsl",
      96: "sdsl",
      97: "vdsl",
      108: "pppMultilinkBundle",
      117: "gigabitEthernet",
      127: "docsCableMaclayer",
      131: "tunnel",
      135: "l2vlan",
      136: "l3ipvlan",
      142: "ipForward",
      150: "mplsTunnel",
      157: "propWirelessP2P",
      161: "ieee8023adLag",
      166: "mpls",
      169: "shdsl",
      188: "radioMAC",
      195: "opticalChannel",
      209: "bridge",
      243: "wwanPP",
      244: "wwanPP2",
      250: "gpon",
      251: "vdsl2",
    },
  },
  dot3StatsDuplexStatus: { names: { 1: "unknown", 2: "halfDuplex", 3: "fullDuplex" }, severity: { 2: "warning", 3: "ok" } },
  hrStorageType: {
    names: {
      1: "other",
      2: "ram",
      3: "virtualMemory",
      4: "fixedDisk",
      5: "removableDisk",
      6: "floppyDisk",
      7: "compactDisc",
      8: "ramDisk",
      9: "flashMemory",
      10: "networkDisk",
    },
  },
  hrDeviceType: {
    names: {
      1: "other",
      2: "unknown",
      3: "processor",
      4: "network",
      5: "printer",
      6: "diskStorage",
      10: "video",
      11: "audio",
      12: "coprocessor",
      13: "keyboard",
      14: "modem",
      15: "parallelPort",
      16: "pointing",
      17: "serialPort",
      18: "tape",
      19: "clock",
      20: "volatileMemory",
      21: "nonVolatileMemory",
    },
  },
  hrDeviceStatus: {
    names: { 1: "unknown", 2: "running", 3: "warning", 4: "testing", 5: "down" },
    severity: { 1: "unknown", 2: "ok", 3: "warning", 5: "critical" },
  },
  hrSWRunStatus: { names: { 1: "running", 2: "runnable", 3: "notRunnable", 4: "invalid" }, severity: { 1: "ok", 2: "ok", 4: "warning" } },
};

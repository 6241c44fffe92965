import type { MetricSet } from "../metric-sets/metric-set.ts";

const enterprise = "1.3.6.1.4.1";

/**
 * What tells vendors apart whose devices say nothing useful as sysObjectID (most of a small business' equipment): asked for in one
 * GET whenever the inventory is read. The rules of the metric sets are asked for in the same GET.
 */
export const vendorProbes: readonly Pick<MetricSet, "name" | "identity">[] = [
  {
    name: "qnap-hero",
    identity: [
      { field: "model", oid: `${enterprise}.55062.1.12.3.0` },
      { field: "vendor", value: "QNAP" },
      { field: "deviceClass", value: "nas" },
    ],
  },
  {
    name: "airmax-radio",
    identity: [
      { field: "vendor", oid: `${enterprise}.41112.1.4.5.1.7.1`, value: "Ubiquiti" },
      { field: "deviceClass", value: "wireless-bridge" },
    ],
  },
  {
    name: "edgepower",
    identity: [
      { field: "model", oid: `${enterprise}.41112.1.5.1.1.0` },
      { field: "vendor", value: "Ubiquiti" },
    ],
  },
  {
    name: "airfiber",
    identity: [
      { field: "vendor", oid: `${enterprise}.41112.1.3.2.1.5.1`, value: "Ubiquiti" },
      { field: "firmware", oid: `${enterprise}.41112.1.3.2.1.40.1` },
      { field: "deviceClass", value: "wireless-bridge" },
    ],
  },
  {
    name: "grandstream",
    identity: [
      { field: "model", oid: `${enterprise}.42397.1.1.2.1.0` },
      { field: "vendor", value: "Grandstream" },
      { field: "deviceClass", value: "access-point" },
    ],
  },
  {
    name: "imm",
    identity: [
      { field: "vendor", oid: `${enterprise}.2.3.51.3.3.2.1.0`, value: "Lenovo" },
      { field: "model", oid: `${enterprise}.2.3.51.3.1.5.2.1.5.0` },
      { field: "serial", oid: `${enterprise}.2.3.51.3.1.5.2.1.3.0` },
      { field: "deviceClass", value: "server" },
    ],
  },
  {
    name: "check-point",
    identity: [
      { field: "firmware", oid: `${enterprise}.2620.1.6.5.1.0` },
      { field: "vendor", value: "Check Point" },
      { field: "deviceClass", value: "firewall" },
    ],
  },
  {
    name: "sophos",
    identity: [
      { field: "model", oid: `${enterprise}.2604.5.1.1.2.0` },
      { field: "firmware", oid: `${enterprise}.2604.5.1.1.3.0` },
      { field: "vendor", value: "Sophos" },
      { field: "deviceClass", value: "firewall" },
    ],
  },
  {
    name: "compellent",
    identity: [
      { field: "model", oid: `${enterprise}.674.11000.2000.500.1.2.1.0` },
      { field: "vendor", value: "Dell" },
      { field: "deviceClass", value: "nas" },
    ],
  },
  {
    name: "abb",
    identity: [
      { field: "model", oid: `${enterprise}.53973.1.1.1.1.1.1.0` },
      { field: "vendor", value: "ABB" },
      { field: "deviceClass", value: "ups" },
    ],
  },
  {
    // nsExtendOutput1Line of a script called "version" (OPNsense, FreshTomato).
    name: "extend-version",
    identity: [{ field: "firmware", oid: `${enterprise}.8072.1.3.2.3.1.1.7.118.101.114.115.105.111.110` }],
  },
  {
    // nsExtendOutput1Line of a script called "distro" (OpenWrt and distributions of Linux).
    name: "extend-distro",
    identity: [{ field: "osName", oid: `${enterprise}.8072.1.3.2.3.1.1.6.100.105.115.116.114.111` }],
  },
];

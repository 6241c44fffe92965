import { describe, expect, it } from "vitest";
import { identityOf, type Walk } from "./synthetic-agent.ts";

interface Device {
  readonly name: string;
  readonly objectId: string;
  readonly sysDescr: string;
  readonly walk?: Walk;
  readonly is: Readonly<Record<string, string>>;
}

const ups = "1.3.6.1.2.1.33.1";

/** Made up from the definitions of the MIBs, and from how vendors document their sysDescr. No device is like this one. */
const devices: readonly Device[] = [
  {
    name: "an agent of FASTPATH under Dell's number",
    objectId: ".674.10895.3999",
    sysDescr: "Dell EMC Networking N9999P, 6.9.9.9, Linux 4.14.1",
    walk: { ".674.10895.5000.2.6132.1.1.1.1.1.4.0": "TESTDELL01" },
    is: { vendor: "Dell", model: "N9999P", serial: "TESTDELL01", firmware: "6.9.9.9", deviceClass: "switch" },
  },
  {
    name: "Dell OS10",
    objectId: ".674.11000.5000.100.2.1.99",
    sysDescr:
      "Dell EMC Networking OS10 Enterprise. Copyright (c) 1999-2024 by Dell Inc. All Rights Reserved. System Description: OS10 Enterprise. OS Version: 10.9.9.1. System Type: S9999F-ON",
    is: { vendor: "Dell", model: "S9999F-ON", firmware: "10.9.9.1", osName: "OS10" },
  },
  {
    name: "Comware",
    objectId: ".25506.11.1.999",
    sysDescr: "HPE Comware Platform Software, Software Version 7.9.045, Release 9999P06 HPE 9930-24G-4SFP+ EI Switch",
    is: { firmware: "7.9.045, Release 9999P06", osName: "Comware", deviceClass: "switch" },
  },
  {
    name: "a smart switch of HP",
    objectId: ".11.2.3.7.11.999",
    sysDescr: "HP ProCurve 9910G - 24 GE, P.9.22, eCos-3.0, CFE-2.1",
    is: { vendor: "HP", model: "9910G - 24 GE", firmware: "P.9.22" },
  },
  {
    name: "ICX under its old name",
    objectId: ".1991.1.3.99.1",
    sysDescr:
      "Brocade Communications Systems, Inc. ICX9950-24, IronWare Version 09.9.00aT311 Compiled on Jan 01 2020 at 00:00:00 labeled as XX",
    walk: { ".1991.1.1.1.1.2.0": "TESTICX001" },
    is: { vendor: "Brocade", model: "ICX9950-24", serial: "TESTICX001", firmware: "09.9.00a", deviceClass: "switch" },
  },
  {
    name: "a switch of Huawei",
    objectId: ".2011.2.23.999",
    sysDescr:
      "S9920-28X-LI-AC Huawei Versatile Routing Platform Software VRP (R) software,Version 5.999 (S9920 V999R010C00SPC600) Copyright",
    is: { vendor: "Huawei", model: "S9920", firmware: "V999R010C00SPC600", osName: "VRP" },
  },
  {
    name: "AireOS",
    objectId: ".9.1.9999",
    sysDescr: "Cisco Controller",
    walk: { ".14179.1.1.1.3.0": "AIR-CT9999-K9", ".14179.1.1.1.4.0": "TESTWLC0001", ".14179.1.1.1.14.0": "8.9.99.0" },
    is: { vendor: "Cisco", model: "AIR-CT9999-K9", serial: "TESTWLC0001", firmware: "8.9.99.0", deviceClass: "access-point" },
  },
  {
    name: "a router of Cisco older than ENTITY-MIB",
    objectId: ".9.1.9997",
    sysDescr: "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 99.2(4)M6, RELEASE SOFTWARE (fc2)",
    walk: { ".9.3.6.3.0": "TESTISR0001" },
    is: { vendor: "Cisco", serial: "TESTISR0001", firmware: "99.2(4)M6", deviceClass: "router" },
  },
  {
    name: "an access point of Meraki",
    objectId: ".29671.2.999",
    sysDescr: "Cisco Meraki MR99 Cloud Managed AP",
    is: { vendor: "Cisco Meraki", model: "MR99", deviceClass: "access-point" },
  },
  {
    name: "FortiGate without ENTITY-MIB",
    objectId: ".12356.101.1.9999",
    sysDescr: "branch",
    walk: { ".12356.100.1.1.1.0": "FG990FTEST000001", ".12356.101.4.1.1.0": "v9.2.6,build1,240101 (GA)" },
    is: { vendor: "Fortinet", model: "FortiGate 990F", serial: "FG990FTEST000001", deviceClass: "firewall" },
  },
  {
    name: "a switch with the software of Marvell",
    objectId: ".3955.6.9.2048.1",
    sysDescr: "48-port switch",
    walk: { ".89.53.14.1.11.1": "LGS999", ".89.53.14.1.5.1": "TESTLGS001", ".89.53.14.1.2.1": "9.4.0.1" },
    is: { vendor: "Linksys", model: "LGS999", serial: "TESTLGS001", firmware: "9.4.0.1" },
  },
  {
    name: "a UPS of APC of an unlisted line",
    objectId: ".318.1.3.99.1",
    sysDescr:
      "APC Web/SNMP Management Card (MB:v4.2.9 PF:v9.9.8 PN:x.bin AF1:v9.9.8 AN1:x.bin MN:AP9999 HR:08 SN: TESTCARD001 MD:01/01/2020)",
    walk: { ".318.1.1.1.1.1.1.0": "Symmetra 99K", ".318.1.1.1.1.2.3.0": "TESTSYM0001", ".318.1.1.1.1.2.1.0": "UPS 99.0" },
    is: { vendor: "APC", model: "Symmetra 99K", serial: "TESTSYM0001", firmware: "UPS 99.0", hardware: "AP9999", deviceClass: "ups" },
  },
  {
    name: "airFiber, whose probed object is a number and no model",
    objectId: ".10002.1",
    sysDescr: "Linux 2.6.33 #1 Mon Jan 1 00:00:00 UTC 2020 armv5tejl",
    walk: { ".41112.1.3.2.1.5.1": 380_000_000, ".41112.1.3.2.1.40.1": "v9.1.1" },
    is: { vendor: "Ubiquiti", firmware: "v9.1.1", deviceClass: "wireless-bridge" },
  },
  {
    name: "a switch of HPE with Comware",
    objectId: ".25506.11.1.998",
    sysDescr: "HPE Comware Platform Software, Software Version 7.9.045, Release 9999P06 HPE 9940-24G Switch Copyright",
    is: { vendor: "HPE", deviceClass: "switch" },
  },
  {
    name: "a firewall of Cisco",
    objectId: ".9.1.9998",
    sysDescr: "Cisco Firepower Threat Defense, Version 9.4.0.7 (Build 1)",
    is: { vendor: "Cisco", firmware: "9.4.0.7", deviceClass: "firewall" },
  },
  {
    name: "ScreenOS",
    objectId: ".3224.1.99",
    sysDescr: "SSG9-Serial version 6.9.0r99 (SN: 0162999988887777, Firewall+VPN)",
    is: { vendor: "Juniper", model: "SSG9-Serial", firmware: "6.9.0r99", serial: "0162999988887777", deviceClass: "firewall" },
  },
  {
    name: "Stormshield whose agent calls itself Net-SNMP",
    objectId: ".8072.3.2.8",
    sysDescr: "FreeBSD firewall 12.0-RELEASE",
    walk: { ".11256.1.0.1.0": "SN999", ".11256.1.0.2.0": "9.3.1", ".11256.1.0.3.0": "SN999TEST0001" },
    is: { vendor: "Stormshield", model: "SN999", serial: "SN999TEST0001", firmware: "9.3.1", deviceClass: "firewall" },
  },
  {
    name: "SonicWall",
    objectId: ".8741.1",
    sysDescr: "SonicWall TZ 999 (SonicOS 9.0.1-9999)",
    walk: { ".8741.2.1.1.2.0": "TESTSNWL0001" },
    is: { vendor: "SonicWall", model: "TZ 999", serial: "TESTSNWL0001", firmware: "9.0.1-9999" },
  },
  {
    name: "Digi TransPort",
    objectId: ".16378.10000",
    sysDescr: "Digi TransPort WR99-HXA1 Ser#:987654 HW Revision:9909a Software Build Ver9.2.17.12. Jan 1 2020",
    is: { vendor: "Digi", model: "WR99-HXA1", serial: "987654", firmware: "9.2.17.12", deviceClass: "router" },
  },
  {
    name: "Opengear",
    objectId: ".25049.1.99",
    sysDescr: "Opengear/XM9999-2 Version 9.5.0u1 --",
    walk: { ".25049.17.1.2.0": "TESTOG0000001" },
    is: { vendor: "Opengear", model: "XM9999-2", serial: "TESTOG0000001", firmware: "9.5.0u1" },
  },
  {
    name: "a radio of Mimosa",
    objectId: ".43356.1.1.9",
    sysDescr: "Mimosa C9x",
    walk: { ".43356.2.1.2.1.2.0": "TESTMIM001", ".43356.2.1.2.1.3.0": "2.9.1" },
    is: { vendor: "Mimosa", model: "C9x", serial: "TESTMIM001", firmware: "2.9.1", deviceClass: "wireless-bridge" },
  },
  {
    name: "SmartZone",
    objectId: ".25053.3.1.11.9",
    sysDescr: "SZ999",
    walk: { ".25053.1.4.1.1.1.15.13.0": "TESTSZ00001" },
    is: { vendor: "Ruckus", model: "SZ999", serial: "TESTSZ00001" },
  },
  {
    name: "Sentry 4",
    objectId: ".1718.4",
    sysDescr: "Sentry Switched PDU",
    walk: {
      ".1718.4.1.2.2.1.5.1": "C9WG36TE",
      ".1718.4.1.2.2.1.4.1": "TESTPDU0001",
      ".1718.4.1.1.1.3.0": "Sentry Switched PDU Version 9.0p",
    },
    is: { vendor: "Server Technology", model: "C9WG36TE", serial: "TESTPDU0001", firmware: "9.0p", deviceClass: "pdu" },
  },
  {
    name: "a PDU of Tripp Lite",
    objectId: ".850.1",
    sysDescr: "PDUMV99HVNETLX",
    walk: { ".850.1.1.1.2.1.5.1": "PDUMV99HVNETLX", ".850.1.1.2.1.1.5.1": "TESTTL0001", ".850.1.1.2.1.1.4.1": "99.04.0052" },
    is: { vendor: "Tripp Lite", model: "PDUMV99HVNETLX", serial: "TESTTL0001", firmware: "99.04.0052", deviceClass: "pdu" },
  },
  {
    name: "a UPS with XUPS-MIB",
    objectId: ".534.1",
    sysDescr: "Eaton 9PX",
    walk: { ".534.1.1.2.0": "EATON 99PX 9000i", ".534.1.1.3.0": "INV: 9.14", ".534.1.1.6.0": "TESTXUPS01" },
    is: { vendor: "Eaton", model: "EATON 99PX 9000i", serial: "TESTXUPS01", firmware: "INV: 9.14", deviceClass: "ups" },
  },
  {
    name: "a UPS with a card of Megatec",
    objectId: ".935",
    sysDescr: "NetAgent II",
    walk: { ".935.1.1.1.1.1.1.0": "Line 9 3000", ".935.1.1.1.1.2.1.0": "9.01", ".935.1.1.1.1.2.3.0": "TESTNA0001" },
    is: { model: "Line 9 3000", serial: "TESTNA0001", firmware: "9.01", deviceClass: "ups" },
  },
  {
    name: "a UPS with nothing but RFC 1628",
    objectId: ".99998.33",
    sysDescr: "network card",
    walk: { [`${ups}.1.1.0`]: "Riello UPS s.p.a.", [`${ups}.1.2.0`]: "SDL 9000", [`${ups}.1.3.0`]: "SWM099", [`${ups}.2.1.0`]: 2 },
    is: { vendor: "Riello", model: "SDL 9000", firmware: "SWM099", deviceClass: "ups" },
  },
  {
    name: "a printer with an IEEE 1284 device ID",
    objectId: ".99998.43",
    sysDescr: "Print server",
    walk: {
      "1.3.6.1.2.1.25.3.5.1.1.1": 3,
      ".2699.1.2.1.2.1.1.3.1": "MFG:Konica Minolta;CMD:PCL;MDL:bizhub 999i;CLS:PRINTER;SN:TESTKM0001;",
    },
    is: { vendor: "Konica Minolta", model: "bizhub 999i", serial: "TESTKM0001", deviceClass: "printer" },
  },
  {
    name: "a printer that puts all into sysDescr",
    objectId: ".236.11.5.1",
    sysDescr: "Samsung CLX-9990 Series; V9.00.01.04 Jan-01-2020;Engine V1.00.99;NIC V9.01;S/N TESTSAM00001",
    is: { vendor: "Samsung", model: "CLX-9990 Series", serial: "TESTSAM00001", firmware: "9.00.01.04", deviceClass: "printer" },
  },
  {
    name: "a copier of another name",
    objectId: ".367.1.1",
    sysDescr: "LANIER MP C9904 9.07 / LANIER Network Printer C model / LANIER Network Scanner C model",
    is: { model: "MP C9904", firmware: "9.07", deviceClass: "printer" },
  },
  {
    name: "Fujitsu's management controller",
    objectId: ".231.1.39",
    sysDescr: "iRMC S9",
    walk: { ".231.2.10.2.2.10.2.3.1.5.1": "PRIMERGY RX9999 M9", ".231.2.10.2.2.10.2.3.1.7.1": "TESTFTS0001" },
    is: { vendor: "Fujitsu", model: "PRIMERGY RX9999 M9", serial: "TESTFTS0001", deviceClass: "server" },
  },
  {
    name: "ONTAP",
    objectId: ".789.2.5",
    sysDescr: "NetApp Release 9.99P3: Mon Jan 01 00:00:00 UTC 2024",
    walk: { ".789.1.1.5.0": "FAS9999", ".789.1.1.9.0": "999900001111" },
    is: { vendor: "NetApp", model: "FAS9999", serial: "999900001111", firmware: "9.99P3", deviceClass: "nas" },
  },
  {
    name: "a storage array with the Fibre Channel management MIB",
    objectId: ".347.3.4",
    sysDescr: "controller",
    walk: {
      "1.3.6.1.3.94.1.6.1.7.32.0.0.192.255.0.0.0.1.0.0.0.0.0.0.0.0": "Array 9040",
      "1.3.6.1.3.94.1.6.1.8.32.0.0.192.255.0.0.0.1.0.0.0.0.0.0.0.0": "TESTDH0001",
    },
    is: { vendor: "Dot Hill", model: "Array 9040", serial: "TESTDH0001", deviceClass: "nas" },
  },
  {
    name: "a recorder of Dahua whose agent calls itself Net-SNMP",
    objectId: ".8072.3.2.10",
    sysDescr: "Linux (none) 3.10.73 #2 SMP armv7l",
    walk: { ".1004849.2.1.2.6.0": "NVR9999", ".1004849.2.1.2.4.0": "TESTDAH0001", ".1004849.2.1.1.1.0": "9.001.0000" },
    is: { vendor: "Dahua", model: "NVR9999", serial: "TESTDAH0001", firmware: "9.001.0000", deviceClass: "camera" },
  },
  {
    name: "SCALANCE",
    objectId: ".4196.1.1.5.2.99",
    sysDescr: "Siemens, SIMATIC NET, SCALANCE X999-2, 6GK5 999-2BB10-2AA3, HW: Version 4, FW: Version V9.02, SVPTEST01",
    walk: { ".4329.6.3.2.1.1.3.0": "SVPTEST01" },
    is: { vendor: "Siemens", model: "SCALANCE X999-2", serial: "SVPTEST01", firmware: "9.02", deviceClass: "switch" },
  },
  {
    name: "Infoblox",
    objectId: ".7779.1.9999",
    sysDescr: "Linux infoblox 4.14 x86_64",
    walk: { ".7779.3.1.1.2.1.4.0": "IB-9999", ".7779.3.1.1.2.1.6.0": "TESTIB0001", ".7779.3.1.1.2.1.7.0": "9.4.2" },
    is: { vendor: "Infoblox", model: "IB-9999", serial: "TESTIB0001", firmware: "9.4.2" },
  },
  {
    name: "a gateway of AudioCodes",
    objectId: ".5003.8.1.1.99",
    sysDescr: "Product: Mediant 9900 - MSBG;SW Version: 9.80A.286.002",
    is: { vendor: "AudioCodes", model: "Mediant 9900 - MSBG", firmware: "9.80A.286.002" },
  },
];

describe("devices of many vendors", () => {
  it.each(devices.map((device) => [device.name, device] as const))("%s", async (_name, { objectId, sysDescr, walk = {}, is }) => {
    expect(await identityOf(objectId, sysDescr, walk)).toMatchObject(is);
  });
});

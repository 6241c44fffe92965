import type { Device } from "./synthetic-agent.ts";

const ups = "1.3.6.1.2.1.33.1";

/** What hangs on a network; made up like the rest. */
export const otherDevices: readonly Device[] = [
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
    name: "a UPS of MGE behind a card that describes itself",
    objectId: ".705.1",
    sysDescr: "MGE UPS SYSTEMS - Network Management Card",
    walk: { ".705.1.1.1.0": "Galaxy 9999", ".705.1.1.4.0": "9.1", ".705.1.1.7.0": "TESTMGE001" },
    is: { vendor: "Eaton", model: "Galaxy 9999", serial: "TESTMGE001", firmware: "9.1", deviceClass: "ups" },
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
    name: "a router of Asus that is called what it is",
    objectId: ".8072.3.2.10",
    sysDescr: "Linux RT-AX99U-0A1B 9.1.52 #1 SMP PREEMPT aarch64",
    is: { vendor: "Asus", model: "RT-AX99U", deviceClass: "router", osName: "Linux" },
  },
  {
    name: "a router of somebody with Broadcom's kernel",
    objectId: ".8072.3.2.10",
    sysDescr: "Linux attic 9.6.36.9brcmarm #9 SMP PREEMPT armv7l",
    is: { deviceClass: "router", osName: "Linux" },
  },
  {
    name: "a host of virtual machines with Proxmox",
    objectId: ".8072.3.2.10",
    sysDescr: "Linux host9 9.8.12-4-pve #1 SMP PREEMPT_DYNAMIC PMX 9.8.12-4 x86_64",
    is: { osName: "Proxmox VE", firmware: "9.8.12-4-pve", deviceClass: "server" },
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
  {
    name: "a UPS behind a card of Vertiv that has a serial number, too",
    objectId: ".476.1.42",
    sysDescr: "Liebert TEST9",
    walk: {
      ".476.1.42.2.1.2.0": "CARD-9",
      ".476.1.42.2.1.4.0": "TESTCARD01",
      ".476.1.42.2.4.2.1.4.1": "TEST9-3000",
      ".476.1.42.2.4.2.1.5.1": "9.01",
      ".476.1.42.2.4.2.1.7.1": "TESTUPS001",
    },
    is: { vendor: "Vertiv", model: "TEST9-3000", serial: "TESTUPS001", firmware: "9.01" },
  },
  {
    name: "a power strip that is sold under another name",
    objectId: ".13742.6",
    sysDescr: "PX9 030601",
    walk: { ".13742.6.3.2.1.1.2.1": "Legrand", ".13742.6.3.2.1.1.3.1": "PX9-5145R", ".13742.6.3.2.1.1.4.1": "TESTPX0001" },
    is: { vendor: "Legrand", model: "PX9-5145R", serial: "TESTPX0001", deviceClass: "pdu" },
  },
];

import type { Device } from "./synthetic-agent.ts";

/** Switches and modems by their sysDescr and by MIBs of families. Made up, as in `synthetic-network.ts`. */
export const switchDevices: readonly Device[] = [
  {
    name: "a stack of Juniper's that calls itself by no model in its box description",
    objectId: ".2636.1.1.1.2.999",
    sysDescr: "Juniper Networks, Inc. ex9900-48p Ethernet Switch, kernel JUNOS 99.2R3.4, Build date: 2020-01-01",
    walk: { ".2636.3.1.2.0": "Juniper Virtual Chassis Switch", ".2636.3.1.3.0": "TESTJN0001" },
    is: { vendor: "Juniper", model: "ex9900-48p", serial: "TESTJN0001", firmware: "99.2R3.4", deviceClass: "switch" },
  },
  {
    name: "EXOS under its new name",
    objectId: ".1916.2.9999",
    sysDescr: "Extreme Networks Switch Engine (5999-24T-8XE-SwitchEngine) version 99.5.1.5 by release-manager on Mon Jan 1",
    is: { vendor: "Extreme", model: "5999-24T-8XE", firmware: "99.5.1.5", deviceClass: "switch" },
  },
  {
    name: "VOSS",
    objectId: ".2272.999",
    sysDescr: "VSP-9950GSX-PWR+ (9.1.5.0)",
    walk: { ".2272.1.4.2.0": "TESTVSP001", ".2272.1.4.3.0": "R07" },
    is: { vendor: "Extreme", model: "VSP-9950GSX-PWR+", serial: "TESTVSP001", firmware: "9.1.5.0", hardware: "R07", osName: "VOSS" },
  },
  {
    name: "OS10, by the objects of its chassis",
    objectId: ".674.11000.5000.100.2.1.98",
    sysDescr: "Dell EMC Networking OS10 Enterprise. OS Version: 10.9.9.1. System Type: S9998F-ON",
    walk: { ".674.11000.5000.100.4.1.1.3.1.7.1": "TAG0001" },
    is: { model: "S9998F-ON", serial: "TAG0001", firmware: "10.9.9.1" },
  },
  {
    name: "OmniSwitch",
    objectId: ".6486.801.1.1.2.1.99.1.7",
    sysDescr: "Alcatel-Lucent Enterprise OS9960E-P24 9.9.1.141.R03 GA, January 01, 2020.",
    is: { vendor: "Alcatel-Lucent Enterprise", model: "OS9960E-P24", firmware: "9.9.1.141.R03", deviceClass: "switch" },
  },
  {
    name: "Comware whose description ends with the model",
    objectId: ".25506.1.9999",
    sysDescr: "H3C Comware Platform Software, Software Version 7.9.070, Release 9926P13 H3C S9930S-28P-EI Copyright (c) 2004-2020 New H3C",
    is: { vendor: "H3C", model: "S9930S-28P-EI", firmware: "7.9.070, Release 9926P13" },
  },
  {
    name: "a switch of HPE's with the part number in brackets",
    objectId: ".25506.11.1.998",
    sysDescr: "HPE OfficeConnect Switch 9920S-24G-2SFP (JL998A), PD.09.12",
    is: { model: "9920S-24G-2SFP", hardware: "JL998A", firmware: "PD.09.12" },
  },
  {
    name: "a switch that has a MIB of its own family beside its sysObjectID",
    objectId: ".259.10.1.999.107",
    sysDescr: "ECS9910-28T",
    walk: { ".259.10.1.999.1.1.3.1.2.1": "R0A", ".259.10.1.999.1.1.3.1.6.1": "9.5.2.33", ".259.10.1.999.1.1.3.1.10.1": "TESTEC0001" },
    is: { vendor: "Edgecore", model: "ECS9910-28T", serial: "TESTEC0001", firmware: "9.5.2.33", hardware: "R0A" },
  },
  {
    name: "an industrial switch that has one below it",
    objectId: ".8691.7.999",
    sysDescr: "EDS-990E",
    walk: { ".8691.7.999.1.2.0": "EDS-990E-3GTXSFP", ".8691.7.999.1.4.0": "V9.2 build 20010101" },
    is: { vendor: "Moxa", model: "EDS-990E-3GTXSFP", firmware: "V9.2 build 20010101" },
  },
  {
    name: "a cable modem",
    objectId: ".4998.2.9",
    sysDescr: "ACME DOCSIS 3.0 modem <<HW_REV: 7; VENDOR: Acme, L.L.C.; BOOTR: 1.2.1.62; SW_REV: 9.5.125; MODEL: AC999G>>",
    walk: { "1.3.6.1.2.1.69.1.1.4.0": "TESTCM0001" },
    is: { vendor: "Acme, L.L.C.", model: "AC999G", serial: "TESTCM0001", firmware: "9.5.125", hardware: "7" },
  },
  {
    name: "an image's name is no model (NX-OS)",
    objectId: ".9.12.3.1.3.9999",
    sysDescr: "Cisco NX-OS(tm) n9900, Software (n9900-uk9), Version 9.1(4)N1(1), RELEASE SOFTWARE",
    is: { vendor: "Cisco", firmware: "9.1(4)N1(1)", osName: "NX-OS" },
  },
  {
    name: "a small business' switch of Cisco, with its hardware version",
    objectId: ".9.6.1.9999.24.1",
    sysDescr: "CBS999-24T 24-Port Gigabit Smart Switch",
    walk: { ".9.6.1.101.53.14.1.4.1": "V09", ".9.6.1.101.53.14.1.5.1": "TESTCB0001" },
    is: { vendor: "Cisco", model: "CBS999-24T", serial: "TESTCB0001", hardware: "V09", deviceClass: "switch" },
  },
  {
    name: "SwOS",
    objectId: ".14988.2",
    sysDescr: "RB990GSP SwOS v9.13",
    is: { vendor: "MikroTik", model: "RB990GSP", firmware: "9.13", osName: "SwOS", deviceClass: "switch" },
  },
  {
    name: "a smart switch of D-Link",
    objectId: ".171.10.153.99.1",
    sysDescr: "WS6-DGS-9910-10P/F1 9.20.007",
    walk: { ".171.11.153.1000.1.2.0": "F9", ".171.11.153.1000.1.3.0": "9.20.007", ".171.11.153.1000.1.33.1.0": "TESTDL0001" },
    is: { vendor: "D-Link", serial: "TESTDL0001", firmware: "9.20.007", hardware: "F9", deviceClass: "switch" },
  },
  {
    name: "a switch whose description ends with the model in brackets",
    objectId: ".9.6.1.1099.24.1",
    sysDescr: "Catalyst 1900 Series Managed Switch, 24-port GE, 4x1G SFP (C1900-24T-9G)",
    is: { vendor: "Cisco", model: "C1900-24T-9G", deviceClass: "switch" },
  },
];

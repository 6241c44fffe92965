/** Vendor and, where the vendor makes only one kind, device class by IANA private enterprise number. */
export interface Enterprise {
  readonly vendor: string;
  readonly deviceClass?: string;
}

/**
 * `;NUMBER VENDOR` and, after a bar, the class: IANA's list of private enterprise numbers, under the name on today's boxes. One text, in
 * which an entry is looked for: a device is identified a few times a day, and objects would stay in memory.
 */
const entries = `
;2 IBM;9 Cisco;11 HP;36 DEC;42 Oracle|server;43 3Com|switch;45 Nortel|switch;94 Nokia;111 Oracle;116 Hitachi;119 NEC
;161 Cambium|wireless-bridge;171 D-Link|switch;193 Ericsson;202 SMC|switch;207 Allied Telesis|switch;211 Fujitsu;231 Fujitsu|server
;232 HPE|server;236 Samsung;244 Lantronix;248 Hirschmann|switch;253 Xerox|printer;258 Panasonic;259 Edgecore|switch;266 Nexans|switch
;272 bintec|router;278 Apresia|switch;289 Brocade|switch;297 Fuji Xerox|printer;311 Microsoft|server;314 Kodak|printer;318 APC;332 Digi
;343 Intel|server;347 Dot Hill|nas;367 Ricoh|printer;368 Axis|camera;388 Zebra|access-point;396 Panasonic;476 Vertiv|ups
;480 Konica Minolta|printer;529 Lucent;534 Eaton;553 GarrettCom|switch;637 Nokia;641 Lexmark|printer;664 Adtran;674 Dell;705 Eaton|ups
;738 Telco Systems|switch;789 NetApp|nas;800 Alcatel-Lucent Enterprise|switch;850 Tripp Lite;872 AVM|router;890 Zyxel;935 Megatec|ups;1027 Mitel
;1129 Toshiba|printer;1139 EMC|nas;1248 Epson|printer;1347 Kyocera|printer;1588 Brocade|switch;1602 Canon|printer;1714 Infortrend|nas
;1718 Server Technology|pdu;1768 Patton;1872 Radware;1916 Extreme|switch;1963 Intermec|printer;1981 EMC|nas;1991 Ruckus ICX|switch
;2001 OKI|printer;2011 Huawei;2136 EFI|printer;2254 Delta|ups;2272 Extreme|switch;2281 Ceragon|wireless-bridge;2294 Dot Hill|nas
;2356 LANCOM|router;2385 Sharp|printer;2435 Brother|printer;2509 Aviat|wireless-bridge;2544 ADVA;2604 Sophos|firewall;2606 Rittal|sensor
;2620 Check Point|firewall;2623 Asus;2636 Juniper;3076 Cisco;3097 WatchGuard|firewall;3181 Microsens|switch;3224 Juniper|firewall
;3320 BDCOM|switch;3375 F5;3417 Blue Coat;3697 Quantum|nas;3699 Network Technologies|sensor;3711 Sinetica|sensor;3717 genua|firewall
;3764 Quantum|nas;3793 Lanier|printer;3808 CyberPower;3822 Edimax;3833 Schneider Electric;3845 Citrix;3854 AKCP|sensor;3873 QLogic
;3902 ZTE;3941 Santak|ups;3955 Linksys;3967 Bosch|camera;4196 Siemens;4329 Siemens;4346 Phoenix Contact;4413 Broadcom|switch
;4491 CableLabs;4526 Netgear;4555 Socomec|ups;4881 Ruijie|switch;4998 Arris;5003 AudioCodes;5227 Buffalo|nas;5491 Riello|ups;5528 APC|sensor
;5596 Cisco;5597 Meinberg|server;5624 Enterasys|switch;5951 Citrix;6027 Dell|switch;6141 Ciena;6339 DCN|switch;6486 Alcatel-Lucent Enterprise|switch
;6527 Nokia|router;6574 Synology|nas;6666 innovaphone;6876 VMware|server;6889 Avaya;7244 Quanta|server;7262 DragonWave|wireless-bridge
;7367 DrayTek|router;7526 Snom;7571 SAF Tehnika|wireless-bridge;7779 Infoblox|server;7933 Promise|nas;8691 Moxa;8741 SonicWall|firewall
;8886 Raisecom|switch;9148 Oracle;9789 Sophos|firewall;9804 HPE|nas;9839 Carel;10297 Advantech;10418 Avocent;10456 Planet;10642 Zebra|printer
;10704 Barracuda|firewall;10876 Supermicro|server;11256 Stormshield|firewall;11863 TP-Link;11898 Proxim|access-point;12124 Isilon|nas
;12148 Eltek;12196 Kemp;12325 FreeBSD;12356 Fortinet;12532 Ivanti;12740 Dell|nas;13191 OneAccess|router;13742 Raritan|pdu;13885 Polycom
;14125 EnGenius|access-point;14179 Cisco|access-point;14525 Juniper|access-point;14823 HPE Aruba|access-point;14988 MikroTik
;15004 RuggedCom|switch;15497 Cisco;15983 Meru|access-point;16177 Westermo|switch;16378 Digi|router;17095 ServersCheck|sensor
;17163 Riverbed;17373 Geist|sensor;17409 C-Data;17713 Cambium|wireless-bridge;18248 Papouch|sensor;18334 Konica Minolta|printer
;18928 Areca|nas;19046 Lenovo|server;19746 Data Domain|nas;20542 Sierra Wireless|router;20632 Barracuda;20916 AVTECH|sensor
;20992 Cradlepoint|router;21013 Xirrus|access-point;21067 Cyberoam|firewall;21239 Vertiv|pdu;21317 ATEN;21796 HW group|sensor;22610 A10
;22626 Comet System|sensor;22736 Digium;23695 Peplink|router;24681 QNAP|nas;24693 FireBrick|router;25049 Opengear;25053 Ruckus
;25461 Palo Alto Networks|firewall;25506 H3C|switch;26543 Lenovo|switch;26928 Aerohive|access-point;27344 Dallmeier|camera
;27514 QTECH|switch;27615 devolo;27662 Peplink|router;28507 Gude|pdu;28557 Hillstone|firewall;29671 Cisco Meraki;30065 Arista|switch
;30155 OpenBSD;30803 Vyatta|router;31034 Schleifenbauer|pdu;31496 NetModule|router;31770 Bachmann|pdu;31926 Siklu|wireless-bridge
;32750 LigoWave|wireless-bridge;33049 Mellanox|switch;34278 Janitza;35047 Sangfor|firewall;35265 Eltex;36673 IP Infusion|switch
;36849 Hanwha|camera;37447 HPE|nas;37459 Yealink;37496 Dahua|camera;37538 Arista|switch;37662 Ablerex|ups;39165 Hikvision|camera
;39699 Robustel|router;40093 Pantum|printer;40310 Cumulus Networks|switch;40418 SNR|switch;40478 LevelOne;40482 Pure Storage|nas
;41112 Ubiquiti;41263 Nutanix|server;42397 Grandstream;43356 Mimosa|wireless-bridge;44641 VyOS|router;44738 Asustor|nas
;45770 Digital Loggers|pdu;46202 Avigilon|camera;46242 Netonix|switch;47196 HPE Aruba|switch;48690 Teltonika|router
;50001 Hikvision|camera;50536 TrueNAS|nas;52573 Keenetic|router;52587 Edgecore|switch;52642 FS|switch;52674 APC|sensor
;52845 Juniper Mist|access-point;53869 Deciso|firewall;53973 ABB|ups;55062 QNAP|nas;1004849 Dahua|camera;
`;

/**
 * Numbers that say nothing about the device: agents' own, chip makers' and kit makers' (Net-SNMP, Frogfoot and Ubiquiti's copy of it,
 * Broadcom's, Realtek's, Arduino's), the number for examples, and none at all.
 */
const genericObjectIds: readonly RegExp[] = [
  /^1\.3\.6\.1\.4\.1\.8072(\.3(\.2(\.|$)|$)|$)/,
  /^1\.3\.6\.1\.4\.1\.2021(\.250(\.|$)|$)/,
  /^1\.3\.6\.1\.4\.1\.10002\.1(\.|$)/,
  /^1\.3\.6\.1\.4\.1\.(27282|32473|36582)(\.|$)/,
  /^1\.3\.6\.1\.4\.1(\.\d+)?$/,
  /^1\.3\.6\.1(\.[0-3])?$/,
  /^0(\.\d+)?$/,
];

export function isGenericObjectId(sysObjectId: string | undefined): boolean {
  return sysObjectId === undefined || sysObjectId === "" || genericObjectIds.some((pattern) => pattern.test(sysObjectId));
}

/** By the number below enterprises; Net-SNMP's and other agents' numbers name nobody. */
export function enterpriseOf(sysObjectId: string | undefined): Enterprise | undefined {
  const number = /^1\.3\.6\.1\.4\.1\.(\d+)/.exec(sysObjectId ?? "")?.[1];
  if (number === undefined) return undefined;
  const start = entries.indexOf(`;${number} `);
  if (start < 0) return undefined;
  const entry = entries.slice(start + number.length + 2, entries.indexOf(";", start + 1)).trim();
  const [vendor = "", deviceClass] = entry.split("|");
  return deviceClass === undefined ? { vendor } : { vendor, deviceClass };
}

import type { DeviceIdentity } from "#model/observation.ts";

type Field = "vendor" | "model" | "serial" | "firmware" | "hardware" | "osName" | "deviceClass";

/** What a form of sysDescr says. Named groups of the pattern fill the fields of the same name; `fixed` fills the others. */
interface DescriptionRule {
  /** In words, for the evidence. */
  readonly form: string;
  readonly pattern: RegExp;
  readonly fixed?: Partial<Readonly<Record<Field, string>>>;
}

/**
 * Forms in which vendors write sysDescr. First match wins. No nested quantifiers: the text is the device's, and time is ours.
 */
const rules: readonly DescriptionRule[] = [
  {
    form: "Cisco IOS",
    pattern: /Cisco (?<osName>IOS(?:[ -]XE)?) Software.{0,160}?Version (?<firmware>[\w.()-]+)/s,
    fixed: { vendor: "Cisco" },
  },
  {
    form: "Cisco NX-OS",
    pattern: /Cisco (?<osName>NX-OS)\(tm\) (?<model>\S+),.{0,80}?Version (?<firmware>[\w.()-]+)/s,
    fixed: { vendor: "Cisco" },
  },
  {
    form: "Cisco ASA",
    pattern: /Cisco Adaptive Security Appliance Version (?<firmware>\S+)/,
    fixed: { vendor: "Cisco", osName: "ASA", deviceClass: "firewall" },
  },
  {
    form: "Juniper Junos",
    pattern: /Juniper Networks, Inc\. (?<model>\S+) .{0,80}?kernel (?<osName>JUNOS) (?<firmware>[^\s,]+)/,
    fixed: { vendor: "Juniper" },
  },
  { form: "Juniper SRX", pattern: /^Juniper (?<model>SRX\w*)/, fixed: { vendor: "Juniper", deviceClass: "firewall" } },
  { form: "Juniper", pattern: /^Juniper (?<model>EX\w*|QFX\w*|MX\w*)/, fixed: { vendor: "Juniper" } },
  {
    form: "HP switch",
    pattern: /(?:HP|ProCurve|Aruba|HPE) (?<hardware>J\w{4,5}) ?(?:Switch )?(?<model>[\w-]+).{0,40}?revision (?<firmware>[\w.]+)/,
    fixed: { deviceClass: "switch" },
  },
  {
    form: "HP JetDirect",
    pattern: /SN:(?<serial>[^,]{4,32}),FN:[^,]{0,32},SVCID:[^,]{0,32},PID:(?<model>[^,]{2,80})/,
    fixed: { vendor: "HP", deviceClass: "printer" },
  },
  { form: "HP printer", pattern: /PID:(?<model>HP [^,]{2,80})/, fixed: { vendor: "HP", deviceClass: "printer" } },
  {
    form: "APC management card",
    pattern: /APC Web\/SNMP Management Card \(MB:\S{0,40} PF:(?<firmware>\S{1,40}) .{0,160}?MN:(?<hardware>\S{1,24})/,
    fixed: { vendor: "APC" },
  },
  {
    form: "VMware ESXi",
    pattern: /VMware (?<osName>ESXi?) (?<firmware>[\d.]+ build-\d+)/,
    fixed: { vendor: "VMware", deviceClass: "server" },
  },
  {
    form: "Windows",
    pattern: /Software: (?<osName>Windows) (?:2000 )?Version (?<firmware>[\d.]+ \(Build \d+)/,
    fixed: { vendor: "Microsoft", deviceClass: "server" },
  },
  {
    form: "pfSense",
    pattern: /pfSense (?:\S{1,64} )?(?<firmware>\d[\w.-]+)/,
    fixed: { vendor: "Netgate", osName: "pfSense", deviceClass: "firewall" },
  },
  {
    form: "OPNsense",
    pattern: /OPNsense (?:\S{1,64} )?(?<firmware>\d[\w.-]+)/,
    fixed: { vendor: "Deciso", osName: "OPNsense", deviceClass: "firewall" },
  },
  {
    form: "RouterOS switch",
    pattern: /^RouterOS (?:\d\S{0,16} \S{1,16} on )?(?<model>C[RS]S\S+)/,
    fixed: { vendor: "MikroTik", osName: "RouterOS", deviceClass: "switch" },
  },
  {
    form: "RouterOS",
    pattern: /^RouterOS (?:\d\S{0,16} \S{1,16} on )?(?<model>\S+)/,
    fixed: { vendor: "MikroTik", osName: "RouterOS", deviceClass: "router" },
  },
  {
    form: "DrayTek",
    pattern: /^DrayTek Corporation, Router Model: (?<model>[^,]{2,40}), Version: (?<firmware>[^,\s]{1,40})/,
    fixed: { vendor: "DrayTek", deviceClass: "router" },
  },
  {
    form: "Axis",
    pattern: /^ ?; AXIS (?<model>[^;]{2,40}); (?<hardware>[^;]{2,60}); (?<firmware>[^;]{1,24});/,
    fixed: { vendor: "Axis", deviceClass: "camera" },
  },
  {
    form: "Brother",
    pattern: /^Brother (?<hardware>NC-\S+), Firmware Ver\.(?<firmware>\S+)/,
    fixed: { vendor: "Brother", deviceClass: "printer" },
  },
  {
    form: "EdgeSwitch",
    pattern: /^(?<model>EdgeSwitch [^,]{2,40}), (?<firmware>[\d.]+)/,
    fixed: { vendor: "Ubiquiti", deviceClass: "switch" },
  },
  { form: "EdgeOS", pattern: /^EdgeOS v(?<firmware>[\w.-]+)/, fixed: { vendor: "Ubiquiti", osName: "EdgeOS", deviceClass: "router" } },
  {
    form: "UniFi access point",
    pattern: /^(?<model>U(?:AP|6|7)[\w+-]*) (?<firmware>\d[\d.]+)/,
    fixed: { vendor: "Ubiquiti", deviceClass: "access-point" },
  },
  {
    form: "UniFi switch",
    pattern: /^(?<model>US[WC]?-[\w+-]+),? (?<firmware>\d[\d.]+)/,
    fixed: { vendor: "Ubiquiti", deviceClass: "switch" },
  },
  {
    form: "Netgear",
    pattern: /^(?<model>(?:GS|XS|GSM|FS|M)\d\w+) .{0,100}?, (?<firmware>\d+\.[\d.]+)/,
    fixed: { vendor: "Netgear", deviceClass: "switch" },
  },
  { form: "Cisco Business", pattern: /^(?<model>(?:CBS|SG|SF|SX)\d{3}\S*) \S+-Port/, fixed: { vendor: "Cisco", deviceClass: "switch" } },
  { form: "D-Link", pattern: /^(?<model>D[GEX]S-\S+)/, fixed: { vendor: "D-Link", deviceClass: "switch" } },
  { form: "Zyxel switch", pattern: /^(?<model>(?:GS|XGS|XS|MGS)\d{4}\S*)$/, fixed: { vendor: "Zyxel", deviceClass: "switch" } },
  { form: "Omada", pattern: /^Omada \d+-Port .{0,60}?Switch/, fixed: { vendor: "TP-Link", deviceClass: "switch" } },
  { form: "JetStream", pattern: /^JetStream \d+-Port .{0,60}?Switch/, fixed: { vendor: "TP-Link", deviceClass: "switch" } },
  { form: "Ruckus", pattern: /^Ruckus Wireless (?<model>[A-Z]\w{2,12})/, fixed: { vendor: "Ruckus", deviceClass: "access-point" } },
  { form: "Canopy", pattern: /^CANOPY (?<firmware>[\d.]+)/, fixed: { vendor: "Cambium", deviceClass: "wireless-bridge" } },
  { form: "Eaton UPS", pattern: /^Eaton (?<model>\d\w{1,6} ?\S{0,12})/, fixed: { vendor: "Eaton", deviceClass: "ups" } },
  { form: "Lexmark", pattern: /^Lexmark (?<model>\S+) version (?<firmware>\S+)/, fixed: { vendor: "Lexmark", deviceClass: "printer" } },
  { form: "Ricoh", pattern: /^RICOH (?<model>[^/]{2,40}?) (?<firmware>\d[\d.]*) \//i, fixed: { vendor: "Ricoh", deviceClass: "printer" } },
  { form: "Xerox", pattern: /^Xerox(?:\(R\))? (?<model>[^;]{2,60});/i, fixed: { vendor: "Xerox", deviceClass: "printer" } },
  { form: "Canon", pattern: /^Canon (?<model>[^/]{2,40}) \//, fixed: { vendor: "Canon", deviceClass: "printer" } },
  { form: "LANCOM", pattern: /^LANCOM (?<model>.{2,40}?) (?<firmware>\d+\.\d+\.\S+)/, fixed: { vendor: "LANCOM", deviceClass: "router" } },
  {
    form: "Arista",
    pattern: /Arista Networks (?<osName>EOS) version (?<firmware>\S+) running on an Arista Networks (?<model>\S+)/,
    fixed: { vendor: "Arista", deviceClass: "switch" },
  },
  {
    form: "SonicWall",
    pattern: /SonicW(?:ALL|all) (?<model>.{2,40}?) \((?:SonicOS )?(?<firmware>[^)]{2,60})\)/,
    fixed: { vendor: "SonicWall", deviceClass: "firewall" },
  },
  { form: "Palo Alto", pattern: /^Palo Alto Networks (?<model>PA-\S+)/, fixed: { vendor: "Palo Alto Networks", deviceClass: "firewall" } },
  {
    form: "Huawei VRP",
    pattern: /(?<osName>VRP) \(R\) [Ss]oftware, Version (?<firmware>\S+) \((?<model>\S+) /,
    fixed: { vendor: "Huawei" },
  },
  { form: "OpenWrt", pattern: /\b(?<osName>OpenWrt)\b/, fixed: { deviceClass: "router" } },
  { form: "FreeBSD", pattern: /^(?<osName>FreeBSD) /, fixed: { deviceClass: "server" } },
  { form: "Linux", pattern: /^(?<osName>Linux) \S/ },
];

const maxDescriptionLength = 512;

/** What the text says by itself, with the form that said it. */
export function describe(sysDescr: string | undefined): { readonly form: string; readonly identity: Partial<DeviceIdentity> } | undefined {
  if (sysDescr === undefined) return undefined;
  const text = sysDescr.slice(0, maxDescriptionLength);
  for (const { form, pattern, fixed } of rules) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const found: Partial<Record<Field, string>> = { ...fixed };
    for (const [field, value] of Object.entries(match.groups ?? {})) {
      if (value !== undefined && isField(field)) found[field] = value.trim().replace(/ \(Build /, ".");
    }
    return { form, identity: found };
  }
  return undefined;
}

function isField(name: string): name is Field {
  return ["vendor", "model", "serial", "firmware", "hardware", "osName", "deviceClass"].includes(name);
}

import type { Sighting } from "./sightings.ts";

interface ClassRule {
  readonly deviceClass: string;
  readonly pattern: RegExp;
  /** What it says in words. */
  readonly says: string;
}

/** By services first (what a host offers is what it is), then by ports. First match wins; infrastructure before what also serves files. */
const byService: readonly ClassRule[] = [
  { deviceClass: "printer", pattern: /^_(ipp|ipps|printer|pdl-datastream)\._tcp$/, says: "offers printing" },
  { deviceClass: "camera", pattern: /^_(axis-video|onvif|rtsp)\._(tcp|udp)$/, says: "offers video" },
  { deviceClass: "nas", pattern: /^_(adisk|diskstation|qdiscover|readynas)\._tcp$/, says: "offers storage" },
  { deviceClass: "router", pattern: /^urn:schemas-upnp-org:device:InternetGatewayDevice/i, says: "is an Internet gateway" },
  { deviceClass: "access-point", pattern: /^urn:schemas-wifialliance-org:device:WFADevice/i, says: "is a Wi-Fi device" },
  { deviceClass: "printer", pattern: /^urn:schemas-upnp-org:(device:Printer|service:PrintBasic)/i, says: "offers printing" },
];

const byModel: readonly ClassRule[] = [
  {
    deviceClass: "printer",
    pattern: /\b(laserjet|officejet|deskjet|printer|ecosys|bizhub|imagerunner|workforce)\b/i,
    says: "names a printer",
  },
  { deviceClass: "nas", pattern: /\b(synology|diskstation|qnap|readynas|truenas|nas)\b/i, says: "names a NAS" },
  { deviceClass: "camera", pattern: /\b(axis|hikvision|dahua|ip ?camera|network camera)\b/i, says: "names a camera" },
  { deviceClass: "router", pattern: /\b(miniupnpd|fritz!?box|routeros)\b/i, says: "names a router" },
];

/** What a host is that does not answer SNMP, with the reason in words; `unknown` for what nobody monitors (phones, laptops). */
export function classify(sighting: Sighting): { readonly deviceClass: string; readonly evidence: readonly string[] } {
  for (const rule of byService) {
    const service = [...sighting.services].find((one) => rule.pattern.test(one));
    if (service !== undefined) return { deviceClass: rule.deviceClass, evidence: [`${rule.says}: ${service}`] };
  }
  const named = [sighting.model ?? "", sighting.vendor ?? ""].join(" ");
  for (const rule of byModel)
    if (rule.pattern.test(named)) return { deviceClass: rule.deviceClass, evidence: [`${rule.says}: ${named.trim()}`] };
  const ports = sighting.openPorts ?? [];
  if (ports.includes(9100)) return { deviceClass: "printer", evidence: ["port 9100 (raw printing) is open"] };
  if (ports.includes(554)) return { deviceClass: "camera", evidence: ["port 554 (RTSP) is open"] };
  return { deviceClass: "unknown", evidence: [] };
}

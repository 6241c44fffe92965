import { type IdentityFacts, meaningful } from "./facts.ts";
import { type Fields, withoutUndefined } from "./fields.ts";

const maxDescriptionLength = 512;
const operatingSystem = /^(linux|freebsd|openbsd|netbsd|darwin|sunos|aix|hp-ux|windows|hardware:|vxworks|net-?snmp)\b/i;
/** `Serial Number: ABC123`, `S/N ABC123`: with a digit in it. */
const serial = /\b(?:S\/N|SN|Serial(?: ?(?:No|Num|Number|Nr))?)\.? ?(?:[:=#] ?| )(?=[\w-]{0,30}\d)([A-Z0-9][A-Z0-9-]{4,31})(?![\w-])/i;
const model =
  /\b(?:Model|Product|Type|PID|MDL)(?: ?(?:Name|No|Number))?\.? ?[:=] ?([^,;|:<>]{2,48}?) ?(?:[,;|>]|$| (?:\w{1,12} ){0,2}\w{1,12} ?[:=])/i;
/** Versions of something else than the firmware. */
const otherVersions =
  /\b(?:hardware|hw|h\/w|boot\w*|bios|u-boot|prom|rom|loader|kernel|api|snmp\w*|agent|mib|protocol|build date)[ -]*(?:version|ver|rev|revision)?\.?[ :=v]*\d[\w.()-]*/gi;
/** `HW version B2`, `HW=R2`: with a digit in it. */
const hardware =
  /\b(?:hardware|hw|h\/w)(?: ?(?:version|ver|revision|rev)\.? ?[:=]? ?| ?[:=] ?)v?(?=[\w.-]{0,15}\d)(\w[\w.-]{0,15})(?![\w-])/i;
const firmwares = [
  /\b(?:firmware|software|fw|sw|f\/w|s\/w)(?: ?(?:version|ver|rev|revision|release))?\.?[ :=]{0,3}[vr]?\.?(\d+(?:\.\w+)+[\w.()-]*)/i,
  /\b(?:version|ver|release|revision|rev)\.?[ :=]{0,3}[vr]?\.?(\d+(?:\.\w+)+[\w.()-]*)/i,
  /(?:^|[\s,;(])[vV]\.?(\d+\.\d[\w.()-]*)/,
];

/**
 * What the words of an unknown form of sysDescr suggest; and where the text is but a short name with a number in it, the model. Asked last:
 * everything else knows better. Pure.
 */
export function guessFrom({ sysDescr, sysName }: Pick<IdentityFacts, "sysDescr" | "sysName">, vendor: string | undefined): Fields {
  const text = (sysDescr ?? "").slice(0, maxDescriptionLength);
  if (text === "" || operatingSystem.test(text)) return {};
  const rest = text.replace(otherVersions, " ");
  const firmware = firmwares.map((pattern) => pattern.exec(rest)?.[1]).find((value) => value !== undefined);
  return withoutUndefined({
    // A management card's is not that of what it is in.
    serial: /\bcard\b/i.test(text) ? undefined : meaningful(serial.exec(text)?.[1]),
    firmware: meaningful(firmware?.replace(/[.(-]+$/, "")),
    hardware: meaningful(hardware.exec(text)?.[1]?.replace(/[.-]+$/, "")),
    model: meaningful(model.exec(text)?.[1]) ?? (isHostName(text, sysName) ? undefined : shortName(text, vendor)),
  });
}

/** People who fill in the name fill in the description, too. Factories write both in capitals. */
function isHostName(text: string, sysName: string | undefined): boolean {
  return text === sysName && text === text.toLowerCase();
}

/** What stands in the description of an agent's card rather than of the device. */
const noName = /server|ethernet|interface|\bcard\b|agent|platform|copyright|software|firmware|hardware|boot/i;

/** `SG-2008P`, `Acme 300 Gateway`: few words with a digit, and no sentence; without the vendor's name in front. */
function shortName(text: string, vendor: string | undefined): string | undefined {
  // `GW-24P2S 24-Port Gigabit Switch`: what follows the model says what it has.
  const withPorts = /^([A-Z][\w+/-]{0,12}\d[\w+/-]{0,24}) \d{1,2}[- ]ports?\b/i.exec(text)?.[1];
  if (withPorts !== undefined) return meaningful(withPorts);
  const [name = ""] = text.split(/[,;|(\n]| - | v?\d+\.\d| (?:SW|FW|HW|S\/N|SN|Serial|Version|Ver|Rev)\b/i);
  const prefix = vendor === undefined ? "" : vendor.toLowerCase();
  const bare = (prefix !== "" && name.toLowerCase().startsWith(`${prefix} `) ? name.slice(prefix.length) : name)
    .trim()
    .replace(/ (?:v|ver|version|rev|revision|release|fw)\.?$/i, "");
  if (bare.length > 40 || bare.split(/\s+/).length > 4 || !/\d/.test(bare) || !/[a-z]/i.test(bare)) return undefined;
  // The name of a host in a domain.
  if (/^[\w-]+(?:\.[a-z][\w-]*)+$/i.test(bare)) return undefined;
  return /[@:=]|\d\.\d/.test(bare) || noName.test(bare) ? undefined : meaningful(bare);
}

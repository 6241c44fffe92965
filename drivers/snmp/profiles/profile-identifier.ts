import type { DeviceIdentity } from "#model/observation.ts";
import { clean } from "../conversions/label-text.ts";
import { type Identifier, type IdentityFacts, meaningful } from "../inventory/facts.ts";
import type { Match } from "./match-profiles.ts";
import type { MetadataField, MetadataSource } from "./profile.ts";

type Field = "vendor" | "model" | "serial" | "firmware" | "hardware" | "osName" | "deviceClass" | "macAddress";

/** Fields of `metadata`, the better source of the same field first. */
const metadataFields: readonly (readonly [name: string, field: Field])[] = [
  ["vendor", "vendor"],
  ["model", "model"],
  ["product_name", "model"],
  ["serial_number", "serial"],
  ["version", "firmware"],
  ["os_version", "firmware"],
  ["os_name", "osName"],
  ["hardware", "hardware"],
  ["type", "deviceClass"],
  ["mac_address", "macAddress"],
];

/** Device tags that say the same: names that files give them. */
const tagFields: Readonly<Record<string, Field>> = {
  serial_number: "serial",
  serial: "serial",
  model: "model",
  vendor: "vendor",
  version: "firmware",
  firmware: "firmware",
  firmware_version: "firmware",
  os_version: "firmware",
  software_version: "firmware",
  hardware_version: "hardware",
};

/** Device classes in other products' words. */
const classNames: Readonly<Record<string, string>> = {
  access_point: "access-point",
  wlc: "access-point",
  wireless: "access-point",
  storage: "nas",
  power: "ups",
  wireless_bridge: "wireless-bridge",
};
const deviceClasses = new Set("switch router firewall access-point ups printer nas server camera pdu sensor wireless-bridge".split(" "));

/** Lets the profiles that apply to a device say what it is, before the built-in rules do. */
export function createIdentifier(matches: readonly Match[]): Identifier {
  const oids = new Set<string>();
  for (const { profile } of matches) {
    for (const field of profile.metadata) for (const { oid } of field.sources) oids.add(oid);
    for (const { name, from } of profile.deviceTags) if (tagFields[name] !== undefined) oids.add(from.oid);
  }
  return { oids: [...oids], identify: (facts) => identify(matches, facts) };
}

function identify(matches: readonly Match[], facts: IdentityFacts): Partial<DeviceIdentity> | undefined {
  const found: Partial<Record<Field, string>> = {};
  for (const { profile } of matches) {
    const read = (field: Field, value: string | undefined): void => {
      if (value !== undefined && found[field] === undefined) found[field] = value;
    };
    for (const [name, field] of metadataFields) {
      for (const rule of profile.metadata) if (rule.field === name) read(field, fieldValue(rule, facts));
    }
    for (const tag of profile.deviceTags) {
      const field = tagFields[tag.name];
      if (field !== undefined) read(field, answerOf({ ...tag, oid: tag.from.oid }, facts));
    }
    read("vendor", profile.vendor);
  }
  const { deviceClass, ...rest } = found;
  const known = deviceClass === undefined ? undefined : (classNames[deviceClass] ?? deviceClass);
  if (matches.length === 0) return undefined;
  const evidence = matches.map(({ profile, because }) => `profile ${profile.name} (${because})`).join(", ");
  return { ...rest, ...(known !== undefined && deviceClasses.has(known) && { deviceClass: known }), evidence: [evidence] };
}

/** What the device answers, in the order of the file; the fixed value where it answers nothing. */
function fieldValue(rule: MetadataField, facts: IdentityFacts): string | undefined {
  for (const source of rule.sources) {
    const answer = answerOf(source, facts);
    if (answer !== undefined) return answer;
  }
  return rule.value;
}

function answerOf({ oid, extract, match, names }: Omit<MetadataSource, "conversion">, facts: IdentityFacts): string | undefined {
  const answer = systemValue(oid, facts) ?? facts.values.get(oid);
  if (answer === undefined) return undefined;
  const extracted = extract === undefined ? answer : extract.extract(answer);
  const value = extracted === undefined || match === undefined ? extracted : match.pattern.expand(extracted, match.value);
  const text = value === undefined ? undefined : clean(value);
  return meaningful(names === undefined || text === undefined ? text : names.get(text));
}

/** The system group was read anyway. */
function systemValue(oid: string, facts: IdentityFacts): string | undefined {
  if (oid === "1.3.6.1.2.1.1.1.0" || oid === "1.3.6.1.2.1.1.1") return facts.sysDescr;
  return oid === "1.3.6.1.2.1.1.2.0" ? facts.sysObjectId : undefined;
}

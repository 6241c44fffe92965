import type { DeviceIdentity } from "#model/observation.ts";
import type { IdentityRule, MetricSet } from "../metric-sets/metric-set.ts";
import { describe } from "./description-rules.ts";
import { enterpriseOf } from "./enterprises.ts";
import { fieldsOfEntities, lastOfEntities } from "./entity-fields.ts";
import { type Identifier, type IdentityFacts, meaningful } from "./facts.ts";
import { type Fields, withoutUndefined } from "./fields.ts";
import { guessFrom } from "./guess-description.ts";
import { standardFields } from "./standard-objects.ts";
import { vendorName } from "./vendor-name.ts";

export type IdentityRules = readonly Pick<MetricSet, "name" | "identity">[];

/**
 * What a device is, by the best evidence for each field: profiles, then the vendor's own objects, then the chassis of ENTITY-MIB and
 * what other standards offer, then the form of sysDescr, then the enterprise number, then what its metric sets imply, then guesses. Pure.
 */
export function identify(facts: IdentityFacts, rules: IdentityRules, identifiers: readonly Identifier[]): DeviceIdentity {
  const evidence: string[] = [];
  const fields: Fields = {};
  const take = (found: Fields, source: string): void => {
    const names = (Object.keys(found) as IdentityRule["field"][]).filter((field) => {
      const said = field === "serial" ? serialNumber(found[field]) : meaningful(found[field]);
      const value = field === "vendor" && said !== undefined ? vendorName(said) : said;
      if (value === undefined || fields[field] !== undefined) return false;
      fields[field] = value;
      return true;
    });
    if (names.length > 0) evidence.push(`${source}: ${names.join(", ")}`);
  };
  for (const identifier of identifiers) {
    const found = identifier.identify(facts);
    if (found !== undefined) take(fieldsOf(found), found.evidence?.[0] ?? "profile");
  }
  for (const set of rules) take(valuesOfRules(set.identity ?? [], facts, hasSet(set, facts)), `objects of ${set.name}`);
  take(fieldsOfEntities(facts.entities), "ENTITY-MIB");
  for (const { name, fields: found } of standardFields(facts)) take(found, name);
  const described = describe(facts.sysDescr);
  if (described !== undefined) take(fieldsOf(described.identity), `sysDescr of ${described.form}`);
  const enterprise = enterpriseOf(facts.sysObjectId);
  if (enterprise !== undefined) take({ ...enterprise }, "sysObjectID");
  for (const set of rules) if (hasSet(set, facts)) take(fixedOfRules(set.identity ?? []), `metric set ${set.name}`);
  take(guessFrom(facts, fields.vendor), "words of sysDescr");
  take(lastOfEntities(facts.entities), "ENTITY-MIB");
  take(impliedBySets(facts), "what it answers");
  return compose(facts, fields, evidence);
}

/** An address with its separators is one, not a serial number, whatever it is called. */
function serialNumber(said: string | undefined): string | undefined {
  const serial = meaningful(said);
  return serial !== undefined && /^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(serial) ? undefined : serial;
}

function hasSet(set: Pick<MetricSet, "name">, facts: IdentityFacts): boolean {
  return facts.sets.includes(set.name);
}

/** Objects of vendors speak for themselves; standard objects only where their set is there. Fixed values come with them. */
function valuesOfRules(rules: readonly IdentityRule[], facts: IdentityFacts, setIsThere: boolean): Fields {
  const found: Fields = {};
  let vendorSpoke = false;
  for (const { field, oid, extract, value: fixed } of rules) {
    if (oid === undefined || found[field] !== undefined) continue;
    const isVendors = oid.startsWith("1.3.6.1.4.1.");
    if (!isVendors && !setIsThere) continue;
    const raw = meaningful(facts.values.get(oid));
    const said = raw !== undefined && extract !== undefined ? meaningful(extract.exec(raw)?.[1]) : raw;
    const value = fixed !== undefined && facts.values.has(oid) ? fixed : said;
    if (value === undefined) continue;
    found[field] = value;
    vendorSpoke ||= isVendors;
  }
  return vendorSpoke ? { ...fixedOfRules(rules), ...found } : found;
}

function fixedOfRules(rules: readonly IdentityRule[]): Fields {
  const found: Fields = {};
  for (const { field, oid, value } of rules) if (oid === undefined && value !== undefined) found[field] = value;
  return found;
}

/** Last resort for the class: what kind of thing answers such tables. */
function impliedBySets({ sets, macAddresses }: IdentityFacts): Fields {
  if (sets.includes("lldp") || sets.includes("bridge")) {
    if (macAddresses.length >= 5) return { deviceClass: "switch" };
  }
  if (sets.includes("host-resources") || sets.includes("ucd-snmp")) return { deviceClass: "server" };
  return {};
}

function fieldsOf(identity: Partial<DeviceIdentity>): Fields {
  const { vendor, model, serial, firmware, hardware, osName, deviceClass, macAddress } = identity;
  return withoutUndefined({ vendor, model, serial, firmware, hardware, osName, deviceClass, macAddress });
}

function compose(facts: IdentityFacts, fields: Fields, evidence: readonly string[]): DeviceIdentity {
  const { deviceClass = "unknown", macAddress = lowestBurntIn(facts.macAddresses), ...rest } = fields;
  const { sysDescr, sysObjectId, sysName, sysLocation, sysContact, engineId } = facts;
  return {
    ...rest,
    deviceClass,
    ...(macAddress !== undefined && { macAddress }),
    ...(sysObjectId !== undefined && { sysObjectId }),
    ...(sysName !== undefined && { sysName }),
    ...(sysDescr !== undefined && { sysDescr }),
    ...(sysLocation !== undefined && { sysLocation }),
    ...(sysContact !== undefined && { sysContact }),
    ...(engineId !== undefined && { engineId }),
    evidence,
  };
}

/** Locally administered and virtual-router addresses are nobody's identity. */
export function lowestBurntIn(addresses: readonly string[]): string | undefined {
  return addresses
    .filter((address) => (Number.parseInt(address.slice(0, 2), 16) & 3) === 0)
    .filter((address) => !address.startsWith("00:00:5e:00:01") && !address.startsWith("00:00:0c:07:ac"))
    .sort()[0];
}

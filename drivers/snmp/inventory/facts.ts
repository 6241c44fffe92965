import type { EquipmentId } from "#model/equipment.ts";
import type { DeviceIdentity } from "#model/observation.ts";
import type { Enumeration } from "../metric-sets/enumeration.ts";
import type { MetricSet } from "../metric-sets/metric-set.ts";
import type { Exchange } from "../session/exchange.ts";

/** One row of entPhysicalTable. */
export interface EntityRow {
  readonly index: string;
  /** Name of entPhysicalClass: `chassis`, `module` ... */
  readonly class: string;
  readonly containedIn: string;
  readonly descr: string;
  readonly name: string;
  readonly hardware: string;
  readonly firmware: string;
  readonly software: string;
  readonly serial: string;
  readonly vendor: string;
  readonly model: string;
  /** Of the interface that it is the port of, where the agent says so. */
  readonly ifIndex?: string;
}

/** All that was read about what a device is. Texts as the device gives them, cleaned of control characters. */
export interface IdentityFacts {
  readonly equipment: EquipmentId;
  readonly sysDescr?: string;
  readonly sysObjectId?: string;
  readonly sysName?: string;
  readonly sysLocation?: string;
  readonly sysContact?: string;
  /** Hexadecimal, lower case. */
  readonly engineId?: string;
  /** By the OID that was asked for (an instance, or a column whose first instance answered); absent = the device does not have it. */
  readonly values: ReadonlyMap<string, string>;
  readonly entities: readonly EntityRow[];
  /** Names of the metric sets that probing found. */
  readonly sets: readonly string[];
  /** Addresses of the interfaces, `00:1a:2b:3c:4d:5e`. */
  readonly macAddresses: readonly string[];
}

/**
 * What knows devices better than the built-in rules do: profiles. Its word comes before theirs, field by field.
 * `evidence` says which rule spoke.
 */
export interface Identifier {
  /** Instances to be read besides; at most 64 are asked for. */
  readonly oids: readonly string[];
  identify(facts: IdentityFacts): Partial<DeviceIdentity> | undefined;
}

/** What profiles add for one device: sets of their own, and better knowledge of what it is. */
export interface SelectedProfiles {
  /** Names of what was selected, for the evidence and for the log. */
  readonly names: readonly string[];
  /** Probed like the built-in sets and never instead of them. Table names must differ from the built-in ones. */
  readonly sets: readonly MetricSet[];
  readonly identifiers: readonly Identifier[];
  /** Sets that depend on what the device answers; asked for where present, and used instead of `sets`. @throws GatewayError driver.* */
  resolve?(exchange: Exchange): Promise<readonly MetricSet[]>;
}

/** Where profiles come from: files that were loaded. */
export interface ProfileSource {
  /** Instances that are read of every device to tell profiles apart; at most 64. */
  readonly probes: readonly string[];
  /** Further instances, given what the device says of itself; asked for in the same GET. */
  probesOf?(head: Pick<IdentityFacts, "sysObjectId" | "sysDescr">): readonly string[];
  /** What the states of profiles' metrics are called, by the name in `enum:NAME`. */
  states?(name: string): Enumeration | undefined;
  /** Called with what was read when the inventory is read. `forced`: the profile named in the equipment's configuration. Must not throw. */
  select(facts: IdentityFacts, forced: string | undefined): SelectedProfiles;
}

/** What people and factories leave in a field that they do not fill, without blanks, case and punctuation. */
const noValues = new Set(
  (
    "none na null nil nul unknown undefined unspecified private empty notspecified notavailable notapplicable notset notpresent notfound " +
    "unset default defaultstring invalid missing tbd nonavailable noserial noserialnumber noassettag serialnumber serialno systemserialnumber " +
    "systemproductname systemmanufacturer systemversion chassisserialnumber baseboardserialnumber tobefilledbyoem oem filledbyoem " +
    "toinitialize error notsupported unsupported 0123456789 " +
    "builtin unavailable undetermined notyetavailable notprogrammed 123456789 1234567890"
  ).split(" "),
);

/** What devices write when they have nothing to say counts as nothing. */
export function meaningful(value: string | undefined): string | undefined {
  const text = value
    ?.trim()
    // Memory that was never written reads as bytes of ones.
    .replace(/^[\\"']+|[\\"'\u00ff]+$/g, "")
    .trim();
  if (text === undefined || /^(?:[0x.:\s-]*|f{6,}|[x*?#_/-]+)$/i.test(text)) return undefined;
  return noValues.has(text.replace(/[^a-z0-9]/gi, "").toLowerCase()) ? undefined : text;
}

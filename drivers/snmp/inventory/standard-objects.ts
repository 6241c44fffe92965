import { type IdentityFacts, meaningful } from "./facts.ts";
import { type Fields, withoutUndefined } from "./fields.ts";

/** Objects of standards by which any vendor's agent may say what it is. */
interface StandardObjects {
  /** In words, for the evidence. */
  readonly name: string;
  /** The metric set whose presence makes them worth asking for. */
  readonly set: string;
  readonly oids: Readonly<Fields>;
}

/** LLDP-EXT-MED-MIB (ANSI/TIA-1057): what the device tells its neighbours about itself. */
const lldpMed = "1.0.8802.1.1.2.1.5.4795.1.2";

const standards: readonly StandardObjects[] = [
  {
    name: "LLDP-EXT-MED-MIB",
    set: "lldp",
    oids: {
      vendor: `${lldpMed}.6.0`,
      model: `${lldpMed}.7.0`,
      serial: `${lldpMed}.5.0`,
      firmware: `${lldpMed}.4.0`,
      hardware: `${lldpMed}.2.0`,
    },
  },
];

/**
 * IEEE 1284 device identification of printers, `MFG:...;MDL:...;SN:...;`: the PWG's PRINTER-PORT-MONITOR-MIB, and HP's object, which
 * printers of other vendors have as well.
 */
const deviceIds = ["1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1", "1.3.6.1.4.1.11.2.3.9.1.1.7.0"] as const;
const deviceIdKeys: readonly (readonly [keyof Fields, RegExp])[] = [
  ["vendor", /(?:^|;)\s*(?:MFG|MANUFACTURER):([^;]{1,40})/i],
  ["model", /(?:^|;)\s*(?:MDL|MODEL):([^;]{1,80})/i],
  ["serial", /(?:^|;)\s*(?:SN|SERN|SERIALNUMBER):([^;]{3,40})/i],
];

/** Instances to be asked for, given what the device has. */
export function standardOids(sets: readonly string[]): readonly string[] {
  const oids = standards.filter(({ set }) => sets.includes(set)).flatMap(({ oids }) => Object.values(oids));
  return sets.includes("printer") ? [...oids, ...deviceIds] : oids;
}

/** What the answers say, with the standard's name; nothing of what was not asked for. */
export function standardFields(facts: IdentityFacts): readonly { readonly name: string; readonly fields: Fields }[] {
  const found = standards.map(({ name, oids }) => ({
    name,
    fields: Object.fromEntries(Object.entries(oids).map(([field, oid]) => [field, meaningful(facts.values.get(oid))])),
  }));
  const text = deviceIds.map((oid) => facts.values.get(oid)).find((value) => value?.includes(":") === true);
  if (text === undefined) return found;
  const fields = deviceIdKeys.map(([field, pattern]) => [field, meaningful(pattern.exec(text)?.[1])]);
  return [...found, { name: "IEEE 1284 device ID", fields: withoutUndefined(Object.fromEntries(fields)) }];
}

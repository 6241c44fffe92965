import { type IdentityFacts, meaningful } from "./facts.ts";
import { type Fields, withoutUndefined } from "./fields.ts";

/** Objects by which agents of any kind, or all kinds of one vendor's agents, may say what they are; asked where ENTITY-MIB may be silent. */
interface StandardObjects {
  /** In words, for the evidence. */
  readonly name: string;
  /** Worth asking for where this metric set is there, or where sysObjectID begins so. */
  readonly set?: string;
  readonly below?: string;
  readonly oids: Readonly<Fields>;
}

/** LLDP-EXT-MED-MIB (ANSI/TIA-1057): what the device tells its neighbours about itself. */
const lldpMed = "1.0.8802.1.1.2.1.5.4795.1.2";
const cisco = "1.3.6.1.4.1.9";
/** cucsComputeRackUnitEntry */
const rackUnit = `${cisco}.9.719.1.9.35.1`;

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
  // Of before ENTITY-MIB, and of servers, which have none.
  { name: "OLD-CISCO-CHASSIS-MIB", below: `${cisco}.`, oids: { serial: `${cisco}.3.6.3.0` } },
  { name: "CISCO-UNIFIED-COMPUTING-MIB", below: `${cisco}.`, oids: { model: `${rackUnit}.32`, serial: `${rackUnit}.47` } },
];

/** What may be asked of a device that says this of itself. */
type Head = Pick<IdentityFacts, "sysObjectId" | "sysDescr">;

/** Vendors that give each family of products a MIB of its own, the same in all: its objects stand below the sysObjectID, or beside it. */
function familyObjects({ sysObjectId = "", sysDescr = "" }: Head): readonly StandardObjects[] {
  const parent = sysObjectId.slice(0, sysObjectId.lastIndexOf("."));
  if (/^1\.3\.6\.1\.4\.1\.(?:259|202)\.\d+\.\d+/.test(sysObjectId)) {
    // swIndivInfoTable: swHardwareVer, swOpCodeVer, swSerialNumber
    return [sysObjectId, parent].map((root) => ({
      name: "MIB of its family",
      oids: { hardware: `${root}.1.1.3.1.2`, firmware: `${root}.1.1.3.1.6`, serial: `${root}.1.1.3.1.10` },
    }));
  }
  // switchModel, firmwareVersion
  if (/^1\.3\.6\.1\.4\.1\.8691\.7\.\d+$/.test(sysObjectId)) {
    return [{ name: "MIB of its family", oids: { model: `${sysObjectId}.1.2.0`, firmware: `${sysObjectId}.1.4.0` } }];
  }
  // DOCS-CABLE-DEVICE-MIB (RFC 4639): docsDevSerialNumber, docsDevSwCurrentVers
  if (!sysDescr.includes("<<HW_REV")) return [];
  return [{ name: "DOCS-CABLE-DEVICE-MIB", oids: { serial: "1.3.6.1.2.1.69.1.1.4.0", firmware: "1.3.6.1.2.1.69.1.3.5.0" } }];
}

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

/** Instances to be asked for, given what the device has and says of itself. */
export function standardOids(sets: readonly string[], head: Head): readonly string[] {
  const applies = ({ set, below }: StandardObjects): boolean =>
    (set !== undefined && sets.includes(set)) || (below !== undefined && head.sysObjectId?.startsWith(below) === true);
  const oids = [...familyObjects(head), ...standards.filter(applies)].flatMap(({ oids }) => Object.values(oids));
  return sets.includes("printer") ? [...oids, ...deviceIds] : oids;
}

/** What the answers say, with the standard's name; nothing of what was not asked for. */
export function standardFields(facts: IdentityFacts): readonly { readonly name: string; readonly fields: Fields }[] {
  const found = [...familyObjects(facts), ...standards].map(({ name, oids }) => ({
    name,
    fields: Object.fromEntries(Object.entries(oids).map(([field, oid]) => [field, meaningful(facts.values.get(oid))])),
  }));
  const text = deviceIds.map((oid) => facts.values.get(oid)).find((value) => value?.includes(":") === true);
  if (text === undefined) return found;
  const fields = deviceIdKeys.map(([field, pattern]) => [field, meaningful(pattern.exec(text)?.[1])]);
  return [...found, { name: "IEEE 1284 device ID", fields: withoutUndefined(Object.fromEntries(fields)) }];
}

import { type EntityRow, meaningful } from "./facts.ts";
import { type Fields, withoutUndefined } from "./fields.ts";

/** What may stand for the whole device where the chassis says nothing, best first. Rows without a class come from half-built agents. */
const stand: readonly string[] = ["stack", "module", "cpu", "backplane", "other", "unknown", ""];
/** Parts that have a model and a serial number of their own. */
const partName =
  /transceiver|\bx?sfp|\bqsfp|\bxfp\b|\bgbic\b|\d+base-?[a-z]|\boptics?\b|\bfan|power ?supply|\bpsu?\b|\bpower\b|\bdisk|\bdimm\b|memory/i;
const saysNothing = /^(chassis|stack|module|system|main ?board|device|switch|unit|entity|box|router)?\s*#?\d*$/i;

/** The chassis, else the stack and what makes it, else the first row that has a serial number and is no spare part. */
export function fieldsOfEntities(entities: readonly EntityRow[]): Fields {
  const { main, others } = ranked(entities);
  const pick = (read: (row: EntityRow) => string | undefined): string | undefined => {
    const said = main && read(main);
    if (said !== undefined) return said;
    for (const row of others) {
      const value = read(row);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  return withoutUndefined({
    // Of a part it is whoever makes the part.
    vendor: main && meaningful(main.vendor),
    model: pick((row) => meaningful(row.model)),
    serial: pick((row) => meaningful(row.serial)),
    firmware: pick((row) => release(row.software)),
    hardware: main && meaningful(main.hardware),
  });
}

/**
 * What these rows say that is worth less than what sysDescr does: entPhysicalFirmwareRev (of many devices the boot loader's), and
 * entPhysicalDescr as the model.
 */
export function lastOfEntities(entities: readonly EntityRow[]): Fields {
  const { main, others } = ranked(entities);
  const descr = meaningful(main?.descr);
  return withoutUndefined({
    firmware: [...(main ? [main] : []), ...others].map((row) => release(row.firmware)).find((value) => value !== undefined),
    model: descr !== undefined && descr.length <= 64 && !saysNothing.test(descr) ? descr : undefined,
  });
}

function ranked(entities: readonly EntityRow[]): { readonly main: EntityRow | undefined; readonly others: readonly EntityRow[] } {
  const has = (field: "serial" | "model") => (row: EntityRow) => meaningful(row[field]) !== undefined;
  const chassis = entities.filter((row) => row.class === "chassis");
  const substitutes = stand.flatMap((name) => entities.filter((row) => row.class === name && !isPart(row)));
  const first = substitutes.find(has("serial")) ?? substitutes.find(has("model"));
  const main = chassis.find(has("serial")) ?? chassis.find(has("model")) ?? chassis[0] ?? first;
  return { main, others: [...chassis, ...(first === undefined ? [] : [first]), ...substitutes] };
}

function isPart(row: EntityRow): boolean {
  return partName.test(row.descr) || partName.test(row.name) || partName.test(row.model);
}

/** A revision that is one: `15.2(7)E4` of `15.2(7)E4, RELEASE SOFTWARE (fc2)`. */
function release(revision: string): string | undefined {
  return meaningful(revision.replace(/,? RELEASE SOFTWARE.*$/, ""));
}

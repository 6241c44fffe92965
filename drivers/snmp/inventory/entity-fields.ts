import { type EntityRow, meaningful } from "./facts.ts";
import { type Fields, withoutUndefined } from "./fields.ts";

/** What may stand for the whole device where the chassis says nothing, best first. Rows without a class come from half-built agents. */
const stand: readonly string[] = ["stack", "module", "cpu", "backplane", "other", "unknown", ""];
/** Parts that have a model and a serial number of their own. */
const partName =
  /transceiver|\bx?sfp|\bqsfp|\bxfp\b|\bgbic\b|\d+base-?[a-z]|\boptics?\b|\bfan|power ?supply|\bpsu?\b|\bpower\b|\bdisk|\bdimm\b|memory/i;
/** The board that a device of fixed form consists of, rather than one that may be put into it. */
const mainBoard = /\b(?:main|base|mother|system|control|cpu|processor|supervisor|fixed|mainboard|motherboard)/i;
const saysNothing = /^(chassis|stack|module|system|main ?board|device|switch|unit|entity|box|router)?\s*#?\d*$/i;

/** The chassis, else the stack and what makes it, else the first row that has a serial number and is no spare part. */
export function fieldsOfEntities(entities: readonly EntityRow[]): Fields {
  const { main, others, boards } = ranked(entities);
  const pick = (read: (row: EntityRow) => string | undefined): string | undefined =>
    [...(main ? [main] : []), ...others].map(read).find((value) => value !== undefined);
  // Boards that are put into a chassis have models and serial numbers of their own: only one that cannot be another's is the chassis'.
  const pickOwn = (read: (row: EntityRow) => string | undefined): string | undefined => {
    const whole = [...(main ? [main] : []), ...others].filter((row) => !boards.includes(row));
    const said = whole.map(read).find((value) => value !== undefined);
    if (said !== undefined || boards.length === 0) return said;
    const named = boards.filter((row) => mainBoard.test(row.descr) || mainBoard.test(row.name)).map(read);
    const values = new Set((named.some((value) => value !== undefined) ? named : boards.map(read)).filter((value) => value !== undefined));
    return values.size === 1 ? [...values][0] : undefined;
  };
  const toldByDescr = main?.class === "chassis" && meaningful(main.serial) !== undefined && modelOfDescr(main) !== undefined;
  return withoutUndefined({
    // Of a part it is whoever makes the part.
    vendor: main && meaningful(main.vendor),
    model: toldByDescr ? meaningful(main.model) : pickOwn((row) => meaningful(row.model)),
    serial: pickOwn((row) => meaningful(row.serial)),
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
  return withoutUndefined({
    firmware: [...(main ? [main] : []), ...others].map((row) => release(row.firmware)).find((value) => value !== undefined),
    model: main && modelOfDescr(main),
  });
}

/** `X-2400 24-port switch` of `X-2400 24-port switch chassis`. */
function modelOfDescr(row: EntityRow): string | undefined {
  const descr = meaningful(row.descr.replace(/(?: \(\d+ slots?\))?,? chassis$/i, ""));
  return descr !== undefined && descr.length <= 64 && !saysNothing.test(descr) ? descr : undefined;
}

interface Ranked {
  readonly main: EntityRow | undefined;
  /** Best first. */
  readonly others: readonly EntityRow[];
  /** Of the others, what stands in a chassis and may be another device's tomorrow. */
  readonly boards: readonly EntityRow[];
}

function ranked(entities: readonly EntityRow[]): Ranked {
  const has = (field: "serial" | "model") => (row: EntityRow) => meaningful(row[field]) !== undefined;
  const chassis = entities.filter((row) => row.class === "chassis" && !isPart(row));
  const containers = new Set(chassis.map((row) => row.index));
  // Extenders and members may be listed first: what nothing contains, or a stack does, is the device.
  const outer = chassis.filter((row) => !containers.has(row.containedIn) && isOutermost(row, entities));
  const substitutes = stand.flatMap((name) => entities.filter((row) => row.class === name && !isPart(row)));
  const first = substitutes.find(has("serial")) ?? substitutes.find(has("model"));
  const main =
    outer.find(has("serial")) ??
    outer.find(has("model")) ??
    chassis.find(has("serial")) ??
    chassis.find(has("model")) ??
    chassis[0] ??
    first;
  const others = [...chassis, ...(first === undefined ? [] : [first]), ...substitutes];
  return {
    main,
    others,
    boards: main?.class === "chassis" ? others.filter((row) => row.class !== "chassis" && row.class !== "stack") : [],
  };
}

function isOutermost({ containedIn }: EntityRow, entities: readonly EntityRow[]): boolean {
  if (containedIn === "" || containedIn === "0") return true;
  return entities.some((row) => row.index === containedIn && row.class === "stack");
}

function isPart(row: EntityRow): boolean {
  return partName.test(row.descr) || partName.test(row.name) || partName.test(row.model);
}

/** A revision that is one: `15.2(7)E4` of `15.2(7)E4, RELEASE SOFTWARE (fc2)`. */
function release(revision: string): string | undefined {
  const named = /\bversion:? ?v?(\d+\.[\w.()-]*)/i.exec(revision)?.[1];
  return meaningful(named) ?? meaningful(revision.replace(/,? RELEASE SOFTWARE.*$/, ""));
}

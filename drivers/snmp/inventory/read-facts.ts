import type { EquipmentId } from "#model/equipment.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Varbind } from "#ports/snmp.ts";
import { clean, labelText } from "../conversions/label-text.ts";
import type { LabelFormat } from "../metric-sets/metric-set.ts";
import { compareOids, indexBelow, isBelow } from "../oid.ts";
import type { Exchange } from "../session/exchange.ts";
import { isGenericObjectId } from "./enterprises.ts";
import { entAliasMapping, ifIndexOf } from "./entity-interfaces.ts";
import { type EntityRow, type Identifier, type IdentityFacts, meaningful } from "./facts.ts";
import type { IdentityRules } from "./identify.ts";
import { standardOids } from "./standard-objects.ts";

const system = {
  sysDescr: "1.3.6.1.2.1.1.1.0",
  sysObjectId: "1.3.6.1.2.1.1.2.0",
  sysContact: "1.3.6.1.2.1.1.4.0",
  sysName: "1.3.6.1.2.1.1.5.0",
  sysLocation: "1.3.6.1.2.1.1.6.0",
  engineId: "1.3.6.1.6.3.10.2.1.1.0",
} as const;

const entPhysical = "1.3.6.1.2.1.47.1.1.1.1";
const entityColumns: readonly (readonly [keyof EntityRow, number, LabelFormat])[] = [
  ["class", 5, "enum"],
  ["descr", 2, "auto"],
  ["containedIn", 4, "integer"],
  ["name", 7, "auto"],
  ["hardware", 8, "auto"],
  ["firmware", 9, "auto"],
  ["software", 10, "auto"],
  ["serial", 11, "auto"],
  ["vendor", 12, "auto"],
  ["model", 13, "auto"],
];

/** Chassis list every transceiver's every sensor; what stands first says what the device is. */
const maxEntities = 500;
const maxProbes = 64;

export interface FactsRequest {
  readonly equipment: EquipmentId;
  readonly rules: IdentityRules;
  /** Instances that profiles want to know of every device. */
  readonly probes: readonly string[];
  /** Instances that profiles want to know of a device of this kind. */
  readonly probesOf?: (head: Pick<IdentityFacts, "sysObjectId" | "sysDescr">) => readonly string[];
  readonly sets: readonly string[];
  readonly macAddresses: readonly string[];
}

/**
 * Asks for what tells what a device is, from cheap to dear: the system group; the objects of its vendor and of the sets that it has, and
 * the probes of all vendors where its sysObjectID says nothing; ENTITY-MIB. A few requests, once a day. @throws GatewayError driver.*
 */
export async function readFacts(request: FactsRequest, exchange: Exchange): Promise<IdentityFacts> {
  const own = await exchange.session.get(Object.values(system), exchange.signal);
  const texts = new Map(own.map((varbind) => [varbind.oid, textOf(varbind, varbind.oid === system.engineId ? "hex" : "auto")]));
  const head = {
    ...present("sysDescr", texts.get(system.sysDescr)),
    ...present("sysObjectId", texts.get(system.sysObjectId)),
  };
  const values = await readValues(questionsOf(request, head), exchange);
  if (request.sets.includes("printer")) await readPrinterName(values, exchange);
  const engineId = exchange.session.engine()?.engineId ?? texts.get(system.engineId);
  return {
    equipment: request.equipment,
    ...head,
    ...present("sysName", texts.get(system.sysName)),
    ...present("sysLocation", texts.get(system.sysLocation)),
    ...present("sysContact", texts.get(system.sysContact)),
    ...present("engineId", engineId),
    values,
    entities: await readEntities(exchange),
    sets: request.sets,
    macAddresses: request.macAddresses,
  };
}

function questionsOf(request: FactsRequest, head: Pick<IdentityFacts, "sysObjectId" | "sysDescr">): Map<string, LabelFormat> {
  const formats = new Map<string, LabelFormat>();
  const isGeneric = isGenericObjectId(head.sysObjectId);
  const vendor = `${/^1\.3\.6\.1\.4\.1\.\d+/.exec(head.sysObjectId ?? "")?.[0] ?? "none"}.`;
  for (const set of request.rules) {
    const isThere = request.sets.includes(set.name);
    for (const { oid, format } of set.identity ?? []) {
      if (oid !== undefined && (isThere || isGeneric || oid.startsWith(vendor))) formats.set(oid, format ?? "auto");
    }
  }
  for (const oid of standardOids(request.sets, head)) formats.set(oid, "auto");
  const probes = [...request.probes, ...(request.probesOf?.(head) ?? [])];
  for (const oid of probes.slice(0, maxProbes)) if (!formats.has(oid)) formats.set(oid, "auto");
  return formats;
}

/** Adds what the selected profiles want to know besides. @throws GatewayError driver.* */
export async function readMoreFacts(facts: IdentityFacts, identifiers: readonly Identifier[], exchange: Exchange): Promise<IdentityFacts> {
  const wanted = [...new Set(identifiers.flatMap((identifier) => identifier.oids))]
    .filter((oid) => !facts.values.has(oid))
    .slice(0, maxProbes);
  if (wanted.length === 0) return facts;
  const more = await readValues(new Map(wanted.map((oid) => [oid, "auto" as const])), exchange);
  return { ...facts, values: new Map([...facts.values, ...more]) };
}

function present<K extends string>(name: K, value: string | undefined): { readonly [key in K]?: string } {
  return meaningful(value) === undefined ? {} : ({ [name]: value } as { readonly [key in K]?: string });
}

const hrDeviceDescr = "1.3.6.1.2.1.25.3.2.1.3";
const hrPrinterStatus = "1.3.6.1.2.1.25.3.5.1.1";

/** Devices of a printer are its processor and its network, too: the one with a row of hrPrinterTable gives the name, not the first. */
async function readPrinterName(values: Map<string, string>, exchange: Exchange): Promise<void> {
  const [status] = await exchange.session.getNext([hrPrinterStatus], exchange.signal);
  if (status === undefined || !isBelow(status.oid, hrPrinterStatus)) return;
  const index = indexBelow(status.oid, hrPrinterStatus);
  if (index === "1") return;
  const [descr] = await exchange.session.get([`${hrDeviceDescr}.${index}`], exchange.signal);
  const name = descr === undefined ? "" : textOf(descr, "auto");
  if (name !== "") for (const oid of [hrDeviceDescr, `${hrDeviceDescr}.1`]) values.set(oid, name);
}

/** Instances by GET; what is not there as an instance by GETNEXT, as the first instance of a column. */
async function readValues(formats: ReadonlyMap<string, LabelFormat>, exchange: Exchange): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const columns = [...formats.keys()].filter((oid) => !oid.endsWith(".0"));
  const instances = [...formats.keys()].filter((oid) => oid.endsWith(".0"));
  for (const varbind of await exchange.session.get([...instances, ...columns], exchange.signal)) {
    const text = textOf(varbind, formats.get(varbind.oid) ?? "auto");
    if (text !== "") values.set(varbind.oid, text);
  }
  const rest = columns.filter((oid) => !values.has(oid));
  if (rest.length === 0) return values;
  const answers = await exchange.session.getNext(rest, exchange.signal);
  for (const [position, oid] of rest.entries()) {
    const answer = answers[position];
    if (answer === undefined || !isBelow(answer.oid, oid)) continue;
    const text = textOf(answer, formats.get(oid) ?? "auto");
    if (text !== "") values.set(oid, text);
  }
  return values;
}

function textOf({ value }: Varbind, format: LabelFormat): string {
  return clean(labelText(format, undefined, format === "auto" ? untilNul(value) : value));
}

/** Fields of fixed length hold a text, a NUL, and what stood there before. */
function untilNul(value: Varbind["value"]): Varbind["value"] {
  if (!(value instanceof Uint8Array)) return value;
  const end = value.indexOf(0);
  return end >= 2 && value.subarray(0, end).every((byte) => byte >= 0x20 && byte < 0x7f) ? value.subarray(0, end) : value;
}

async function readEntities(exchange: Exchange): Promise<readonly EntityRow[]> {
  const rows = new Map<string, Record<string, string>>();
  for (const [field, arc, format] of entityColumns) {
    const column = `${entPhysical}.${arc}`;
    const enumeration = field === "class" ? "entPhysicalClass" : undefined;
    await walkEntities(column, exchange, (index, varbind) => {
      const row = rows.get(index) ?? {};
      if (!rows.has(index) && rows.size >= maxEntities) return;
      rows.set(index, row);
      row[field] = labelText(format, enumeration, format === "auto" ? untilNul(varbind.value) : varbind.value);
    });
  }
  if (rows.size > 0) await readAliases(rows, exchange);
  return [...rows.entries()].sort(([left], [right]) => compareOids(left, right)).map(([index, row]) => ({ index, ...emptyEntity, ...row }));
}

/** Which interfaces entities are the ports of; the first that is said of each. */
async function readAliases(rows: ReadonlyMap<string, Record<string, string>>, exchange: Exchange): Promise<void> {
  await walkEntities(entAliasMapping, exchange, (index, { value }) => {
    const row = rows.get(index.split(".")[0] ?? "");
    const ifIndex = ifIndexOf(value);
    if (row !== undefined && ifIndex !== undefined) row.ifIndex ??= ifIndex;
  });
}

const emptyEntity = {
  class: "",
  containedIn: "",
  descr: "",
  name: "",
  hardware: "",
  firmware: "",
  software: "",
  serial: "",
  vendor: "",
  model: "",
};

async function walkEntities(column: string, exchange: Exchange, take: (index: string, varbind: Varbind) => void): Promise<void> {
  const limits = { maxRows: maxEntities, maxRequests: maxEntities, deadlineMs: exchange.deadlineMs };
  try {
    for await (const batch of exchange.session.walk(column, limits, exchange.signal)) {
      for (const varbind of batch) if (isBelow(varbind.oid, column)) take(indexBelow(varbind.oid, column), varbind);
    }
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "driver.limit" || exchange.clock.monotonicMs() >= exchange.deadlineMs) throw error;
  }
}

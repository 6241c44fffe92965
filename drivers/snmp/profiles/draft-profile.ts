import type { Varbind } from "#ports/snmp.ts";
import { hex, octetsAsText } from "../conversions/label-text.ts";
import { isGenericObjectId } from "../inventory/enterprises.ts";
import { compareOids } from "../oid.ts";
import { profileLimits } from "./limits.ts";

export interface DraftRequest {
  readonly sysObjectId: string | undefined;
  readonly sysDescr: string | undefined;
  readonly vendor: string | undefined;
  readonly deviceClass: string | undefined;
  /** What the walk gave. */
  readonly varbinds: readonly Varbind[];
}

interface Column {
  readonly oid: string;
  readonly table: string;
  readonly sample: Varbind;
  rows: number;
}

/** Arcs of `1.3.6.1.4.1.VENDOR`: no table begins before. */
const vendorDepth = 7;

/** A profile to edit out of a walk: every object with its type and a sample beside it. Names are numbers until a person knows better. Pure. */
export function draftProfile(request: DraftRequest): string {
  const isScalar = scalarTest(request.varbinds);
  const scalars = request.varbinds.filter(({ oid }) => isScalar(oid)).slice(0, profileLimits.oidsPerProfile);
  const columns = findColumns(request.varbinds.filter(({ oid }) => !isScalar(oid)));
  const tables = [...new Set(columns.map(({ table }) => table))];
  const id = request.sysObjectId ?? "";
  return [
    "# Draft out of a walk. Give the objects their names, leave out what nobody needs, then: gatehouse profile check FOLDER",
    ...(request.sysDescr === undefined ? [] : [`# ${comment(request.sysDescr)}`]),
    ...(id === ""
      ? ["# The device names no sysObjectID: match it by probe.", "probe:", "  - { OID: 1.3.6.1.4.1, exists: true }"]
      : [...sharedIdNote(id), "sysobjectid:", `  - ${id}`]),
    "metadata:",
    "  device:",
    "    fields:",
    `      vendor: { value: ${quoted(request.vendor ?? "?")} }`,
    ...(request.deviceClass === undefined ? [] : [`      type: { value: ${request.deviceClass} }`]),
    "      # model: { symbol: { OID: 1.3.6.1.4.1.0, name: model } }",
    "      # serial_number: { symbol: { OID: 1.3.6.1.4.1.0, name: serialNumber } }",
    "      # version: { symbol: { OID: 1.3.6.1.4.1.0, name: version } }",
    scalars.length + columns.length === 0 ? "metrics: []" : "metrics:",
    ...(scalars.length === 0 ? [] : ["  - MIB: DRAFT-MIB", "    symbols:", ...scalars.map((varbind) => symbolLine(varbind.oid, varbind))]),
    ...tables.flatMap((table) => [
      "  - MIB: DRAFT-MIB",
      `    table: { OID: ${table}, name: ${nameOf(table)}Table }`,
      "    symbols:",
      ...columns.filter((column) => column.table === table).map(({ oid, sample, rows }) => symbolLine(oid, sample, rows)),
      "    metric_tags:",
      "      - { tag: index1, index: 1 }",
    ]),
    "",
  ].join("\n");
}

/** A profile for such an id would name the vendor of everybody's equipment. */
function sharedIdNote(id: string): readonly string[] {
  if (!isGenericObjectId(id)) return [];
  return [
    "# Many products of many vendors have this sysObjectID: it is that of the agent's software. Put a probe for an object that only this one has in its place:",
    "# probe:",
    "#   - { OID: 1.3.6.1.4.1.0, exists: true }",
  ];
}

/** An instance .0 is a scalar, unless there is a .1 or .2 beside it: then it is the first row of a table that counts from zero. */
function scalarTest(varbinds: readonly Varbind[]): (oid: string) => boolean {
  const oids = new Set(varbinds.map(({ oid }) => oid));
  return (oid) => oid.endsWith(".0") && !["1", "2"].some((index) => oids.has(`${oid.slice(0, -1)}${index}`));
}

function symbolLine(oid: string, sample: Varbind, rows?: number): string {
  const count = rows === undefined ? "" : `, ${rows} rows`;
  return `      - { OID: ${oid}, name: ${nameOf(oid)} } # ${sample.type}${count}: ${comment(show(sample))}`;
}

/**
 * Where the index begins is written nowhere in an OID. Tables are TABLE.1.COLUMN.INDEX, and the columns of a table share their indexes:
 * of all ways to cut, the one counts under which the most columns have this row.
 */
function findColumns(varbinds: readonly Varbind[]): readonly Column[] {
  const siblings = new Map<string, number>();
  const cuts = varbinds.map(({ oid }) => cutsOf(oid));
  for (const { key } of cuts.flat()) siblings.set(key, (siblings.get(key) ?? 0) + 1);
  const columns = new Map<string, Column>();
  for (const [position, varbind] of varbinds.entries()) {
    const ranked = [...(cuts[position] ?? [])].sort((left, right) => (siblings.get(right.key) ?? 0) - (siblings.get(left.key) ?? 0));
    const best = ranked[0];
    if (best === undefined) continue;
    const known = columns.get(best.column);
    if (known !== undefined) known.rows += 1;
    else if (columns.size < profileLimits.oidsPerProfile)
      columns.set(best.column, { oid: best.column, table: best.table, sample: varbind, rows: 1 });
  }
  return [...columns.values()].sort((left, right) => compareOids(left.oid, right.oid));
}

function cutsOf(oid: string): readonly { readonly table: string; readonly column: string; readonly key: string }[] {
  const arcs = oid.split(".");
  const cuts = [];
  for (let entry = vendorDepth; entry < arcs.length - 2; entry++) {
    if (arcs[entry] !== "1") continue;
    const table = arcs.slice(0, entry).join(".");
    cuts.push({ table, column: arcs.slice(0, entry + 2).join("."), key: `${table} ${arcs.slice(entry + 2).join(".")}` });
  }
  return cuts;
}

function nameOf(oid: string): string {
  return `object_${oid.split(".").slice(vendorDepth).join("_")}`.slice(0, profileLimits.nameLength);
}

function show({ value }: Varbind): string {
  if (value instanceof Uint8Array) return octetsAsText(value, (bytes) => `0x${hex(bytes)}`);
  return String(value ?? "");
}

/** What a device says stands behind a `#` on one line. */
function comment(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").slice(0, 80);
}

function quoted(text: string): string {
  return `'${comment(text).replaceAll("'", "''")}'`;
}

import type { ColumnRequest, SnmpType, TablePlan } from "#ports/snmp.ts";
import { valueForm } from "../conversions/convert.ts";
import type { ColumnDefinition, TableDefinition } from "../metric-sets/metric-set.ts";
import type { AnswerRouting } from "./fill-columns.ts";
import type { LearntRow } from "./row-keys.ts";
import { idOf, Shared, SharedLists } from "./shared.ts";
import type { SharedSurvey } from "./survey.ts";
import type { TableOutput } from "./table-output.ts";

/** Which columns the agent has, and with what type it answered when probed. */
export type WireTypes = ReadonlyMap<string, SnmpType>;

/** Where a cell comes from: p = its column, f = the fallback column, - = nowhere. One character per column of the table. */
export type Signature = string;

/** Rows with other signatures than these many most frequent ones are read with the most frequent: a bound on requests. */
const maxGroups = 4;

/** Plans of like equipment, and what they consist of, exist once. Losing an entry only loses the sharing. */
const groupsShared = new Shared<readonly ReadGroup[]>(1024);
const requestsShared = new Shared<readonly ColumnRequest[]>(1024);
const indexesShared = new Shared<readonly string[]>(1024);
const routingsShared = new Shared<AnswerRouting>(1024);
const columnsShared = new SharedLists<ColumnDefinition>(1024);
const maxSharedRows = 512;

function sharedIndexes(indexes: readonly string[]): readonly string[] {
  return indexes.length > maxSharedRows ? indexes : indexesShared.get(indexes.join(), () => Object.freeze(indexes));
}

/** One plan of the engine with the way its answers go. */
export interface ReadGroup {
  readonly plan: TablePlan;
  readonly signature: Signature;
  /** One per output, in their order. */
  readonly routings: readonly AnswerRouting[];
}

/** Columns of the definition that this agent has in any form. */
export function existingColumns(definition: TableDefinition, types: WireTypes): readonly ColumnDefinition[] {
  return columnsShared.get(
    definition.columns.filter((column) => types.has(column.oid) || (column.fallback !== undefined && types.has(column.fallback))),
  );
}

/** The signature of rows about which nothing is known yet: the column where it exists, else its fallback. */
export function defaultSignature(columns: readonly ColumnDefinition[], types: WireTypes): Signature {
  return columns.map((column) => (types.has(column.oid) ? "p" : "f")).join("");
}

export function buildGroups(
  definition: TableDefinition,
  survey: SharedSurvey,
  outputs: readonly TableOutput[],
  types: WireTypes,
): readonly ReadGroup[] {
  const usual = defaultSignature(survey.columns, types);
  const bySignature = new Map<Signature, LearntRow[]>();
  for (const [position, row] of survey.planned.entries()) {
    const signature = survey.signatures[position] ?? usual;
    const members = bySignature.get(signature);
    if (members === undefined) bySignature.set(signature, [row]);
    else members.push(row);
  }
  const groups = [...bySignature.entries()].sort(([, left], [, right]) => right.length - left.length);
  const kept = groups.slice(0, maxGroups);
  for (const [, members] of groups.slice(maxGroups)) kept[0]?.[1].push(...members);
  const rowOfKey = outputs.map((output) => output.rowOfKey());
  const built = kept.map(([signature, members]) =>
    buildGroup(definition, survey.columns, { signature, members: inPlanOrder(survey.planned, members) }, rowOfKey, types),
  );
  if (survey.planned.length > maxSharedRows) return built;
  const key = built.map(({ plan, signature, routings }) =>
    [plan.table, signature, ...[plan.columns, plan.rows, ...routings].map(idOf)].join(),
  );
  return groupsShared.get(key.join("\n"), () => built);
}

/** Rows stay in the order of their OIDs, as the engine expects them. */
function inPlanOrder(rows: readonly LearntRow[], members: readonly LearntRow[]): readonly LearntRow[] {
  if (members.length === rows.length) return rows;
  const wanted = new Set(members);
  return rows.filter((row) => wanted.has(row));
}

function buildGroup(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  group: { readonly signature: Signature; readonly members: readonly LearntRow[] },
  rowOfKey: readonly ReadonlyMap<string, number>[],
  types: WireTypes,
): ReadGroup {
  const requests: ColumnRequest[] = [];
  const positionOf = new Map<string, number>();
  const source = new Int32Array(columns.length).fill(-1);
  const isFallback = new Uint8Array(columns.length);
  for (const [position, column] of columns.entries()) {
    const from = group.signature[position];
    const oid = from === "p" ? column.oid : from === "f" ? column.fallback : undefined;
    if (oid === undefined || !types.has(oid)) continue;
    source[position] = requestColumn(oid, formOf(column, from === "f", types.get(oid)), requests, positionOf);
    isFallback[position] = from === "f" ? 1 : 0;
  }
  const discontinuity =
    definition.discontinuity !== undefined && types.has(definition.discontinuity)
      ? requestColumn(definition.discontinuity, "number", requests, positionOf)
      : -1;
  return {
    plan: {
      table: definition.table,
      columns: requestsShared.get(requests.map(({ oid, as }) => `${oid} ${as}`).join(), () => Object.freeze(requests)),
      rows: sharedIndexes(group.members.map((row) => row.index)),
    },
    signature: group.signature,
    routings: rowOfKey.map((rows) => {
      const target = group.members.map((row) => rows.get(row.key) ?? -1);
      const content = [...target, "|", ...source, "|", ...isFallback, discontinuity].join();
      return routingsShared.get(content, () => ({ target: Int32Array.from(target), source, isFallback, discontinuity }));
    }),
  };
}

/** Columns that share an OID and form (bits of one value) are asked for once. */
function requestColumn(oid: string, as: ColumnRequest["as"], requests: ColumnRequest[], positionOf: Map<string, number>): number {
  const known = positionOf.get(`${as} ${oid}`);
  if (known !== undefined) return known;
  requests.push({ oid, as });
  positionOf.set(`${as} ${oid}`, requests.length - 1);
  return requests.length - 1;
}

/** The form to ask for, by what the agent really sends: counters declared as integers, sizes declared as Counter64. */
function formOf(column: ColumnDefinition, isFallback: boolean, type: SnmpType | undefined): ColumnRequest["as"] {
  if (column.kind === "text") {
    const wantsBytes = column.convert?.is === "octets" || column.convert?.is === "own-text";
    return wantsBytes && type === "octet-string" ? "bytes" : "text";
  }
  const isCounterType = type === "counter32" || type === "counter64";
  if (column.kind === "counter") return isCounterType || type === undefined ? "counter" : "number";
  if (type === "counter64") return "counter";
  const conversion = isFallback && column.fallbackConvert ? column.fallbackConvert : column.convert;
  return valueForm(conversion, type === "octet-string");
}

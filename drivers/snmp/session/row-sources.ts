import type { TableColumn, TablePlan } from "#ports/snmp.ts";
import { convertNumber } from "../conversions/convert.ts";
import type { ColumnDefinition } from "../metric-sets/metric-set.ts";
import { type Exchange, readPlanOnce } from "./exchange.ts";
import type { Signature, WireTypes } from "./read-groups.ts";
import type { LearntRow } from "./row-keys.ts";

/**
 * Decides per row whether its cells come from their columns or from the fallbacks: one reading of the columns, and one of the
 * fallbacks of the rows in doubt. Empty = there is nothing to decide. @throws GatewayError driver.*
 */
export async function decideSources(
  columns: readonly ColumnDefinition[],
  rows: readonly LearntRow[],
  types: WireTypes,
  exchange: Exchange,
): Promise<readonly Signature[]> {
  const candidates = columns.filter((column) => column.fallback !== undefined && types.has(column.fallback));
  if (candidates.length === 0 || rows.length === 0) return [];
  const ownOids = candidates.map((column) => column.oid);
  const own = await readOnce(ownOids, rows, types, exchange);
  const doubtful = rows.map((_, position) => position).filter((position) => needsFallback(candidates, own, position));
  if (doubtful.length === 0) return [];
  const fallbackOids = candidates.map((column) => column.fallback ?? "");
  const doubtfulRows = doubtful.flatMap((position) => rows[position] ?? []);
  const read = new Map([...own, ...(await readOnce(fallbackOids, doubtfulRows, types, exchange))]);
  const place = new Map(doubtful.map((position, order) => [position, order]));
  return rows.map((_, position) => decideSignature(columns, read, position, place.get(position) ?? -1));
}

async function readOnce(oids: readonly string[], rows: readonly LearntRow[], types: WireTypes, exchange: Exchange): Promise<ColumnsByOid> {
  const columns = oids.filter((oid) => types.has(oid)).map((oid) => ({ oid, as: formOf(types, oid) }));
  if (columns.length === 0) return new Map();
  const plan: TablePlan = { table: "sources", columns, rows: rows.map((row) => row.index) };
  const answer = await readPlanOnce(plan, exchange);
  const read = new Map<string, TableColumn>();
  for (const [position, { oid }] of columns.entries()) {
    const column = answer.columns[position];
    if (column !== undefined) read.set(oid, column);
  }
  return read;
}

function formOf(types: WireTypes, oid: string): "counter" | "number" | "text" {
  const type = types.get(oid);
  if (type === "octet-string") return "text";
  return type === "counter32" || type === "counter64" ? "counter" : "number";
}

/** Columns as read once, by OID. */
type ColumnsByOid = ReadonlyMap<string, TableColumn>;

/**
 * Decides per row where its cells come from, from one reading of the columns and one of their fallbacks. A 64-bit column that is
 * not there, or whose octets all stand at zero while the 32-bit ones do not, is left for its fallback. Rows whose fallback was not
 * read keep their own columns.
 */
function decideSignature(columns: readonly ColumnDefinition[], read: ColumnsByOid, ownRow: number, fallbackRow: number): Signature {
  const stuck = standsStill(columns, read, ownRow, fallbackRow);
  return columns
    .map((column) => {
      if (column.fallback === undefined) return "p";
      const hasOwn = isUsable(column, read.get(column.oid), ownRow);
      const hasFallback = read.get(column.fallback)?.present[fallbackRow] === 1;
      return hasFallback && (!hasOwn || stuck) ? "f" : "p";
    })
    .join("");
}

function standsStill(columns: readonly ColumnDefinition[], read: ColumnsByOid, ownRow: number, fallbackRow: number): boolean {
  let fallbackRuns = false;
  for (const column of columns) {
    if (column.rateLimit !== "octets" || column.fallback === undefined) continue;
    if (counterAt(read.get(column.oid), ownRow) > 0n) return false;
    if (counterAt(read.get(column.fallback), fallbackRow) > 0n) fallbackRuns = true;
  }
  return fallbackRuns;
}

/** Whether the row's fallback must be read to decide: a column is missing, or all octets stand at zero. */
function needsFallback(columns: readonly ColumnDefinition[], read: ColumnsByOid, row: number): boolean {
  let octets = false;
  let running = false;
  for (const column of columns) {
    if (column.fallback === undefined) continue;
    if (!isUsable(column, read.get(column.oid), row)) return true;
    if (column.rateLimit !== "octets") continue;
    octets = true;
    running ||= counterAt(read.get(column.oid), row) > 0n;
  }
  return octets && !running;
}

/** There, and within its range (ifHighSpeed is 0 on many agents whose ifSpeed is right). */
function isUsable(column: ColumnDefinition, read: TableColumn | undefined, row: number): boolean {
  if (read?.present[row] !== 1) return false;
  if (read.as !== "number" || column.range === undefined) return true;
  const value = convertNumber(column.convert, read.value[row] ?? Number.NaN, 1);
  return value >= column.range[0] && value <= column.range[1];
}

function counterAt(column: TableColumn | undefined, row: number): bigint {
  return column?.as === "counter" && column.present[row] === 1 ? (column.value[row] ?? 0n) : 0n;
}

import type { ColumnDefinition, TableDefinition } from "../metric-sets/metric-set.ts";
import type { Exchange } from "./exchange.ts";
import { learnRows } from "./learn-rows.ts";
import { existingColumns, type Signature, type WireTypes } from "./read-groups.ts";
import { allLabels, chooseRows, type LearntRow, type RowChoice, speedOf } from "./row-keys.ts";
import { decideSources } from "./row-sources.ts";

/** What a table of one agent looks like: its columns and rows, and where each row's cells come from. */
export interface Survey {
  readonly columns: readonly ColumnDefinition[];
  /** Rows that are reported. */
  readonly reported: readonly LearntRow[];
  /** Rows that are asked for, in the order of their OIDs. */
  readonly planned: readonly LearntRow[];
  /** Where the cells of each planned row come from; empty = the usual way for all. */
  readonly signatures: readonly Signature[];
}

/** The row of scalars and aggregates. */
export const onlyRow: LearntRow = Object.freeze({ index: "0", labels: Object.freeze({}), key: "", hidden: "" });

function rowOfInstance(index: string, labels: Readonly<Record<string, string>>): LearntRow {
  return Object.freeze({ index, labels: Object.freeze({ ...labels }), key: "", hidden: "" });
}

/** Sparse columns are common; three of them together are not sparse. */
const maxRowColumns = 3;

/** Learns rows, labels and sources. `baseRows`: the rows of the table whose rows these are. @throws GatewayError driver.* */
export async function surveyTable(
  definition: TableDefinition,
  types: WireTypes,
  baseRows: readonly LearntRow[] | undefined,
  exchange: Exchange,
): Promise<Survey> {
  const columns = existingColumns(definition, types);
  const { planned, reported } = await chooseTableRows(definition, columns, { types, baseRows }, exchange);
  const signatures = await decideSources(columns, planned, types, exchange);
  warnOfNarrowCounters(definition, columns, { planned, signatures }, exchange);
  return { columns, reported, planned, signatures };
}

async function chooseTableRows(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  known: { readonly types: WireTypes; readonly baseRows: readonly LearntRow[] | undefined },
  exchange: Exchange,
): Promise<RowChoice> {
  const { types, baseRows } = known;
  if (columns.length === 0) return { planned: [], reported: [] };
  if (definition.scalars || definition.aggregate === "count") {
    const { instance, fixedLabels } = definition;
    const row = instance === undefined && fixedLabels === undefined ? onlyRow : rowOfInstance(instance ?? "0", fixedLabels ?? {});
    return { planned: [row], reported: [row] };
  }
  if (baseRows !== undefined) {
    const rows = await rowsOfBase(definition, columns, { types, baseRows }, exchange);
    return { planned: rows, reported: rows };
  }
  const labels = (definition.labels ?? []).filter((label) => label.format === "index-name" || types.has(label.oid));
  const learnt = await learnRows(definition, rowColumnsOf(columns, types), labels, exchange);
  return chooseRows(definition, learnt.rows, exchange.settings.keepSkippedRows ? undefined : definition.skip);
}

/** Of the other table's rows those that have one of the columns. */
async function rowsOfBase(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  known: { readonly types: WireTypes; readonly baseRows: readonly LearntRow[] },
  exchange: Exchange,
): Promise<readonly LearntRow[]> {
  const { types, baseRows } = known;
  const oids = columns.flatMap((column) => [column.oid, ...(column.fallback === undefined ? [] : [column.fallback])]);
  const requests = oids.filter((oid) => types.has(oid)).map((oid) => ({ oid, as: "number" as const }));
  if (baseRows.length === 0 || requests.length === 0) return [];
  const plan = { table: `${definition.table} rows`, columns: requests, rows: baseRows.map((row) => row.index) };
  const answer = await exchange.session.readTable(plan, exchange.deadlineMs, exchange.signal);
  return baseRows.filter((_, position) => answer.columns.some((column) => column.present[position] === 1));
}

/** Columns whose instances say which rows there are: value columns, since rows that only have a name have nothing to report. */
function rowColumnsOf(columns: readonly ColumnDefinition[], types: WireTypes): readonly string[] {
  const oids = columns.map((column) => (types.has(column.oid) ? column.oid : (column.fallback ?? column.oid)));
  return [...new Set(oids)].slice(0, maxRowColumns);
}

const two32 = 2 ** 32;
const maxNamed = 20;

/**
 * A 32-bit octet counter of a fast link can wrap more than once between two polls, unseen: rates up to one wrap are right, more cannot
 * be told. Says so once, with the interval that would do.
 */
function warnOfNarrowCounters(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  rows: Pick<Survey, "planned" | "signatures">,
  exchange: Exchange,
): void {
  const octets = columns.findIndex((column) => column.rateLimit === "octets" && column.fallback !== undefined);
  if (octets < 0) return;
  const wrapMsOf = (row: LearntRow): number => ((two32 * 8) / (speedOf(allLabels(definition.labels, row)) ?? 0)) * 1000;
  const narrow = rows.planned.filter(
    (row, position) => rows.signatures[position]?.[octets] === "f" && wrapMsOf(row) < exchange.pollIntervalMs,
  );
  if (narrow.length === 0) return;
  exchange.notices.once(`narrow ${definition.table}`, {
    type: "counter.too-narrow",
    severity: "warning",
    text: "32-bit counters of fast links may wrap more than once between two polls; their rates are not reliable at high load",
    observedAt: exchange.clock.now(),
    attributes: {
      table: definition.table,
      rows: narrow.slice(0, maxNamed).map((row) => row.key),
      count: narrow.length,
      pollIntervalMsMax: Math.floor(Math.min(...narrow.map(wrapMsOf))),
    },
  });
}

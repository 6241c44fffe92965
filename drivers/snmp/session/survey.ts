import type { ColumnDefinition, TableDefinition } from "../metric-sets/metric-set.ts";
import { type Exchange, readPlanOnce } from "./exchange.ts";
import { type HiddenLabels, LabelReader, noHiddenLabels } from "./hidden-labels.ts";
import { learnRows } from "./learn-rows.ts";
import { existingColumns, type Signature, type WireTypes } from "./read-groups.ts";
import { chooseRows, type LearntRow, type RowChoice, sharedRows, speedOf } from "./row-keys.ts";
import { decideSources } from "./row-sources.ts";
import { idOf, Shared } from "./shared.ts";
import { SurveyBudget } from "./survey-budget.ts";

/** What a table of one agent looks like: its columns and rows, and where each row's cells come from. */
export interface Survey {
  readonly columns: readonly ColumnDefinition[];
  /** Rows that are reported. */
  readonly reported: readonly LearntRow[];
  /** Rows that are asked for, in the order of their OIDs. */
  readonly planned: readonly LearntRow[];
  /** Of the reported rows. */
  readonly hidden: HiddenLabels;
  /** Where the cells of each planned row come from; empty = the usual way for all. */
  readonly signatures: readonly Signature[];
  /** There are more than so many rows: the rest is left out. Undefined = these are all. */
  readonly rowsMax: number | undefined;
}

/** What equipment of a kind has in common; only hidden labels differ from one to the next. */
export type SharedSurvey = Omit<Survey, "hidden" | "rowsMax">;

const surveysShared = new Shared<SharedSurvey>(1024);
const signaturesShared = new Shared<readonly Signature[]>(512);
/** Surveys of more rows are nobody else's. */
const longestShared = 512;

/** One for all equipment that was found the same; losing one only loses the sharing. */
export function sharedSurvey({ columns, reported, planned, signatures }: Survey): SharedSurvey {
  if (planned.length > longestShared) return { columns, reported, planned, signatures };
  const kept = signaturesShared.get(signatures.join(), () => signatures);
  const rows = planned === reported ? reported : sharedRows(planned);
  return surveysShared.get([columns, reported, rows, kept].map(idOf).join(), () => ({
    columns,
    reported,
    planned: rows,
    signatures: kept,
  }));
}

/** The row of scalars and aggregates. */
export const onlyRow: LearntRow = Object.freeze({ index: "0", labels: Object.freeze({}), key: "" });
/** What aggregates and scalars have. */
export const onlyRows: readonly LearntRow[] = Object.freeze([onlyRow]);

function rowOfInstance(index: string, labels: Readonly<Record<string, string>>): LearntRow {
  return Object.freeze({ index, labels: Object.freeze({ ...labels }), key: "" });
}

/** Sparse columns are common; three of them together are not sparse. */
const maxRowColumns = 3;

/** The rows of another table, which are this one's as well. */
export interface BaseRows {
  readonly rows: readonly LearntRow[];
  readonly hidden: HiddenLabels;
}

/** Learns rows, labels and sources. `base`: of the table whose rows these are. @throws GatewayError driver.* */
export async function surveyTable(
  definition: TableDefinition,
  types: WireTypes,
  base: BaseRows | undefined,
  exchange: Exchange,
): Promise<Survey> {
  const columns = existingColumns(definition, types);
  const budget = new SurveyBudget(exchange);
  const { planned, reported, hidden, rowsMax } = await chooseTableRows(definition, columns, { types, base }, { exchange, budget });
  const signatures = await decideSources(columns, planned, types, exchange);
  const survey = { columns, reported, planned, hidden, signatures, rowsMax };
  warnOfNarrowCounters(definition, survey, exchange);
  return survey;
}

async function chooseTableRows(
  definition: TableDefinition,
  columns: readonly ColumnDefinition[],
  known: { readonly types: WireTypes; readonly base: BaseRows | undefined },
  asking: { readonly exchange: Exchange; readonly budget: SurveyBudget },
): Promise<RowChoice & Partial<Pick<Survey, "rowsMax">>> {
  const { types, base } = known;
  const { exchange } = asking;
  if (columns.length === 0) return { planned: [], reported: [], hidden: noHiddenLabels };
  if (definition.scalars || definition.aggregate === "count") {
    const { instance, fixedLabels } = definition;
    const row = instance === undefined && fixedLabels === undefined ? onlyRow : rowOfInstance(instance ?? "0", fixedLabels ?? {});
    const rows = row === onlyRow ? onlyRows : [row];
    return { planned: rows, reported: rows, hidden: noHiddenLabels };
  }
  if (base !== undefined) {
    const rows = await rowsOfBase(definition, columns, { types, baseRows: base.rows }, exchange);
    const hidden = rows === base.rows ? base.hidden : new LabelReader(base.rows, base.hidden).hiddenOf(rows);
    return { planned: rows, reported: rows, hidden };
  }
  const labels = (definition.labels ?? []).filter((label) => label.format === "index-name" || types.has(label.oid));
  const learnt = await learnRows(definition, rowColumnsOf(columns, types), labels, asking);
  const choice = chooseRows(definition, learnt.rows, exchange.settings.keepSkippedRows ? undefined : definition.skip);
  return { ...choice, rowsMax: learnt.rowsMax };
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
  const answer = await readPlanOnce(plan, exchange);
  const found = baseRows.filter((_, position) => answer.columns.some((column) => column.present[position] === 1));
  return found.length === baseRows.length ? baseRows : sharedRows(found);
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
  { columns, planned, reported, hidden, signatures }: Survey,
  exchange: Exchange,
): void {
  const octets = columns.findIndex((column) => column.rateLimit === "octets" && column.fallback !== undefined);
  if (octets < 0) return;
  const labels = new LabelReader(reported, hidden);
  const wrapMsOf = (row: LearntRow): number => ((two32 * 8) / (speedOf(labels.of(row)) ?? 0)) * 1000;
  const narrow = planned.filter((row, position) => signatures[position]?.[octets] === "f" && wrapMsOf(row) < exchange.pollIntervalMs);
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

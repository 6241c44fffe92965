import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Varbind } from "#ports/snmp.ts";
import { labelText, nameInIndex } from "../conversions/label-text.ts";
import type { LabelDefinition, TableDefinition } from "../metric-sets/metric-set.ts";
import { compareOids, indexBelow, isBelow } from "../oid.ts";
import type { Exchange } from "./exchange.ts";
import type { RawRow } from "./row-keys.ts";
import type { SurveyBudget } from "./survey-budget.ts";

export interface RowsLearnt {
  readonly rows: readonly RawRow[];
  /** There are more than so many rows: the rest is refused. Undefined = these are all. */
  readonly rowsMax: number | undefined;
}

/** Index arcs longer than this are no index of a table that we know. */
const maxIndexLength = 512;

/**
 * Walks the columns that say which rows there are (`rowColumns`) and the label columns, column by column.
 * @throws GatewayError driver.* when the agent stops answering
 */
export async function learnRows(
  definition: TableDefinition,
  rowColumns: readonly string[],
  labels: readonly LabelDefinition[],
  asking: { readonly exchange: Exchange; readonly budget: SurveyBudget },
): Promise<RowsLearnt> {
  const { exchange } = asking;
  const maxRows = Math.min(exchange.settings.maxRowsPerTable, definition.maxRows ?? Number.POSITIVE_INFINITY);
  const found = new Map<string, Record<string, string>>();
  let truncated = false;
  let spoilt: GatewayError | undefined;
  for (const column of rowColumns) {
    const end = await walkTolerantly(column, asking, (index) => noteRow(found, index, maxRows));
    truncated ||= end === "cut";
    if (end instanceof GatewayError) spoilt = end;
    // No room for a row that another column has.
    if (end === "cut" && found.size >= maxRows) break;
  }
  if (found.size === 0 && spoilt !== undefined) throw spoilt;
  for (const label of labels) {
    if (label.format === "index-name") {
      for (const [index, row] of found) row[label.name] = (label.fromIndex ?? nameInIndex)(index);
      continue;
    }
    const elsewhere = label.indexThere === undefined ? undefined : new Map<string, string>();
    await walkTolerantly(label.oid, asking, (index, varbind) => {
      const row = found.get(index);
      if (row === undefined && elsewhere === undefined) return true;
      const text = label.read?.(varbind.value) ?? labelText(label.format, label.enumeration, varbind.value);
      if (elsewhere !== undefined) elsewhere.set(index, text);
      else if (row !== undefined) row[label.name] = text;
      return true;
    });
    if (elsewhere === undefined) continue;
    for (const [index, row] of found) row[label.name] = elsewhere.get(label.indexThere?.(index) ?? "") ?? "";
  }
  if (truncated) refuseRows(definition, maxRows, exchange);
  const indexes = [...found.keys()].sort(compareOids);
  return { rows: indexes.map((index) => ({ index, labels: found.get(index) ?? {} })), rowsMax: truncated ? maxRows : undefined };
}

function noteRow(found: Map<string, Record<string, string>>, index: string, maxRows: number): boolean {
  if (found.has(index)) return true;
  if (found.size >= maxRows) return false;
  found.set(index, {});
  return true;
}

/** One bad instance spoils what comes after it in its column, not the table: what was read before it counts. */
async function walkTolerantly(
  column: string,
  { exchange, budget }: { readonly exchange: Exchange; readonly budget: SurveyBudget },
  take: (index: string, varbind: Varbind) => boolean,
): Promise<"end" | "cut" | GatewayError> {
  try {
    const end = (await walkColumn(column, exchange, take, budget)) ? "cut" : "end";
    budget.assertLeft();
    return end;
  } catch (error) {
    if (!isGatewayError(error) || (error.code !== "driver.bad-answer" && error.code !== "driver.refused")) throw error;
    return error;
  }
}

/** How many instances a column has. @throws GatewayError driver.*, driver.limit where there are more than the limit: that is a failure, and so is not asked for ever */
export async function countRows(definition: TableDefinition, column: string, exchange: Exchange): Promise<number> {
  let count = 0;
  const truncated = await walkColumn(column, exchange, () => {
    count += 1;
    return count <= exchange.settings.maxRowsPerTable;
  });
  if (!truncated) return count;
  const { maxRowsPerTable } = exchange.settings;
  refuseRows(definition, maxRowsPerTable, exchange);
  throw new GatewayError("driver.limit", { message: `more than ${maxRowsPerTable} rows; they are not counted` });
}

/** @param budget of the survey, where it is one @returns whether the walk was cut by a limit */
async function walkColumn(
  column: string,
  exchange: Exchange,
  take: (index: string, varbind: Varbind) => boolean,
  budget?: SurveyBudget,
): Promise<boolean> {
  const { maxRowsPerTable } = exchange.settings;
  const limits = { maxRows: maxRowsPerTable + 1, maxRequests: maxRowsPerTable + 16, deadlineMs: exchange.deadlineMs };
  try {
    for await (const batch of exchange.session.walk(column, limits, exchange.signal)) {
      if (budget?.take(batch.length) === false) return true;
      for (const varbind of batch) {
        if (!isBelow(varbind.oid, column)) continue;
        const index = indexBelow(varbind.oid, column);
        if (index.length <= maxIndexLength && !take(index, varbind)) return true;
      }
    }
    return false;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    // A walk that reaches its own row limit has handed over what it read; running out of time is not the end of the rows.
    if (error.code !== "driver.limit" || exchange.clock.monotonicMs() >= exchange.deadlineMs) throw error;
    return true;
  }
}

function refuseRows(definition: TableDefinition, maxRows: number, exchange: Exchange): void {
  exchange.notices.once(`rows ${definition.table}`, {
    type: "limit.rows",
    severity: "warning",
    text: `${definition.table} has more than ${maxRows} rows; the rest is not polled`,
    observedAt: exchange.clock.now(),
    attributes: { table: definition.table, maxRows },
  });
}

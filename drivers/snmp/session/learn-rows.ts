import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Varbind } from "#ports/snmp.ts";
import { labelText, nameInIndex } from "../conversions/label-text.ts";
import type { LabelDefinition, TableDefinition } from "../metric-sets/metric-set.ts";
import { compareOids, indexBelow, isBelow } from "../oid.ts";
import type { Exchange } from "./exchange.ts";
import type { RawRow } from "./row-keys.ts";

export interface RowsLearnt {
  readonly rows: readonly RawRow[];
  /** More rows than the limit: the rest is refused. */
  readonly truncated: boolean;
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
  exchange: Exchange,
): Promise<RowsLearnt> {
  const maxRows = Math.min(exchange.settings.maxRowsPerTable, definition.maxRows ?? Number.POSITIVE_INFINITY);
  const found = new Map<string, Record<string, string>>();
  let truncated = false;
  let spoilt: GatewayError | undefined;
  for (const column of rowColumns) {
    const end = await walkTolerantly(column, exchange, (index) => noteRow(found, index, maxRows));
    truncated ||= end === "cut";
    if (end instanceof GatewayError) spoilt = end;
  }
  if (found.size === 0 && spoilt !== undefined) throw spoilt;
  for (const label of labels) {
    if (label.format === "index-name") {
      for (const [index, row] of found) row[label.name] = (label.fromIndex ?? nameInIndex)(index);
      continue;
    }
    const elsewhere = label.indexThere === undefined ? undefined : new Map<string, string>();
    await walkTolerantly(label.oid, exchange, (index, varbind) => {
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
  return { rows: indexes.map((index) => ({ index, labels: found.get(index) ?? {} })), truncated };
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
  exchange: Exchange,
  take: (index: string, varbind: Varbind) => boolean,
): Promise<"end" | "cut" | GatewayError> {
  try {
    return (await walkColumn(column, exchange, take)) ? "cut" : "end";
  } catch (error) {
    if (!isGatewayError(error) || (error.code !== "driver.bad-answer" && error.code !== "driver.refused")) throw error;
    return error;
  }
}

/** How many instances a column has, or undefined when there are more than the limit. @throws GatewayError driver.* */
export async function countRows(definition: TableDefinition, column: string, exchange: Exchange): Promise<number | undefined> {
  let count = 0;
  const truncated = await walkColumn(column, exchange, () => {
    count += 1;
    return count <= exchange.settings.maxRowsPerTable;
  });
  if (truncated) refuseRows(definition, exchange.settings.maxRowsPerTable, exchange);
  return truncated ? undefined : count;
}

/** @returns whether the walk was cut by a limit */
async function walkColumn(column: string, exchange: Exchange, take: (index: string, varbind: Varbind) => boolean): Promise<boolean> {
  const { maxRowsPerTable } = exchange.settings;
  const limits = { maxRows: maxRowsPerTable + 1, maxRequests: maxRowsPerTable + 16, deadlineMs: exchange.deadlineMs };
  try {
    for await (const batch of exchange.session.walk(column, limits, exchange.signal)) {
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

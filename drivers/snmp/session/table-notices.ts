import type { GatewayError } from "#model/errors.ts";
import type { TableTrouble } from "#ports/driver.ts";
import type { TableDefinition } from "../metric-sets/metric-set.ts";
import type { Exchange } from "./exchange.ts";

/** Tables beyond the limit are left out, which is said once. */
export function refuseTables(refused: readonly TableDefinition[], maxTables: number, exchange: Exchange): void {
  exchange.notices.once("tables", {
    type: "limit.tables",
    severity: "warning",
    text: `more than ${maxTables} tables; the rest is not polled`,
    observedAt: exchange.clock.now(),
    attributes: { maxTables, refused: refused.slice(0, 100).map((table) => table.table) },
  });
}

/** The same, as long as it lasts. @param lookedAtS when it was found @param lookAgainAtS both monotonic */
export function refusedTable(table: string, maxTables: number, lookedAtS: number, lookAgainAtS: number): TableTrouble {
  const reason = `more than ${maxTables} tables; the rest is not read`;
  const [sinceMs, againAtMs] = [lookedAtS * 1_000, lookAgainAtS * 1_000];
  return { table, state: "refused", sinceMs, againAtMs, times: 1, code: "driver.limit", reason };
}

/** A table that would be too many series is left out, which is said once. */
export function refuseSeries({ table }: TableDefinition, maxSeries: number, exchange: Exchange): void {
  exchange.notices.once(`series ${table}`, {
    type: "limit.series",
    severity: "warning",
    text: `${table} would exceed ${maxSeries} series and is not polled`,
    observedAt: exchange.clock.now(),
    attributes: { table, maxSeries },
  });
}

/** A table of thousands of rows, or one whose agent makes rows up, fills each poll to its end and is never read. */
function whatFailed({ code }: GatewayError, failures: number): string {
  if (code !== "driver.limit") return `failed ${failures} times running`;
  return `was not read in the time of ${failures} polls running (more rows than the interval has time for, or an agent that makes them up)`;
}

/** A table that keeps failing is asked for less often, which is said once. */
export function tellSetAside({ table }: TableDefinition, failures: number, error: GatewayError, exchange: Exchange): void {
  exchange.notices.once(`aside ${table}`, {
    type: "table.set-aside",
    severity: "warning",
    text: `${table} ${whatFailed(error, failures)} and is asked for less often`,
    observedAt: exchange.clock.now(),
    attributes: { table, code: error.code, failures },
  });
}

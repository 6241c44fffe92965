import type { Gap, GapReason, TableReport } from "#model/report.ts";
import type { Exchange } from "./exchange.ts";
import type { AgentMoment, PolledTable } from "./polled-table.ts";
import { Reading, type TableReading } from "./table-reading.ts";

/** What one poll read of the tables. */
export interface TablesRead {
  readonly reports: readonly TableReport[];
  readonly gaps: readonly Gap[];
  /** What each table gave and cost. */
  readonly costs: readonly TableReading[];
}

const noReports: readonly TableReport[] = [];
const noGaps: readonly Gap[] = [];
const noCosts: readonly TableReading[] = [];

/** The same while it is being put together. */
export class TablesSoFar implements TablesRead {
  /** Of their exact length: pushing makes room for seventeen. */
  reports = noReports;
  gaps = noGaps;
  costs = noCosts;

  add(table: PolledTable, reading: TableReading): void {
    this.reports = this.reports.length === 0 ? reading.reports : this.reports.concat(reading.reports);
    if (!reading.complete) this.lacks(table, "partial");
    this.costs = this.costs.length === 0 ? [reading] : this.costs.concat(reading);
  }

  /** Reads it; should that fail as well, what it cost is told all the same. @throws GatewayError driver.* */
  async tried(table: PolledTable, moment: AgentMoment, exchange: Exchange): Promise<TableReading> {
    const before = exchange.session.counters();
    const startedMs = exchange.clock.monotonicMs();
    try {
      return await table.read(moment, exchange);
    } catch (error) {
      const after = exchange.session.counters();
      const wasted = new Reading(table.definition.table);
      wasted.requests = after.requests - before.requests;
      wasted.retries = after.retries - before.retries;
      wasted.bytesIn = (after.bytesIn ?? 0) - (before.bytesIn ?? 0);
      wasted.bytesOut = (after.bytesOut ?? 0) - (before.bytesOut ?? 0);
      wasted.durationMs = exchange.clock.monotonicMs() - startedMs;
      wasted.complete = false;
      this.costs = this.costs.concat(wasted);
      throw error;
    }
  }

  lacks(table: PolledTable, reason: GapReason): void {
    this.gaps = this.gaps.concat(table.outputs.map(({ shape }) => ({ shape, reason })));
  }
}

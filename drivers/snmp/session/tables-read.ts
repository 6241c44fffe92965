import type { Gap, GapReason, TableReport } from "#model/report.ts";
import type { PolledTable } from "./polled-table.ts";
import type { TableReading } from "./table-reading.ts";

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

  lacks(table: PolledTable, reason: GapReason): void {
    this.gaps = this.gaps.concat(table.outputs.map(({ shape }) => ({ shape, reason })));
  }
}

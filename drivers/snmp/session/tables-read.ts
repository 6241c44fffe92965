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

/** The same while it is being put together. */
export class TablesSoFar implements TablesRead {
  readonly reports: TableReport[] = [];
  readonly gaps: Gap[] = [];
  readonly costs: TableReading[] = [];

  add(table: PolledTable, reading: TableReading): void {
    for (const report of reading.reports) this.reports.push(report);
    if (!reading.complete) this.lacks(table, "partial");
    this.costs.push(reading);
  }

  lacks(table: PolledTable, reason: GapReason): void {
    for (const { shape } of table.outputs) this.gaps.push({ shape, reason });
  }
}

import type { TableReport } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import type { TableAnswer } from "#ports/snmp.ts";
import type { ReportCells } from "./report-cells.ts";
import type { TableOutput } from "./table-output.ts";

/** CPU of a request and of a value, milliseconds. Measured once on one machine (README): enough to tell dear equipment from cheap. */
export const cpuMsPerRequest = 0.03;
export const cpuMsPerValue = 0.0003;

/** What reading a table gave, and what it cost. */
export interface TableReading {
  readonly table: string;
  readonly reports: readonly TableReport[];
  /** What the reports stand in: to be given back when nobody looks at them any more. */
  readonly cells: readonly ReportCells[];
  /** Cells that have a value. */
  readonly values: number;
  readonly complete: boolean;
  readonly requests: number;
  readonly retries: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  /** Estimated. */
  readonly cpuMs: number;
}

const noReports: readonly TableReport[] = [];
const noCells: readonly ReportCells[] = [];

/** A reading that is being put together. Its lists have their exact length: mostly one, and pushing makes room for seventeen. */
export class Reading implements TableReading {
  readonly table: string;
  reports = noReports;
  cells = noCells;
  values = 0;
  complete = true;
  requests = 0;
  retries = 0;
  bytesIn = 0;
  bytesOut = 0;
  durationMs = 0;

  constructor(table: string) {
    this.table = table;
  }

  get cpuMs(): number {
    return this.requests * cpuMsPerRequest + this.values * cpuMsPerValue;
  }

  report(output: TableOutput, cells: ReportCells, observedAt: Instant, elapsedMs: number): void {
    this.values += output.settle(cells);
    this.cells = this.cells.length === 0 ? [cells] : this.cells.concat(cells);
    if (output.rows.length === 0) return;
    const report = output.report(cells, observedAt, elapsedMs);
    this.reports = this.reports.length === 0 ? [report] : this.reports.concat(report);
  }

  add(answer: TableAnswer): void {
    if (!answer.complete) this.complete = false;
    this.requests += answer.requests;
    this.retries += answer.retries;
    this.bytesIn += answer.bytesIn;
    this.bytesOut += answer.bytesOut;
    this.durationMs += answer.durationMs;
  }
}

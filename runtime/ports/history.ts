import type { Report } from "#model/report.ts";

export interface HistoryPoint {
  readonly atMs: number;
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  readonly last: number;
  readonly count: number;
}

export interface HistorySeries {
  readonly equipment: string;
  readonly table: string;
  readonly rowKey: string;
  readonly metric: string;
  readonly kind: "counter" | "gauge" | "state";
  readonly unit: string;
}

/** Reports that have no place in a plot because nobody knew the date when they were made. */
export interface UndatedReports {
  /** Since this gateway began. */
  readonly reports: number;
  /** What that means and what to do, a sentence or two for people. */
  readonly text: string;
}

/** The site's own memory for plots and availability: bounded in size, lossy by rollup, never the truth for the NOC. Counters are kept as rates per second. */
export interface History {
  record(report: Report): void;
  series(equipment?: string): Promise<readonly HistorySeries[]>;
  /** Points of one series; resolution is the finest that keeps the answer <= maxPoints. Gaps are absent points, never zero. */
  read(query: { readonly series: HistorySeries; readonly fromMs: number; readonly toMs: number; readonly maxPoints: number }): Promise<{
    readonly resolutionMs: number;
    readonly points: readonly HistoryPoint[];
  }>;
  stats(): Promise<{
    readonly bytes: number;
    readonly series: number;
    readonly refusedSeries: number;
    /** Reports of an unanchored clock since this was opened: they were not recorded. */
    readonly undatedReports: number;
  }>;
  close(): Promise<void>;
}

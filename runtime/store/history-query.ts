import type { HistoryPoint, HistorySeries } from "#ports/history.ts";

export interface HistoryQuery {
  readonly series: HistorySeries;
  readonly fromMs: number;
  readonly toMs: number;
  readonly maxPoints: number;
}

export interface HistoryAnswer {
  readonly resolutionMs: number;
  readonly points: readonly HistoryPoint[];
}

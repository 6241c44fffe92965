import { LatencyHistogram } from "#model/latency-histogram.ts";
import type { CheckLatencyRow, CheckRow } from "../store/checks.ts";
import type { JsonObject, RollupLevel } from "../store/rows.ts";
import type { StoreQueries } from "../store/store.ts";

/** What a check's answers took over a range: quantiles of the merged counts, never means of quantiles. Milliseconds; null = nothing was measured. */
export interface LatencySummary {
  /** Measurements: of echoes one per packet, else one per run. */
  readonly count: number;
  readonly runs: number;
  readonly failures: number;
  readonly minMs: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** One check as people see it in a list. */
export interface CheckView {
  readonly check: string;
  readonly equipment: string;
  readonly type: string;
  readonly target: string;
  readonly ok: boolean;
  readonly sinceMs: number;
  readonly atMs: number;
  readonly vantage: string;
  readonly failure: { readonly stage: string; readonly code: string; readonly text: string } | null;
  readonly evidence: JsonObject;
  readonly lastHour: LatencySummary;
}

const hourMs = 3_600_000;
const fineMs: RollupLevel = 300_000;
/** Five-minute buckets are kept this long for sure (Retention); older ranges are made of hours. */
const fineRangeMs = 7 * 86_400_000;
const maxRows = 20_000;

/** Every check of a gateway with its newest result and its last hour. */
export async function viewChecks(read: StoreQueries, gatewayRef: number, nowMs: number): Promise<readonly CheckView[]> {
  const fromMs = Math.floor((nowMs - hourMs) / fineMs) * fineMs;
  const rows = await read.checks.latencies({ gatewayRef, level: fineMs, fromMs, toMs: nowMs + fineMs, limit: maxRows });
  const byCheck = Map.groupBy(rows, (row) => row.check);
  return (await read.checks.checks(gatewayRef)).map((row) => viewOf(row, byCheck.get(row.check) ?? []));
}

/** One check's latency over a range, as a whole and in at most `maxPoints` equal steps. */
export async function viewLatency(
  read: StoreQueries,
  query: {
    readonly gatewayRef: number;
    readonly check: string;
    readonly fromMs: number;
    readonly toMs: number;
    readonly maxPoints: number;
  },
): Promise<{
  readonly whole: LatencySummary;
  readonly stepMs: number;
  readonly points: readonly (LatencySummary & { readonly atMs: number })[];
}> {
  const { gatewayRef, check, fromMs, toMs, maxPoints } = query;
  const level: RollupLevel = toMs - fromMs <= fineRangeMs ? fineMs : hourMs;
  // The buckets that the range touches, whole: counts cannot be cut.
  const firstMs = Math.floor(fromMs / level) * level;
  const rows = await read.checks.latencies({ gatewayRef, check, level, fromMs: firstMs, toMs, limit: maxRows });
  const stepMs = Math.max(1, Math.ceil((toMs - firstMs) / level / maxPoints)) * level;
  const steps = Map.groupBy(rows, (row) => firstMs + Math.floor((row.bucketMs - firstMs) / stepMs) * stepMs);
  const points = [...steps].sort(([a], [b]) => a - b).map(([atMs, inStep]) => ({ atMs, ...summarise(inStep) }));
  return { whole: summarise(rows), stepMs, points };
}

function summarise(rows: readonly CheckLatencyRow[]): LatencySummary {
  const merged = new LatencyHistogram();
  for (const row of rows) merged.merge(LatencyHistogram.from(row.latency));
  const known = (ms: number) => (Number.isNaN(ms) ? null : Math.round(ms * 1_000) / 1_000);
  return {
    count: merged.count,
    runs: rows.reduce((sum, row) => sum + row.runs, 0),
    failures: rows.reduce((sum, row) => sum + row.failures, 0),
    minMs: known(merged.min),
    p50Ms: known(merged.quantile(0.5)),
    p95Ms: known(merged.quantile(0.95)),
    p99Ms: known(merged.quantile(0.99)),
    maxMs: known(merged.max),
  };
}

function viewOf(row: CheckRow, latencies: readonly CheckLatencyRow[]): CheckView {
  const { check, equipment, type, target, ok, sinceMs, atMs, vantage, body } = row;
  const fail = (body["fail"] ?? {}) as JsonObject;
  const text = (key: string) => (typeof fail[key] === "string" ? fail[key].slice(0, 1_024) : "");
  return {
    ...{ check, equipment, type, target, ok, sinceMs, atMs, vantage },
    failure: ok ? null : { stage: text("stage"), code: text("code"), text: text("text") },
    evidence: (body["ev"] ?? {}) as JsonObject,
    lastHour: summarise(latencies),
  };
}

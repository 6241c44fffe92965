import { isEquipmentId } from "#model/equipment.ts";
import type { Report, Row, TableShape } from "#model/report.ts";
import type { AlarmIdentity } from "#ports/alarms.ts";
import type { Clock } from "#ports/clock.ts";
import type { History, HistorySeries } from "#ports/history.ts";
import { isLike } from "../identity.ts";
import type { ConditionSink } from "./compiled-condition.ts";
import type { BaselineCondition, ForecastCondition, HistoryCondition } from "./definition.ts";
import { median, type PastPoint, robustTrend } from "./regression.ts";
import { rowPath } from "./row-path.ts";
import { isMeantRow } from "./table-conditions.ts";
import { fillText } from "./text.ts";

const dayMs = 86_400_000;
/** A trend needs so much past, and looks at so much of it. */
const leastSpanMs = 2 * dayMs;
const trendSpanMs = 14 * dayMs;
const leastPoints = 24;
/** Rows judged in one round; the others have their turn in the next. */
const rowsPerRound = 2_000;
const roundEveryMs = 3_600_000;
const firstRoundMs = 300_000;
/** Tables with one and the same list of metrics that are remembered. */
const mostTables = 16;

/** A row of the present that the past is asked about. */
interface Watched {
  readonly condition: HistoryCondition;
  readonly equipment: string;
  readonly table: string;
  readonly row: Row;
  /** Last value of the whole, for shares. */
  whole: number;
}

/** Conditions that look at the site's own history: when will it be full, and does it differ from what was usual. Once an hour. */
export class HistoryConditions {
  readonly #conditions: readonly HistoryCondition[];
  readonly #sink: ConditionSink;
  readonly #history: History | undefined;
  readonly #clock: Clock;
  readonly #watched = new Map<string, Watched>();
  /** By the list of metrics, which like equipment has in common, and the name of the table. */
  readonly #ofMetrics = new WeakMap<
    TableShape["metrics"],
    readonly { readonly table: string; readonly meant: readonly HistoryCondition[] }[]
  >();
  #nextMs: number;
  #running = false;

  constructor(parts: {
    readonly conditions: readonly HistoryCondition[];
    readonly sink: ConditionSink;
    readonly history: History | undefined;
    readonly clock: Clock;
  }) {
    this.#conditions = parts.conditions;
    this.#sink = parts.sink;
    this.#history = parts.history;
    this.#clock = parts.clock;
    this.#nextMs = parts.clock.monotonicMs() + firstRoundMs;
  }

  /** Notes which rows there are; values come from the history. */
  observe(report: Report): void {
    if (this.#history === undefined) return;
    for (const { shape, columns } of report.tables) {
      for (const condition of this.#conditionsOf(shape)) {
        const { operand, scope } = condition;
        const whole = operand.is === "share" ? columns[shape.metrics.findIndex(({ name }) => name === operand.whole)] : undefined;
        for (const [index, row] of shape.rows.entries()) {
          if (!isMeantRow(scope, shape.equipment, row)) continue;
          const value = whole?.kind === "number" && whole.present[index] === 1 ? (whole.value[index] ?? Number.NaN) : Number.NaN;
          this.#watch({ condition, equipment: shape.equipment, table: shape.table, row, whole: value });
        }
      }
    }
  }

  /** Found once a form of table: most have none. */
  #conditionsOf(shape: TableShape): readonly HistoryCondition[] {
    const found = this.#ofMetrics.get(shape.metrics) ?? [];
    const known = found.find(({ table }) => table === shape.table);
    if (known !== undefined) return known.meant;
    const meant = this.#conditions.filter(({ operand, scope }) => {
      if (scope.table !== undefined && !isLike(shape.table, scope.table)) return false;
      const metric = operand.is === "share" ? operand.part : operand.metric;
      return shape.metrics.some(({ name }) => name === metric);
    });
    if (found.length < mostTables) this.#ofMetrics.set(shape.metrics, [...found, { table: shape.table, meant }]);
    return meant;
  }

  tick(nowMs: number): void {
    if (nowMs < this.#nextMs || this.#running || this.#history === undefined) return;
    this.#nextMs = nowMs + roundEveryMs;
    void this.round();
  }

  /** One look at everything that is watched. Asked for by equipment: the names of all series of a large site are a second's work and megabytes. */
  async round(): Promise<void> {
    const history = this.#history;
    if (history === undefined) return;
    this.#running = true;
    try {
      for (const [equipment, rows] of Map.groupBy(this.#watched.values(), (one) => one.equipment)) {
        const series = await history.series(equipment);
        for (const watched of rows) await this.#judge(history, series, watched);
      }
    } finally {
      this.#running = false;
    }
  }

  #watch(watched: Watched): void {
    const key = `${watched.condition.name} ${watched.equipment} ${watched.table} ${watched.row.key}`;
    const known = this.#watched.get(key);
    if (known !== undefined) {
      if (!Number.isNaN(watched.whole)) known.whole = watched.whole;
      return;
    }
    if (this.#watched.size < rowsPerRound) this.#watched.set(key, watched);
  }

  async #judge(history: History, series: readonly HistorySeries[], watched: Watched): Promise<void> {
    const { condition, table, row } = watched;
    const metric = condition.operand.is === "share" ? condition.operand.part : condition.operand.metric;
    const found = series.find((one) => one.table === table && one.rowKey === row.key && one.metric === metric);
    if (found === undefined) return;
    const nowMs = this.#clock.now().wallMs;
    const spanMs = condition.kind === "forecast" ? trendSpanMs : condition.days * dayMs;
    const { points } = await history.read({ series: found, fromMs: nowMs - spanMs, toMs: nowMs, maxPoints: 700 });
    const past = points.map(({ atMs, avg }) => ({ atMs, value: avg }));
    if (condition.kind === "forecast") this.#forecast(condition, watched, past);
    else this.#baseline(condition, watched, past);
  }

  #forecast(condition: ForecastCondition, watched: Watched, past: readonly PastPoint[]): void {
    const identity = identityOf(watched);
    const { operand, limit, from, withinDays } = condition;
    const factor = operand.is === "share" ? (operand.isFree === true ? -1 : 1) * (100 / watched.whole) : 1;
    const offset = operand.is === "share" && operand.isFree === true ? 100 : 0;
    const days = daysUntil(
      past.map(({ atMs, value }) => ({ atMs, value: offset + factor * value })),
      limit,
      from,
    );
    const step = days === undefined ? undefined : withinDays.findLast((one) => days <= one.days);
    if (days === undefined || step === undefined) {
      if (this.#sink.find(identity) !== undefined) this.#sink.clear(identity, "it no longer grows at that pace");
      return;
    }
    this.#sink.set({
      ...{ ...identity, severity: step.severity, source: { kind: "poll", ref: condition.name } },
      text: fillText(condition.text, { row: watched.row, value: Math.max(1, Math.round(days)) }),
      ...(condition.repair === undefined ? {} : { repair: condition.repair }),
    });
  }

  #baseline(condition: BaselineCondition, watched: Watched, past: readonly PastPoint[]): void {
    const identity = identityOf(watched);
    const newest = past.at(-1)?.atMs ?? 0;
    const now = past.filter(({ atMs }) => newest - atMs < dayMs).map(({ value }) => value);
    const before = past.filter(({ atMs }) => newest - atMs >= dayMs).map(({ value }) => value);
    const spanMs = newest - (past[0]?.atMs ?? newest);
    // A week at least: what was usual on one Sunday is not what is usual.
    if (spanMs < Math.min(7, condition.days / 2) * dayMs || now.length < 4 || before.length < leastPoints) return;
    const usual = median(before);
    const percent = usual === 0 ? Number.NaN : (100 * median(now)) / usual;
    const isOff = condition.side === "below" ? percent < condition.percent : percent > condition.percent;
    if (!isOff) {
      if (this.#sink.find(identity) !== undefined) this.#sink.clear(identity, "as usual again");
      return;
    }
    this.#sink.set({
      ...{ ...identity, severity: condition.severity, source: { kind: "poll", ref: condition.name } },
      text: fillText(condition.text, { row: watched.row, value: Math.round(percent) }),
      ...(condition.repair === undefined ? {} : { repair: condition.repair }),
    });
  }
}

/**
 * Days until the limit at the pace of the past; undefined = no honest answer: too little past, no steady trend, still far away. Even the
 * cautious slope must lead there, so that a weekend's backup is no forecast.
 */
export function daysUntil(past: readonly PastPoint[], limit: number, from: number): number | undefined {
  const usable = past.filter(({ value }) => Number.isFinite(value));
  const first = usable[0];
  const last = usable.at(-1);
  if (first === undefined || last === undefined || usable.length < leastPoints || last.atMs - first.atMs < leastSpanMs) return undefined;
  const trend = robustTrend(usable);
  if (trend === undefined) return undefined;
  const isRise = limit > from;
  if (isRise ? last.value < from : last.value > from) return undefined;
  const { slope, cautious } = trend;
  if (isRise ? slope <= 0 || cautious <= 0 : slope >= 0 || cautious >= 0) return undefined;
  return Math.max(0, (limit - Math.max(trend.value, isRise ? last.value : trend.value)) / slope / dayMs);
}

function identityOf({ condition, equipment, table, row }: Watched): AlarmIdentity {
  const path = rowPath(table, row.key, condition.path);
  return isEquipmentId(equipment)
    ? { equipment, path, type: condition.alarm, qualifier: "" }
    : { path: `${equipment}/${path}`, type: condition.alarm, qualifier: "" };
}

import { type CheckDefinition, type CheckFailureCode, checkEquipment } from "#model/check.ts";
import type { Gap, GapReason, Metric, NumberColumn, Report, Row, TableReport, TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import type { CheckMetrics, ProbeOutcome } from "#ports/checks.ts";

const gapOf: Readonly<Record<CheckFailureCode, GapReason>> = {
  timeout: "timeout",
  loss: "timeout",
  refused: "notReachable",
  unreachable: "notReachable",
  "no-such-name": "notReachable",
  "name-server": "notReachable",
  reset: "badAnswer",
  tls: "badAnswer",
  certificate: "badAnswer",
  "bad-answer": "badAnswer",
  "too-large": "badAnswer",
  redirects: "badAnswer",
  assertion: "badAnswer",
};

/**
 * Turns runs of one check into reports of its pseudo equipment. Two tables: `check` says in every run whether it is up; `timing` holds durations, and is a
 * gap with its reason where nothing was measured: a failure is never zero milliseconds.
 */
export class CheckReporter {
  readonly #state: ReportTable;
  readonly #timing: ReportTable;

  constructor(definition: CheckDefinition, metrics: CheckMetrics) {
    const { equipment, name, target, type } = definition;
    const labels = {
      type,
      target: target.replace(/[?#].*$/, ""),
      ...(name === undefined ? {} : { name }),
      ...(equipment === undefined ? {} : { equipment }),
    };
    this.#state = new ReportTable(definition, "check", metrics.state, [{ key: "", labels }]);
    const rows = metrics.rows.map((key) => ({ key, labels: key === "" ? labels : { step: key } }));
    this.#timing = new ReportTable(definition, "timing", metrics.timing, rows);
  }

  measured(outcome: ProbeOutcome, plannedAtMs: number, observedAt: Instant): Report {
    const tables = [this.#state.fill(outcome.values, observedAt)];
    const gaps: Gap[] = [];
    if (outcome.values.has("latency")) tables.push(this.#timing.fill(outcome.values, observedAt));
    else gaps.push({ shape: this.#timing.shape, reason: outcome.failure === undefined ? "partial" : gapOf[outcome.failure.code] });
    return { kind: "report", equipment: this.#state.shape.equipment, observedAt, plannedAtMs, tables, gaps };
  }

  /** A slot without a run: neither up nor down. */
  unmeasured(plannedAtMs: number, observedAt: Instant): Report {
    const gaps = [this.#state.shape, this.#timing.shape].map((shape): Gap => ({ shape, reason: "skipped" }));
    return { kind: "report", equipment: this.#state.shape.equipment, observedAt, plannedAtMs, tables: [], gaps };
  }
}

/** One table with its columns, which are reused from run to run. */
class ReportTable {
  readonly shape: TableShape;
  readonly #columns: readonly NumberColumn[];
  #previousMs = Number.NaN;

  constructor(definition: CheckDefinition, table: string, metrics: readonly Metric[], rows: readonly Row[]) {
    this.shape = Object.freeze({
      equipment: checkEquipment(definition.id),
      table,
      revision: 1,
      intervalMs: definition.intervalMs,
      metrics: Object.freeze([...metrics]),
      rows: Object.freeze(rows.map((row) => Object.freeze({ ...row, labels: Object.freeze(row.labels) }))),
    });
    this.#columns = metrics.map(() => ({ kind: "number", present: new Uint8Array(rows.length), value: new Float64Array(rows.length) }));
  }

  fill(values: ReadonlyMap<string, number>, observedAt: Instant): TableReport {
    for (const [index, metric] of this.shape.metrics.entries()) {
      const column = this.#columns[index];
      if (column === undefined) continue;
      for (const [row, { key }] of this.shape.rows.entries()) {
        const value = values.get(key === "" ? metric.name : `${key}/${metric.name}`);
        column.present[row] = value !== undefined && Number.isFinite(value) ? 1 : 0;
        column.value[row] = value ?? 0;
      }
    }
    const elapsedMs = observedAt.monotonicMs - this.#previousMs;
    this.#previousMs = observedAt.monotonicMs;
    return { shape: this.shape, columns: this.#columns, observedAt, elapsedMs };
  }
}

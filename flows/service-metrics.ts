import type { EquipmentId } from "#model/equipment.ts";
import type { Metric, NumberColumn, Report, TableReport, TableShape } from "#model/report.ts";
import type { Clock } from "#ports/clock.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";

const everyMs = 10_000;
const maxSeriesPerService = 200;
const maxSeries = 5_000;
const namePattern = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/** One value a service puts. */
export interface PutValue {
  readonly equipment: string;
  readonly row: string;
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
}

interface Table {
  readonly equipment: EquipmentId;
  metrics: readonly Metric[];
  rows: readonly string[];
  readonly values: Map<string, number>;
  shape: TableShape | undefined;
  revision: number;
}

/** What services measure themselves, as reports like any other: one table `service` of the equipment `service:ID`, latest value every 10 s. */
export class ServiceMetrics {
  readonly #parts: { readonly clock: Clock; readonly intake: Intake; readonly logger: Logger };
  readonly #tables = new Map<string, Table>();
  readonly #dirty = new Set<string>();
  #series = 0;
  refused = 0;

  constructor(parts: { readonly clock: Clock; readonly intake: Intake; readonly logger: Logger }) {
    this.#parts = parts;
  }

  /** @returns why it was not taken */
  put(service: string, put: PutValue): string | undefined {
    if (!namePattern.test(put.metric)) return `"${put.metric.slice(0, 40)}" is not a name of a metric`;
    const owner = `service:${service}`;
    // What is said of an equipment stands beside its own tables, under the service's name.
    const equipment = put.equipment === "" ? owner : put.equipment;
    const key = `${equipment}\0${owner}`;
    const table = this.#tables.get(key) ?? this.#open(key, equipment as EquipmentId);
    const cell = `${put.row}\0${put.metric}`;
    if (!table.values.has(cell)) {
      if (table.values.size >= maxSeriesPerService || this.#series >= maxSeries) {
        this.refused += 1;
        return `more than ${maxSeriesPerService} metrics of one service`;
      }
      this.#series += 1;
      this.#grow(table, put);
    }
    table.values.set(cell, put.value);
    this.#dirty.add(key);
    return undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    let previousMs = Number.NaN;
    while (!signal.aborted) {
      const plannedAtMs = this.#parts.clock.monotonicMs();
      for (const key of [...this.#dirty]) await this.#report(key, plannedAtMs, previousMs);
      previousMs = plannedAtMs;
      // Rejects only with the abort, which the loop's condition sees.
      await this.#parts.clock.sleep(everyMs, signal).catch(() => undefined);
    }
  }

  #open(key: string, equipment: EquipmentId): Table {
    const table: Table = { equipment, metrics: [], rows: [], values: new Map(), shape: undefined, revision: 0 };
    this.#tables.set(key, table);
    return table;
  }

  #grow(table: Table, put: PutValue): void {
    if (!table.metrics.some(({ name }) => name === put.metric))
      table.metrics = [...table.metrics, Object.freeze({ name: put.metric, kind: "gauge", unit: put.unit.slice(0, 16), scale: 1000 })];
    if (!table.rows.includes(put.row)) table.rows = [...table.rows, put.row];
    table.shape = undefined;
  }

  async #report(key: string, plannedAtMs: number, previousMs: number): Promise<void> {
    this.#dirty.delete(key);
    const table = this.#tables.get(key);
    if (table === undefined) return;
    const shape = table.shape ?? this.#shapeOf(table, key);
    const columns: readonly NumberColumn[] = table.metrics.map(({ name }) => {
      const column: NumberColumn = {
        kind: "number",
        present: new Uint8Array(table.rows.length),
        value: new Float64Array(table.rows.length),
      };
      for (const [index, row] of table.rows.entries()) {
        const value = table.values.get(`${row}\0${name}`);
        column.present[index] = value === undefined ? 0 : 1;
        column.value[index] = value ?? 0;
      }
      return column;
    });
    const observedAt = this.#parts.clock.now();
    const one: TableReport = { shape, columns, observedAt, elapsedMs: plannedAtMs - previousMs };
    const report: Report = { kind: "report", equipment: table.equipment, observedAt, plannedAtMs, tables: [one], gaps: [] };
    await this.#parts.intake.accept(report).catch((error: unknown) => {
      this.#parts.logger.warn({ reason: String(error) }, "metrics of a service were not kept");
    });
  }

  #shapeOf(table: Table, key: string): TableShape {
    table.revision += 1;
    const owner = key.split("\0")[1] ?? "service";
    table.shape = Object.freeze({
      equipment: table.equipment,
      table: owner,
      revision: table.revision,
      intervalMs: everyMs,
      metrics: table.metrics,
      rows: table.rows.map((row) => Object.freeze({ key: row, labels: Object.freeze(row === "" ? {} : { row }) })),
    });
    return table.shape;
  }
}

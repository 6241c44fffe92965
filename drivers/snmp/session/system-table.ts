import type { EquipmentId } from "#model/equipment.ts";
import type { Column, Metric, TableReport, TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import { deviceUptimeS, type UptimeReading } from "../counters/agent-uptime.ts";
import type { CounterAnomalies } from "../counters/counter-column.ts";
import { CounterMemory } from "../counters/counter-memory.ts";
import { formOfTable, type ReportCells, type ReportCellsPool } from "./report-cells.ts";

const metrics: readonly Metric[] = Object.freeze([
  Object.freeze({ name: "sysUpTime", kind: "gauge", unit: "s", scale: 100 } as const),
  Object.freeze({ name: "snmpEngineTime", kind: "gauge", unit: "s", scale: 1 } as const),
  Object.freeze({ name: "hrSystemUptime", kind: "gauge", unit: "s", scale: 100 } as const),
  Object.freeze({ name: "uptime", kind: "gauge", unit: "s", scale: 100 } as const),
]);

const form = formOfTable(metrics, 1);
const noCounters = new CounterMemory(0, 0);
const onlyRow = Object.freeze([Object.freeze({ key: "", labels: Object.freeze({}) })]);

/** The `system` table: filled from each poll's first answer, so that it costs no request of its own. */
export class SystemTable {
  readonly #shape: TableShape;
  #previousMs = Number.NaN;

  constructor(equipment: EquipmentId, intervalMs: number) {
    this.#shape = Object.freeze({
      equipment,
      table: "system",
      revision: 1,
      intervalMs,
      metrics,
      rows: onlyRow,
    });
  }

  get shape(): TableShape {
    return this.#shape;
  }

  takeCells(pool: ReportCellsPool, anomalies: CounterAnomalies): ReportCells {
    return pool.take(form, noCounters, anomalies);
  }

  report({ columns }: ReportCells, reading: UptimeReading, observedAt: Instant): TableReport {
    fill(columns[0], (reading.sysUpTimeTicks ?? Number.NaN) / 100);
    fill(columns[1], reading.engineTimeS ?? Number.NaN);
    fill(columns[2], (reading.hostUptimeTicks ?? Number.NaN) / 100);
    fill(columns[3], deviceUptimeS(reading));
    const elapsedMs = reading.monotonicMs - this.#previousMs;
    this.#previousMs = reading.monotonicMs;
    return { shape: this.#shape, columns, observedAt, elapsedMs };
  }
}

/** NaN = there is no value. */
function fill(column: Column | undefined, value: number): void {
  if (column?.kind !== "number" || Number.isNaN(value)) return;
  column.present[0] = 1;
  column.value[0] = value;
}

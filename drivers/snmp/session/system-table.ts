import type { EquipmentId } from "#model/equipment.ts";
import type { Metric, TableReport, TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import { deviceUptimeS, type UptimeReading } from "../counters/agent-uptime.ts";

const metrics: readonly Metric[] = Object.freeze([
  Object.freeze({ name: "sysUpTime", kind: "gauge", unit: "s", scale: 100 } as const),
  Object.freeze({ name: "snmpEngineTime", kind: "gauge", unit: "s", scale: 1 } as const),
  Object.freeze({ name: "hrSystemUptime", kind: "gauge", unit: "s", scale: 100 } as const),
  Object.freeze({ name: "uptime", kind: "gauge", unit: "s", scale: 100 } as const),
]);

/** The `system` table: filled from each poll's first answer, so that it costs no request of its own. */
export class SystemTable {
  readonly #shape: TableShape;
  readonly #columns = metrics.map(() => ({ kind: "number" as const, present: new Uint8Array(1), value: new Float64Array(1) }));
  #previousMs = Number.NaN;

  constructor(equipment: EquipmentId, intervalMs: number) {
    this.#shape = Object.freeze({
      equipment,
      table: "system",
      revision: 1,
      intervalMs,
      metrics,
      rows: Object.freeze([Object.freeze({ key: "", labels: Object.freeze({}) })]),
    });
  }

  get shape(): TableShape {
    return this.#shape;
  }

  report(reading: UptimeReading, observedAt: Instant): TableReport {
    const values = [
      (reading.sysUpTimeTicks ?? Number.NaN) / 100,
      reading.engineTimeS ?? Number.NaN,
      (reading.hostUptimeTicks ?? Number.NaN) / 100,
      deviceUptimeS(reading),
    ];
    for (const [position, column] of this.#columns.entries()) {
      const value = values[position] ?? Number.NaN;
      column.present[0] = Number.isNaN(value) ? 0 : 1;
      column.value[0] = Number.isNaN(value) ? 0 : value;
    }
    const elapsedMs = reading.monotonicMs - this.#previousMs;
    this.#previousMs = reading.monotonicMs;
    return { shape: this.#shape, columns: this.#columns, observedAt, elapsedMs };
  }
}

import type { EquipmentId } from "#model/equipment.ts";
import type { Column, CounterColumn, Metric, NumberColumn, Report, TableShape } from "#model/report.ts";
import { monotonicMs, wallMs } from "#model/time.ts";

/**
 * The load of PERFORMANCE 2: switches with 48 ports and 20 columns (960 values each) polled every 5 s. Arrays are reused from poll to poll, as a
 * driver does, so that only the codec's own work is seen.
 */
export class Switches {
  readonly intervalMs = 5_000;
  readonly #switches: { readonly shape: TableShape; readonly columns: Column[] }[];
  readonly #changedShare: number;
  #poll = 0;
  #random = 1;

  constructor(count: number, changedShare: number) {
    this.#changedShare = changedShare;
    this.#switches = Array.from({ length: count }, (_, index) => makeSwitch(`sw-${index}`, this.intervalMs));
  }

  get samples(): number {
    return this.#switches.length * 960;
  }

  /** Moves every device on by one interval. */
  step(): readonly Report[] {
    this.#poll += 1;
    for (const one of this.#switches) for (const column of one.columns) this.#move(column);
    const at = this.#poll * this.intervalMs;
    return this.#switches.map(({ shape, columns }, index) => {
      const observedAt = {
        wallMs: wallMs(1_795_294_121_000 + at + index),
        monotonicMs: monotonicMs(at + index),
        bootId: "b7c10000",
        quality: "synced" as const,
      };
      const table = { shape, columns, observedAt, elapsedMs: this.intervalMs };
      return { kind: "report", equipment: shape.equipment, observedAt, plannedAtMs: at, tables: [table], gaps: [] };
    });
  }

  #next(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 4_294_967_296;
  }

  #move(column: Column): void {
    if (column.kind === "counter") {
      for (let row = 0; row < 48; row++) {
        const step = this.#next() < this.#changedShare ? Math.floor(this.#next() * 1_000_000) : 0;
        column.increment[row] = step;
        column.absolute[row] = (column.absolute[row] ?? 0n) + BigInt(step);
      }
    } else if (column.kind === "number") {
      for (let row = 0; row < 48; row++) if (this.#next() < this.#changedShare / 20) column.value[row] = 1 + Math.floor(this.#next() * 3);
    }
  }
}

function makeSwitch(id: string, intervalMs: number): { readonly shape: TableShape; readonly columns: Column[] } {
  const metrics = Array.from(
    { length: 20 },
    (_, index): Metric => ({ name: `m${index}`, kind: index < 16 ? "counter" : "state", unit: "", scale: 1 }),
  );
  const rows = Array.from({ length: 48 }, (_, row) => ({ key: `Gi1/0/${row}`, labels: { ifIndex: `${row}` } }));
  const shape = { equipment: id as EquipmentId, table: "IF-MIB:ifXTable", revision: 1, intervalMs, metrics, rows };
  return { shape, columns: metrics.map((metric) => (metric.kind === "counter" ? counterColumn() : numberColumn())) };
}

function counterColumn(): CounterColumn {
  return {
    kind: "counter",
    present: new Uint8Array(48).fill(1),
    absolute: new BigUint64Array(48).fill(2n ** 40n),
    increment: new Float64Array(48),
  };
}

function numberColumn(): NumberColumn {
  return { kind: "number", present: new Uint8Array(48).fill(1), value: new Float64Array(48).fill(1) };
}

import type { EquipmentId } from "./equipment.ts";
import type { Instant } from "./time.ts";

/**
 * `counter`: non-decreasing unsigned 64-bit count, travels as increments; `gauge`: IEEE 754 double;
 * `state`: small integer with an enumeration (`unit: "enum:NAME"`), travels as a gauge; `text`: UTF-8 string.
 */
export type MetricKind = "counter" | "gauge" | "state" | "text";

/** Descriptor of one column. Frozen; compared by identity inside the gateway, by (name, kind, unit) across the wire. */
export interface Metric {
  /** Standard object name where there is one (`ifHCInOctets`), else the profile's name. */
  readonly name: string;
  readonly kind: MetricKind;
  /** UCUM code (`By`, `s`, `%`, `Cel`), `enum:NAME` for states, "" when dimensionless or unknown. */
  readonly unit: string;
  /** Gauges travel as integers of value x scale when that is exact (PROTOCOL 2.1); 1 = integral values. */
  readonly scale: number;
}

/** One row of a poll table: its stable key and what describes it. */
export interface Row {
  /** Stable identity inside the table: the interface's name rather than its index where it has one; "" for scalars. */
  readonly key: string;
  /** Labels for people and dashboards: `{ ifIndex: "3", ifName: "Gi1/0/3" }`. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Frozen shape of one poll table of one equipment. The same object is used by every report until a row or column
 * changes; a new object means a new dictionary group on the wire. `revision` grows by one with each new shape.
 */
export interface TableShape {
  readonly equipment: EquipmentId;
  /** `IF-MIB:ifXTable`, `system`, ... unique per equipment. */
  readonly table: string;
  readonly revision: number;
  readonly intervalMs: number;
  readonly metrics: readonly Metric[];
  readonly rows: readonly Row[];
}

/**
 * Values of one metric over all rows of a table, in row order. `present` has one byte per row: 0 = the device gave no
 * value (or an unusable one), 1 = value. Arrays may be longer than rows.length (reused capacity); only the first
 * rows.length entries mean anything. They belong to the producer again once `Intake.accept` resolved: taps copy.
 */
export type Column = CounterColumn | NumberColumn | TextColumn;

export interface CounterColumn {
  readonly kind: "counter";
  readonly present: Uint8Array;
  /** The agent's own 64-bit value, exact. Counter32 is zero-extended. */
  readonly absolute: BigUint64Array;
  /**
   * Exact increase since the previous poll of the same row, wrap of Counter32 resolved. NaN = not known (first poll, agent restart,
   * discontinuity, implausible): a reader must treat it as a gap in the rate, never as zero.
   */
  readonly increment: Float64Array;
  /**
   * What the last report of the same shape that had a value of the row said of it, whether `present` now or not; 0 = none did. A producer that remembers it
   * anyway saves the encoder from remembering it, too: it then counts its reports in TableReport.sequence. Absent = the encoder remembers.
   */
  readonly previous?: BigUint64Array;
}

export interface NumberColumn {
  readonly kind: "number";
  readonly present: Uint8Array;
  /** Gauges and states. Never NaN or infinite where present. */
  readonly value: Float64Array;
}

export interface TextColumn {
  readonly kind: "text";
  readonly present: Uint8Array;
  readonly value: readonly string[];
}

/** Why a poll, or a table of it, yielded nothing. Numbers are the wire's `miss` reasons (PROTOCOL section 2, key 10). */
export const gapReason = { timeout: 1, auth: 2, noSuchName: 3, partial: 4, skipped: 5, badAnswer: 6, notReachable: 7 } as const;
export type GapReason = keyof typeof gapReason;

/** A table that should have been in this report and is not. A gap is data: it is sent and stored like a value. */
export interface Gap {
  /** Absent = the whole poll failed. */
  readonly shape?: TableShape;
  readonly reason: GapReason;
}

export interface TableReport {
  readonly shape: TableShape;
  /** One per shape.metrics, in that order. */
  readonly columns: readonly Column[];
  /** When the table's last answer came in; differs from the report's by the duration of the poll. */
  readonly observedAt: Instant;
  /** Milliseconds since the previous report of the same shape by the agent's uptime if sane, else monotonic; NaN on the first. */
  readonly elapsedMs: number;
  /**
   * Where counters have `previous`: grows by one with each report of the shape, from 1 on. What a reader of `previous` missed one of does not lead from there
   * to `absolute`, and must be said anew.
   */
  readonly sequence?: number;
}

/** One poll of one equipment. */
export interface Report {
  readonly kind: "report";
  readonly equipment: EquipmentId;
  readonly observedAt: Instant;
  /** The grid slot this poll answers for, monotonic milliseconds; lateness = observedAt - plannedAt. */
  readonly plannedAtMs: number;
  /** sysUpTime.0 in hundredths of a second (RFC 3418). A decrease means that the agent restarted. */
  readonly sysUpTimeTicks?: number;
  readonly tables: readonly TableReport[];
  readonly gaps: readonly Gap[];
  /**
   * Names of tables that the driver looked for and the equipment said it does not have, at two looks an hour apart or more and at every one between;
   * the last may be a day old. Not sent. Absent = the driver does not look for tables.
   */
  readonly lacking?: ReadonlySet<string>;
}

/** One value of one row: a view for taps, conditions and tests; never made on the hot path. */
export interface Sample {
  readonly equipment: EquipmentId;
  readonly table: string;
  readonly row: Row;
  readonly metric: Metric;
  readonly value: number | bigint | string;
  /** Counters only: see CounterColumn.increment; NaN = unknown. */
  readonly increment?: number;
  readonly observedAt: Instant;
}

/** Samples of a table that carry a value; what the ledger counts as *polled*. */
export function countSamples(table: TableReport): number {
  let count = 0;
  const rows = table.shape.rows.length;
  for (const column of table.columns) {
    for (let row = 0; row < rows; row++) count += column.present[row] === 1 ? 1 : 0;
  }
  return count;
}

/** Every sample of a report, lazily, in (table, metric, row) order. */
export function* samplesOf(report: Report): Generator<Sample> {
  for (const table of report.tables) {
    for (const [index, metric] of table.shape.metrics.entries()) {
      const column = table.columns[index];
      if (column === undefined) continue;
      for (const [rowIndex, row] of table.shape.rows.entries()) {
        if (column.present[rowIndex] !== 1) continue;
        const value = column.kind === "counter" ? column.absolute[rowIndex] : column.value[rowIndex];
        if (value === undefined) continue;
        const sample = { equipment: report.equipment, table: table.shape.table, row, metric, value, observedAt: table.observedAt };
        yield column.kind === "counter" ? { ...sample, increment: column.increment[rowIndex] ?? Number.NaN } : sample;
      }
    }
  }
}

import type { EquipmentId } from "#model/equipment.ts";
import type { Metric, NumberColumn, Report, TableShape } from "#model/report.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Intake } from "#ports/intake.ts";
import type { Unit } from "#ports/unit.ts";

/** The gateway among its own equipment: a name that configuration cannot take, since ids there begin with a letter or digit. */
const self = "_gateway" as EquipmentId;
const everyMs = 60_000;

const gauge = (name: string, unit: string): Metric => Object.freeze({ name, kind: "gauge", unit, scale: 1 });

/** The ledger and the buffer, as metrics like any other: plotted, alarmed on, and kept by the NOC. */
const metrics: readonly Metric[] = Object.freeze([
  gauge("ledgerPolled", "{sample}"),
  gauge("ledgerDelivered", "{sample}"),
  gauge("ledgerBuffered", "{sample}"),
  gauge("ledgerDropped", "{sample}"),
  gauge("restarts", "{restart}"),
  gauge("journalBytes", "By"),
  gauge("databaseBytes", "By"),
  gauge("writtenBytes", "By"),
  gauge("commitTimeP99", "ms"),
  gauge("deadLetters", "{chunk}"),
  gauge("missedSlots", "{slot}"),
  gauge("unreachableEquipment", "{equipment}"),
  gauge("residentMemory", "By"),
  gauge("temperature", "Cel"),
  gauge("throttled", "1"),
  gauge("flashWear", "1"),
  gauge("diskUsed", "1"),
  gauge("memoryAvailable", "By"),
]);

export interface SelfFacts {
  /** Poll slots missed since the start, over all equipment. */
  missedSlots(): number;
  unreachable(): number;
  /** Resident memory of the process, bytes. */
  residentBytes(): number;
  /** What the machine says of itself; absent = nothing is known of it. */
  machine?(): MachineFacts;
}

/** Readings of the machine; undefined = it does not say. */
export interface MachineFacts {
  /** Degrees Celsius. */
  readonly temperatureC: number | undefined;
  readonly throttled: number | undefined;
  /** Shares, 0 to 1. */
  readonly flashWear: number | undefined;
  readonly diskUsed: number | undefined;
  /** Bytes. */
  readonly memoryAvailable: number | undefined;
}

/** Reports the gateway's own state once a minute, beside what it measures. */
export class SelfMetrics implements Unit {
  readonly name = "self-metrics";
  readonly #parts: { readonly clock: Clock; readonly buffer: Buffer; readonly intake: Intake; readonly facts: SelfFacts };
  readonly #shape: TableShape = Object.freeze({
    equipment: self,
    table: "gateway",
    revision: 1,
    intervalMs: everyMs,
    metrics,
    rows: Object.freeze([Object.freeze({ key: "", labels: Object.freeze({}) })]),
  });
  readonly #columns: readonly NumberColumn[] = metrics.map(() => ({
    kind: "number",
    present: Uint8Array.of(1),
    value: new Float64Array(1),
  }));

  constructor(parts: { readonly clock: Clock; readonly buffer: Buffer; readonly intake: Intake; readonly facts: SelfFacts }) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, intake } = this.#parts;
    let previousMs = Number.NaN;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason;
      });
      if (signal.aborted) return;
      const plannedAtMs = clock.monotonicMs();
      await this.#measure();
      const observedAt = clock.now();
      const table = { shape: this.#shape, columns: this.#columns, observedAt, elapsedMs: plannedAtMs - previousMs };
      const report: Report = { kind: "report", equipment: self, observedAt, plannedAtMs, tables: [table], gaps: [] };
      previousMs = plannedAtMs;
      await intake.accept(report);
    }
  }

  async #measure(): Promise<void> {
    const { buffer, facts } = this.#parts;
    const { ledger, journalBytes, databaseBytes, writtenBytes, commitMsP99, deadLetters } = await buffer.stats();
    const machine = facts.machine?.();
    const values = [
      ...[ledger.polled, ledger.delivered, ledger.buffered, ledger.dropped, ledger.restarts],
      ...[journalBytes, databaseBytes, writtenBytes, commitMsP99, deadLetters],
      ...[facts.missedSlots(), facts.unreachable(), facts.residentBytes()],
      ...[machine?.temperatureC, machine?.throttled, machine?.flashWear, machine?.diskUsed, machine?.memoryAvailable],
    ];
    for (const [index, column] of this.#columns.entries()) {
      const value = values[index];
      column.present[0] = value !== undefined && Number.isFinite(value) ? 1 : 0;
      column.value[0] = value ?? 0;
    }
  }
}

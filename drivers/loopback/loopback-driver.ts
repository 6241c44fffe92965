import type { Equipment } from "#model/equipment.ts";
import type { CounterColumn, Metric, NumberColumn, Report, TableShape, TextColumn } from "#model/report.ts";
import type { Driver, DriverContext, DriverSession, PollRequest, PollResult } from "#ports/driver.ts";

const metrics: readonly Metric[] = Object.freeze([
  Object.freeze({ name: "polls", kind: "counter", unit: "{poll}", scale: 1 } as const),
  Object.freeze({ name: "latenessMs", kind: "gauge", unit: "ms", scale: 1000 } as const),
  Object.freeze({ name: "greeting", kind: "text", unit: "", scale: 1 } as const),
]);

const defaultGreeting = "hello";

/** The smallest complete driver: polls nothing but the clock. Copy it to begin another one (README). */
export function createLoopbackDriver(): Driver {
  return {
    name: "loopback",
    settingsSchema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      additionalProperties: false,
      properties: { greeting: { type: "string", maxLength: 64, default: defaultGreeting, description: "Text to report." } },
    },
    open: (equipment, context) => new LoopbackSession(equipment, context),
    close: async () => undefined,
  };
}

/** One equipment. The columns are made once and reused: they are the reader's until the next poll. */
class LoopbackSession implements DriverSession {
  readonly #equipment: Equipment;
  readonly #context: DriverContext;
  readonly #shape: TableShape;
  readonly #polls: CounterColumn;
  readonly #lateness: NumberColumn = { kind: "number", present: Uint8Array.of(1), value: new Float64Array(1) };
  readonly #greeting: TextColumn;
  #previousMs = Number.NaN;

  constructor(equipment: Equipment, context: DriverContext) {
    this.#equipment = equipment;
    this.#context = context;
    const greeting = equipment.settings?.greeting;
    this.#polls = { kind: "counter", present: Uint8Array.of(1), absolute: new BigUint64Array(1), increment: Float64Array.of(Number.NaN) };
    this.#greeting = { kind: "text", present: Uint8Array.of(1), value: [typeof greeting === "string" ? greeting : defaultGreeting] };
    this.#shape = Object.freeze({
      equipment: equipment.id,
      table: "loopback",
      revision: 1,
      intervalMs: equipment.pollIntervalMs,
      metrics,
      rows: Object.freeze([Object.freeze({ key: "", labels: Object.freeze({}) })]),
    });
  }

  async poll(request: PollRequest, signal: AbortSignal): Promise<PollResult> {
    signal.throwIfAborted();
    const observedAt = this.#context.clock.now();
    const first = Number.isNaN(this.#previousMs);
    const elapsedMs = observedAt.monotonicMs - this.#previousMs;
    this.#previousMs = observedAt.monotonicMs;
    this.#polls.absolute[0] = (this.#polls.absolute[0] ?? 0n) + 1n;
    this.#polls.increment[0] = first ? Number.NaN : 1;
    this.#lateness.value[0] = observedAt.monotonicMs - request.plannedAtMs;
    const report: Report = {
      kind: "report",
      equipment: this.#equipment.id,
      observedAt,
      plannedAtMs: request.plannedAtMs,
      tables: [{ shape: this.#shape, columns: [this.#polls, this.#lateness, this.#greeting], observedAt, elapsedMs }],
      gaps: [],
    };
    return { report, cost: noCost, events: [] };
  }

  async probe(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    // nothing is held open
  }
}

const noCost = { requests: 0, retries: 0, bytesOut: 0, bytesIn: 0, durationMs: 0, cpuMs: 0, tables: [] };

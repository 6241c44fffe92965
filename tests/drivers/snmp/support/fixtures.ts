import { type Equipment, isEquipmentId } from "#model/equipment.ts";
import type { Report, TableReport } from "#model/report.ts";
import { type Instant, monotonicMs, wallMs } from "#model/time.ts";
import type { Clock } from "#ports/clock.ts";
import type { DriverContext, DriverSession, PollResult } from "#ports/driver.ts";
import type { Logger } from "#ports/logger.ts";
import { createSnmpDriver } from "../../../../drivers/snmp/snmp-driver.ts";
import type { MemoryAgent } from "./memory-agent.ts";

/** A clock that stands still until it is moved; sleepers wake when it passes them. */
export class ManualClock implements Clock {
  #nowMs = 1_000_000;
  readonly #sleepers = new Set<{ readonly atMs: number; wake(): void }>();

  now(): Instant {
    return {
      wallMs: wallMs(1_780_000_000_000 + this.#nowMs),
      monotonicMs: monotonicMs(this.#nowMs),
      bootId: "00000001",
      quality: "synced",
    };
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const sleeper = { atMs: this.#nowMs + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  }

  anchors(): [] {
    return [];
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.atMs > this.#nowMs) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};

export function contextWith(clock: Clock): DriverContext {
  return {
    clock,
    entropy: { random: () => 0.5, bytes: (count) => new Uint8Array(count) },
    logger: silentLogger,
    credential: (name) => ({ name, snmp: { version: "2c", community: "public" } }),
  };
}

export function equipment(settings: Readonly<Record<string, unknown>> = {}, pollIntervalMs = 60_000): Equipment {
  const id = "sw-1";
  if (!isEquipmentId(id)) throw new Error("not an id");
  return { id, address: "127.0.0.1", port: 161, driver: "snmp", credential: "lan", pollIntervalMs, settings };
}

/** A driver session over a memory agent, polled on a clock that the test moves. */
export class Bench {
  readonly clock = new ManualClock();
  readonly agent: MemoryAgent;
  readonly session: DriverSession;
  readonly intervalMs: number;
  uptimeTicks = 360_000;
  lastPollMs = Number.NaN;

  constructor(agent: MemoryAgent, settings: Readonly<Record<string, unknown>> = {}, intervalMs = 60_000) {
    this.agent = agent;
    this.intervalMs = intervalMs;
    agent.clock = this.clock;
    this.session = createSnmpDriver({ engine: agent }).open(equipment(settings, intervalMs), contextWith(this.clock));
    this.#setUptime();
  }

  /** Lets one interval pass on both clocks, then polls. */
  async next(ms = this.intervalMs): Promise<PollResult> {
    this.clock.advance(ms);
    this.uptimeTicks = (this.uptimeTicks + ms / 10) % 2 ** 32;
    this.#setUptime();
    return this.poll();
  }

  poll(): Promise<PollResult> {
    const nowMs = this.clock.monotonicMs();
    return this.session.poll({ plannedAtMs: nowMs, deadlineMs: nowMs + this.intervalMs }, new AbortController().signal);
  }

  /** Polls while time passes in steps, for agents that take their time. */
  async nextWhileTimePasses(stepMs = 250): Promise<PollResult> {
    const startedMs = this.clock.monotonicMs();
    let settled = false;
    const polling = this.next().finally(() => {
      settled = true;
    });
    polling.catch(() => undefined);
    for (let turn = 0; !settled && turn < 100_000; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!settled) this.clock.advance(stepMs);
    }
    this.lastPollMs = this.clock.monotonicMs() - startedMs - this.intervalMs;
    return polling;
  }

  /** The agent restarts: its uptime begins at zero. */
  restart(): void {
    this.uptimeTicks = 0;
    this.#setUptime();
  }

  #setUptime(): void {
    this.agent.set("1.3.6.1.2.1.1.3.0", "timeticks", this.uptimeTicks);
  }
}

export function tableOf(report: Report, name: string): TableReport {
  const table = report.tables.find((candidate) => candidate.shape.table === name);
  if (table === undefined) throw new Error(`no table ${name} among ${report.tables.map((candidate) => candidate.shape.table).join(", ")}`);
  return table;
}

/** One cell: undefined = not present; increments for counters unless `absolute`. */
export function cell(table: TableReport, metric: string, key: string, absolute = false): number | bigint | string | undefined {
  const position = table.shape.metrics.findIndex((candidate) => candidate.name === metric);
  const row = table.shape.rows.findIndex((candidate) => candidate.key === key);
  const column = table.columns[position];
  if (column === undefined || row < 0) throw new Error(`no cell ${metric} ${key} in ${table.shape.table}`);
  if (column.present[row] !== 1) return undefined;
  if (column.kind === "counter") return absolute ? column.absolute[row] : column.increment[row];
  return column.value[row];
}

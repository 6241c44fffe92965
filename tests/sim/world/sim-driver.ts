import type { Equipment } from "../../../runtime/model/equipment.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { CounterColumn, Metric, NumberColumn, Report, TableReport, TableShape, TextColumn } from "../../../runtime/model/report.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import type { Driver, DriverContext, DriverSession, PollRequest, PollResult } from "../../../runtime/ports/driver.ts";
import type { Entropy } from "../../../runtime/ports/entropy.ts";

const metrics: readonly Metric[] = [
  { name: "pollNumber", kind: "gauge", unit: "1", scale: 1 },
  { name: "octets", kind: "counter", unit: "By", scale: 1 },
  { name: "level", kind: "gauge", unit: "%", scale: 10 },
  { name: "mode", kind: "text", unit: "", scale: 1 },
];

/** Rows of the simulated table; row r of poll p holds values that follow from (equipment, p, r) alone. */
export const rowsPerTable = 3;
export const samplesPerPoll = rowsPerTable * metrics.length;

export function levelOf(pollNumber: number, row: number): number {
  // Changes slowly, so that suppression has something to suppress.
  return Math.floor(pollNumber / (3 + row)) % 100;
}

/** @param padChars appended characters that follow from poll and row and do not compress */
export function modeOf(pollNumber: number, row: number, padChars: number): string {
  const mode = pollNumber % 40 < 20 ? "eco" : "full";
  if (padChars === 0) return mode;
  let state = Math.imul(pollNumber * 31 + row + 1, 2654435761) >>> 0;
  const pad = Array.from({ length: padChars }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return padAlphabet[state >>> 26];
  });
  return `${mode} ${pad.join("")}`;
}

const padAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** The last row's counter wraps within the first polls. */
const beforeWrap = 2n ** 64n - 20_000n;
const maxFailures = 100_000;

/** What an agent really did; the judge's notes. */
export interface AgentTruth {
  /** True wall time of each answered poll, by poll number. */
  readonly answeredAtMs: Map<number, number>;
  /** Counter of each row at each answered poll, and its increase since the poll before. */
  readonly counters: Map<number, readonly { readonly absolute: bigint; readonly increment: number }[]>;
  /** True wall time of polls that failed although the gateway knew the tables: each must be a miss at the NOC. */
  readonly failedAtMs: number[];
  /** Samples handed to the gateway. */
  samples: number;
  answered: number;
}

export interface AgentState {
  readonly truth: AgentTruth;
  dead: boolean;
  slowMs: number;
  pollNumber: number;
  /** Counter value per row; survives as long as the agent does not restart. */
  counters: bigint[];
  restarts: number;
}

/** Simulated agents: they live on while gateways come and go. */
export class SimSite {
  readonly agents = new Map<string, AgentState>();
  readonly trueWall: () => number;
  readonly padChars: number;

  constructor(ids: readonly string[], padChars: number, trueWall: () => number) {
    this.trueWall = trueWall;
    this.padChars = padChars;
    for (const id of ids) {
      this.agents.set(id, {
        truth: { answeredAtMs: new Map(), counters: new Map(), failedAtMs: [], samples: 0, answered: 0 },
        dead: false,
        slowMs: 0,
        pollNumber: 0,
        counters: Array.from({ length: rowsPerTable }, (_, row) => (row === rowsPerTable - 1 ? beforeWrap : BigInt(row) << 60n)),
        restarts: 0,
      });
    }
  }

  restart(id: string): void {
    const agent = this.agents.get(id);
    if (agent === undefined) return;
    agent.restarts += 1;
    agent.counters = agent.counters.map(() => 0n);
  }
}

/** The driver of one gateway process towards the simulated agents. */
export class SimDriver implements Driver {
  readonly name = "sim";
  readonly settingsSchema = {};
  readonly #site: SimSite;
  readonly #clock: Clock;
  readonly #entropy: Entropy;

  constructor(site: SimSite, clock: Clock, entropy: Entropy) {
    this.#site = site;
    this.#clock = clock;
    this.#entropy = entropy;
  }

  open(equipment: Equipment, _context: DriverContext): DriverSession {
    const agent = this.#site.agents.get(equipment.id);
    if (agent === undefined) throw new Error(`no simulated agent ${equipment.id}`);
    return new SimSession({ equipment, agent, site: this.#site, clock: this.#clock, entropy: this.#entropy });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class SimSession implements DriverSession {
  readonly #equipment: Equipment;
  readonly #agent: AgentState;
  readonly #trueWall: () => number;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #shape: TableShape;
  readonly #columns: readonly [NumberColumn, CounterColumn, NumberColumn, TextColumn];
  readonly #modes = new Array<string>(rowsPerTable).fill("");
  readonly #padChars: number;
  #restartsSeen = -1;
  #hasAnswered = false;

  constructor(parts: {
    readonly equipment: Equipment;
    readonly agent: AgentState;
    readonly site: SimSite;
    readonly clock: Clock;
    readonly entropy: Entropy;
  }) {
    const { equipment, agent, site, clock, entropy } = parts;
    this.#equipment = equipment;
    this.#agent = agent;
    this.#trueWall = site.trueWall;
    this.#padChars = site.padChars;
    this.#clock = clock;
    this.#entropy = entropy;
    const rows = Array.from({ length: rowsPerTable }, (_, row) => ({ key: `row-${row}`, labels: { row: String(row) } }));
    this.#shape = { equipment: equipment.id, table: "sim", revision: 1, intervalMs: equipment.pollIntervalMs, metrics, rows };
    const present = () => new Uint8Array(rowsPerTable).fill(1);
    this.#columns = [
      { kind: "number", present: present(), value: new Float64Array(rowsPerTable) },
      {
        kind: "counter",
        present: present(),
        absolute: new BigUint64Array(rowsPerTable),
        increment: new Float64Array(rowsPerTable).fill(Number.NaN),
      },
      { kind: "number", present: present(), value: new Float64Array(rowsPerTable) },
      { kind: "text", present: present(), value: this.#modes },
    ];
  }

  async poll(request: PollRequest, signal: AbortSignal): Promise<PollResult> {
    const agent = this.#agent;
    const budgetMs = Math.min(20_000, request.deadlineMs - this.#clock.monotonicMs());
    if (agent.dead) {
      await this.#clock.sleep(budgetMs, signal);
      if (this.#hasAnswered && agent.truth.failedAtMs.length < maxFailures) agent.truth.failedAtMs.push(this.#trueWall());
      throw new GatewayError("driver.timeout");
    }
    await this.#clock.sleep(Math.min(budgetMs, agent.slowMs + 20 * this.#entropy.random()), signal);
    return {
      report: this.#answer(request),
      cost: { requests: 2, retries: 0, bytesOut: 100, bytesIn: 400, durationMs: 5, cpuMs: 0.1, tables: [] },
      events: [],
    };
  }

  async probe(): Promise<boolean> {
    return !this.#agent.dead;
  }

  async close(): Promise<void> {}

  #answer(request: PollRequest): Report {
    const agent = this.#agent;
    const pollNumber = ++agent.pollNumber;
    const known = this.#restartsSeen === agent.restarts;
    this.#restartsSeen = agent.restarts;
    const [numbers, octets, levels] = this.#columns;
    const notes: { readonly absolute: bigint; readonly increment: number }[] = [];
    for (let row = 0; row < rowsPerTable; row++) {
      const increase = BigInt(Math.floor(this.#entropy.random() * 4)) * 1_000n;
      const value = BigInt.asUintN(64, (agent.counters[row] ?? 0n) + increase);
      agent.counters[row] = value;
      notes.push({ absolute: value, increment: Number(increase) });
      numbers.value[row] = pollNumber;
      octets.absolute[row] = value;
      octets.increment[row] = known ? Number(increase) : Number.NaN;
      levels.value[row] = levelOf(pollNumber, row);
      this.#modes[row] = modeOf(pollNumber, row, this.#padChars);
    }
    const observedAt = this.#clock.now();
    this.#hasAnswered = true;
    agent.truth.answeredAtMs.set(pollNumber, this.#trueWall());
    agent.truth.counters.set(pollNumber, notes);
    agent.truth.answered += 1;
    agent.truth.samples += rowsPerTable * metrics.length;
    const table: TableReport = { shape: this.#shape, columns: this.#columns, observedAt, elapsedMs: this.#equipment.pollIntervalMs };
    return { kind: "report", equipment: this.#equipment.id, observedAt, plannedAtMs: request.plannedAtMs, tables: [table], gaps: [] };
  }
}

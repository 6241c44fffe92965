import { describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import type { TableReport } from "#model/report.ts";
import { seededEntropy } from "../../../sim/seeded-entropy.ts";
import { Bench, tableOf } from "../support/fixtures.ts";
import type { MemoryAgent } from "../support/memory-agent.ts";
import { setInterface, setOctets, smallSwitch } from "../support/switch-agent.ts";

const seeds = Number(process.env.GATEHOUSE_TRUTH_SEEDS ?? 8);
const pollsASeed = 120;
const ifTable = "IF-MIB:ifTable";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";
/** Where counters begin: around what halves, pages and doubles can hold. */
const begins = [0n, 5n, 2n ** 31n, 2n ** 32n - 900n, 2n ** 47n, 2n ** 48n - 700n, 2n ** 48n, 2n ** 53n, 2n ** 63n - 800n, 2n ** 64n - 900n];
const steps = [0n, 1n, 700n, 65_536n, 3_000_000n, 900_000_000n];

/** One port: what really passed it, and what its counter shows of that. */
class Port {
  passed = 0n;
  shown = 0n;
  isWide = true;
  isThere = true;
  /** What had passed when its last reading was reported. */
  toldAt: bigint | undefined;
  readonly name: string;

  constructor(name: string, shown: bigint) {
    this.name = name;
    this.shown = shown;
  }

  pass(count: bigint): void {
    this.passed += count;
    this.shown = (this.shown + count) % (this.isWide ? 2n ** 64n : 2n ** 32n);
  }

  beginAt(shown: bigint): void {
    this.shown = this.isWide ? shown : shown % 2n ** 32n;
    // What it showed before leads nowhere.
    this.toldAt = undefined;
  }
}

/** A small switch to which things happen by chance. */
class World {
  readonly agent: MemoryAgent = smallSwitch();
  readonly bench = new Bench(this.agent);
  ports: Port[];
  #pollsSinceRestart = 0;
  readonly #random: () => number;

  constructor(seed: number) {
    const entropy = seededEntropy(seed);
    this.#random = () => entropy.random();
    this.ports = ["Gi1/0/1", "Gi1/0/2", "Gi1/0/3", "Gi1/0/4"].map((name) => new Port(name, this.#pick(begins)));
    this.#place();
  }

  #pick<T>(list: readonly T[]): T {
    const found = list[Math.floor(this.#random() * list.length)];
    if (found === undefined) throw new Error("nothing to pick from");
    return found;
  }

  /** Writes the ports into the agent, by their places. */
  #place(): void {
    this.agent.remove("1.3.6.1.2.1.2.2.1").remove(ifXEntry);
    for (const [place, port] of this.ports.entries()) {
      if (!port.isThere) continue;
      setInterface(this.agent, place + 1, port.name, { speed: 10_000_000_000 });
      this.#show(place, port);
    }
  }

  #show(place: number, port: Port): void {
    setOctets(this.agent, place + 1, port.shown);
    if (port.isWide) return;
    for (const column of [6, 10]) this.agent.set(`${ifXEntry}.${column}.${place + 1}`, "counter32", Number(port.shown));
  }

  #announce(): void {
    this.agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", this.bench.uptimeTicks + 2_999);
  }

  happen(): void {
    for (const port of this.ports) port.pass(this.#pick(steps));
    const chance = this.#random();
    this.#pollsSinceRestart += 1;
    // An agent that restarts all the time is not believed when it says so, and whether its counters are right nobody knows.
    if (chance < 0.06 && this.#pollsSinceRestart > 20) {
      this.#pollsSinceRestart = 0;
      // At some time since the last poll.
      this.bench.uptimeTicks = -Math.floor(this.#random() * 2_900);
      for (const port of this.ports) port.beginAt(this.#pick(begins));
    } else if (chance < 0.12) {
      this.ports = [...this.ports.slice(1), ...this.ports.slice(0, 1)];
      this.#announce();
    } else if (chance < 0.2) {
      const port = this.#pick(this.ports);
      port.isThere = !port.isThere;
      if (this.#random() < 0.5) this.#announce();
    } else if (chance < 0.26) {
      const port = this.#pick(this.ports);
      port.isWide = !port.isWide;
      // What it shows goes on, unless it was cut off at the top.
      if (!port.isWide && port.shown >= 2n ** 32n) port.beginAt(port.shown);
    }
    this.agent.failing.clear();
    if (this.#random() < 0.08)
      this.agent.failing.set(ifXEntry, new GatewayError(this.#pick(["driver.timeout", "driver.bad-answer", "driver.refused"] as const)));
    this.agent.dead = this.#random() < 0.05;
    this.#place();
  }
}

/** What a report says of the octets of each port that it has. */
function saidOf(table: TableReport) {
  const column = table.columns[table.shape.metrics.findIndex(({ name }) => name === "ifHCInOctets")];
  if (column?.kind !== "counter") throw new Error("no counter");
  return table.shape.rows.map(({ key }, row) => ({
    key,
    isPresent: column.present[row] === 1,
    absolute: column.absolute[row],
    increment: column.increment[row] ?? 0,
    previous: column.previous?.[row],
  }));
}

describe("whatever happens to an agent between two polls", () => {
  it.each(Array.from({ length: seeds }, (_, index) => index + 1))("an increment is exact or not known (seed %i)", async (seed) => {
    const world = new World(seed);
    /** By shape: what was said of each row last. */
    let shape: unknown;
    let last = new Map<string, bigint>();
    let known = 0;
    for (let poll = 0; poll < pollsASeed; poll++) {
      world.happen();
      const result = await world.bench.next(30_000).catch((error: unknown) => {
        if (error instanceof GatewayError && world.agent.dead) return undefined;
        throw error;
      });
      const table = result?.report.tables.find((candidate) => candidate.shape.table === ifTable);
      if (result === undefined || table === undefined) continue;
      if (table.shape !== shape) last = new Map();
      shape = table.shape;
      for (const { key, isPresent, absolute, increment, previous } of saidOf(tableOf(result.report, ifTable))) {
        const port = world.ports.find(({ name }) => name === key);
        if (last.has(key)) expect({ poll, key, previous }).toEqual({ poll, key, previous: last.get(key) });
        if (!isPresent || port === undefined) continue;
        expect({ poll, key, absolute }).toEqual({ poll, key, absolute: port.shown });
        if (!Number.isNaN(increment)) {
          expect({ poll, key, increment }).toEqual({ poll, key, increment: Number(port.passed - (port.toldAt ?? -1n)) });
          known += 1;
        }
        last.set(key, port.shown);
        port.toldAt = port.passed;
      }
    }
    expect(known).toBeGreaterThan(10);
  });
});

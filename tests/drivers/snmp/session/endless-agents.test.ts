import { describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import { EndlessAgent } from "../support/endless-agent.ts";
import { Bench, tableOf } from "../support/fixtures.ts";
import type { MemoryAgent } from "../support/memory-agent.ts";
import { setInterface, smallSwitch } from "../support/switch-agent.ts";

const ifTable = "IF-MIB:ifTable";
const ifNames = "1.3.6.1.2.1.31.1.1.1.1";

async function pollTimes(bench: Bench, times: number): Promise<void> {
  for (let poll = 0; poll < times; poll++) await bench.next();
}

function withProcesses(agent: MemoryAgent): MemoryAgent {
  return agent.set("1.3.6.1.2.1.25.1.6.0", "gauge32", 42);
}

describe("an agent that makes up rows without an end", () => {
  it("is walked for them less and less often, however different they are each time", async () => {
    const agent = new EndlessAgent(smallSwitch());
    const bench = new Bench(agent, { maxRowsPerTable: 100 });
    await pollTimes(bench, 30);
    const before = agent.walks.length;
    await pollTimes(bench, 90);
    const columns = new Set(agent.walks).size;
    // Each column once every 15 minutes: six times in the 90.
    expect(agent.walks.length - before).toBeLessThanOrEqual(7 * columns);
  });

  it("is not walked for more rows once there are as many as there may be, and keeps what is said of them", async () => {
    const agent = new EndlessAgent(smallSwitch());
    const bench = new Bench(agent, { maxRowsPerTable: 100 });
    await bench.next();
    const statuses = agent.walks.filter((column) => ["1.3.6.1.2.1.2.2.1.7", "1.3.6.1.2.1.2.2.1.8"].includes(column));
    expect(statuses).toHaveLength(1);
    expect(agent.walks).toContain(ifNames);
    expect(bench.session.account?.().troubles).toEqual([
      expect.objectContaining({
        table: ifTable,
        state: "cut",
        times: 1,
        code: "driver.limit",
        reason: expect.stringContaining("100 rows"),
      }),
    ]);
  });

  it("costs a survey so many requests at most, however many an answer takes", async () => {
    const agent = new EndlessAgent(smallSwitch());
    Object.assign(agent, { rowsAnAnswer: 1, requestsAnAnswer: 6 });
    const bench = new Bench(agent, { maxRowsPerTable: 200 });
    await bench.next();
    // Ten columns of 200 rows, 256 for good measure, one answer that was on its way; and what finds the tables out and reads others.
    expect(agent.requests).toBeLessThan(10 * 201 + 256 + 6 + 60);
    expect(bench.session.account?.().troubles).toEqual([
      expect.objectContaining({ table: ifTable, state: "failing", reason: expect.stringContaining("more requests") }),
    ]);
  });

  it("is asked less and less often where a survey never ends in its time", async () => {
    const agent = new EndlessAgent(smallSwitch());
    agent.rowsAnAnswer = 1;
    const bench = new Bench(agent, { maxRowsPerTable: 100_000 });
    agent.latency = { clock: bench.clock, ms: 5_000 };
    const askedInHour = async (): Promise<number> => {
      const before = agent.requests;
      for (let poll = 0; poll < 60; poll++) await bench.nextWhileTimePasses(5_000);
      return agent.requests - before;
    };
    await askedInHour();
    await askedInHour();
    // Ten minutes of a survey, fifteen of rest; without it these are 600 requests.
    expect(await askedInHour()).toBeLessThan(320);
  });

  it("is counted less and less often where rows are only counted", async () => {
    const agent = new EndlessAgent(smallSwitch().set("1.3.6.1.2.1.17.4.3.1.2.1", "integer", 1));
    agent.endless = ["1.3.6.1.2.1.17.4.3.1"];
    const bench = new Bench(agent, { maxRowsPerTable: 100, sets: { fdb: true }, slowIntervalMs: 60_000, rareIntervalMs: 3_600_000 });
    await pollTimes(bench, 60);
    expect(agent.walks.length).toBeGreaterThan(2);
    expect(agent.walks.length).toBeLessThan(15);
  });
});

describe("a table of as many rows as there may be", () => {
  it("is read, and nothing is said about it", async () => {
    const agent = smallSwitch();
    for (let index = 1; index <= 400; index++) setInterface(agent, index, `Gi${index}`);
    const bench = new Bench(agent, { maxRowsPerTable: 400 });
    const { report } = await bench.next();
    expect(tableOf(report, ifTable).shape.rows).toHaveLength(400);
    expect(bench.session.account?.().troubles).toEqual([]);
  });
});

describe("a survey that fails while the values of its table can be read", () => {
  it("is tried again after longer and longer pauses, is told as long as that lasts, and then no more", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    await pollTimes(bench, 3);
    agent.failing.set(ifNames, new GatewayError("driver.timeout"));
    const asked: number[] = [];
    for (let poll = 0; poll < 120; poll++) {
      agent.asked.length = 0;
      const { report } = await bench.next();
      if (agent.asked.includes(ifNames)) asked.push(poll);
      tableOf(report, ifTable);
    }
    const pauses = asked.slice(1).map((poll, place) => poll - (asked[place] ?? 0));
    expect(pauses.slice(0, 3)).toEqual([5, 10, 15]);
    expect(Math.min(...pauses.slice(2))).toBe(15);
    expect(bench.session.account?.().troubles).toContainEqual(
      expect.objectContaining({ table: ifTable, state: "unverified", times: asked.length, code: "driver.timeout" }),
    );
    agent.failing.clear();
    await pollTimes(bench, 16);
    expect(bench.session.account?.().troubles).toEqual([]);
  });
});

describe("a table of more series than there may be", () => {
  it("leaves the tables after it their place, and is told", async () => {
    const bench = new Bench(withProcesses(smallSwitch()), { maxSeries: 5 });
    const { report } = await bench.next();
    tableOf(report, "HOST-RESOURCES-MIB:hrSystem");
    const refused = bench.session.account?.().troubles.find(({ table }) => table === ifTable);
    expect(refused).toMatchObject({ state: "refused", code: "driver.limit", reason: expect.stringContaining("more than 5") });
  });

  it("does not take the turn of slow tables that can be read", async () => {
    const agent = withProcesses(smallSwitch());
    for (let index = 1; index <= 12; index++) {
      const storage = "1.3.6.1.2.1.25.2.3.1";
      agent.text(`${storage}.3.${index}`, `/${index}`).set(`${storage}.4.${index}`, "integer", 4_096);
      agent.set(`${storage}.5.${index}`, "integer", 1_000).set(`${storage}.6.${index}`, "integer", 10);
      agent.set(`1.3.6.1.2.1.10.7.2.1.19.${index}`, "integer", 3);
    }
    const bench = new Bench(agent, { maxSeries: 10 });
    const slow = new Set<string>();
    let link = 0;
    for (let poll = 0; poll < 40; poll++) {
      for (const { shape } of (await bench.next()).report.tables) {
        if (shape.intervalMs > 60_000) slow.add(shape.table);
        if (shape.table === "IF-MIB:ifLink") link += 1;
      }
    }
    expect(bench.session.account?.().troubles.filter(({ state }) => state === "refused").length).toBeGreaterThanOrEqual(2);
    expect(slow.size).toBeGreaterThan(0);
    expect(link).toBeGreaterThanOrEqual(7);
  });

  it("is not surveyed with each word of the agent that its tables changed", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent, { maxSeries: 5 });
    await bench.next();
    let surveys = 0;
    for (let poll = 0; poll < 60; poll++) {
      agent.asked.length = 0;
      agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", bench.uptimeTicks);
      setInterface(agent, 100 + poll, `Gi2/0/${poll}`);
      await bench.next();
      surveys += agent.asked.includes(ifNames) ? 1 : 0;
    }
    expect(surveys).toBeLessThanOrEqual(10);
  });
});

describe("what an agent is asked besides values", () => {
  it("is told by its kind, and is within what the polls cost", async () => {
    const bench = new Bench(smallSwitch());
    let requests = 0;
    for (let poll = 0; poll < 20; poll++) requests += (await bench.next()).cost.requests;
    const upkeep = bench.session.account?.().upkeep ?? [];
    expect(upkeep.map(({ what }) => what)).toEqual(["probing", "rows", "inventory"]);
    expect(Math.min(...upkeep.map((kind) => kind.requests))).toBeGreaterThan(0);
    expect(upkeep.reduce((sum, kind) => sum + kind.requests, 0)).toBeLessThan(requests);
  });

  it("is told while it goes on as well", async () => {
    const agent = new EndlessAgent(smallSwitch());
    const bench = new Bench(agent);
    agent.latency = { clock: bench.clock, ms: 5_000 };
    for (let poll = 0; poll < 8; poll++) await bench.nextWhileTimePasses(5_000);
    const rows = bench.session.account?.().upkeep.find(({ what }) => what === "rows");
    expect(rows?.requests).toBeGreaterThan(20);
    expect(rows?.durationMs).toBeGreaterThan(100_000);
  });
});

import { describe, expect, it } from "vitest";
import { Bench, tableOf } from "../support/fixtures.ts";
import { setInterface, smallSwitch } from "../support/switch-agent.ts";

function slowBench(latencyMs: number, intervalMs: number): Bench {
  const agent = smallSwitch();
  for (let index = 10; index < 20; index++) setInterface(agent, index, `Gi2/0/${index}`);
  const bench = new Bench(agent, {}, intervalMs);
  agent.latency = { clock: bench.clock, ms: latencyMs };
  return bench;
}

describe("an agent that takes two seconds per answer", () => {
  it("never holds a poll beyond its deadline", async () => {
    const bench = slowBench(2_000, 5_000);
    for (let poll = 0; poll < 10; poll++) {
      await bench.nextWhileTimePasses();
      expect(bench.lastPollMs).toBeLessThanOrEqual(5_250);
    }
  });

  it("is known after some polls all the same, because surveys go on between them", async () => {
    const bench = slowBench(2_000, 5_000);
    let polls = 0;
    let result = await bench.nextWhileTimePasses();
    expect(result.report.gaps.map((gap) => gap.reason)).toContain("partial");
    while (!result.report.tables.some((table) => table.shape.table === "IF-MIB:ifTable")) {
      expect(polls++).toBeLessThan(30);
      result = await bench.nextWhileTimePasses();
    }
    expect(tableOf(result.report, "IF-MIB:ifTable").shape.rows).toHaveLength(12);
  });

  it("has its inventory at last", async () => {
    const bench = slowBench(2_000, 10_000);
    let polls = 0;
    while ((await bench.nextWhileTimePasses()).inventory === undefined) expect(polls++).toBeLessThan(40);
  });

  it("is called silent, not read in part, when it says nothing in the time of a poll", async () => {
    const silent = slowBench(60_000, 5_000).nextWhileTimePasses();
    await expect(silent).rejects.toMatchObject({ code: "driver.timeout" });
  });

  it("stops working when its session is closed", async () => {
    const bench = slowBench(2_000, 5_000);
    await bench.nextWhileTimePasses();
    await bench.session.close();
    const asked = bench.agent.requests;
    for (let step = 0; step < 50; step++) {
      bench.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(bench.agent.requests - asked).toBeLessThanOrEqual(1);
  });
});

describe("a poll that is aborted", () => {
  it("rejects with the caller's reason", async () => {
    const bench = slowBench(2_000, 5_000);
    const controller = new AbortController();
    const reason = new Error("shutting down");
    const nowMs = bench.clock.monotonicMs();
    const polling = bench.session.poll({ plannedAtMs: nowMs, deadlineMs: nowMs + 5_000 }, controller.signal);
    controller.abort(reason);
    await expect(polling).rejects.toBe(reason);
  });
});

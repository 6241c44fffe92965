import { describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import { Bench, cell, tableOf } from "../support/fixtures.ts";
import { setInterface, setOctets, smallSwitch } from "../support/switch-agent.ts";

const ifTable = "IF-MIB:ifTable";
const sysUpTime = "1.3.6.1.2.1.1.3.0";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";

/** A bench whose agent is known: what a poll begins with comes along with its tables. */
async function settled() {
  const agent = smallSwitch();
  const bench = new Bench(agent);
  for (let poll = 0; poll < 4; poll++) await bench.next();
  agent.asked.length = 0;
  return { agent, bench };
}

const increment = (report: Parameters<typeof tableOf>[0], key = "Gi1/0/1") => cell(tableOf(report, ifTable), "ifHCInOctets", key);

describe("what a poll begins with, asked for along with its tables", () => {
  it("takes no request of its own", async () => {
    const { agent, bench } = await settled();
    const { requests } = agent;
    setOctets(agent, 1, 3_000n);
    const { report } = await bench.next();
    expect(agent.requests - requests).toBe(1);
    expect(agent.asked).toContain(sysUpTime);
    expect(agent.asked).toContain(`${ifXEntry}.6`);
    expect(increment(report)).toBe(2_000);
    expect(report.sysUpTimeTicks).toBe(bench.uptimeTicks);
  });

  it("tells a restart before any counter is believed: they are read again and begin anew", async () => {
    const { agent, bench } = await settled();
    setOctets(agent, 1, 5_000n);
    bench.restart();
    const { report, events } = await bench.next(30_000);
    expect(events.map((event) => event.type)).toEqual(["agent.restarted"]);
    expect(increment(report)).toBeNaN();
    expect(agent.asked.filter((oid) => oid === `${ifXEntry}.6`).length).toBeGreaterThan(1);
    setOctets(agent, 1, 5_400n);
    expect(increment((await bench.next()).report)).toBe(400);
  });

  it("tells that rows were renumbered before any value gets a name", async () => {
    const { agent, bench } = await settled();
    setOctets(agent, 2, 40_000n);
    await bench.next();
    agent.remove("1.3.6.1.2.1.2.2.1");
    agent.remove(ifXEntry);
    setInterface(agent, 1, "Gi1/0/2");
    setInterface(agent, 2, "Gi1/0/1");
    setOctets(agent, 1, 40_500n);
    agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", bench.uptimeTicks + 2_000);
    expect(increment((await bench.next()).report, "Gi1/0/2")).toBe(500);
  });

  it("fails the poll when the agent is silent", async () => {
    const { agent, bench } = await settled();
    agent.dead = true;
    await expect(bench.next()).rejects.toMatchObject({ code: "driver.timeout" });
    agent.dead = false;
    const { report } = await bench.next();
    expect(report.gaps).toEqual([]);
    expect(increment(report)).toBe(0);
  });

  it("is kept when the tables stay silent: they alone are gaps, and their next values say how much came meanwhile", async () => {
    const { agent, bench } = await settled();
    agent.failing.set("1.3.6.1.2.1.2.2", new GatewayError("driver.timeout"));
    agent.failing.set("1.3.6.1.2.1.31.1.1", new GatewayError("driver.timeout"));
    const { report } = await bench.next();
    expect(report.sysUpTimeTicks).toBe(bench.uptimeTicks);
    expect(tableOf(report, "system").shape.table).toBe("system");
    expect(report.gaps.map(({ reason, shape }) => [shape?.table, reason])).toContainEqual([ifTable, "timeout"]);
    agent.failing.clear();
    setOctets(agent, 1, 1_900n);
    expect(increment((await bench.next()).report)).toBe(900);
  });

  it("leaves no poll without a gap for tables that hang, also while they are left alone for it", async () => {
    const { agent, bench } = await settled();
    for (const root of ["1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1"]) agent.failing.set(root, new GatewayError("driver.timeout"));
    const reasons: string[] = [];
    for (let poll = 0; poll < 8; poll++)
      for (const { reason, shape } of (await bench.next()).report.gaps) if (shape?.table === ifTable) reasons.push(reason);
    expect(reasons).toHaveLength(8);
    expect(new Set(reasons)).toEqual(new Set(["timeout", "skipped"]));
  });

  it("is asked for by itself where the tables are refused", async () => {
    const { agent, bench } = await settled();
    agent.failing.set(ifXEntry, new GatewayError("driver.refused"));
    const { report } = await bench.next();
    expect(report.sysUpTimeTicks).toBe(bench.uptimeTicks);
    expect(report.gaps.map(({ reason, shape }) => [shape?.table, reason])).toContainEqual([ifTable, "noSuchName"]);
  });

  it("is asked for by itself when the agent does not answer it so, from the same poll on", async () => {
    const { agent, bench } = await settled();
    agent.clock = undefined;
    setOctets(agent, 1, 1_700n);
    expect(increment((await bench.next()).report)).toBe(700);
  });
});

import { describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import { Bench, cell, tableOf } from "../support/fixtures.ts";
import { MemoryAgent } from "../support/memory-agent.ts";
import { setInterface, smallSwitch } from "../support/switch-agent.ts";

const ifTable = "IF-MIB:ifTable";
const hrSystem = "HOST-RESOURCES-MIB:hrSystem";

function switchWithProcesses(): MemoryAgent {
  return smallSwitch().set("1.3.6.1.2.1.25.1.6.0", "gauge32", 42);
}

describe("an agent that answers in part", () => {
  it("gives a report with a gap for the table that failed, and the rest", async () => {
    const agent = switchWithProcesses();
    const bench = new Bench(agent);
    await bench.next();
    agent.failing.set("1.3.6.1.2.1.2.2", new GatewayError("driver.timeout"));
    const { report } = await bench.next();
    expect(report.gaps.map((gap) => [gap.shape?.table, gap.reason])).toContainEqual([ifTable, "timeout"]);
    expect(cell(tableOf(report, hrSystem), "hrSystemProcesses", "")).toBe(42);
  });

  it.each([
    ["driver.auth", "auth"],
    ["driver.bad-answer", "badAnswer"],
    ["driver.unreachable", "notReachable"],
    ["driver.refused", "noSuchName"],
    ["driver.limit", "partial"],
  ] as const)("names %s as the reason %s", async (code, reason) => {
    const agent = switchWithProcesses();
    const bench = new Bench(agent);
    await bench.next();
    agent.failing.set("1.3.6.1.2.1.2.2", new GatewayError(code));
    const { report } = await bench.next();
    expect(report.gaps.find((gap) => gap.shape?.table === ifTable)?.reason).toBe(reason);
  });

  it("throws only when it gives nothing at all", async () => {
    const agent = smallSwitch();
    agent.dead = true;
    await expect(new Bench(agent).next()).rejects.toMatchObject({ code: "driver.timeout" });
  });

  it("is asked less often for a table that fails again and again, with one event, and the table comes back", async () => {
    const agent = switchWithProcesses();
    const bench = new Bench(agent);
    await bench.next();
    agent.failing.set("1.3.6.1.2.1.2.2.1.7", new GatewayError("driver.bad-answer"));
    const events: string[] = [];
    let asked = 0;
    for (let poll = 0; poll < 30; poll++) {
      agent.asked.length = 0;
      events.push(...(await bench.next()).events.map((event) => event.type));
      asked += agent.asked.includes("1.3.6.1.2.1.2.2.1.7") ? 1 : 0;
    }
    expect(events.filter((type) => type === "table.set-aside")).toHaveLength(1);
    expect(asked).toBeLessThan(12);
    agent.failing.clear();
    let polls = 0;
    while (!(await bench.next()).report.tables.some((table) => table.shape.table === ifTable)) expect(polls++).toBeLessThan(20);
  });

  it("is asked less often for a table that is never read in the time of a poll", async () => {
    const agent = switchWithProcesses();
    const bench = new Bench(agent);
    await bench.next();
    agent.failing.set("1.3.6.1.2.1.2.2.1.7", new GatewayError("driver.limit"));
    const texts: string[] = [];
    const gaps: string[] = [];
    let asked = 0;
    for (let poll = 0; poll < 60; poll++) {
      agent.asked.length = 0;
      const { report, events } = await bench.next();
      texts.push(...events.filter(({ type }) => type === "table.set-aside").map(({ text }) => text));
      gaps.push(...report.gaps.filter(({ shape }) => shape?.table === ifTable).map(({ reason }) => reason));
      asked += agent.asked.includes("1.3.6.1.2.1.2.2.1.7") ? 1 : 0;
    }
    expect(texts).toEqual([expect.stringContaining("not read in the time of 3 polls running")]);
    expect(asked).toBeLessThan(12);
    expect(gaps).toHaveLength(60);
    expect(new Set(gaps)).toEqual(new Set(["partial", "skipped"]));
  });

  it("is not asked for the rest after two tables in a row without an answer", async () => {
    const agent = switchWithProcesses().set("1.3.6.1.2.1.6.9.0", "gauge32", 1);
    const bench = new Bench(agent);
    await bench.next();
    for (const root of ["1.3.6.1.2.1.2", "1.3.6.1.2.1.25", "1.3.6.1.2.1.6"]) agent.failing.set(root, new GatewayError("driver.timeout"));
    const { report } = await bench.next();
    expect(report.gaps.map((gap) => gap.reason).sort()).toEqual(["skipped", "timeout", "timeout"]);
  });

  it("says noSuchName for nothing: what an agent does not have is not polled", async () => {
    const { report } = await new Bench(new MemoryAgent()).next();
    expect(report.tables.map((table) => table.shape.table)).toEqual(["system"]);
    expect(report.gaps).toEqual([]);
  });
});

describe("limits", () => {
  it("refuse rows beyond the limit by name, once", async () => {
    const agent = smallSwitch();
    for (let index = 10; index < 30; index++) setInterface(agent, index, `Gi2/0/${index}`);
    const bench = new Bench(agent, { maxRowsPerTable: 5, rareIntervalMs: 60_000 });
    const first = await bench.next();
    expect(tableOf(first.report, ifTable).shape.rows.length).toBeLessThanOrEqual(5);
    expect(first.events.map((event) => [event.type, event.attributes.table])).toContainEqual(["limit.rows", ifTable]);
    const later = [await bench.next(), await bench.next()].flatMap((result) => result.events);
    expect(later.filter((event) => event.type === "limit.rows" && event.attributes.table === ifTable)).toEqual([]);
  });

  it("refuse tables beyond the limit by name", async () => {
    const { report, events } = await new Bench(switchWithProcesses(), { maxTables: 1 }).next();
    expect(report.tables.map((table) => table.shape.table)).toEqual(["system", ifTable]);
    expect(events.find((event) => event.type === "limit.tables")?.attributes.refused).toContain(hrSystem);
  });

  it("refuse tables whose series would be too many", async () => {
    const { report, events } = await new Bench(switchWithProcesses(), { maxSeries: 5 }).next();
    expect(report.tables.map((table) => table.shape.table)).not.toContain(ifTable);
    expect(events.filter((event) => event.type === "limit.series").map((event) => event.attributes.table)).toContain(ifTable);
  });

  it("let at most 16 events out at a time, and none get lost", async () => {
    const agent = smallSwitch();
    const ports = Array.from({ length: 30 }, (_, port) => port + 100);
    for (const index of ports) setInterface(agent, index, `p${index}`, { speed: 1_000_000 });
    const bench = new Bench(agent);
    await bench.next();
    const perPoll: number[] = [];
    let total = 0;
    for (let poll = 1; poll < 12; poll++) {
      for (const index of ports) agent.set(`1.3.6.1.2.1.31.1.1.1.6.${index}`, "counter64", BigInt(poll) * 10_000_000_000n);
      const count = (await bench.next()).events.filter((event) => event.type === "interface.speed-implausible").length;
      perPoll.push(count);
      total += count;
    }
    expect(Math.max(...perPoll)).toBeLessThanOrEqual(16);
    expect(total).toBe(30);
  });

  it("switch sets off and optional ones on by their name", async () => {
    const agent = switchWithProcesses();
    agent.set("1.3.6.1.2.1.25.4.2.1.7.1", "integer", 1).text("1.3.6.1.2.1.25.4.2.1.2.1", "init");
    const { report } = await new Bench(agent, { sets: { interfaces: false, processes: true } }).next();
    const tables = report.tables.map((table) => table.shape.table);
    expect(tables).toContain("HOST-RESOURCES-MIB:hrSWRunTable");
    expect(tables).not.toContain(ifTable);
  });
});

describe("cadence", () => {
  it("reads slow tables at their own interval and spreads them over polls", async () => {
    const agent = switchWithProcesses();
    for (const index of [1, 2]) agent.set(`1.3.6.1.2.1.10.7.2.1.19.${index}`, "integer", 3);
    agent.text("1.3.6.1.2.1.25.2.3.1.3.1", "/").set("1.3.6.1.2.1.25.2.3.1.4.1", "integer", 4_096);
    agent.set("1.3.6.1.2.1.25.2.3.1.5.1", "integer", 1_000).set("1.3.6.1.2.1.25.2.3.1.6.1", "integer", 10);
    agent.set("1.3.6.1.2.1.4.20.1.2.10.0.0.1", "integer", 1);
    const bench = new Bench(agent);
    const slow = ["IF-MIB:ifLink", "EtherLike-MIB:dot3StatsTable", "HOST-RESOURCES-MIB:hrStorageTable", "IP-MIB:ipAddrTable"];
    const seen = new Map<string, number>();
    let most = 0;
    for (let poll = 0; poll < 30; poll++) {
      const names = (await bench.next()).report.tables.map((table) => table.shape.table).filter((name) => slow.includes(name));
      most = Math.max(most, names.length);
      for (const name of names) seen.set(name, (seen.get(name) ?? 0) + 1);
    }
    expect(most).toBeLessThanOrEqual(2);
    expect(seen.get("EtherLike-MIB:dot3StatsTable")).toBe(6);
    expect(seen.get("IP-MIB:ipAddrTable")).toBe(2);
  });

  it("states the interval of each table in its shape", async () => {
    const { report } = await new Bench(smallSwitch(), {}, 45_000).next();
    expect(tableOf(report, ifTable).shape.intervalMs).toBe(45_000);
    expect(tableOf(report, "IF-MIB:ifLink").shape.intervalMs).toBe(315_000);
  });

  it("asks in its first request only for what the agent was found to have", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    await bench.next();
    agent.asked.length = 0;
    await bench.next();
    expect(agent.asked.slice(0, 3)).toEqual(["1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.31.1.5.0"]);
    expect(agent.asked).not.toContain("1.3.6.1.6.3.10.2.1.3.0");
  });
});

describe("agents that cry wolf", () => {
  const walked = "1.3.6.1.2.1.31.1.1.1.1";

  it("are not surveyed with every poll because their ifTableLastChange is their uptime", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    let surveys = 0;
    for (let poll = 0; poll < 14; poll++) {
      agent.asked.length = 0;
      agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", bench.uptimeTicks + poll);
      await bench.next();
      surveys += agent.asked.includes(walked) ? 1 : 0;
    }
    expect(surveys).toBeLessThanOrEqual(7);
  });

  it("are believed again when a change was one", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    for (let poll = 0; poll < 3; poll++) {
      agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", 200 + poll);
      await bench.next();
    }
    setInterface(agent, 7, "Gi1/0/7");
    agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", 900);
    expect(tableOf((await bench.next()).report, ifTable).shape.rows).toHaveLength(3);
  });

  it("are not taken for restarted with every poll because their uptime jumps, with one event", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    const types: string[] = [];
    for (let poll = 0; poll < 20; poll++) {
      bench.uptimeTicks = 10_000_000 - poll * 50_000;
      types.push(...(await bench.next()).events.map((event) => event.type));
    }
    expect(types.filter((type) => type === "agent.restarted").length).toBeLessThanOrEqual(4);
    expect(types.filter((type) => type === "agent.uptime-unreliable")).toHaveLength(1);
  });

  it("are not asked for their inventory with every poll because their entLastChangeTime always changes", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    let readings = 0;
    for (let poll = 0; poll < 14; poll++) {
      agent.asked.length = 0;
      agent.set("1.3.6.1.2.1.47.1.4.1.0", "timeticks", 100 + poll);
      await bench.next();
      readings += agent.asked.includes("1.3.6.1.2.1.1.1.0") ? 1 : 0;
    }
    expect(readings).toBe(1);
  });
});

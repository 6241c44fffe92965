import { describe, expect, it } from "vitest";
import { PollStatistics } from "../../../../runtime/southbound/poll-statistics.ts";
import { Bench, cell, tableOf } from "../support/fixtures.ts";
import { setOctets, smallSwitch } from "../support/switch-agent.ts";

describe("polling a switch", () => {
  it("finds the interfaces by probing and keys them by name", async () => {
    const { report } = await new Bench(smallSwitch()).next();
    const table = tableOf(report, "IF-MIB:ifTable");
    expect(table.shape.rows.map((row) => row.key)).toEqual(["Gi1/0/1", "Gi1/0/2"]);
    expect(table.shape.rows[0]?.labels).toEqual({ ifIndex: "1", ifDescr: "Port Gi1/0/1", ifName: "Gi1/0/1", ifType: "ethernetCsmacd" });
    expect(report.gaps).toEqual([]);
  });

  it("reports exact increments from the second poll on", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    const first = tableOf((await bench.next()).report, "IF-MIB:ifTable");
    expect(cell(first, "ifHCInOctets", "Gi1/0/1")).toBeNaN();
    setOctets(agent, 1, 6_000_000_123n);
    const second = tableOf((await bench.next()).report, "IF-MIB:ifTable");
    expect(cell(second, "ifHCInOctets", "Gi1/0/1")).toBe(5_999_999_123);
    expect(cell(second, "ifHCInOctets", "Gi1/0/1", true)).toBe(6_000_000_123n);
    expect(second.elapsedMs).toBe(60_000);
  });

  it("says what each table cost: requests, bytes both ways, time and CPU", async () => {
    const bench = new Bench(smallSwitch());
    await bench.next();
    const { cost } = await bench.next();
    const statistics = new PollStatistics();
    for (let poll = 0; poll < 3; poll++) statistics.add(cost, 0);
    const shares = statistics.tables.shown();
    const asked = shares.filter(({ requests }) => requests > 0);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every(({ cpuMs }) => cpuMs > 0)).toBe(true);
    expect(shares.reduce((sum, { bytesOut }) => sum + bytesOut, 0)).toBe(3 * cost.bytesOut);
    expect(shares.reduce((sum, { cpuMs }) => sum + cpuMs, 0)).toBeLessThanOrEqual(3 * cost.cpuMs + 1e-6);
  });

  it("keeps the same shape object while nothing changes", async () => {
    const bench = new Bench(smallSwitch());
    const first = tableOf((await bench.next()).report, "IF-MIB:ifTable").shape;
    for (let poll = 0; poll < 20; poll++) expect(tableOf((await bench.next()).report, "IF-MIB:ifTable").shape).toBe(first);
  });
});

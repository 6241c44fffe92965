import { describe, expect, it } from "vitest";
import { Bench, cell, tableOf } from "../support/fixtures.ts";
import { MemoryAgent } from "../support/memory-agent.ts";
import { setInterface, setOctets, smallSwitch } from "../support/switch-agent.ts";

const ifTable = "IF-MIB:ifTable";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";
const ifEntry = "1.3.6.1.2.1.2.2.1";

async function increment(bench: Bench, key = "Gi1/0/1"): Promise<unknown> {
  return cell(tableOf((await bench.next()).report, ifTable), "ifHCInOctets", key);
}

describe("counters across what happens to agents", () => {
  it("are unknown for one poll after a restart, with an event, and right again", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    await bench.next();
    setOctets(agent, 1, 50n);
    bench.restart();
    const { report, events } = await bench.next(30_000);
    expect(cell(tableOf(report, ifTable), "ifHCInOctets", "Gi1/0/1")).toBeNaN();
    expect(events.map((event) => event.type)).toEqual(["agent.restarted"]);
    setOctets(agent, 1, 1_050n);
    expect(await increment(bench)).toBe(1_000);
  });

  it("run on over the 497-day rollover of sysUpTime", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    bench.uptimeTicks = 2 ** 32 - 3_000;
    await bench.poll();
    bench.uptimeTicks = 2 ** 32 - 3_000;
    await bench.next();
    expect(bench.uptimeTicks).toBeLessThan(10_000);
    setOctets(agent, 1, 4_000n);
    expect(await increment(bench)).toBe(3_000);
  });

  it("resolve a wrap of 32 bits where the interface has no 64-bit columns", async () => {
    const agent = smallSwitch();
    setInterface(agent, 4, "old", { wide: false, speed: 100_000_000 });
    setOctets(agent, 4, 4_294_967_000n, false);
    const bench = new Bench(agent);
    await bench.next();
    setOctets(agent, 4, 4_294_967_000n + 1_000n, false);
    const table = tableOf((await bench.next()).report, ifTable);
    expect(cell(table, "ifHCInOctets", "old")).toBe(1_000);
    expect(cell(table, "ifHCInOctets", "old", true)).toBe(704n);
    expect(cell(table, "ifHCInOctets", "Gi1/0/1")).toBe(0);
  });

  it("use the 32-bit column of the one interface whose 64-bit columns stand at zero", async () => {
    const agent = smallSwitch();
    for (const column of [6, 10]) agent.set(`${ifXEntry}.${column}.2`, "counter64", 0n);
    agent.set(`${ifEntry}.10.2`, "counter32", 5_000);
    const bench = new Bench(agent);
    await bench.next();
    agent.set(`${ifEntry}.10.2`, "counter32", 7_000);
    setOctets(agent, 1, 9_000n);
    const table = tableOf((await bench.next()).report, ifTable);
    expect(cell(table, "ifHCInOctets", "Gi1/0/2")).toBe(2_000);
    expect(cell(table, "ifHCInOctets", "Gi1/0/1")).toBe(8_000);
  });

  it("begin anew for the one interface whose discontinuity time changed", async () => {
    const agent = smallSwitch();
    for (const index of [1, 2]) agent.set(`${ifXEntry}.19.${index}`, "timeticks", 0);
    const bench = new Bench(agent);
    await bench.next();
    await bench.next();
    agent.set(`${ifXEntry}.19.1`, "timeticks", 123);
    setOctets(agent, 1, 2_000n);
    setOctets(agent, 2, 2_000n);
    const table = tableOf((await bench.next()).report, ifTable);
    expect(cell(table, "ifHCInOctets", "Gi1/0/1")).toBeNaN();
    expect(cell(table, "ifHCInOctets", "Gi1/0/2")).toBe(1_000);
  });

  it("begin anew for one equipment only where two alike have said the same discontinuity times so far", async () => {
    const [changed, same] = [smallSwitch(), smallSwitch()];
    for (const agent of [changed, same]) for (const index of [1, 2]) agent.set(`${ifXEntry}.19.${index}`, "timeticks", 7);
    const [one, other] = [new Bench(changed), new Bench(same)];
    for (const bench of [one, other, one, other]) await bench.next();
    for (const agent of [changed, same]) setOctets(agent, 1, 2_000n);
    changed.set(`${ifXEntry}.19.1`, "timeticks", 123);
    expect([await increment(one), await increment(other)]).toEqual([Number.NaN, 1_000]);
    for (const agent of [changed, same]) setOctets(agent, 1, 5_000n);
    same.set(`${ifXEntry}.19.1`, "timeticks", 123);
    expect([await increment(one), await increment(other)]).toEqual([3_000, Number.NaN]);
  });

  it("say what was reported before, over polls that miss them and restarts of the agent", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    const said = async (): Promise<unknown[]> => {
      const table = tableOf((await bench.next()).report, ifTable);
      const column = table.columns[table.shape.metrics.findIndex(({ name }) => name === "ifHCInOctets")];
      return column?.kind === "counter" ? [table.sequence, column.present[0], column.previous?.[0]] : [];
    };
    setOctets(agent, 1, 2n ** 40n);
    await said();
    setOctets(agent, 1, 2n ** 40n + 5n);
    expect(await said()).toEqual([2, 1, 2n ** 40n]);
    agent.remove(`${ifXEntry}.6.1`);
    expect(await said()).toEqual([3, 0, 2n ** 40n + 5n]);
    setOctets(agent, 1, 2n ** 50n);
    expect(await said()).toEqual([4, 1, 2n ** 40n + 5n]);
    setOctets(agent, 1, 3n);
    bench.restart();
    expect(await said()).toEqual([5, 1, 2n ** 50n]);
  });

  it("follow an interface by its name to another index when the agent announces the change", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    setOctets(agent, 2, 40_000n);
    await bench.next();
    agent.remove(`${ifEntry}`);
    agent.remove(`${ifXEntry}`);
    setInterface(agent, 1, "Gi1/0/2");
    setInterface(agent, 2, "Gi1/0/1");
    setOctets(agent, 1, 40_500n);
    setOctets(agent, 2, 1_700n);
    agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", bench.uptimeTicks + 2_000);
    const table = tableOf((await bench.next()).report, ifTable);
    expect(cell(table, "ifHCInOctets", "Gi1/0/2")).toBe(500);
    expect(cell(table, "ifHCInOctets", "Gi1/0/1")).toBe(700);
    expect(table.shape.rows.map((row) => row.labels.ifIndex)).toEqual(["1", "2"]);
    expect(table.shape.revision).toBe(2);
  });

  it("begin anew when a renumbering is found later, by the routine check of names", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent, { rareIntervalMs: 120_000 });
    await bench.next();
    agent.text(`${ifXEntry}.1.1`, "Gi1/0/2");
    agent.text(`${ifXEntry}.1.2`, "Gi1/0/1");
    // When the first check is due goes by the names of equipment and table: with one of the next polls.
    let table = tableOf((await bench.next()).report, ifTable);
    for (let poll = 0; table.shape.rows[0]?.key !== "Gi1/0/2" && poll < 3; poll++) table = tableOf((await bench.next()).report, ifTable);
    expect(table.shape.rows.map((row) => row.key)).toEqual(["Gi1/0/2", "Gi1/0/1"]);
    expect(cell(table, "ifHCInOctets", "Gi1/0/1")).toBeNaN();
    expect(await increment(bench)).toBe(0);
  });

  it("refuse a jump above the link's speed, and say so in no other way than not knowing", async () => {
    const agent = smallSwitch();
    setInterface(agent, 1, "Gi1/0/1", { speed: 10_000_000 });
    const bench = new Bench(agent);
    await bench.next();
    setOctets(agent, 1, 900_000_000_000n);
    expect(await increment(bench)).toBeNaN();
    setOctets(agent, 1, 900_000_001_000n);
    expect(await increment(bench)).toBe(1_000);
  });

  it("doubt a link speed that is exceeded again and again, once with an event", async () => {
    const agent = smallSwitch();
    setInterface(agent, 1, "Gi1/0/1", { speed: 1_000_000 });
    const bench = new Bench(agent);
    await bench.next();
    const types: string[] = [];
    for (let poll = 1n; poll <= 5n; poll++) {
      setOctets(agent, 1, poll * 100_000_000n);
      types.push(...(await bench.next()).events.map((event) => event.type));
    }
    setOctets(agent, 1, 600_000_000n);
    expect(await increment(bench)).toBe(100_000_000);
    expect(types.filter((type) => type === "interface.speed-implausible")).toHaveLength(1);
  });

  it("believe the operator's word for the speed more than the device's", async () => {
    const agent = smallSwitch();
    setInterface(agent, 1, "Gi1/0/1", { speed: 1_000_000 });
    const bench = new Bench(agent, { speeds: { "Gi1/0/1": 1_000_000_000 } });
    await bench.next();
    setOctets(agent, 1, 100_000_000n);
    expect(await increment(bench)).toBe(99_999_000);
  });

  it("span a table's gap with the elapsed time of the gap", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    await bench.next();
    agent.dead = true;
    await expect(bench.next()).rejects.toThrow("driver.timeout");
    agent.dead = false;
    setOctets(agent, 1, 3_000n);
    const table = tableOf((await bench.next()).report, ifTable);
    expect(cell(table, "ifHCInOctets", "Gi1/0/1")).toBe(2_000);
    expect(table.elapsedMs).toBe(120_000);
  });

  it("drop negative values of counters that an agent declares as integers", async () => {
    const agent = smallSwitch();
    agent.set(`${ifEntry}.14.1`, "integer", 5);
    agent.set(`${ifEntry}.14.2`, "integer", -7);
    const bench = new Bench(agent);
    await bench.next();
    agent.set(`${ifEntry}.14.1`, "integer", 9);
    const table = tableOf((await bench.next()).report, ifTable);
    expect(cell(table, "ifInErrors", "Gi1/0/1")).toBe(4);
    expect(cell(table, "ifInErrors", "Gi1/0/2")).toBeUndefined();
  });

  it("report a size that the agent calls Counter64 as a gauge", async () => {
    const agent = new MemoryAgent();
    agent.text("1.3.6.1.4.1.6574.3.1.1.2.0", "Volume 1").set("1.3.6.1.4.1.6574.3.1.1.4.0", "counter64", 3_985_729_650_688n);
    const table = tableOf((await new Bench(agent).next()).report, "SYNOLOGY-RAID-MIB:raidTable");
    expect(cell(table, "raidFreeSize", "Volume 1")).toBe(3_985_729_650_688);
    expect(table.shape.metrics.map((metric) => metric.kind)).toEqual(["gauge"]);
  });
});

describe("agents that lose their identity", () => {
  it("begin anew with an event when engineBoots went back", async () => {
    const agent = smallSwitch().set("1.3.6.1.6.3.10.2.1.2.0", "integer", 10);
    const bench = new Bench(agent);
    await bench.next();
    agent.set("1.3.6.1.6.3.10.2.1.2.0", "integer", 2);
    setOctets(agent, 1, 5_000n);
    const { report, events } = await bench.next();
    expect(events.map((event) => event.type)).toEqual(["agent.restarted", "identity.reset"]);
    expect(cell(tableOf(report, ifTable), "ifHCInOctets", "Gi1/0/1")).toBeNaN();
  });
});

describe("32-bit counters that are too narrow for their link", () => {
  it("are named once, with the interval that would do", async () => {
    const agent = smallSwitch();
    setInterface(agent, 4, "fast", { wide: false, speed: 1_000_000_000 });
    setInterface(agent, 5, "slow", { wide: false, speed: 100_000_000 });
    const bench = new Bench(agent);
    const events = [...(await bench.next()).events, ...(await bench.next()).events];
    expect(events.filter((event) => event.type === "counter.too-narrow").map((event) => event.attributes)).toEqual([
      { table: ifTable, rows: ["fast"], count: 1, pollIntervalMsMax: 34_359 },
    ]);
  });
});

describe("what was not believed", () => {
  it("is counted in the poll's cost", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    await bench.next();
    setOctets(agent, 1, 5n);
    expect((await bench.next()).cost.distrusted).toMatchObject({ counterDecreased: 2, counterImplausible: 0 });
  });
});

describe("a port that comes up", () => {
  it("is not held to the speed that it reported while it was down", async () => {
    const agent = smallSwitch();
    setInterface(agent, 1, "Gi1/0/1", { speed: 10_000_000 });
    agent.set(`${ifEntry}.8.1`, "integer", 2);
    const bench = new Bench(agent);
    await bench.next();
    await bench.next();
    agent.set(`${ifEntry}.8.1`, "integer", 1).set(`${ifXEntry}.15.1`, "gauge32", 1_000);
    setOctets(agent, 1, 5_000_000_000n);
    expect(await increment(bench)).toBe(4_999_999_000);
    setOctets(agent, 1, 10_000_000_000n);
    expect(await increment(bench)).toBe(5_000_000_000);
    setOctets(agent, 1, 100_000_000_000n);
    expect(await increment(bench)).toBeNaN();
  });

  it("has its speed read again after the first refusal", async () => {
    const agent = smallSwitch();
    setInterface(agent, 1, "Gi1/0/1", { speed: 10_000_000 });
    const bench = new Bench(agent);
    await bench.next();
    await bench.next();
    agent.set(`${ifXEntry}.15.1`, "gauge32", 1_000);
    setOctets(agent, 1, 5_000_000_000n);
    expect(await increment(bench)).toBeNaN();
    setOctets(agent, 1, 10_000_000_000n);
    expect(await increment(bench)).toBe(5_000_000_000);
  });
});

import { describe, expect, it } from "vitest";
import { builtInSets } from "../../../../drivers/snmp/metric-sets/built-in-sets.ts";
import type { Exchange } from "../../../../drivers/snmp/session/exchange.ts";
import { LackingTables } from "../../../../drivers/snmp/session/lacking-tables.ts";
import { KnownResults, probeTables } from "../../../../drivers/snmp/session/probe-tables.ts";
import type { SnmpSession } from "../../../../runtime/ports/snmp.ts";
import { Bench } from "../support/fixtures.ts";
import { MemoryAgent } from "../support/memory-agent.ts";
import { smallSwitch } from "../support/switch-agent.ts";

const hourMs = 3_600_000;
const of = (...names: readonly string[]): ReadonlySet<string> => new Set(names);

describe("tables that equipment does not have", () => {
  it("are sure after two looks an hour apart, and only those that were not there at any", () => {
    const tables = new LackingTables();
    tables.look(of("fans", "disks", "ports"), 5_000.5);
    expect(tables.sure.size).toBe(0);
    tables.look(of("fans", "disks"), 20_000.25);
    expect(tables.sure.size).toBe(0);
    tables.look(of("disks", "fans", "ports", "new"), 20 * hourMs);
    expect([...tables.sure].sort()).toEqual(["disks", "fans"]);
    tables.look(of("disks"), 40 * hourMs);
    expect([...tables.sure]).toEqual(["disks"]);
  });

  it("are also those that vanished later, at the second look without them", () => {
    const tables = new LackingTables();
    tables.look(of("disks"), 0);
    tables.look(of("disks"), 20 * hourMs);
    tables.look(of("disks", "fans"), 40 * hourMs);
    expect([...tables.sure]).toEqual(["disks"]);
    tables.look(of("disks", "fans", "ports"), 40.5 * hourMs);
    expect([...tables.sure]).toEqual(["disks"]);
    tables.look(of("disks", "fans", "ports"), 60 * hourMs);
    expect([...tables.sure].sort()).toEqual(["disks", "fans"]);
    tables.look(of("ports"), 60.2 * hourMs);
    expect([...tables.sure]).toEqual([]);
  });

  it("are those that it says it does not have, not those for which it has an error", async () => {
    const agent = new MemoryAgent().text("1.3.6.1.2.1.1.1.0", "text").set("1.3.6.1.2.1.2.2.1.10.1", "counter32", 5);
    const inner = agent.open();
    const probe = async (session: SnmpSession) =>
      probeTables(builtInSets, { session, signal: new AbortController().signal } as Exchange, new KnownResults());
    const all = builtInSets.flatMap((set) => set.tables.map(({ table }) => table));
    const clear = await probe(inner);
    const present = clear.tables.map(({ table }) => table);
    expect(present.length).toBeGreaterThan(0);
    expect([...clear.lacking].sort()).toEqual([...new Set(all.filter((table) => !present.includes(table)))].sort());
    const failing = await probe({
      ...inner,
      getNext: async (oids, signal) => {
        const answers = await inner.getNext(oids, signal);
        return answers.map((answer, place) =>
          oids[place]?.startsWith("1.3.6.1.2.1.43") === true ? { oid: oids[place] ?? "", type: "null", value: undefined } : answer,
        );
      },
    });
    const unclear = [...clear.lacking].filter((table) => !failing.lacking.has(table));
    expect(unclear.length).toBeGreaterThan(0);
    for (const table of unclear) expect(table).toMatch(/^Printer-MIB:/);
  });

  it("are, within two days, also those that vanish while it is polled, without a gap by then", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    for (let hour = 0; hour < 4; hour++) await bench.next(hourMs);
    const before = (await bench.next()).report;
    expect(before.tables.map(({ shape }) => shape.table)).toContain("IF-MIB:ifTable");
    agent.remove("1.3.6.1.2.1.2.2");
    agent.remove("1.3.6.1.2.1.31.1.1");
    for (let hour = 0; hour < 48; hour++) await bench.next(hourMs);
    const { lacking = of(), gaps, tables } = (await bench.next()).report;
    expect(lacking.has("IF-MIB:ifTable")).toBe(true);
    expect(gaps).toEqual([]);
    for (const { shape } of tables) expect(lacking.has(shape.table)).toBe(false);
  });

  it("are said with each report after the second look, and never a table that is there", async () => {
    const bench = new Bench(smallSwitch());
    expect((await bench.next()).report.lacking).toEqual(of());
    expect((await bench.next()).report.lacking).toEqual(of());
    // A day later everything is looked for again.
    for (let hour = 0; hour < 26; hour++) await bench.next(hourMs);
    const { lacking = of(), tables } = (await bench.next()).report;
    expect(lacking.size).toBeGreaterThan(20);
    for (const { shape } of tables) expect(lacking.has(shape.table)).toBe(false);
  });
});

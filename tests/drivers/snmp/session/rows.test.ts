import { describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import { Bench, cell, tableOf } from "../support/fixtures.ts";
import { setInterface, smallSwitch } from "../support/switch-agent.ts";

const ifTable = "IF-MIB:ifTable";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";
const ifEntry = "1.3.6.1.2.1.2.2.1";

describe("rows of interfaces", () => {
  it("are told apart by their address, then by their index, where names are shared", async () => {
    const agent = smallSwitch();
    for (const index of [10, 11, 12]) setInterface(agent, index, "eth0");
    agent.set(`${ifEntry}.6.12`, "octet-string", Uint8Array.of(0, 0x1b, 2, 3, 4, 11));
    const table = tableOf((await new Bench(agent).next()).report, ifTable);
    expect(table.shape.rows.map((row) => row.key)).toEqual([
      "Gi1/0/1",
      "Gi1/0/2",
      "eth0/00:1b:02:03:04:0a",
      "eth0/00:1b:02:03:04:0b#11",
      "eth0/00:1b:02:03:04:0b#12",
    ]);
  });

  it("take the description where there is no name, and the index where there is neither", async () => {
    const agent = smallSwitch();
    agent.text(`${ifXEntry}.1.1`, "");
    agent.text(`${ifXEntry}.1.2`, "").text(`${ifEntry}.2.2`, "");
    const table = tableOf((await new Bench(agent).next()).report, ifTable);
    expect(table.shape.rows.map((row) => row.key)).toEqual(["Port Gi1/0/1", "2"]);
  });

  it("may have an ifIndex up to 2^31", async () => {
    const agent = smallSwitch();
    setInterface(agent, 2_147_483_647, "Tunnel0");
    const table = tableOf((await new Bench(agent).next()).report, ifTable);
    expect(cell(table, "ifOperStatus", "Tunnel0")).toBe(1);
  });

  it("include loopbacks on request", async () => {
    const table = tableOf((await new Bench(smallSwitch(), { keepSkippedRows: true }).next()).report, ifTable);
    expect(table.shape.rows.map((row) => row.key)).toContain("lo");
  });

  it("appear when the agent has a new one", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    await bench.next();
    await bench.next();
    setInterface(agent, 20, "Gi1/0/20");
    await bench.next();
    const keys = tableOf((await bench.next()).report, ifTable).shape.rows.map((row) => row.key);
    expect(keys).toContain("Gi1/0/20");
  });

  it("say ifHighSpeed in bit/s, ifSpeed where that is zero, and nothing where that is saturated", async () => {
    const agent = smallSwitch();
    agent.set(`${ifXEntry}.15.2`, "gauge32", 0).set(`${ifEntry}.5.2`, "gauge32", 64_000);
    setInterface(agent, 5, "Te1/0/1");
    agent.set(`${ifXEntry}.15.5`, "gauge32", 0).set(`${ifEntry}.5.5`, "gauge32", 4_294_967_295);
    const table = tableOf((await new Bench(agent).next()).report, "IF-MIB:ifLink");
    expect(["Gi1/0/1", "Gi1/0/2", "Te1/0/1"].map((key) => cell(table, "ifSpeed", key))).toEqual([1_000_000_000, 64_000, undefined]);
  });
});

describe("a column that the agent spoils", () => {
  it("does not take the table with it", async () => {
    const agent = smallSwitch();
    agent.failing.set(`${ifEntry}.7`, new GatewayError("driver.bad-answer"));
    const bench = new Bench(agent);
    await bench.next();
    agent.failing.clear();
    const table = tableOf((await bench.next()).report, ifTable);
    expect(table.shape.rows.map((row) => row.key)).toEqual(["Gi1/0/1", "Gi1/0/2"]);
  });
});

import { afterEach, describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import type { DriverSession, PollResult } from "#ports/driver.ts";
import { createProfileSource } from "../../../../drivers/snmp/profiles/profile-source.ts";
import { createSnmpDriver } from "../../../../drivers/snmp/snmp-driver.ts";
import { acme, bookOf } from "../profiles/support.ts";
import { cell, contextWith, equipment, ManualClock, tableOf } from "../support/fixtures.ts";
import type { MemoryAgent } from "../support/memory-agent.ts";
import { setInterface, setOctets, smallSwitch } from "../support/switch-agent.ts";

const ifName = "1.3.6.1.2.1.31.1.1.1.1";
const entry = `${acme}.50.1`;
/** Two tables with the rows of the interfaces: one is called by their names, the other by nothing. */
const profile = `sysobjectid: ${acme}.1
metrics:
  - MIB: ACME
    table: {OID: ${acme}.50, name: named}
    symbols: [{OID: ${entry}.2, name: acmeDrops}]
    metric_tags: [{tag: port, column: {OID: ${ifName}, name: ifName}, table: ifXTable}]
  - MIB: ACME
    table: {OID: ${acme}.50, name: numbered}
    symbols: [{OID: ${entry}.3, name: acmeDelays}]
`;
const named = "ACME:named";
const numbered = "ACME:numbered";

let session: DriverSession | undefined;
afterEach(() => session?.close());

class Site {
  readonly agent: MemoryAgent = smallSwitch();
  readonly clock = new ManualClock();
  uptimeTicks = 360_000;
  readonly session: DriverSession;

  constructor() {
    this.agent.clock = this.clock;
    this.agent.remove("1.3.6.1.2.1.2.2.1.2.3").remove("1.3.6.1.2.1.31.1.1.1.1.3");
    for (let column = 1; column < 20; column++)
      this.agent.remove(`1.3.6.1.2.1.2.2.1.${column}.3`).remove(`1.3.6.1.2.1.31.1.1.1.${column}.3`);
    this.count(1, 100n);
    this.count(2, 7_000n);
    const profiles = createProfileSource(bookOf({ box: profile }));
    this.session = createSnmpDriver({ engine: this.agent, profiles }).open(equipment(), contextWith(this.clock));
    session = this.session;
  }

  count(index: number, value: bigint): void {
    this.agent.set(`${entry}.2.${index}`, "counter64", value).set(`${entry}.3.${index}`, "counter64", value);
  }

  async poll(ms = 60_000): Promise<PollResult> {
    this.clock.advance(ms);
    this.uptimeTicks += ms / 10;
    this.agent.set("1.3.6.1.2.1.1.3.0", "timeticks", this.uptimeTicks);
    const nowMs = this.clock.monotonicMs();
    return this.session.poll({ plannedAtMs: nowMs, deadlineMs: nowMs + 60_000 }, new AbortController().signal);
  }

  async settled(): Promise<this> {
    for (let poll = 0; poll < 5; poll++) await this.poll();
    return this;
  }

  /** The two ports change places, and the agent says so. */
  swap(): void {
    setInterface(this.agent, 1, "Gi1/0/2");
    setInterface(this.agent, 2, "Gi1/0/1");
    this.agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", this.uptimeTicks + 3_000);
  }
}

describe("live tables that have the same rows", () => {
  it("take one request together, and each is told what is its own", async () => {
    const site = await new Site().settled();
    setOctets(site.agent, 1, 1_005n);
    site.count(1, 107n);
    const { requests } = site.agent;
    const { report, cost } = await site.poll();
    expect(site.agent.requests - requests).toBe(1);
    expect(cell(tableOf(report, "IF-MIB:ifTable"), "ifHCInOctets", "Gi1/0/1")).toBe(5);
    expect(cell(tableOf(report, named), "acmeDrops", "1")).toBe(7);
    expect(cell(tableOf(report, numbered), "acmeDelays", "1")).toBe(7);
    expect(cost.tables?.reduce((sum, table) => sum + table.requests, 0)).toBe(1);
  });

  it("fail alone: one that stays silent costs the others nothing", async () => {
    const site = await new Site().settled();
    site.agent.failing.set(`${entry}.3`, new GatewayError("driver.timeout"));
    setOctets(site.agent, 1, 1_005n);
    site.count(1, 107n);
    const { report } = await site.poll();
    expect(cell(tableOf(report, "IF-MIB:ifTable"), "ifHCInOctets", "Gi1/0/1")).toBe(5);
    expect(cell(tableOf(report, named), "acmeDrops", "1")).toBe(7);
    expect(report.gaps.map(({ reason, shape }) => [shape?.table, reason])).toEqual([[numbered, "timeout"]]);
    site.agent.failing.clear();
    site.count(1, 110n);
    const { report: next } = await site.poll();
    expect(cell(tableOf(next, named), "acmeDrops", "1")).toBe(3);
    expect(cell(tableOf(next, numbered), "acmeDelays", "1")).toBe(10);
    expect(tableOf(next, numbered).elapsedMs).toBe(120_000);
  });

  it("go on being read together when one that failed is there no more", async () => {
    const site = await new Site().settled();
    site.agent.failing.set(`${entry}.3`, new GatewayError("driver.refused"));
    for (let poll = 0; poll < 4; poll++) await site.poll();
    site.agent.remove(`${entry}.3`);
    site.uptimeTicks = 0;
    for (let poll = 0; poll < 8; poll++) await site.poll();
    const requests: number[] = [];
    for (let poll = 0; poll < 4; poll++) {
      const before = site.agent.requests;
      const { report } = await site.poll();
      requests.push(site.agent.requests - before);
      expect(report.tables.map(({ shape }) => shape.table)).not.toContain(numbered);
      expect(report.gaps).toEqual([]);
    }
    // Slower tables come in between.
    expect(requests).toContain(1);
  });

  it("are all told of rows that changed places: names follow, and a number that is another port now begins anew", async () => {
    const site = await new Site().settled();
    site.swap();
    setOctets(site.agent, 1, 1_009n);
    site.count(1, 7_003n);
    site.count(2, 104n);
    const { report } = await site.poll();
    expect(cell(tableOf(report, "IF-MIB:ifTable"), "ifHCInOctets", "Gi1/0/2")).toBe(9);
    expect(tableOf(report, named).shape.rows.map(({ key, labels }) => [key, labels.port])).toEqual([
      ["1", "Gi1/0/2"],
      ["2", "Gi1/0/1"],
    ]);
    expect(cell(tableOf(report, named), "acmeDrops", "1")).toBeNaN();
    expect(cell(tableOf(report, numbered), "acmeDelays", "1")).toBeNaN();
    site.count(1, 7_010n);
    const { report: next } = await site.poll();
    expect(cell(tableOf(next, named), "acmeDrops", "1")).toBe(7);
    expect(cell(tableOf(next, numbered), "acmeDelays", "1")).toBe(7);
  });
});

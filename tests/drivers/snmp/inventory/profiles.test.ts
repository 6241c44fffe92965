import { describe, expect, it } from "vitest";
import type { IdentityFacts, ProfileSource } from "../../../../drivers/snmp/inventory/facts.ts";
import type { MetricSet } from "../../../../drivers/snmp/metric-sets/metric-set.ts";
import { createSnmpDriver } from "../../../../drivers/snmp/snmp-driver.ts";
import { cell, contextWith, equipment, ManualClock, tableOf } from "../support/fixtures.ts";
import { smallSwitch } from "../support/switch-agent.ts";

const acme = "1.3.6.1.4.1.99999";
const acmeSet: MetricSet = {
  name: "acme",
  title: "ACME",
  tables: [
    {
      table: "ACME-MIB:box",
      cadence: "live",
      scalars: true,
      columns: [{ metric: "acmeHeat", oid: `${acme}.7.1`, kind: "gauge", unit: "Cel" }],
    },
  ],
};

function source(seen: IdentityFacts[], forced: (string | undefined)[]): ProfileSource {
  return {
    probes: [`${acme}.9.1.0`],
    select(facts, name) {
      seen.push(facts);
      forced.push(name);
      if (facts.sysObjectId?.startsWith(acme) !== true) return { names: [], sets: [], identifiers: [] };
      const identify = (known: IdentityFacts) => ({
        vendor: "ACME",
        model: known.values.get(`${acme}.9.2.0`) ?? "?",
        evidence: ["profile acme"],
      });
      return { names: ["acme"], sets: [acmeSet], identifiers: [{ oids: [`${acme}.9.2.0`], identify }] };
    },
  };
}

describe("profiles", () => {
  it("are selected by what was read, add their sets beside the built-in ones, and know the device better", async () => {
    const agent = smallSwitch().text(`${acme}.9.1.0`, "probe me").text(`${acme}.9.2.0`, "Box 3000").set(`${acme}.7.1.0`, "integer", 41);
    const seen: IdentityFacts[] = [];
    const forced: (string | undefined)[] = [];
    const clock = new ManualClock();
    const session = createSnmpDriver({ engine: agent, profiles: source(seen, forced) }).open(
      { ...equipment(), profile: "acme-forced" },
      contextWith(clock),
    );
    const poll = () =>
      session.poll({ plannedAtMs: clock.monotonicMs(), deadlineMs: clock.monotonicMs() + 60_000 }, new AbortController().signal);
    const first = await poll();
    clock.advance(60_000);
    const second = await poll();
    expect(first.inventory?.identity).toMatchObject({ vendor: "ACME", model: "Box 3000" });
    expect(first.inventory?.identity.evidence[0]).toBe("profile acme: vendor, model");
    expect(cell(tableOf(second.report, "ACME-MIB:box"), "acmeHeat", "")).toBe(41);
    expect(second.report.tables.map((table) => table.shape.table)).toContain("IF-MIB:ifTable");
    expect(seen[0]?.values.get(`${acme}.9.1.0`)).toBe("probe me");
    expect(forced).toEqual(["acme-forced"]);
  });
});

import { describe, expect, it } from "vitest";
import type { AlarmChange } from "#model/observation.ts";
import { type CheckView, type EquipmentView, type Overview, wordsWithoutAlarms } from "../../runtime/console/pages/app/overview.ts";

function siteOf(reachability: string, more: Partial<Pick<Overview, "alarms" | "verdict" | "checks">> = {}) {
  const device: EquipmentView = {
    ...{ id: "sw-1", name: "sw-1", address: "192.0.2.1", driver: "snmp", pollIntervalMs: 5_000 },
    ...{ reachability, sinceS: 9, failures: 0, polls: 2 },
  };
  const status: Overview["status"] = {
    ...{ clock: { quality: "synced" }, uptimeS: 100, units: [], uplink: {}, buffer: {}, equipment: [device] },
    ledger: { polled: 1, delivered: 1, buffered: 0, dropped: 0, balances: true },
  };
  return { status, checks: [], alarms: [], ...more };
}

const failing: CheckView = { id: "crm", type: "http", target: "https://crm.example.net/", ok: false };

describe("the page without alarms", () => {
  it("says that all is well only when it is", () => {
    expect(wordsWithoutAlarms(siteOf("up"))).toMatch(/as it should be/);
  });

  it.each([
    ["equipment that fails", siteOf("down")],
    ["a check that fails", siteOf("up", { checks: [failing] })],
    ["a verdict", siteOf("up", { verdict: { cause: "device", sentence: "sw-1 does not answer", evidence: [] } })],
  ])("does not of %s, which is no alarm yet", (_, site) => {
    expect(wordsWithoutAlarms(site)).toMatch(/Something fails/);
  });

  it("points to what somebody put aside", () => {
    const put = { key: "k" } as AlarmChange;
    expect(wordsWithoutAlarms(siteOf("up", { alarms: [put] }))).toMatch(/listed below/);
  });
});

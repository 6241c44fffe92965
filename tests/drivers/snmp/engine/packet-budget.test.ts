import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../../../drivers/snmp/engine/limits.ts";
import { PacketBudget } from "../../../../drivers/snmp/engine/packet-budget.ts";
import type { Peer } from "../../../../drivers/snmp/engine/peer.ts";

/** Nothing else of it matters here. */
const peer = () => ({ fullAtMs: 0 }) as Peer;

describe("packet budget", () => {
  it("does not exist where no limit was asked for", () => {
    expect(PacketBudget.of(defaultLimits)).toBeUndefined();
  });

  it("lets no more than the site's rate leave, whoever asks", () => {
    const budget = PacketBudget.of({ ...defaultLimits, packetsPerSecond: 100 });
    const peers = Array.from({ length: 50 }, peer);
    let taken = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 5) {
      for (const one of peers) if (budget?.take(one, nowMs) === "taken") taken += 1;
    }
    expect(taken).toBeGreaterThan(980);
    expect(taken).toBeLessThanOrEqual(1_000 + 20);
  });

  it("holds one equipment back without holding the others", () => {
    const budget = PacketBudget.of({ ...defaultLimits, packetsPerSecondPerEquipment: 10 });
    const [greedy, modest] = [peer(), peer()];
    let greedyTaken = 0;
    for (let nowMs = 0; nowMs < 5_000; nowMs += 1) if (budget?.take(greedy, nowMs) === "taken") greedyTaken += 1;
    expect(greedyTaken).toBeLessThanOrEqual(10 * 5 + 10);
    budget?.take(greedy, 5_000);
    expect(budget?.take(greedy, 5_000)).toBe("equipment");
    expect(budget?.take(modest, 5_000)).toBe("taken");
  });
});

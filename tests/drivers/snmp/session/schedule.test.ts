import { describe, expect, it } from "vitest";
import { intervalAfterMs, nextDueMs } from "../../../../drivers/snmp/session/schedule.ts";

const slowMs = 300_000;

describe("slow work of a site that started at once", () => {
  it("comes due again evenly over its interval, the same after each start, and on its grid from then on", () => {
    const perTenSeconds = new Array<number>(30).fill(0);
    for (let number = 1; number <= 1_000; number++) {
      for (const name of ["storage", "supplies"]) {
        const table = { isLive: false, intervalMs: slowMs, dueAtMs: Number.NEGATIVE_INFINITY, setAsideUntilMs: 0 };
        const firstMs = nextDueMs(table, name, `sw-${number}`, 0);
        expect(nextDueMs(table, name, `sw-${number}`, 0)).toBe(firstMs);
        // Read two polls late: the grid stays.
        expect(nextDueMs({ ...table, dueAtMs: firstMs }, name, `sw-${number}`, firstMs + 10_000)).toBe(firstMs + slowMs);
        const at = Math.floor(firstMs / 10_000);
        perTenSeconds[at] = (perTenSeconds[at] ?? 0) + 1;
      }
    }
    // 2,000 readings over 27 stretches of ten seconds: 74 each.
    expect(Math.max(...perTenSeconds)).toBeLessThan(2 * 74);
    expect(Math.min(...perTenSeconds.slice(3))).toBeGreaterThan(74 / 2);
    expect(perTenSeconds.slice(0, 3)).toEqual([0, 0, 0]);
  });

  it("leaves tables of every poll on the grid of the polls, and later rounds at their interval", () => {
    const live = { isLive: true, intervalMs: 5_000, dueAtMs: Number.NEGATIVE_INFINITY, setAsideUntilMs: 0 };
    expect(nextDueMs(live, "if", "sw-1", 1_000)).toBe(6_000);
    expect(intervalAfterMs("again", slowMs, "sw-1", "inventory")).toBe(slowMs);
  });
});

import { describe, expect, it } from "vitest";
import { LatenessHistogram, TableStatistics } from "../../runtime/southbound/poll-statistics.ts";

const cost = (table: string, requests: number) => ({
  table,
  requests,
  retries: 0,
  bytesOut: 1,
  bytesIn: 2,
  durationMs: 0.5,
  cpuMs: 0.25,
  values: 0,
});

describe("statistics of polls", () => {
  it("keep the cost of each table apart, however many tables appear one after the other", () => {
    const [one, other] = [new TableStatistics(), new TableStatistics()];
    for (let round = 1; round <= 3; round++) {
      for (let table = 0; table < 4 * round; table++) {
        one.add(cost(`table ${table}`, table));
        other.add(cost(`other ${table}`, 100));
      }
    }
    const shown = one.shown();
    expect(shown).toHaveLength(12);
    for (const [table, { requests, durationMs }] of shown.entries()) {
      const times = 3 - Math.floor(table / 4);
      expect({ requests, durationMs }).toEqual({ requests: table * times, durationMs: 0.5 * times });
    }
    expect(other.shown().map(({ requests }) => requests)).toEqual([...Array(4).fill(300), ...Array(4).fill(200), ...Array(4).fill(100)]);
  });

  it("say what lateness a share of the polls stayed below, and the greatest", () => {
    const [lateness, beside] = [new LatenessHistogram(), new LatenessHistogram()];
    for (let ms = 1; ms <= 100; ms++) lateness.add(ms);
    beside.add(20_000);
    expect(lateness.quantileMs(0.5)).toBe(50);
    expect(lateness.quantileMs(0.99)).toBe(100);
    expect([lateness.total, lateness.maxMs]).toEqual([100, 100]);
    expect([beside.total, beside.maxMs, beside.quantileMs(0.5)]).toEqual([1, 20_000, 20_000]);
  });
});

import { describe, expect, it } from "vitest";
import { windowsAt } from "../../runtime/alarms/configured.ts";
import { checkAlarms } from "../../runtime/config/alarm-rules.ts";

function problems(alarms: unknown): readonly string[] {
  const found: string[] = [];
  checkAlarms(alarms, ["sw-1", "sw-2"], (pointer, sentence, severity = "error") => void found.push(`${severity} ${pointer}: ${sentence}`));
  return found;
}

describe("the alarms section", () => {
  it("has nothing wrong with it when it makes sense", () => {
    expect(
      problems({
        conditions: [
          { name: "wan-load", kind: "rate", metric: "ifHCInOctets", above: 1e7, clear: 8e6, equipment: ["sw-*"] },
          { name: "full", kind: "forecast", metric: "used", of: "size", limit: 100, from: 60, withinDays: 7 },
        ],
        maintenance: [{ name: "night", days: ["sun"], at: "02:00", minutes: 60 }],
        ports: [{ equipment: "sw-1", rows: ["gi1"] }],
      }),
    ).toEqual([]);
  });

  it("says everything that makes no sense at once, with its place", () => {
    const found = problems({
      conditions: [
        { name: "a", kind: "threshold", metric: "x" },
        { name: "a", kind: "threshold", metric: "x", above: 1, below: 2 },
        { name: "b", kind: "threshold", metric: "x", above: 90, clear: 95 },
        { name: "c", kind: "share", metric: "used", above: 90 },
        { name: "d", kind: "state", metric: "x", above: 1 },
        { name: "e", kind: "forecast", metric: "x", limit: 1, from: 1 },
        { name: "f", kind: "baseline", metric: "x", equipment: ["nobody"] },
      ],
      maintenance: [
        { name: "w", from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" },
        { name: "v", from: "2026-01-01T00:00:00Z", days: ["mon"] },
        { name: "u", days: ["mon"] },
      ],
    });
    expect(found).toHaveLength(13);
    for (const part of [
      "/alarms/conditions/0: needs either above or below",
      '/alarms/conditions/1/name: "a" is the name of /alarms/conditions/0 already',
      "/alarms/conditions/2/clear: lies above the limit",
      '/alarms/conditions/3: a share needs "of"',
      "/alarms/conditions/4/above: has no meaning for kind state",
      "warning /alarms/conditions/6/equipment/0",
      "/alarms/maintenance/0/to: must lie after from",
      "/alarms/maintenance/1: is either once",
      "/alarms/maintenance/2: needs from and to",
    ])
      expect(found.join("\n")).toContain(part);
  });
});

describe("windows of planned work", () => {
  const at = (text: string) => Date.parse(text);

  it("fall weekly, also over midnight, and once", () => {
    const weekly = [{ name: "night", days: ["sat"], at: "23:00", minutes: 180, equipment: ["sw-1"] }];
    const open = (time: string) => windowsAt(weekly, at(time)).some(({ fromMs, toMs }) => fromMs <= at(time) && at(time) < toMs);
    expect(open("2026-01-03T23:30:00Z")).toBe(true);
    expect(open("2026-01-04T01:30:00Z")).toBe(true);
    expect(open("2026-01-04T02:30:00Z")).toBe(false);
    expect(open("2026-01-04T23:30:00Z")).toBe(false);
    expect(windowsAt([{ name: "once", from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" }], 0)).toHaveLength(1);
  });
});

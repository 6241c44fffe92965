import { describe, expect, it } from "vitest";
import { conditionsOf } from "../../runtime/alarms/configured.ts";
import type { GapReason, Report } from "../../runtime/model/report.ts";
import { EngineKit, gauge } from "./alarm-kit.ts";

const settings = { defaults: false, disable: [], maintenance: [], rules: [] } as const;
const tooMuch = {
  severity: "minor",
  holdS: 0,
  clearHoldS: 0,
  forS: 900,
  days: 30,
  name: "own",
  kind: "threshold",
  metric: "load",
  above: 90,
};
const parts = { conditions: conditionsOf({ ...settings, conditions: [tooMuch as never] }), genericStates: false };
const load = { metrics: [gauge("load")] };

describe("a table that is not reported while its equipment answers", () => {
  const one = { ...load, table: "X-MIB:load/a", rows: [{ key: "a", labels: {} }] };
  const other = { ...load, table: "other", rows: [{ key: "x", labels: {} }] };

  /** The table is in trouble; then `hours` pass, with a report each half hour that has `more` and not the table. */
  function activeAfter(hours: number, more: (kit: EngineKit, halfHour: number) => Partial<Report>): readonly string[] {
    const kit = new EngineKit(parts);
    kit.see(kit.report(one, [{ load: 95 }]));
    for (let halfHour = 0; halfHour < 2 * hours; halfHour++) {
      kit.clock.ms += 1_800_000;
      kit.see({ ...kit.report(other, [{ load: 1 }]), ...more(kit, halfHour) });
      kit.pass(10_000);
    }
    return kit.active;
  }

  const gap = (kit: EngineKit, reason: GapReason, table = one): Partial<Report> => {
    const shape = kit.report(table, []).tables[0]?.shape;
    return { gaps: [shape === undefined ? { reason } : { shape, reason }] };
  };

  it("keeps its alarms as long as it fails, whatever the reason, whether each time or once in hours while it is left alone", () => {
    for (const reason of ["timeout", "badAnswer", "noSuchName", "skipped", "partial"] as const) {
      expect(activeAfter(30, (kit) => gap(kit, reason))).toEqual(["sw-1 load/a/a own"]);
      expect(activeAfter(60, (kit, halfHour) => (halfHour % 24 === 0 ? gap(kit, reason) : {}))).toEqual(["sw-1 load/a/a own"]);
    }
    expect(activeAfter(30, () => ({ gaps: [{ reason: "partial" }] }))).toEqual(["sw-1 load/a/a own"]);
    expect(activeAfter(30, (kit) => gap(kit, "timeout", { ...one, table: "X-MIB:load/b" }))).toEqual(["sw-1 load/a/a own"]);
  });

  it("loses them a day later where nothing is known against it: no gap, or one of another table", () => {
    expect(activeAfter(30, () => ({}))).toEqual([]);
    expect(activeAfter(30, (kit) => gap(kit, "timeout", other))).toEqual([]);
    expect(activeAfter(23, () => ({}))).toEqual(["sw-1 load/a/a own"]);
  });

  it("loses them, where the driver looks for tables, only when the equipment lacks it, or tells the rest of it", () => {
    const lacking = new Set(["X-MIB:load"]);
    expect(activeAfter(30, () => ({ lacking: new Set(["X-MIB:more"]) }))).toEqual(["sw-1 load/a/a own"]);
    expect(activeAfter(30, () => ({ lacking }))).toEqual([]);
    expect(activeAfter(23, () => ({ lacking }))).toEqual(["sw-1 load/a/a own"]);
    expect(activeAfter(30, (_, halfHour) => (halfHour < 50 ? {} : { lacking }))).toEqual([]);
    expect(activeAfter(30, (kit) => ({ ...gap(kit, "timeout"), lacking }))).toEqual(["sw-1 load/a/a own"]);
    const rest = (kit: EngineKit) => kit.report({ ...other, table: "X-MIB:load/b" }, [{ load: 1 }]).tables;
    expect(activeAfter(30, (kit) => ({ tables: rest(kit), lacking: new Set() }))).toEqual([]);
  });
});

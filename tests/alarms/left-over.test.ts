import { describe, expect, it } from "vitest";
import { conditionsOf } from "../../runtime/alarms/configured.ts";
import type { Report, TableShape } from "../../runtime/model/report.ts";
import { seeded } from "../drivers/snmp/engine/mutating.ts";
import { MemoryState } from "./alarm-doubles.ts";
import { EngineKit, gauge, type PolledTable } from "./alarm-kit.ts";

const halfHourMs = 1_800_000;
const dayMs = 48 * halfHourMs;
const settings = { defaults: false, disable: [], maintenance: [], rules: [] } as const;
const tooHot = {
  severity: "minor",
  holdS: 0,
  clearHoldS: 0,
  forS: 900,
  days: 30,
  name: "hot",
  kind: "threshold",
  metric: "heat",
  above: 60,
} as const;
const parts = { conditions: conditionsOf({ ...settings, conditions: [tooHot as never] }), genericStates: false };

function fans(...keys: readonly string[]): PolledTable {
  return { table: "X-MIB:fanTable", metrics: [gauge("heat")], rows: keys.map((key) => ({ key, labels: {} })), intervalMs: halfHourMs };
}

const system: PolledTable = { table: "system", metrics: [gauge("load")], intervalMs: halfHourMs };

/** A site in which fan b is too hot when the gateway ends; what comes next is another run. */
function afterRestart(state = new MemoryState()): EngineKit {
  const before = new EngineKit(parts, state);
  before.see(before.report(fans("a", "b"), [{ heat: 20 }, { heat: 90 }]));
  expect(before.active).toEqual(["sw-1 fan/b hot"]);
  return new EngineKit(parts, state);
}

function answer(kit: EngineKit, table: PolledTable, heat = 20): void {
  kit.see(
    kit.report(
      table,
      (table.rows ?? [{}]).map(() => ({ heat, load: 1 })),
    ),
  );
}

/** The equipment answers, and this table of it does not. */
function failed(kit: EngineKit, table: PolledTable): void {
  const report: Report = kit.report(system, [{ load: 1 }]);
  kit.see({ ...report, gaps: [{ reason: "timeout", shape: shapeOf(kit, table) }] });
}

function shapeOf(kit: EngineKit, table: PolledTable): TableShape {
  const shape = kit.report(table, []).tables[0]?.shape;
  if (shape === undefined) throw new Error("a report without its table");
  return shape;
}

function turns(kit: EngineKit, count: number, turn: () => void): void {
  for (let done = 0; done < count; done++) {
    kit.clock.ms += halfHourMs;
    turn();
    kit.pass(6_000);
    kit.clock.ms -= 6_000;
  }
}

const open = ["sw-1 fan/b hot"];

describe("an alarm of a row that is gone after a restart", () => {
  it("ends when its table has answered without it for a day", () => {
    const kit = afterRestart();
    turns(kit, 48, () => answer(kit, fans("a")));
    expect(kit.active).toEqual(open);
    turns(kit, 1, () => answer(kit, fans("a")));
    expect(kit.active).toEqual([]);
    expect(kit.sent.at(-1)).toMatchObject({ op: "clear", text: "no longer reported by the equipment" });
  });

  it("does not end while the equipment is silent", () => {
    const kit = afterRestart();
    turns(kit, 40, () => answer(kit, fans("a")));
    turns(kit, 200, () => kit.fail("sw-1"));
    expect(kit.active).toEqual(["sw-1 equipmentUnreachable", ...open]);
    turns(kit, 8, () => answer(kit, fans("a")));
    expect(kit.active).toEqual(open);
    turns(kit, 2, () => answer(kit, fans("a")));
    expect(kit.active).toEqual([]);
  });

  it("does not end while its table fails or is not polled at all", () => {
    const kit = afterRestart();
    turns(kit, 100, () => failed(kit, fans("a", "b")));
    turns(kit, 100, () => failed(kit, fans("a")));
    turns(kit, 100, () => answer(kit, system));
    expect(kit.active).toEqual(open);
  });

  it("ends when the equipment has answered for a day without the table, which its driver looked for", () => {
    for (const lacking of [new Set(["X-MIB:fanTable"]), new Set(["X-MIB:other"])]) {
      const kit = afterRestart();
      const without = (gaps: Report["gaps"]) => kit.see({ ...kit.report(system, [{ load: 1 }]), lacking, gaps });
      turns(kit, 40, () => without([]));
      turns(kit, 100, () => kit.fail("sw-1"));
      turns(kit, 100, () => without([{ reason: "timeout", shape: shapeOf(kit, { ...system, table: "another" }) }]));
      turns(kit, 9, () => without([]));
      expect(kit.active).toContain(open[0]);
      turns(kit, 2, () => without([]));
      expect(kit.active).toEqual(lacking.has("X-MIB:fanTable") ? [] : open);
    }
  });

  it("is judged by its values when the row is there", () => {
    const kit = afterRestart();
    turns(kit, 100, () => answer(kit, fans("a", "b"), 90));
    expect(kit.active).toEqual(["sw-1 fan/a hot", ...open]);
    turns(kit, 1, () => answer(kit, fans("a", "b"), 20));
    expect(kit.active).toEqual([]);
  });

  it("keeps the day of a row that was met and then vanished", () => {
    const kit = afterRestart();
    turns(kit, 30, () => answer(kit, fans("a")));
    turns(kit, 1, () => answer(kit, fans("a", "b"), 90));
    turns(kit, 47, () => answer(kit, fans("a"), 20));
    expect(kit.active).toEqual(open);
    turns(kit, 2, () => answer(kit, fans("a"), 20));
    expect(kit.active).toEqual([]);
  });

  it("ends also where an older version did not note the table, by metric and path, and not by another table", () => {
    const state = new MemoryState();
    afterRestart(state);
    for (const [key, text] of state.entries) state.entries.set(key, String(text).replaceAll(',"table":"X-MIB:fanTable"', ""));
    const kit = new EngineKit(parts, state);
    turns(kit, 100, () => answer(kit, { ...fans("a"), table: "X-MIB:psuTable" }));
    turns(kit, 100, () => answer(kit, { ...fans("a"), metrics: [gauge("speed")] }));
    expect(kit.active).toEqual(open);
    turns(kit, 49, () => answer(kit, fans("a")));
    expect(kit.active).toEqual([]);
  });

  it("ends also when conditions were chosen anew in the day after it vanished", () => {
    const kit = new EngineKit(parts);
    answer(kit, fans("a", "b"), 90);
    turns(kit, 1, () => answer(kit, fans("a")));
    kit.inventory("sw-1", { deviceClass: "printer" });
    turns(kit, 48, () => answer(kit, fans("a")));
    expect(kit.active).toEqual(open);
    turns(kit, 1, () => answer(kit, fans("a")));
    expect(kit.active).toEqual([]);
  });

  it("says nothing of its table to the NOC", () => {
    const kit = new EngineKit(parts);
    answer(kit, fans("b"), 90);
    expect(kit.active).toEqual(open);
    expect(kit.sent.at(-1)?.attributes.src).toEqual({ kind: "poll", ref: "hot" });
  });

  it("ends after a day of its table's answers, whatever happens between (seeds 1 to 40)", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed);
      const kit = afterRestart();
      let answeredMs = 0;
      let lastMs = Number.NaN;
      for (let turn = 0; turn < 150; turn++) {
        const steps = random() < 0.1 ? 1 + Math.floor(random() * 60) : 1;
        kit.clock.ms += steps * halfHourMs;
        const luck = random();
        if (luck < 0.15) kit.fail("sw-1");
        else if (luck < 0.25) failed(kit, fans("a"));
        else if (luck < 0.35) answer(kit, system);
        else {
          answer(kit, random() < 0.5 ? fans("a") : fans("a", "c"));
          const passedMs = kit.clock.ms - lastMs;
          if (passedMs <= 3 * halfHourMs) answeredMs += passedMs;
          lastMs = kit.clock.ms;
        }
        if (luck >= 0.15 && luck < 0.25) lastMs = Number.NaN;
        expect(kit.active, `seed ${seed}, turn ${turn}`).toEqual(answeredMs >= dayMs ? [] : open);
      }
      expect(answeredMs).toBeGreaterThan(dayMs / 2);
    }
  });
});

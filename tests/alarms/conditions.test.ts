import { describe, expect, it } from "vitest";
import { daysUntil } from "../../runtime/alarms/conditions/history-conditions.ts";
import { robustTrend } from "../../runtime/alarms/conditions/regression.ts";
import { conditionsOf } from "../../runtime/alarms/configured.ts";
import { counter, EngineKit, gauge, stateMetric } from "./alarm-kit.ts";

const settings = { defaults: false, disable: [], maintenance: [], rules: [] } as const;
const plain = { severity: "minor", holdS: 0, clearHoldS: 0, forS: 900, days: 30 } as const;

function own(...conditions: readonly object[]): EngineKit {
  const given = conditions.map((one, index) => ({ ...plain, name: `own-${index}`, ...one })) as never[];
  return new EngineKit({ conditions: conditionsOf({ ...settings, conditions: given }), genericStates: false });
}

const load = { table: "X-MIB:load", metrics: [gauge("load")] };

describe("a threshold", () => {
  it("is held before it is an alarm, and has hysteresis", () => {
    const kit = own({ kind: "threshold", metric: "load", above: 90, clear: 80, holdS: 120 });
    kit.poll(load, [{ load: 95 }, { load: 95 }]);
    expect(kit.active).toEqual([]);
    kit.poll(load, [{ load: 95 }]);
    expect(kit.active).toEqual(["sw-1 own-0"]);
    kit.poll(load, [{ load: 85 }, { load: 85 }]);
    expect(kit.active).toEqual(["sw-1 own-0"]);
    kit.poll(load, [{ load: 79 }]);
    expect(kit.active).toEqual([]);
  });

  it("takes a gap for nothing: neither good nor bad, and it breaks a hold only when it is long", () => {
    const kit = own({ kind: "threshold", metric: "load", below: 10, holdS: 120 });
    kit.poll(load, [{ load: undefined }, { load: undefined }, { load: undefined }, { load: undefined }]);
    expect(kit.active).toEqual([]);
    kit.poll(load, [{ load: 5 }, { load: undefined }, { load: 5 }]);
    expect(kit.active).toEqual(["sw-1 own-0"]);
    kit.poll(load, [{ load: undefined }, { load: undefined }]);
    expect(kit.active).toEqual(["sw-1 own-0"]);
    kit.poll(load, [{ load: 50 }, { load: 5 }]);
    kit.poll(
      load,
      Array.from({ length: 5 }, () => ({ load: undefined })),
    );
    kit.poll(load, [{ load: 5 }]);
    expect(kit.active).toEqual([]);
  });

  it("of a counter judges the rate per second, and of two metrics the share", () => {
    const rate = own({ kind: "rate", metric: "drops", above: 10 });
    const drops = { table: "X-MIB:drops", metrics: [counter("drops")] };
    rate.poll(drops, [{ drops: 300 }]);
    expect(rate.active).toEqual([]);
    rate.poll(drops, [{ drops: 900 }]);
    expect(rate.active).toEqual(["sw-1 own-0"]);
    rate.poll(drops, [{ drops: undefined }]);
    expect(rate.active).toEqual(["sw-1 own-0"]);
    const share = own({ kind: "share", metric: "used", of: "size", above: 90 });
    share.poll({ table: "X-MIB:disk", metrics: [gauge("used"), gauge("size")] }, [{ used: 95, size: 100 }]);
    expect(share.active).toEqual(["sw-1 own-0"]);
  });

  it("on change judges how fast a value moves, not where it stands", () => {
    const kit = own({ kind: "change", metric: "load", above: 60 });
    kit.poll(
      load,
      Array.from({ length: 12 }, () => ({ load: 500 })),
    );
    expect(kit.active).toEqual([]);
    kit.poll(
      load,
      Array.from({ length: 12 }, (_, minute) => ({ load: 500 + minute * 3 })),
    );
    expect(kit.active).toEqual(["sw-1 own-0"]);
  });

  it("judges equipment with the same metrics and rows each by its own values", () => {
    const rows = [{ key: "", labels: {} }];
    const [one, other] = [
      { ...load, rows },
      { ...load, rows, equipment: "nas-1" },
    ];
    const held = own({ kind: "threshold", metric: "load", above: 90, holdS: 60 });
    for (const values of [{ load: 95 }, { load: 95 }, { load: 95 }]) {
      held.poll(one, [values]);
      held.poll(other, [{ load: 5 }], 1_000);
    }
    expect(held.active).toEqual(["sw-1 own-0"]);
    const change = own({ kind: "change", metric: "load", above: 60 });
    change.poll(one, [{ load: 100 }]);
    change.poll(
      other,
      Array.from({ length: 12 }, () => ({ load: 900 })),
    );
    expect(change.sent).toEqual([]);
  });

  it("goes on where it was when the table gets another row, and keeps a vanished row's alarm for a day", () => {
    const kit = own({ kind: "threshold", metric: "load", above: 90, holdS: 120 });
    const one = { ...load, rows: [{ key: "a", labels: {} }] };
    const two = {
      ...load,
      rows: [
        { key: "b", labels: {} },
        { key: "a", labels: {} },
      ],
    };
    const none = { ...load, rows: [{ key: "b", labels: {} }] };
    kit.poll(one, [{ load: 95 }, { load: 95 }]);
    kit.pass(60_000);
    kit.see(kit.report(two, [{ load: 1 }, { load: 95 }]));
    expect(kit.active).toEqual(["sw-1 load/a own-0"]);
    kit.poll(none, [{ load: 1 }, { load: 1 }]);
    expect(kit.active).toEqual(["sw-1 load/a own-0"]);
    kit.clock.ms += 86_400_000;
    kit.pass(10_000);
    expect(kit.active).toEqual([]);
  });

  it("keeps the alarms of a table that vanished whole for a day in which the equipment answered", () => {
    const kit = own({ kind: "threshold", metric: "load", above: 90, holdS: 120 });
    const one = { ...load, rows: [{ key: "a", labels: {} }] };
    const other = { ...load, table: "other", rows: [{ key: "x", labels: {} }] };
    const answer = () => kit.see(kit.report(other, [{ load: 1 }]));
    kit.poll(one, [{ load: 95 }, { load: 95 }]);
    kit.pass(60_000);
    kit.see(kit.report(one, [{ load: 95 }]));
    answer();
    expect(kit.active).toEqual(["sw-1 load/a own-0"]);
    // Away for two days: nobody knows what became of the table.
    kit.clock.ms += 2 * 86_400_000;
    answer();
    kit.pass(10_000);
    expect(kit.active).toEqual(["sw-1 load/a own-0"]);
    for (let halfHour = 0; halfHour < 47; halfHour++) {
      kit.clock.ms += 1_800_000;
      answer();
      kit.pass(10_000);
    }
    expect(kit.active).toEqual(["sw-1 load/a own-0"]);
    kit.clock.ms += 1_800_000;
    answer();
    kit.pass(10_000);
    expect(kit.active).toEqual([]);
    // Back and still bad: judged as if it were seen for the first time.
    kit.poll(one, [{ load: 95 }, { load: 95 }]);
    kit.pass(60_000);
    kit.see(kit.report(one, [{ load: 95 }]));
    expect(kit.active).toEqual(["sw-1 load/a own-0"]);
  });
});

describe("a state", () => {
  it("is an alarm by its enumeration's own severities, and one that says unknown changes nothing", () => {
    const kit = new EngineKit();
    const raid = {
      table: "SYNOLOGY-RAID-MIB:raidTable",
      metrics: [stateMetric("raidStatus", "synologyRaidStatus")],
      rows: [{ key: "Volume 1", labels: {} }],
      intervalMs: 300_000,
    };
    kit.poll(raid, [{ raidStatus: 1 }, { raidStatus: 11 }], 300_000);
    expect(kit.active).toEqual(["sw-1 volume/Volume 1 raidStatus"]);
    expect(kit.engine.list.active()[0]).toMatchObject({ severity: "major", text: "raid status Volume 1: degrade" });
    kit.poll(raid, [{ raidStatus: undefined }, { raidStatus: 2 }], 300_000);
    expect(kit.engine.list.active()[0]?.severity).toBe("warning");
    kit.poll(raid, [{ raidStatus: 1 }], 300_000);
    expect(kit.active).toEqual([]);
  });

  it("of a UPS: a self-test is no power failure, an outage is one", () => {
    const kit = new EngineKit();
    const ups = { equipment: "ups-1", table: "UPS-MIB:upsBattery", metrics: [stateMetric("upsOutputSource")] };
    kit.poll(ups, [{ upsOutputSource: 3 }, { upsOutputSource: 5 }, { upsOutputSource: 3 }]);
    expect(kit.sent).toEqual([]);
    kit.poll(ups, [{ upsOutputSource: 5 }, { upsOutputSource: 5 }]);
    expect(kit.active).toEqual(["ups-1 upsOnBattery"]);
  });

  it("by configuration has the severities that the site wants", () => {
    const kit = own({ kind: "state", metric: "vpn", states: { 1: "critical" }, alarm: "vpnDown" });
    const vpn = { table: "X-MIB:vpn", metrics: [stateMetric("vpn", "x")] };
    kit.poll(vpn, [{ vpn: 2 }, { vpn: 1 }]);
    expect(kit.engine.list.active()[0]).toMatchObject({ type: "vpnDown", severity: "critical" });
  });

  it("of a printer that needs somebody is one alarm, whatever else it complains of, and little paper is none", () => {
    const kit = new EngineKit();
    const flags = ["lowPaper", "noPaper", "lowToner", "jammed", "doorOpen"];
    const printer = { table: "HOST-RESOURCES-MIB:hrPrinterTable", metrics: flags.map((flag) => stateMetric(flag, "alarmFlag")) };
    kit.poll(
      printer,
      Array.from({ length: 15 }, () => ({ lowPaper: 1, noPaper: 0, lowToner: 1, jammed: 0, doorOpen: 0 })),
    );
    expect(kit.active).toEqual([]);
    kit.poll(
      printer,
      Array.from({ length: 15 }, () => ({ lowPaper: 1, noPaper: 1, lowToner: 1, jammed: 1, doorOpen: 1 })),
    );
    expect(kit.active).toEqual(["sw-1 printerStopped"]);
    expect(kit.engine.list.active()[0]?.text).toContain("noPaper, jammed, doorOpen");
  });
});

describe("absence", () => {
  it("is an alarm while the equipment answers, and nobody's business while it does not", () => {
    const kit = own({ kind: "absence", metric: "load", forS: 600, text: "no load" });
    const other = { table: "X-MIB:other", metrics: [gauge("other")] };
    kit.poll(load, [{ load: 1 }]);
    kit.poll(
      other,
      Array.from({ length: 12 }, () => ({ other: 1 })),
    );
    expect(kit.active).toEqual(["sw-1 load/table own-0"]);
    kit.poll(load, [{ load: 1 }]);
    kit.pass(10_000);
    expect(kit.active).toEqual([]);
    kit.pass(1_200_000);
    expect(kit.active).toEqual([]);
  });
});

const hour = 3_600_000;
const past = (hours: number, value: (hour: number) => number) =>
  Array.from({ length: hours }, (_, at) => ({ atMs: at * hour, value: value(at) }));

describe("a forecast", () => {
  it("says when it will be full from a steady rise, and is not moved by a few outliers", () => {
    const days = daysUntil(
      past(240, (at) => 70 + at * 0.1 + (at % 37 === 0 ? 25 : 0)),
      100,
      60,
    );
    expect(days).toBeGreaterThan(1.5);
    expect(days).toBeLessThan(4);
  });

  it("says nothing when it honestly cannot: too little past, no trend, a sawtooth, far away", () => {
    expect(
      daysUntil(
        past(20, (at) => 70 + at),
        100,
        60,
      ),
    ).toBeUndefined();
    expect(
      daysUntil(
        past(240, () => 80),
        100,
        60,
      ),
    ).toBeUndefined();
    expect(
      daysUntil(
        past(240, (at) => 70 + (at % 24)),
        100,
        60,
      ),
    ).toBeUndefined();
    expect(
      daysUntil(
        past(240, (at) => 20 + at * 0.1),
        100,
        60,
      ),
    ).toBeUndefined();
    expect(
      daysUntil(
        past(240, (at) => 90 - at * 0.05),
        100,
        60,
      ),
    ).toBeUndefined();
  });

  it("stands on a slope that outliers do not turn", () => {
    const trend = robustTrend(past(100, (at) => at * 2 + (at % 10 === 0 ? 500 : 0)));
    expect((trend?.slope ?? 0) * hour).toBeCloseTo(2, 1);
  });
});

describe("conditions altogether", () => {
  it("survive a report of nonsense: no columns, columns of other kinds, infinite values", () => {
    const kit = new EngineKit();
    const report = kit.report({ ...load, metrics: [gauge("hrStorageUsed"), gauge("hrStorageSize"), stateMetric("upsOutputSource")] }, [
      { hrStorageUsed: 1 },
    ]);
    const [table] = report.tables;
    if (table === undefined) throw new Error("no table");
    kit.see({ ...report, tables: [{ ...table, columns: [] }] });
    kit.see({ ...report, tables: [{ ...table, columns: [{ kind: "text", present: Uint8Array.of(1), value: ["x"] }] }] });
    const wild = { kind: "number", present: Uint8Array.of(1), value: Float64Array.of(Number.POSITIVE_INFINITY) } as const;
    kit.see({ ...report, tables: [{ ...table, columns: [wild, wild, wild] }] });
    expect(kit.active).toEqual([]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PerceivedSeverity } from "../../runtime/model/observation.ts";
import { condition, equipmentId, folded, ListKit } from "./alarm-kit.ts";

const severities: readonly PerceivedSeverity[] = ["warning", "minor", "major", "critical"];

describe("the alarm list", () => {
  it("raises once, however often a condition is confirmed, and clears once", () => {
    const kit = new ListKit();
    for (let turn = 0; turn < 5; turn++) kit.list.set(condition());
    kit.flush();
    kit.pass(60_000);
    kit.list.set(condition());
    kit.list.clear(condition());
    kit.list.clear(condition());
    kit.flush();
    expect(kit.sent.map(({ op, rev }) => [op, rev])).toEqual([
      ["raise", 1],
      ["clear", 2],
    ]);
    expect(kit.list.active()).toEqual([]);
  });

  it("tells a change of severity with what it was before", () => {
    const kit = new ListKit();
    kit.list.set(condition({ severity: "minor" }));
    kit.flush();
    kit.list.set(condition({ severity: "critical" }));
    const [change] = kit.flush();
    expect(change).toMatchObject({ op: "change", rev: 2, severity: "critical", changes: 2 });
    expect(change?.attributes).toMatchObject({ psev: "minor", trend: "moreSevere" });
  });

  it("gives the same thing the same key, and another key to anything else", () => {
    const { list } = new ListKit();
    const keys = [condition(), condition({ path: "interface/gi2" }), condition({ type: "linkErrors" }), condition({ qualifier: "x" })].map(
      (one) => list.keyOf(one),
    );
    expect(new Set(keys).size).toBe(4);
    expect(list.keyOf(condition({ severity: "minor", text: "other words" }))).toBe(keys[0]);
    expect(keys[0]).toMatch(/^a1:[0-9a-f]{32}$/);
  });

  it("leaves whatever order changes arrive in to the reader's two rules: newest instance, greatest revision", () => {
    const step = fc.record({ alarm: fc.nat(3), act: fc.constantFrom("set", "clear", "pass"), severity: fc.constantFrom(...severities) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.nat(1_000)), (steps, dice) => {
        const kit = new ListKit();
        for (const { alarm, act, severity } of steps) {
          const what = condition({ path: `interface/gi${alarm}`, severity });
          if (act === "set") kit.list.set(what);
          else if (act === "clear") kit.list.clear(what);
          else kit.pass(200_000);
          kit.flush();
        }
        const shuffled = kit.sent
          .flatMap((change) => [change, change])
          .map((change) => ({ change, at: dice.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ change }) => change);
        const known = [...folded(shuffled).values()].filter(({ cleared }) => !cleared);
        const own = kit.list.active();
        expect(known.map(({ id, rev, severity }) => [id, rev, severity]).sort()).toEqual(
          own.map(({ id, rev, severity }) => [id, rev, severity]).sort(),
        );
        // Revisions of an instance have no holes, begin with a raise and end with a clear.
        for (const id of new Set(kit.sent.map((change) => change.id))) {
          const mine = kit.sent.filter((change) => change.id === id);
          expect(mine.map(({ rev }) => rev)).toEqual([...mine.keys()].map((index) => index + 1));
          expect(mine[0]?.op).toBe("raise");
          expect(mine.slice(0, -1).every(({ cleared }) => !cleared)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("cuts what is too long and refuses what is no alarm", () => {
    const kit = new ListKit();
    kit.list.set(condition({ text: "x".repeat(9_999), path: "p".repeat(999), attributes: { big: "y".repeat(9_999) } }));
    kit.list.set(condition({ type: "not a type" }));
    const [raised] = kit.flush();
    expect(raised?.text).toHaveLength(1_024);
    expect(raised?.path).toHaveLength(256);
    expect(raised?.attributes).toMatchObject({ omitted: "too long" });
    expect(kit.list.refused).toBe(1);
  });
});

describe("flapping", () => {
  it("holds an alarm open from the fifth change in ten minutes on, and clears it after five quiet minutes", () => {
    const kit = new ListKit();
    for (let turn = 0; turn < 6; turn++) {
      kit.list.set(condition());
      kit.pass(20_000);
      kit.list.clear(condition());
      kit.pass(20_000);
    }
    kit.flush();
    const told = kit.sent.length;
    expect(kit.list.active()).toHaveLength(1);
    expect(kit.list.active()[0]?.attributes.flap).toBeGreaterThanOrEqual(5);
    for (let turn = 0; turn < 20; turn++) {
      kit.list.set(condition());
      kit.pass(5_000);
      kit.list.clear(condition());
      kit.pass(5_000);
    }
    kit.flush();
    expect(kit.sent.length - told).toBeLessThanOrEqual(1);
    kit.pass(290_000);
    expect(kit.list.active()).toHaveLength(1);
    kit.pass(20_000);
    expect(kit.list.active()).toHaveLength(0);
  });
});

describe("a storm", () => {
  it("is bounded, the most severe wait shortest, and what ends meanwhile is never raised", () => {
    const kit = new ListKit();
    for (let port = 0; port < 300; port++) kit.list.set(condition({ path: `interface/gi${port}`, severity: "minor" }));
    kit.list.set(condition({ path: "interface/core", severity: "critical" }));
    kit.flush();
    expect(kit.sent).toHaveLength(61);
    expect(kit.sent.at(-1)?.path).toBe("interface/core");
    expect(kit.list.storm.held).toBe(240);
    kit.list.clear(condition({ path: "interface/gi299" }));
    for (let second = 0; second < 400; second++) kit.pass(1_000);
    kit.flush();
    expect(kit.list.storm.held).toBe(0);
    expect(kit.sent.filter(({ op }) => op === "raise")).toHaveLength(300);
    expect(kit.sent.some(({ path }) => path === "interface/gi299")).toBe(false);
  });

  it("never holds more than its bound, and counts what it loses", () => {
    const kit = new ListKit();
    for (let port = 0; port < 5_000; port++) kit.list.set(condition({ path: `p/${port}` }));
    expect(kit.list.active().length + kit.list.storm.held + kit.list.storm.lost).toBe(5_000);
    expect(kit.list.storm.held).toBeLessThanOrEqual(2_000);
  });
});

describe("a restart", () => {
  it("forgets no active alarm, raises none twice, and goes on with its revisions", () => {
    const kit = new ListKit();
    kit.list.set(condition());
    kit.flush();
    kit.restart();
    kit.list.set(condition());
    expect(kit.flush()).toEqual([]);
    kit.list.clear(condition());
    const [cleared] = kit.flush();
    expect(cleared).toMatchObject({ op: "clear", rev: 2, id: kit.sent[0]?.id });
  });

  it("after a power cut between the state and the sending, still knows what was to be told", () => {
    const kit = new ListKit();
    kit.list.set(condition());
    kit.flush(true);
    kit.restart();
    expect(kit.list.active()).toHaveLength(1);
    kit.list.clear(condition());
    kit.flush(true);
    kit.restart();
    expect(kit.list.active()).toHaveLength(0);
  });

  it("gives later instances greater ids although the clock went back", () => {
    const kit = new ListKit();
    kit.list.set(condition());
    kit.list.clear(condition());
    kit.flush();
    kit.clock.wallStart -= 86_400_000;
    kit.restart(3);
    kit.list.set(condition());
    kit.flush();
    const [first, , second] = kit.sent;
    expect((second?.id ?? "") > (first?.id ?? "")).toBe(true);
  });
});

describe("shelves and maintenance", () => {
  it("mark alarms that are there and that come, until they end", () => {
    const kit = new ListKit();
    kit.list.set(condition());
    kit.flush();
    const nowMs = kit.clock.now().wallMs;
    const shelf = kit.list.shelve({ match: { equipment: "sw-*" }, untilMs: nowMs + 3_600_000, reason: "moved", by: "anna" });
    kit.list.set(condition({ path: "interface/gi2" }));
    kit.list.set(condition({ equipment: equipmentId("fw-1") }));
    kit.flush();
    expect(kit.list.active().map(({ attributes }) => attributes.shelved)).toEqual(expect.arrayContaining([shelf.id, shelf.id, undefined]));
    kit.pass(3_600_001);
    kit.flush();
    expect(kit.list.active().every(({ attributes }) => attributes.shelved === undefined)).toBe(true);
    expect(kit.list.shelves()).toEqual([]);
  });

  it("of planned work end early, outlive a restart, and say no to windows that make no sense", () => {
    const kit = new ListKit();
    const nowMs = kit.clock.now().wallMs;
    const window = kit.list.startMaintenance({ fromMs: nowMs, toMs: nowMs + 3_600_000, reason: "firmware", by: "anna" });
    kit.restart();
    kit.list.set(condition());
    expect(kit.list.active()[0]?.attributes.maint).toBe(window.id);
    expect(kit.list.endMaintenance(window.id)).toBe(true);
    expect(kit.list.active()[0]?.attributes.maint).toBeUndefined();
    expect(() => kit.list.startMaintenance({ fromMs: nowMs, toMs: nowMs - 1, reason: "", by: "" })).toThrow(/must end in the future/);
    expect(() => kit.list.shelve({ match: {}, untilMs: nowMs + 1_000, reason: "", by: "" })).toThrow(/name a key/);
  });
});

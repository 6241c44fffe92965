import { describe, expect, it } from "vitest";
import type { CompiledUnit } from "../../flows/compile/unit.ts";
import type { FlowSet, Trial } from "../../flows/flow-set.ts";
import { UnitTracker } from "../../flows/health.ts";
import { Soak } from "../../flows/soak.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const node = (type: string, more: object = {}) => ({ id: type, type, ...more });

/** A unit on trial in virtual time; the host answers each ping but between `silent`. */
function trialOf(more: { readonly nodes?: readonly object[]; readonly pollMs?: number; readonly silent?: readonly [number, number] } = {}) {
  const clock = new VirtualClock();
  const tracker = new UnitTracker();
  const unit = {
    ...{ id: "one", nodes: more.nodes ?? [node("probe")] },
    health: { soakS: 5, maxErrors: 0, status: [], firstReport: { withinS: 40 } },
  } as unknown as CompiledUnit;
  const trial: Trial = { unit, failure: undefined };
  const set = { trials: new Map([["one", trial]]) } as unknown as FlowSet;
  let open = 0;
  const [from, to] = more.silent ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const soak = new Soak({
    ...{ clock, set, tracker },
    life: {
      ping: () => undefined,
      lastSignMs: () => (clock.monotonicMs() > from && clock.monotonicMs() < to ? from : clock.monotonicMs()),
    },
    openOrders: () => open,
    pollIntervalMs: () => more.pollMs,
  });
  const { signal } = new AbortController();
  const at = (ms: number, act: () => void) => void clock.sleep(ms, signal).then(act);
  return {
    clock,
    tracker,
    at,
    ask: () => {
      open += 1;
    },
    answer: () => {
      open -= 1;
      tracker.reported("one", "probe");
    },
    run: async () => {
      await clock.runUntil(soak.run(unit, signal));
      return trial.failure;
    },
  };
}

describe("the soak of a service that must report", () => {
  it("ends when it has reported, not before its time", async () => {
    const trial = trialOf();
    trial.at(1_000, () => trial.tracker.reported("one", "probe"));
    expect(await trial.run()).toBeUndefined();
    expect(trial.clock.monotonicMs()).toBeGreaterThanOrEqual(5_000);
    expect(trial.clock.monotonicMs()).toBeLessThan(6_000);
  });

  it("fails with a service that says nothing", async () => {
    const trial = trialOf();
    expect(await trial.run()).toBe("no report within 40 s");
    expect(trial.clock.monotonicMs()).toBeLessThan(42_000);
  });

  it("waits for the answer that a service waits for, however slow the machine, but not for ever", async () => {
    const trial = trialOf();
    trial.at(1_000, trial.ask);
    trial.at(90_000, trial.answer);
    expect(await trial.run()).toBeUndefined();
    const never = trialOf();
    never.at(1_000, never.ask);
    expect(await never.run()).toBe("no report within 40 s");
    expect(never.clock.monotonicMs()).toBeLessThan(165_000);
  });

  it("does not count time in which the flow host gave no sign of life", async () => {
    const trial = trialOf({ silent: [2_000, 50_000] });
    trial.at(80_000, () => trial.tracker.reported("one", "probe"));
    expect(await trial.run()).toBeUndefined();
  });

  it("begins with the first poll that a service listens to, if it has no clock of its own", async () => {
    const listens = { nodes: [node("metric in", { equipment: "sw-1" })], pollMs: 300_000 };
    const trial = trialOf(listens);
    trial.at(300_000, () => trial.tracker.reported("one", "alarm"));
    expect(await trial.run()).toBeUndefined();
    const asks = trialOf({ ...listens, nodes: [...listens.nodes, node("inject")] });
    expect(await asks.run()).toBe("no report within 40 s");
  });

  it("fails at once with an error, late or not", async () => {
    const trial = trialOf();
    trial.at(1_000, trial.ask);
    trial.at(2_000, () => trial.tracker.error("one", "no such port"));
    expect(await trial.run()).toContain("no such port");
    expect(trial.clock.monotonicMs()).toBeLessThan(3_000);
  });
});

import { describe, expect, it } from "vitest";
import { type Box, next, settled } from "./box.ts";
import { inEffect } from "./cut-world.ts";
import type { StandParts } from "./stand.ts";

describe("a power cut", () => {
  /** Runs a change from generation 1 with a cut at one step, then lets the gateway live on. */
  async function cut(cutAt: number, after: boolean, parts: Partial<StandParts>): Promise<{ box: Box; names: readonly string[] }> {
    const box = await settled();
    await box.restart(parts);
    await box.stand.pass(1_000);
    const power = box.arm(cutAt, after);
    await box.wants(2, next);
    await box.stand.pass(200_000);
    await box.restart();
    await box.stand.pass(400_000);
    return { box, names: power.names };
  }

  const confirmed = {};
  const unreachable: Partial<StandParts> = {
    reachNoc: (signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  };

  it.each([
    ["a good change", confirmed, "new"],
    ["a change that cuts the gateway off", unreachable, "old"],
  ] as const)("at every step of %s leaves exactly the old or exactly the new, and the noc is told the truth", async (_name, parts, end) => {
    const { box: whole, names } = await cut(Number.POSITIVE_INFINITY, false, parts);
    const oldSet = inEffect((await settled()).state);
    const newSet = {
      "effect/config/config": '{"a":2}',
      "effect/services/services": '{"s":["one","two"]}',
      "effect/services/more": '{"m":1}',
    };
    expect(inEffect(whole.state)).toEqual(end === "new" ? newSet : oldSet);
    expect(names.length * 2).toBeGreaterThanOrEqual(20);
    let points = 0;
    for (let step = 1; step <= names.length; step++) {
      for (const after of [false, true]) {
        const { box } = await cut(step, after, parts);
        const report = box.stand.desired.report();
        const effect = inEffect(box.state);
        const where = `${after ? "after" : "before"} step ${step} (${names[step - 1]})`;
        if (report.gen === 2 && report.phase === "ok") expect(effect, where).toEqual(newSet);
        else expect(effect, where).toEqual(oldSet);
        // A manifest that was never durable is still at the broker: only before the first step the gateway may know nothing of it.
        if (step > 1 || after) expect(report.gen, where).toBe(2);
        expect(["ok", "rolled_back"], where).toContain(report.phase);
        expect(box.state.getText("desired/next"), where).toBeUndefined();
        await box.stand.stop();
        points += 1;
      }
    }
    console.log(`cut points of ${_name}: ${points}, each exactly old or exactly new`);
  });
});

import { describe, expect, it } from "vitest";
import { createLoopbackDriver } from "../../drivers/loopback/loopback-driver.ts";
import type { Equipment, EquipmentId } from "../../runtime/model/equipment.ts";
import type { Observation } from "../../runtime/model/observation.ts";
import { Poller } from "../../runtime/southbound/poller.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const one = (id: string, pollIntervalMs: number): Equipment => ({
  id: id as EquipmentId,
  address: "127.0.0.1",
  port: 161,
  driver: "loopback",
  pollIntervalMs,
});

function running(equipment: readonly Equipment[]) {
  const clock = new VirtualClock();
  const seen: Observation[] = [];
  const context = { clock, entropy: seededEntropy(1), logger: silentLogger, credential: () => ({ name: "none" }) };
  const intake = { accept: async (observation: Observation) => void seen.push(observation), tap: () => () => undefined };
  const drivers = new Map([["loopback", createLoopbackDriver()]]);
  const poller = new Poller({ equipment, drivers, context, clock, intake, logger: silentLogger, maxConcurrentPolls: 8 });
  const stop = new AbortController();
  const end = poller.run(stop.signal);
  const polls = (id: string) => seen.filter((entry) => entry.kind === "report" && entry.equipment === id).length;
  const finish = async () => {
    stop.abort(new Error("over"));
    await clock.advance(10_000);
    await end;
  };
  return { clock, poller, polls, finish };
}

describe("the poller, changed while it runs", () => {
  it("polls what is added, and no more what is taken away, on everybody else's own grid", async () => {
    const { clock, poller, polls, finish } = running([one("a", 1_000), one("b", 1_000)]);
    await clock.advance(10_000);
    const before = polls("b");
    poller.remove("b");
    poller.add(one("c", 1_000));
    await clock.advance(10_000);
    expect(polls("b")).toBe(before);
    expect([polls("a"), polls("c")].map((count) => Math.round(count / 10))).toEqual([2, 1]);
    expect([...poller.equipment.keys()]).toEqual(["a", "c"]);
    await finish();
  });

  it("goes on with another interval at once, counting from its own first poll", async () => {
    const { clock, poller, polls, finish } = running([one("a", 60_000)]);
    await clock.advance(30_000);
    const before = polls("a");
    poller.replace(one("a", 1_000));
    await clock.advance(10_000);
    expect(polls("a") - before).toBeGreaterThanOrEqual(9);
    expect(poller.equipment.get("a")?.equipment.pollIntervalMs).toBe(1_000);
    await finish();
  });

  it("survives the same equipment being taken away and brought back again and again", async () => {
    const { clock, poller, polls, finish } = running([one("a", 1_000)]);
    for (let round = 0; round < 50; round++) {
      poller.remove("a");
      poller.add(one("a", 1_000));
      await clock.advance(100);
    }
    const before = polls("a");
    await clock.advance(10_000);
    expect(polls("a") - before).toBeGreaterThanOrEqual(9);
    expect(polls("a") - before).toBeLessThanOrEqual(11);
    await finish();
  });
});

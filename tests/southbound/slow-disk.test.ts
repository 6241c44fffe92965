import { describe, expect, it } from "vitest";
import { createLoopbackDriver } from "../../drivers/loopback/loopback-driver.ts";
import type { Equipment, EquipmentId } from "../../runtime/model/equipment.ts";
import type { Observation } from "../../runtime/model/observation.ts";
import type { Intake } from "../../runtime/ports/intake.ts";
import { Poller } from "../../runtime/southbound/poller.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const intervalMs = 5_000;

/** An intake over a disk that syncs when told: what has no room waits in its order, and is admitted by the sync. */
class StalledIntake implements Intake {
  readonly offered: Observation[] = [];
  readonly durable: Observation[] = [];
  readonly #waiting: { readonly observation: Observation; readonly resolve: () => void }[] = [];
  isStalled = true;

  accept(observation: Observation): Promise<void> {
    this.offered.push(observation);
    if (!this.isStalled) {
      this.durable.push(observation);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiting.push({ observation, resolve });
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  sync(): void {
    for (const { observation, resolve } of this.#waiting.splice(0)) {
      this.durable.push(observation);
      resolve();
    }
  }

  tap(): () => void {
    return () => undefined;
  }
}

function site(count: number, maxConcurrentPolls: number) {
  const clock = new VirtualClock();
  const logger = new CollectingLogger();
  const intake = new StalledIntake();
  const equipment = Array.from(
    { length: count },
    (_, index): Equipment => ({
      ...{ id: `sw-${index}` as EquipmentId, address: "127.0.0.1", port: 161, driver: "loopback", pollIntervalMs: intervalMs },
    }),
  );
  const context = { clock, entropy: seededEntropy(1), logger, credential: () => ({ name: "none" }) };
  const drivers = new Map([["loopback", createLoopbackDriver()]]);
  const poller = new Poller({ equipment, drivers, context, clock, intake, logger, maxConcurrentPolls });
  const stop = new AbortController();
  let hasEnded = false;
  const end = poller.run(stop.signal).finally(() => {
    hasEnded = true;
  });
  const sumOf = (name: "missedSlots" | "heldBackSlots" | "slowSlots" | "polls") =>
    [...poller.equipment.values()].reduce((sum, { statistics }) => sum + statistics[name], 0);
  const told = (sentence: string) => logger.lines.filter((line) => line.sentence.startsWith(sentence)).length;
  return { clock, intake, poller, stop, end, sumOf, told, hasEnded: () => hasEnded };
}

describe("polling over a disk that does not keep up", () => {
  it("asks all equipment on its grid while everything found waits, with fewer permits than equipment", async () => {
    const { clock, intake, stop, end, sumOf } = site(12, 4);
    await clock.advance(60_000);
    expect(intake.durable).toEqual([]);
    expect(sumOf("missedSlots") + sumOf("slowSlots")).toBe(0);
    for (let index = 0; index < 12; index++) {
      const planned = intake.offered.flatMap((one) => (one.kind === "report" && one.equipment === `sw-${index}` ? [one.plannedAtMs] : []));
      expect(planned.length).toBeGreaterThanOrEqual(11);
      for (const [at, slot] of planned.slice(2).entries()) expect(slot - (planned[at + 1] ?? 0)).toBeCloseTo(intervalMs, 6);
    }
    intake.sync();
    expect(intake.durable).toEqual(intake.offered);
    intake.isStalled = false;
    stop.abort(new Error("over"));
    await clock.advance(10_000);
    await end;
  });

  it("pauses where too much waits, names it once, counts the slots, leaves gaps and goes on", async () => {
    const { clock, intake, poller, stop, end, sumOf, told } = site(40, 64);
    await clock.advance(300_000);
    const waiting = intake.waiting;
    expect(waiting).toBeGreaterThanOrEqual(512);
    expect(waiting).toBeLessThanOrEqual(512 + 40);
    await clock.advance(60_000);
    expect(intake.waiting).toBe(waiting);
    expect(sumOf("heldBackSlots")).toBeGreaterThan(40 * 11);
    expect(sumOf("missedSlots")).toBe(sumOf("heldBackSlots"));
    expect(told("polling pauses")).toBe(1);
    intake.isStalled = false;
    intake.sync();
    await clock.advance(10_000);
    expect(told("polling goes on")).toBe(1);
    expect(intake.durable.slice(0, waiting)).toEqual(intake.offered.slice(0, waiting));
    for (const { equipment } of poller.equipment.values()) {
      const later = intake.offered.slice(waiting).filter((one) => one.kind === "report" && one.equipment === equipment.id);
      expect(later[0]).toMatchObject({ gaps: [{ reason: "skipped" }] });
      expect(later.length).toBeGreaterThanOrEqual(2);
    }
    stop.abort(new Error("over"));
    await clock.advance(10_000);
    await end;
  });

  it("does not end before what was found has its place", async () => {
    const { clock, intake, stop, end, hasEnded } = site(3, 4);
    await clock.advance(20_000);
    stop.abort(new Error("over"));
    await clock.advance(20_000);
    expect(hasEnded()).toBe(false);
    intake.sync();
    await clock.advance(1_000);
    await end;
    expect(intake.durable).toEqual(intake.offered);
  });
});

import { describe, expect, it } from "vitest";
import type { Equipment, EquipmentId } from "../../runtime/model/equipment.ts";
import { type ErrorCode, GatewayError } from "../../runtime/model/errors.ts";
import type { Observation } from "../../runtime/model/observation.ts";
import type { Report, TableShape } from "../../runtime/model/report.ts";
import type { Driver, DriverSession, PollResult } from "../../runtime/ports/driver.ts";
import type { Intake } from "../../runtime/ports/intake.ts";
import { Poller } from "../../runtime/southbound/poller.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const intervalMs = 5_000;

type Behaviour = "ok" | "dead" | "slow" | "hangs";

/** A driver whose equipment behaves as its id says: ok-*, dead-*, slow-*, hangs-*; `behaviours` changes it while it runs. */
class ScriptedDriver implements Driver {
  readonly name = "scripted";
  readonly settingsSchema = {};
  readonly behaviours = new Map<string, Behaviour>();
  /** How polls of the dead end. */
  fails: ErrorCode = "driver.timeout";
  /** What a probe of the dead says. */
  reason: string | undefined;
  probes = 0;
  started = 0;
  answered = 0;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  open(equipment: Equipment): DriverSession {
    const clock = this.#clock;
    const shape: TableShape = {
      equipment: equipment.id,
      table: "system",
      revision: 1,
      intervalMs,
      metrics: [{ name: "load", kind: "gauge", unit: "%", scale: 1 }],
      rows: [{ key: "", labels: {} }],
    };
    const behaviour = () => this.behaviours.get(equipment.id) ?? "ok";
    return {
      poll: async (request, signal): Promise<PollResult> => {
        this.started += 1;
        if (behaviour() === "dead") {
          await clock.sleep(3_000, signal);
          throw new GatewayError(this.fails);
        }
        if (behaviour() === "slow") await clock.sleep(2_000, signal);
        if (behaviour() === "hangs") await clock.sleep(intervalMs * 1.5, signal);
        this.answered += 1;
        const observedAt = clock.now();
        const present = new Uint8Array([1]);
        const table = {
          shape,
          columns: [{ kind: "number" as const, present, value: new Float64Array([1]) }],
          observedAt,
          elapsedMs: Number.NaN,
        };
        const report: Report = {
          kind: "report",
          equipment: equipment.id,
          observedAt,
          plannedAtMs: request.plannedAtMs,
          tables: [table],
          gaps: [],
        };
        const cost = { requests: 1, retries: 0, bytesOut: 50, bytesIn: 60, durationMs: 1, cpuMs: 0.1, tables: [] };
        return { report, cost, events: [] };
      },
      probe: async (signal) => {
        this.probes += 1;
        if (behaviour() !== "dead") return true;
        await clock.sleep(4_000, signal);
        if (this.reason !== undefined) throw new GatewayError("driver.timeout", { message: this.reason });
        return false;
      },
      close: async () => undefined,
    };
  }

  async close(): Promise<void> {}
}

class RecordingIntake implements Intake {
  readonly observations: Observation[] = [];
  async accept(observation: Observation): Promise<void> {
    this.observations.push(observation);
  }
  tap(): () => void {
    return () => undefined;
  }
  reports(id: string): readonly Report[] {
    return this.observations.filter((one): one is Report => one.kind === "report" && one.equipment === id);
  }
}

function site(ids: readonly string[], maxConcurrentPolls = 16) {
  const clock = new VirtualClock();
  const driver = new ScriptedDriver(clock);
  const intake = new RecordingIntake();
  const equipment = ids.map(
    (id): Equipment => ({ id: id as EquipmentId, address: "192.0.2.1", port: 161, driver: "scripted", pollIntervalMs: intervalMs }),
  );
  const credential = () => {
    throw new GatewayError("config.secret");
  };
  const context = {
    clock,
    entropy: { random: () => 0.5, bytes: (count: number) => new Uint8Array(count) },
    logger: silentLogger,
    credential,
  };
  const poller = new Poller({
    equipment,
    drivers: new Map([["scripted", driver]]),
    context,
    clock,
    intake,
    logger: silentLogger,
    maxConcurrentPolls,
  });
  const stop = new AbortController();
  const running = poller.run(stop.signal);
  const end = async () => {
    stop.abort();
    await clock.advance(10_000);
    await running;
  };
  return { clock, driver, intake, poller, end };
}

describe("poller", () => {
  it("polls every equipment once per slot, each at its own phase", async () => {
    const { clock, intake, end } = site(["a", "b", "c"]);
    await clock.advance(60_000);
    const phases = ["a", "b", "c"].map((id) => {
      const planned = intake
        .reports(id)
        .slice(1)
        .map((report) => report.plannedAtMs);
      expect(planned.length).toBeGreaterThanOrEqual(11);
      for (const [index, at] of planned.slice(1).entries()) expect(at - (planned[index] ?? 0)).toBeCloseTo(intervalMs, 6);
      return (planned[0] ?? 0) % intervalMs;
    });
    expect(new Set(phases).size).toBe(3);
    await end();
  });

  it("keeps live equipment on time while half of the site is dead and permits are scarce", async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `${index % 2 === 0 ? "ok" : "dead"}-${index}`);
    const { clock, driver, intake, poller, end } = site(ids, 12);
    for (const id of ids) if (id.startsWith("dead")) driver.behaviours.set(id, "dead");
    await clock.advance(120_000);
    for (const id of ids.filter((one) => one.startsWith("ok"))) {
      const late = intake
        .reports(id)
        .slice(3)
        .map((report) => report.observedAt.monotonicMs - report.plannedAtMs);
      expect(Math.max(...late)).toBeLessThan(1_000);
      // At the start nobody is known to be dead, and the first polls of the dead may hold all permits once.
      expect(poller.equipment.get(id)?.statistics.missedSlots).toBeLessThanOrEqual(1);
    }
    expect(driver.probes).toBeGreaterThan(0);
    await end();
  });

  it.each([
    ["driver.timeout", "equipment does not answer", "timeout"],
    ["driver.auth", "equipment refuses the credential", "auth"],
    ["driver.refused", "equipment refuses what it is asked", "noSuchName"],
    ["driver.bad-answer", "equipment answers what is not valid", "badAnswer"],
    ["driver.limit", "equipment does not answer in time", "partial"],
  ] as const)("says what kind of failure it is: %s", async (code, words, reason) => {
    const { clock, driver, intake, end } = site(["sw"]);
    driver.behaviours.set("sw", "dead");
    driver.fails = code;
    await clock.advance(16_000);
    expect(intake.observations.flatMap((one) => (one.kind === "event" ? [one.text.split(":", 1)[0]] : []))).toEqual([words]);
    expect(intake.reports("sw").flatMap(({ gaps }) => gaps.map((gap) => gap.reason))).toEqual([reason, reason]);
    await end();
  });

  it("says of a dead equipment what its driver says, not just that a probe was not answered", async () => {
    const { clock, driver, intake, poller, end } = site(["sw"]);
    driver.behaviours.set("sw", "dead");
    driver.reason = "no answer (a wrong community looks the same)";
    await clock.advance(60_000);
    expect(poller.equipment.get("sw")?.reachability.lastMessage).toBe(driver.reason);
    expect(new Set(intake.reports("sw").flatMap(({ gaps }) => gaps.map(({ reason }) => reason)))).toEqual(new Set(["timeout"]));
    await end();
  });

  it("records a gap with its reason for every slot of a dead equipment, and polls again in the slot of the first answer", async () => {
    const { clock, driver, intake, poller, end } = site(["sw"]);
    await clock.advance(20_000);
    driver.behaviours.set("sw", "dead");
    await clock.advance(60_000);
    const { missedSlots, unreachableSlots } = poller.equipment.get("sw")?.statistics ?? {};
    expect(missedSlots).toBe(0);
    expect(unreachableSlots).toBeGreaterThanOrEqual(8);
    const gaps = intake.reports("sw").filter((report) => report.gaps.length > 0);
    expect(gaps.length).toBeGreaterThanOrEqual(11);
    for (const gap of gaps) expect(gap.gaps[0]).toMatchObject({ reason: "timeout", shape: { table: "system" } });
    driver.behaviours.set("sw", "ok");
    const before = intake.reports("sw").length;
    await clock.advance(4 * intervalMs);
    expect(
      intake
        .reports("sw")
        .slice(before)
        .some((report) => report.tables.length === 1),
    ).toBe(true);
    const types = intake.observations.flatMap((one) => (one.kind === "event" ? [one.type] : []));
    expect(types).toEqual(["equipment.unreachable", "equipment.reachable"]);
    await end();
  });

  it("counts the slots that a slow poll ran over as the equipment's, and records them as skipped", async () => {
    const { clock, driver, intake, poller, end } = site(["sw"]);
    await clock.advance(10_000);
    driver.behaviours.set("sw", "hangs");
    await clock.advance(30_000);
    const { missedSlots, slowSlots, unreachableSlots } = poller.equipment.get("sw")?.statistics ?? {};
    expect((slowSlots ?? 0) + (unreachableSlots ?? 0)).toBeGreaterThanOrEqual(2);
    expect(missedSlots).toBe(0);
    expect(intake.reports("sw").some((report) => report.gaps[0]?.reason === "skipped")).toBe(true);
    await end();
  });

  it("finishes polls under way when it is told to stop, so that no answer is thrown away", async () => {
    const { clock, driver, intake, end } = site(["sw"]);
    driver.behaviours.set("sw", "slow");
    await clock.until(() => driver.started > 2 && driver.started > driver.answered, 60_000, 50);
    await end();
    expect(driver.answered).toBe(driver.started);
    expect(intake.reports("sw").length).toBe(driver.answered);
    expect(clock.sleeping).toBe(0);
  });

  it("polls an equipment that is added while it runs, once per slot, and not twice when it is added again", async () => {
    const { clock, intake, poller, end } = site(["a"]);
    await clock.advance(10_000);
    const more: Equipment = { id: "b" as EquipmentId, address: "192.0.2.2", port: 161, driver: "scripted", pollIntervalMs: intervalMs };
    poller.add(more);
    poller.add(more);
    await clock.advance(30_000);
    const planned = intake.reports("b").map((report) => report.plannedAtMs);
    expect(planned.length).toBeGreaterThanOrEqual(5);
    expect(new Set(planned).size).toBe(planned.length);
    await end();
  });
});

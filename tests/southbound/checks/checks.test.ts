import { describe, expect, it } from "vitest";
import { probeRules } from "../../../drivers/probe/rules.ts";
import type { CheckDefinition } from "../../../runtime/model/check.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import { LatencyHistogram } from "../../../runtime/model/latency-histogram.ts";
import type { CheckLatency, CheckResult, Observation } from "../../../runtime/model/observation.ts";
import type { Report } from "../../../runtime/model/report.ts";
import type { CheckTraffic, ProbeOutcome, Prober } from "../../../runtime/ports/checks.ts";
import { CheckBudget } from "../../../runtime/southbound/checks/check-budget.ts";
import { CheckDesk, type CheckDeskOptions } from "../../../runtime/southbound/checks/check-desk.ts";
import { CheckSchedule } from "../../../runtime/southbound/checks/check-schedule.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const intervalMs = 60_000;
const gauge = (name: string) => ({ name, kind: "gauge" as const, unit: "ms", scale: 1_000 });

function check(id: string, more: Partial<CheckDefinition> = {}): CheckDefinition {
  return { id, type: "tcp", target: "192.0.2.1:25", intervalMs, timeoutMs: 10_000, settings: {}, ...more };
}

/** A prober whose runs go as the check's id says: ok-*, dead-* (a time-out), hangs-*, lacks-*; `moved` is what each run costs. */
class ScriptedProber implements Prober {
  readonly rules;
  readonly started: string[] = [];
  readonly dead = new Set<string>();
  latencyMs = 20;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, traffic: CheckTraffic) {
    this.#clock = clock;
    this.rules = { ...probeRules, estimate: () => traffic };
  }

  metrics() {
    return { state: [gauge("up")], timing: [gauge("latency")], rows: [""] };
  }

  async run({ id, timeoutMs }: CheckDefinition, signal: AbortSignal): Promise<ProbeOutcome> {
    this.started.push(id);
    const rest = { vantage: "eth0/192.0.2.9", target: "t", traffic: this.rules.estimate(), evidence: { values: {} } };
    if (id.startsWith("lacks")) throw new GatewayError("driver.unsupported", { message: "no fping" });
    const isDead = id.startsWith("dead") || this.dead.has(id);
    await this.#clock.sleep(isDead ? timeoutMs : id.startsWith("hangs") ? 2.5 * intervalMs : this.latencyMs, signal);
    if (isDead) {
      const failure = { stage: "connect", code: "timeout", text: "silent" } as const;
      return { ok: false, failure, values: new Map([["up", 0]]), latenciesMs: [], ...rest };
    }
    const values = new Map([
      ["up", 1],
      ["latency", this.latencyMs],
    ]);
    return { ok: true, values, latenciesMs: [this.latencyMs], ...rest };
  }
}

interface Site {
  readonly clock: VirtualClock;
  readonly prober: ScriptedProber;
  readonly desk: CheckDesk;
  readonly seen: Observation[];
  readonly reportsOf: (id: string) => readonly Report[];
  readonly results: () => readonly CheckResult[];
  /** Runs the schedule for so long, then stops it. */
  readonly live: (ms: number, during?: (signal: AbortSignal) => Promise<void>) => Promise<void>;
}

function site(
  definitions: readonly CheckDefinition[],
  limits: Partial<CheckDeskOptions["limits"]> = {},
  traffic = { bytes: 1_000, packets: 10 },
): Site {
  const clock = new VirtualClock();
  const prober = new ScriptedProber(clock, traffic);
  const standard = { bytesPerHour: 1e9, packetsPerSecond: 1e4, concurrent: 8, resultEveryMs: 900_000 };
  const seen: Observation[] = [];
  const intake = {
    accept: async (one: Observation) => {
      // Columns belong to the producer again: what is kept is copied.
      seen.push(one.kind === "report" ? structuredClone(one) : one);
    },
    tap: () => () => undefined,
  };
  const desk = new CheckDesk({ definitions, prober, clock, logger: silentLogger, limits: { ...standard, ...limits } }).feeds(intake);
  return {
    ...{ clock, prober, desk, seen },
    reportsOf: (id) => seen.filter((one): one is Report => one.kind === "report" && one.equipment === `check:${id}`),
    results: () => seen.filter((one): one is CheckResult => one.kind === "check"),
    live: (ms, during) =>
      clock.runUntil(
        (async () => {
          const stop = new AbortController();
          const running = new CheckSchedule(desk, clock).run(stop.signal);
          const other = during?.(stop.signal);
          await clock.sleep(ms, new AbortController().signal);
          stop.abort(new Error("test over"));
          await other;
          await running;
        })(),
      ),
  };
}

function cells({ tables }: Report): Readonly<Record<string, number>> {
  return Object.fromEntries(
    tables.flatMap(({ shape, columns }) =>
      shape.metrics.flatMap((metric, index) => {
        const column = columns[index];
        return column?.kind === "number" && column.present[0] === 1 ? [[metric.name, column.value[0] ?? Number.NaN] as const] : [];
      }),
    ),
  );
}

describe("the schedule of checks", () => {
  it("runs each check on its grid, whatever its neighbours do", async () => {
    const dead = Array.from({ length: 12 }, (_, index) => check(`dead-${index}`));
    const one = site([...dead, check("ok-1"), check("ok-2")], { concurrent: 4 });
    await one.live(10 * intervalMs);
    for (const id of ["ok-1", "ok-2"]) {
      const planned = one.reportsOf(id).map((report) => report.plannedAtMs);
      // At first nobody knows who is dead; from then on nothing is waited for.
      expect(planned.length).toBeGreaterThanOrEqual(10);
      for (const [index, at] of planned.slice(4).entries()) expect(at - (planned[index + 3] ?? 0)).toBeCloseTo(intervalMs, 6);
    }
  });

  it("reports a failure as down with a gap, never as zero milliseconds", async () => {
    const one = site([check("dead-1"), check("ok-1")]);
    await one.live(2 * intervalMs);
    const [down] = one.reportsOf("dead-1");
    expect(down).toMatchObject({ gaps: [{ reason: "timeout", shape: { table: "timing" } }] });
    expect(down === undefined ? {} : cells(down)).toEqual({ up: 0 });
    const [up] = one.reportsOf("ok-1");
    expect(up === undefined ? {} : cells(up)).toEqual({ up: 1, latency: 20 });
  });

  it("sends a result when the outcome changes, and otherwise every so often", async () => {
    const one = site([check("web")], { resultEveryMs: 10 * intervalMs });
    await one.live(30 * intervalMs, async (signal) => {
      await one.clock.sleep(5.5 * intervalMs, signal);
      one.prober.dead.add("web");
      await one.clock.sleep(3 * intervalMs, signal);
      one.prober.dead.delete("web");
    });
    expect(one.results().map((result) => result.ok)).toEqual([true, false, true, true, true]);
    expect(one.results()[1]).toMatchObject({ type: "tcp", vantage: "eth0/192.0.2.9", failure: { code: "timeout" } });
    expect(one.desk.list()).toMatchObject([{ state: "up", failures: 3 }]);
  });

  it("says once that a check cannot be run, and calls it neither up nor down", async () => {
    const one = site([check("lacks-1", { equipment: "fw-1" as never })]);
    await one.live(5 * intervalMs);
    const events = one.seen.filter((seen) => seen.kind === "event");
    expect(events).toMatchObject([{ type: "check.unmeasured", equipment: "fw-1", attributes: { reason: "unsupported" } }]);
    expect(one.results()).toEqual([]);
    expect(one.reportsOf("lacks-1").every((report) => report.tables.length === 0 && report.gaps.length === 2)).toBe(true);
    expect(one.desk.list()).toMatchObject([{ state: "unmeasured", runs: 0 }]);
  });

  it("counts slots that a run of its own used up", async () => {
    const one = site([check("hangs-1")]);
    await one.live(10 * intervalMs);
    expect(one.desk.list()[0]?.skipped["missed-slot"]).toBeGreaterThan(3);
    expect(one.desk.list()[0]?.state).toBe("up");
  });

  it("sends latencies every five minutes and at the stop; all of them merge to what was measured", async () => {
    const one = site([check("web", { intervalMs: 10_000 })]);
    await one.live(13 * 60_000);
    const sent = one.seen.filter((seen): seen is CheckLatency => seen.kind === "check-latency");
    expect(sent).toHaveLength(3);
    const merged = new LatencyHistogram();
    for (const latency of sent) merged.merge(LatencyHistogram.from(latency.latency));
    const { runs } = one.desk.list()[0] ?? { runs: 0 };
    expect([merged.count, sent.reduce((sum, latency) => sum + latency.runs, 0)]).toEqual([runs, runs]);
    expect(merged.quantile(0.5)).toBeCloseTo(20, 0);
  });
});

describe("the budget of checks", () => {
  it("leaves runs out that would not fit, with the reason, and lets them run again an hour later", async () => {
    const one = site([check("web")], { bytesPerHour: 10_500 });
    await one.live(130 * intervalMs);
    const [status] = one.desk.list();
    expect(status?.skipped["bytes-budget"]).toBeGreaterThan(50);
    // Ten runs in each of the three hours that the time touches.
    expect(status?.runs).toBeGreaterThanOrEqual(20);
    expect(status?.runs).toBeLessThanOrEqual(30);
    const events = one.seen.filter((seen) => seen.kind === "event");
    expect(events[0]).toMatchObject({ attributes: { check: "web", reason: "bytes-budget" } });
    expect(one.desk.status()).toMatchObject({ budget: { bytesPerHour: 10_500 } });
  });

  it("never lets the last hour grow above its limit, whatever runs cost", () => {
    const budget = new CheckBudget({ bytesPerHour: 50_000, packetsPerSecond: 1_000 });
    let state = 7;
    const moved: { readonly atMs: number; readonly bytes: number }[] = [];
    for (let atMs = 0; atMs < 3 * 3_600_000; atMs += 7_000) {
      state = (state * 48_271) % 2_147_483_647;
      const estimate = { bytes: 1_000 + (state % 3_000), packets: 5 };
      if (budget.reserve(estimate, atMs) !== undefined) continue;
      const bytes = estimate.bytes - (state % 900);
      budget.settle(estimate, { bytes, packets: 5 }, atMs);
      moved.push({ atMs, bytes });
    }
    const ends = moved.map(({ atMs }) =>
      moved.filter((one) => one.atMs <= atMs && one.atMs > atMs - 59 * 60_000).reduce((sum, one) => sum + one.bytes, 0),
    );
    expect(Math.max(...ends)).toBeLessThanOrEqual(50_000);
    expect(Math.max(...ends)).toBeGreaterThan(40_000);
  });

  it("refuses a burst beyond ten seconds' worth of packets", () => {
    const budget = new CheckBudget({ bytesPerHour: 1e9, packetsPerSecond: 10 });
    const run = { bytes: 100, packets: 50 };
    const reasons = [
      budget.reserve(run, 0),
      budget.reserve(run, 0),
      budget.reserve(run, 0),
      budget.reserve(run, 5_000),
      budget.reserve(run, 5_000),
    ];
    expect(reasons).toEqual([undefined, undefined, "packet-budget", undefined, "packet-budget"]);
  });
});

describe("a check on request", () => {
  const signal = new AbortController().signal;

  it("is recorded like one on its grid", async () => {
    const one = site([check("web")]);
    const result = await one.clock.runUntil(one.desk.run("web", signal));
    expect(result).toMatchObject({ kind: "check", check: "web", ok: true });
    expect(one.reportsOf("web")).toHaveLength(1);
    expect(one.desk.list()).toMatchObject([{ runs: 1, state: "up" }]);
  });

  it("joins a run that is on its way", async () => {
    const one = site([check("web")]);
    const both = await one.clock.runUntil(Promise.all([one.desk.run("web", signal), one.desk.run("web", signal)]));
    expect(both[0]).toBe(both[1]);
    expect(one.prober.started).toEqual(["web"]);
  });

  it("is refused, not broken off, when it joined a run that its owner gives up", async () => {
    const one = site([check("hangs-1")]);
    const owner = new AbortController();
    const outcomes = await one.clock.runUntil(
      (async () => {
        const own = one.desk.run("hangs-1", owner.signal).catch((error: unknown) => error);
        const joined = one.desk.run("hangs-1", signal).catch((error: unknown) => error);
        owner.abort(new Error("enough"));
        return Promise.all([own, joined]);
      })(),
    );
    expect(outcomes).toMatchObject([{ message: "enough" }, { code: "command.refused" }]);
  });

  it("may be made up, and leaves nothing behind", async () => {
    const one = site([]);
    const result = await one.clock.runUntil(one.desk.run({ type: "tcp", target: "192.0.2.1:25" }, signal));
    expect(result).toMatchObject({ ok: true, check: "adhoc" });
    expect(one.seen).toEqual([]);
  });

  it.each([
    ["an unknown name", "nobody", "there is no check"],
    ["an unknown type", { type: "teapot" as never, target: "x" }, "unknown type"],
    ["settings that are none", { type: "tcp", target: "h:1", settings: { tea: 1 } } as const, "additional properties (tea)"],
    [
      "several faults at once",
      { type: "icmp", target: "-f", timeoutMs: 1_000, settings: { packets: 20, spacingMs: 2_000 } } as const,
      "target must be a host name or an address; timeoutMs 20 packets",
    ],
    [
      "a credential of the configuration for an address of its own choice",
      { type: "http", target: "http://evil.example/", settings: { credential: "saas" } } as const,
      "only for configured checks",
    ],
  ])("is refused with %s", async (_name, asked, text) => {
    const one = site([check("web")]);
    await expect(one.desk.run(asked, signal)).rejects.toMatchObject({ code: "command.refused", message: expect.stringContaining(text) });
  });

  it("is refused when too many run, or when the budget is used up", async () => {
    const one = site([], { bytesPerHour: 16_500 });
    const asked = { type: "tcp", target: "192.0.2.1:25" } as const;
    const all = await one.clock.runUntil(Promise.allSettled(Array.from({ length: 18 }, () => one.desk.run(asked, signal))));
    expect(all.filter((run) => run.status === "rejected").map((run) => (run.reason as GatewayError).message)).toEqual(
      Array.from({ length: 2 }, () => "16 made-up checks run already; try again when one has ended"),
    );
    await expect(one.desk.run(asked, signal)).rejects.toMatchObject({ fields: { reason: "bytes-budget" } });
  });
});

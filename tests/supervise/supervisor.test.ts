import { describe, expect, it } from "vitest";
import type { Unit } from "../../runtime/ports/unit.ts";
import { GivenUp, Supervisor } from "../../runtime/supervise/supervisor.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

describe("supervisor", () => {
  it("restarts a unit that throws and leaves its neighbour alone", async () => {
    const clock = new VirtualClock();
    const starts = { steady: 0, shaky: 0 };
    const steady: Unit = {
      name: "steady",
      run: (signal) => {
        starts.steady += 1;
        return untilAborted(signal);
      },
    };
    const shaky: Unit = {
      name: "shaky",
      run: async (signal) => {
        starts.shaky += 1;
        if (starts.shaky < 3) throw new Error("bug");
        await untilAborted(signal);
      },
    };
    const supervisor = new Supervisor({ units: [steady, shaky], clock, logger: silentLogger });
    const stop = new AbortController();
    const running = supervisor.run(stop.signal);
    await clock.advance(10_000);
    expect(starts).toEqual({ steady: 1, shaky: 3 });
    expect(supervisor.status().find(({ name }) => name === "shaky")?.restarts).toBe(2);
    stop.abort();
    await running;
  });

  it("treats a unit that settles early as crashed", async () => {
    const clock = new VirtualClock();
    let starts = 0;
    const quitter: Unit = {
      name: "quitter",
      run: async () => {
        starts += 1;
      },
    };
    const running = new Supervisor({ units: [quitter], clock, logger: silentLogger }).run(new AbortController().signal);
    running.catch(() => undefined);
    await clock.advance(1_000);
    expect(starts).toBeGreaterThan(1);
    await clock.advance(60_000);
    await expect(running).rejects.toBeInstanceOf(GivenUp);
  });

  it("gives up after five crashes in a minute and stops the others", async () => {
    const clock = new VirtualClock();
    let stopped = false;
    const steady: Unit = {
      name: "steady",
      run: async (signal) => {
        await untilAborted(signal);
        stopped = true;
      },
    };
    const broken: Unit = { name: "broken", run: () => Promise.reject(new Error("bug")) };
    const running = new Supervisor({ units: [steady, broken], clock, logger: silentLogger }).run(new AbortController().signal);
    running.catch(() => undefined);
    await clock.advance(60_000);
    await expect(running).rejects.toThrow("broken");
    expect(stopped).toBe(true);
  });

  it("names the unit that does not end in time", async () => {
    const clock = new VirtualClock();
    const deaf: Unit = { name: "deaf", run: () => new Promise(() => undefined) };
    const stop = new AbortController();
    const running = new Supervisor({ units: [deaf], clock, logger: silentLogger, drainMs: 5_000 }).run(stop.signal);
    running.catch(() => undefined);
    stop.abort();
    await clock.advance(6_000);
    await expect(running).rejects.toThrow("deaf");
  });
});

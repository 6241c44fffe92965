import { describe, expect, it } from "vitest";
import { GatewayError } from "../../runtime/model/errors.ts";
import type { Unit } from "../../runtime/ports/unit.ts";
import { Supervisor } from "../../runtime/supervise/supervisor.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

function setUp() {
  const clock = new VirtualClock();
  const logger = new CollectingLogger();
  const supervisor = new Supervisor({ clock, entropy: seededEntropy(1), logger });
  const stop = new AbortController();
  return { clock, logger, supervisor, stop };
}

/** Ends when told to; counts its lives. */
function steady(clock: VirtualClock, name = "steady"): Unit & { lives: number } {
  const unit = {
    name,
    lives: 0,
    run: async (signal: AbortSignal) => {
      unit.lives += 1;
      await clock.sleep(Number.MAX_SAFE_INTEGER, signal);
    },
  };
  return unit;
}

/** Crashes `crashes` times, each after `afterMs`, then is steady. */
function shaky(clock: VirtualClock, options: { crashes: number; afterMs: number; error?: () => unknown }): Unit & { lives: number } {
  const unit = {
    name: "shaky",
    lives: 0,
    run: async (signal: AbortSignal) => {
      unit.lives += 1;
      if (unit.lives > options.crashes) return clock.sleep(Number.MAX_SAFE_INTEGER, signal);
      await clock.sleep(options.afterMs, signal);
      throw options.error?.() ?? new Error("a bug");
    },
  };
  return unit;
}

describe("supervisor", () => {
  it("restarts a unit that throws, after a pause, and leaves the others alone", async () => {
    const { clock, logger, supervisor, stop } = setUp();
    const [good, bad] = [steady(clock), shaky(clock, { crashes: 2, afterMs: 10 })];
    const running = supervisor.run([good, bad], stop.signal);
    await clock.advance(30_000);
    expect({ good: good.lives, bad: bad.lives }).toEqual({ good: 1, bad: 3 });
    expect(supervisor.health()).toMatchObject([
      { unit: "steady", state: "running", restarts: 0 },
      { unit: "shaky", state: "running", restarts: 2, lastError: "Error" },
    ]);
    expect(logger.lines.filter(({ sentence }) => sentence === "unit crashed")).toHaveLength(2);
    stop.abort(new Error("enough"));
    await clock.runUntil(running);
  });

  it("takes a unit that returns before the abort for crashed", async () => {
    const { clock, supervisor, stop } = setUp();
    let lives = 0;
    const unit: Unit = {
      name: "brief",
      run: async (signal) => {
        lives += 1;
        if (lives > 1) await clock.sleep(Number.MAX_SAFE_INTEGER, signal);
      },
    };
    const running = supervisor.run([unit], stop.signal);
    await clock.advance(1000);
    expect(lives).toBe(2);
    stop.abort(new Error("enough"));
    await clock.runUntil(running);
  });

  it("gives up with the unit's own error after five crashes in a minute, and stops the others first", async () => {
    const { clock, supervisor, stop } = setUp();
    let ended = false;
    const good: Unit = {
      name: "good",
      run: async (signal) => {
        try {
          await clock.sleep(Number.MAX_SAFE_INTEGER, signal);
        } finally {
          ended = true;
        }
      },
    };
    const bug = new TypeError("x is not a function");
    const bad = shaky(clock, { crashes: 100, afterMs: 1, error: () => bug });
    await expect(clock.runUntil(supervisor.run([good, bad], stop.signal))).rejects.toBe(bug);
    expect({ lives: bad.lives, ended }).toEqual({ lives: 5, ended: true });
    expect(clock.monotonicMs()).toBeLessThan(60_000);
  });

  it("never gives up a unit whose crashes are further apart", async () => {
    const { clock, supervisor, stop } = setUp();
    const unit = shaky(clock, { crashes: 50, afterMs: 16_000 });
    const running = supervisor.run([unit], stop.signal);
    await clock.advance(3_600_000);
    expect(unit.lives).toBe(51);
    stop.abort(new Error("enough"));
    await clock.runUntil(running);
  });

  it("gives up at once when no retry can help", async () => {
    const { clock, supervisor, stop } = setUp();
    const unit = shaky(clock, { crashes: 9, afterMs: 1, error: () => new GatewayError("buffer.denied") });
    await expect(clock.runUntil(supervisor.run([unit], stop.signal))).rejects.toMatchObject({ code: "buffer.denied" });
    expect(unit.lives).toBe(1);
  });

  it("restarts after errors that may go away, then gives up with that error", async () => {
    const { clock, supervisor, stop } = setUp();
    const unit = shaky(clock, { crashes: 9, afterMs: 1, error: () => new GatewayError("host.port-in-use") });
    await expect(clock.runUntil(supervisor.run([unit], stop.signal))).rejects.toMatchObject({ code: "host.port-in-use" });
    expect(unit.lives).toBe(5);
  });

  it("waits for units that drain, up to 30 s", async () => {
    const { clock, supervisor, stop } = setUp();
    let drained = false;
    const unit: Unit = {
      name: "draining",
      run: async (signal) => {
        await clock.sleep(Number.MAX_SAFE_INTEGER, signal).catch(() => undefined);
        await clock.sleep(29_000, new AbortController().signal);
        drained = true;
      },
    };
    const running = supervisor.run([unit], stop.signal);
    await clock.advance(5);
    stop.abort(new Error("enough"));
    await clock.runUntil(running);
    expect(drained).toBe(true);
  });

  it("names the unit that hangs after the abort", async () => {
    const { clock, supervisor, stop } = setUp();
    const deaf: Unit = { name: "deaf", run: () => new Promise(() => undefined) };
    const running = supervisor.run([steady(clock), deaf], stop.signal);
    await clock.advance(5);
    stop.abort(new Error("enough"));
    await expect(clock.runUntil(running)).rejects.toThrow("units that did not stop within 30000 ms: deaf");
    expect(clock.monotonicMs()).toBe(30_005);
  });

  it("stops while a unit waits for its restart", async () => {
    const { clock, supervisor, stop } = setUp();
    const unit = shaky(clock, { crashes: 4, afterMs: 1 });
    const running = supervisor.run([unit], stop.signal);
    await clock.advance(1);
    expect(supervisor.health()[0]?.state).toBe("waiting");
    stop.abort(new Error("enough"));
    await clock.runUntil(running);
    expect(supervisor.health()[0]?.state).toBe("stopped");
  });

  it("reports a bug that shows only while stopping", async () => {
    const { clock, supervisor, stop } = setUp();
    const bug = new RangeError("off by one");
    const unit: Unit = {
      name: "sloppy",
      run: async (signal) => {
        await clock.sleep(Number.MAX_SAFE_INTEGER, signal).catch(() => {
          throw bug;
        });
      },
    };
    const running = supervisor.run([unit], stop.signal);
    await clock.advance(1);
    stop.abort(new Error("enough"));
    await expect(clock.runUntil(running)).rejects.toBe(bug);
  });
});

import { describe, expect, it } from "vitest";
import { VirtualClock } from "./virtual-clock.ts";

const never = new AbortController().signal;

describe("virtual clock", () => {
  it("wakes sleepers in the order of their times, equal ones first come first served", async () => {
    const clock = new VirtualClock();
    const woken: string[] = [];
    for (const [name, ms] of [
      ["c", 30],
      ["a", 10],
      ["b1", 20],
      ["b2", 20],
      ["later", 41],
    ] as const) {
      void clock.sleep(ms, never).then(() => woken.push(`${name}@${clock.monotonicMs()}`));
    }
    await clock.advance(40);
    expect(woken).toEqual(["a@10", "b1@20", "b2@20", "c@30"]);
    expect(clock.monotonicMs()).toBe(40);
  });

  it("sees sleeps that begin while time passes", async () => {
    const clock = new VirtualClock();
    let ticks = 0;
    const ticking = (async () => {
      for (; ticks < 5; ticks++) await clock.sleep(10, never);
    })();
    await clock.runUntil(ticking);
    expect({ ticks, now: clock.monotonicMs() }).toEqual({ ticks: 5, now: 50 });
  });

  it("does not wake anybody while a double has an operation under way", async () => {
    const clock = new VirtualClock();
    const done = clock.busy();
    let awake = false;
    void clock.sleep(1, never).then(() => {
      awake = true;
    });
    const advancing = clock.advance(10);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(awake).toBe(false);
    done();
    await advancing;
    expect(awake).toBe(true);
  });

  it("rejects a sleep with the signal's reason", async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(1000, stop.signal);
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(clock.sleeping).toBe(0);
  });

  it("says so when a promise can never settle", async () => {
    const clock = new VirtualClock();
    await expect(clock.runUntil(new Promise(() => undefined))).rejects.toThrow("nothing settled");
  });

  it("begins monotonic time again at a reboot while wall time goes on", async () => {
    const clock = new VirtualClock(1_000_000);
    await clock.advance(500);
    const before = clock.now();
    clock.reboot("00000002", before.wallMs + 2000, "unanchored");
    const after = clock.now();
    expect(after.wallMs - before.wallMs).toBe(2000);
    expect(after.monotonicMs).toBe(0);
    expect(after.bootId).not.toBe(before.bootId);
  });

  it("ends the run when somebody spins without letting time go on", async () => {
    const clock = new VirtualClock(0, true);
    void (async () => {
      for (;;) await clock.sleep(0, never);
    })();
    await expect(clock.advance(1)).rejects.toThrow("time does not go on");
  });
});

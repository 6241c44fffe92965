import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Backoff } from "../../runtime/concurrency/backoff.ts";
import { withDeadline } from "../../runtime/concurrency/deadline.ts";
import { Permits } from "../../runtime/concurrency/permits.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const never = new AbortController().signal;

describe("back-off", () => {
  it("stays within [floor, max] whatever the attempt and the dice", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 500 }), (seed, attempts, floorMs) => {
        const backoff = new Backoff({ firstMs: 100, maxMs: 1000 }, seededEntropy(seed));
        for (let attempt = 0; attempt <= attempts; attempt++) {
          const delayMs = backoff.nextDelayMs(floorMs);
          const ceilingMs = Math.max(floorMs, Math.min(1000, 100 * 2 ** attempt));
          if (delayMs < floorMs || delayMs > ceilingMs) return false;
        }
        return true;
      }),
    );
  });

  it("spreads a fleet over the whole interval instead of bringing it back in step", () => {
    const delays = Array.from({ length: 1000 }, (_, seed) =>
      new Backoff({ firstMs: 1000, maxMs: 1000 }, seededEntropy(seed)).nextDelayMs(),
    );
    const perTenth = Array.from({ length: 10 }, (_, tenth) => delays.filter((delayMs) => Math.floor(delayMs / 100) === tenth).length);
    expect(Math.min(...perTenth)).toBeGreaterThan(50);
  });

  it("begins small again after a reset", () => {
    const backoff = new Backoff({ firstMs: 1, maxMs: 1_000_000 }, { random: () => 1, bytes: () => new Uint8Array() });
    for (let attempt = 0; attempt < 10; attempt++) backoff.nextDelayMs();
    expect(backoff.nextDelayMs()).toBe(1024);
    backoff.reset();
    expect(backoff.nextDelayMs()).toBe(1);
  });
});

describe("deadline", () => {
  const failure = { code: "driver.timeout", fields: { address: "192.0.2.1" } } as const;

  it("gives what the work gives when it is in time", async () => {
    const clock = new VirtualClock();
    const work = withDeadline(clock, 100, never, failure, async (signal) => {
      await clock.sleep(99, signal);
      return "done";
    });
    expect(await clock.runUntil(work)).toBe("done");
    expect(clock.sleeping).toBe(0);
  });

  it("ends with the code and the limit, and aborts the work, when it is late", async () => {
    const clock = new VirtualClock();
    let aborted = false;
    const work = withDeadline(clock, 100, never, failure, async (signal) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      await clock.sleep(5000, signal);
    });
    await expect(clock.runUntil(work)).rejects.toMatchObject({ code: "driver.timeout", fields: { address: "192.0.2.1", timeoutMs: 100 } });
    expect({ aborted, now: clock.monotonicMs() }).toEqual({ aborted: true, now: 100 });
  });

  it("leaves work behind that ignores its signal, and swallows its late failure", async () => {
    const clock = new VirtualClock();
    const work = withDeadline(clock, 10, never, failure, async () => {
      await clock.sleep(1000, never);
      throw new Error("late bug of a library");
    });
    await expect(clock.runUntil(work)).rejects.toMatchObject({ code: "driver.timeout" });
    await clock.advance(2000);
  });

  it("ends with the outer signal's reason when that comes first", async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const work = withDeadline(clock, 1000, stop.signal, failure, (signal) => clock.sleep(5000, signal));
    await clock.advance(10);
    const reason = new Error("shutdown");
    stop.abort(reason);
    await expect(work).rejects.toBe(reason);
  });
});

describe("permits", () => {
  it("never lets more in than there are permits, and serves in order", async () => {
    const permits = new Permits(2);
    const clock = new VirtualClock();
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const all = Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const release = await permits.acquire(never);
        order.push(index);
        inside += 1;
        most = Math.max(most, inside);
        await clock.sleep(7, never);
        inside -= 1;
        release();
      }),
    );
    await clock.runUntil(all);
    expect({ most, free: permits.free, waiting: permits.waiting }).toEqual({ most: 2, free: 2, waiting: 0 });
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it("counts a release once, however often it is called", async () => {
    const permits = new Permits(1);
    const release = await permits.acquire(never);
    release();
    release();
    expect(permits.free).toBe(1);
  });

  it("lets a waiter leave the line without losing a permit", async () => {
    const permits = new Permits(1);
    const release = await permits.acquire(never);
    const stop = new AbortController();
    const waiting = permits.acquire(stop.signal);
    stop.abort(new Error("shutdown"));
    await expect(waiting).rejects.toThrow("shutdown");
    release();
    expect({ free: permits.free, waiting: permits.waiting }).toEqual({ free: 1, waiting: 0 });
  });
});

import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { monotonicMs, wallMs } from "../../runtime/model/time.ts";

const never = new AbortController().signal;

describe("system clock", () => {
  it("never sleeps too short, not even by a fraction of a millisecond", async () => {
    const clock = new SystemClock(() => true);
    const tooShort: number[] = [];
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const wantedMs = (index % 20) + 0.3;
        const beganMs = clock.monotonicMs();
        await clock.sleep(wantedMs, never);
        const sleptMs = clock.monotonicMs() - beganMs;
        if (sleptMs < wantedMs) tooShort.push(wantedMs - sleptMs);
      }),
    );
    expect(tooShort).toEqual([]);
  });

  it("does not take a sleep of more than 24.8 days for one of none", async () => {
    const clock = new SystemClock(() => true);
    const stop = new AbortController();
    let awake = false;
    const sleeping = clock.sleep(Number.MAX_SAFE_INTEGER, stop.signal).then(
      () => {
        awake = true;
      },
      () => undefined,
    );
    await clock.sleep(50, never);
    expect(awake).toBe(false);
    stop.abort(new Error("enough"));
    await sleeping;
    expect(awake).toBe(false);
  });

  it("ends a sleep with the signal's reason, also one that has aborted before", async () => {
    const clock = new SystemClock(() => true);
    const stop = new AbortController();
    const sleeping = clock.sleep(60_000, stop.signal);
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(clock.sleep(1, stop.signal)).rejects.toBe(reason);
  });

  it("lets any number sleep under one signal with one listener there, which goes when nobody sleeps any more", async () => {
    const clock = new SystemClock(() => true);
    const stop = new AbortController();
    const listeners = () => getEventListeners(stop.signal, "abort").length;
    await Promise.all([clock.sleep(1, stop.signal), clock.sleep(3, stop.signal)]);
    expect(listeners()).toBe(0);
    const reason = new Error("enough");
    const ends = Array.from({ length: 100 }, () => clock.sleep(60_000, stop.signal).then(undefined, (end: unknown) => end));
    await clock.sleep(1, stop.signal);
    expect(listeners()).toBe(1);
    stop.abort(reason);
    expect(new Set(await Promise.all(ends))).toEqual(new Set([reason]));
  });

  it("is unanchored until something disciplines it, synced while that lasts, then in holdover", () => {
    let synchronised = false;
    let asked = 0;
    const clock = new SystemClock(() => {
      asked += 1;
      return synchronised;
    });
    expect(clock.now().quality).toBe("unanchored");
    expect(clock.anchors()).toEqual([]);
    synchronised = true;
    // Asked at most once in ten seconds.
    for (let time = 0; time < 1000; time++) clock.now();
    expect(asked).toBe(1);
  });

  it("takes the NOC's word for the time while nothing better is there", () => {
    const clock = new SystemClock(() => false);
    clock.anchor({
      bootId: clock.now().bootId,
      monotonicMs: monotonicMs(1),
      wallMs: wallMs(1_800_000_000_000),
      source: "noc",
      errorMs: 500,
    });
    expect(clock.now().quality).toBe("holdover");
    expect(clock.anchors()).toHaveLength(1);
  });

  it("keeps at most 64 anchors, the first and the last among them", () => {
    const clock = new SystemClock(() => false);
    for (let index = 0; index < 500; index++) {
      clock.anchor({ bootId: "00000001", monotonicMs: monotonicMs(index), wallMs: wallMs(index), source: "noc", errorMs: 500 });
    }
    const anchors = clock.anchors();
    expect([anchors.length, anchors[0]?.monotonicMs, anchors.at(-1)?.monotonicMs]).toEqual([64, 0, 499]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DueHeap, nextSlotMs, phaseMs } from "../../runtime/southbound/schedule.ts";

describe("poll grid", () => {
  it("spreads neighbouring ids over the whole interval", () => {
    const buckets = new Array<number>(10).fill(0);
    for (let index = 0; index < 1_000; index++) {
      const bucket = Math.floor(phaseMs(`sw-${index}`, 60_000) / 6_000);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(count).toBeGreaterThan(60);
    for (const count of buckets) expect(count).toBeLessThan(140);
  });

  it("gives an equipment the same phase in every run", () => {
    expect(phaseMs("ups-1", 30_000)).toBe(phaseMs("ups-1", 30_000));
  });

  it("puts the next slot strictly after now, at most one interval away, on the grid", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e12, noNaN: true }),
        fc.integer({ min: 100, max: 86_400_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (now, interval, share) => {
          const phase = share * interval;
          const next = nextSlotMs(now, phase, interval);
          expect(next).toBeGreaterThan(now - 1e-3);
          expect(next - now).toBeLessThanOrEqual(interval + 1e-3);
          const slots = (next - phase) / interval;
          expect(Math.abs(slots - Math.round(slots))).toBeLessThan(1e-6);
        },
      ),
    );
  });
});

describe("heap of due times", () => {
  it("hands out every entry once, earliest first", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 200 }), (times) => {
        const heap = new DueHeap<{ dueMs: number }>();
        for (const dueMs of times) heap.push({ dueMs });
        const popped: number[] = [];
        for (let next = heap.pop(); next !== undefined; next = heap.pop()) popped.push(next.dueMs);
        expect(popped).toEqual([...times].sort((a, b) => a - b));
      }),
    );
  });
});

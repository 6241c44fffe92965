import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StoreModel, type StoreStep } from "./store-model.ts";

const step: fc.Arbitrary<StoreStep> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("poll" as const),
      frames: fc.integer({ min: 1, max: 6 }),
      bytes: fc.integer({ min: 1, max: 9_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("poll" as const),
      frames: fc.integer({ min: 3, max: 9 }),
      bytes: fc.integer({ min: 20_000, max: 60_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("alarm" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("dictionary" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 100, max: 70_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("seal" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("drain" as const), acked: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("split" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reject" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sync-error" as const), times: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("database-error" as const),
      code: fc.constantFrom("SQLITE_IOERR_FSYNC", "SQLITE_CORRUPT", "SQLITE_FULL"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("database-full" as const), full: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("cut" as const), inOperations: fc.integer({ min: 1, max: 12 }) }) },
);

const runs = Number(process.env.GATEHOUSE_STORE_RUNS ?? 60);

describe("the store over power cuts at any write", () => {
  it("loses nothing durable, repeats no seq, changes no byte and keeps its books", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: "max" }), fc.integer(), (steps, seed) => {
        const model = new StoreModel(seed);
        for (const item of steps) model.take(item);
        model.finish();
      }),
      // Shrinking takes minutes: set GATEHOUSE_SHRINK for it.
      {
        numRuns: runs,
        interruptAfterTimeLimit: 500_000,
        markInterruptAsFailure: false,
        endOnFailure: process.env.GATEHOUSE_SHRINK === undefined,
      },
    );

    expect(StoreModel.cuts).toBeGreaterThan(2 * runs);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CounterAnomalies, CounterState, noAnomalies, wordsOf } from "../../../../drivers/snmp/counters/counter-column.ts";

const two32 = 2n ** 32n;

function oneColumn(rows: number, anomalies: CounterAnomalies): CounterState {
  // Not the first of its block, so that a wrong offset shows.
  const column = CounterState.allocate(rows, 3, anomalies)[1];
  if (column === undefined) throw new Error("not allocated");
  return column;
}

class OneCounter {
  readonly anomalies: CounterAnomalies = noAnomalies();
  readonly state = oneColumn(1, this.anomalies);
  doubted = false;

  read(value: bigint, bits: 32 | 64 = 64, limit = Number.NaN): number {
    this.state.column.present[0] = 0;
    this.doubted = this.state.take(0, Number(value / two32), Number(value % two32), bits, limit);
    return this.state.column.increment[0] ?? Number.NaN;
  }
}

describe("increments of a counter", () => {
  it("are not known at the first reading, and the value itself is", () => {
    const counter = new OneCounter();
    expect(counter.read(2n ** 64n - 1n)).toBeNaN();
    expect(counter.state.column.absolute[0]).toBe(2n ** 64n - 1n);
    expect(counter.state.column.present[0]).toBe(1);
  });

  it("are exact beyond 2^53 of the absolute value", () => {
    const counter = new OneCounter();
    counter.read(2n ** 63n + 1n);
    expect(counter.read(2n ** 63n + 4n)).toBe(3);
  });

  it("are exact for any pair of 64-bit values whose difference a double can hold", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }), (before, increase) => {
        fc.pre(before + increase < 2n ** 64n);
        const counter = new OneCounter();
        counter.read(before);
        expect(BigInt(counter.read(before + increase))).toBe(increase);
        expect(counter.state.column.absolute[0]).toBe(before + increase);
      }),
    );
  });

  it("never come out negative or infinite whatever an agent sends", () => {
    const value = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.constantFrom(32 as const, 64 as const)), { maxLength: 20 }), (readings) => {
        const counter = new OneCounter();
        for (const [reading, bits] of readings) {
          const increment = counter.read(bits === 32 ? reading % two32 : reading, bits);
          expect(Number.isNaN(increment) || (increment >= 0 && increment <= Number.MAX_SAFE_INTEGER)).toBe(true);
        }
      }),
    );
  });

  it("are not known when a 64-bit counter went back, and known again after it", () => {
    const counter = new OneCounter();
    counter.read(1_000n);
    expect(counter.read(2n ** 64n - 5n)).toBeNaN();
    expect(counter.read(2_000n)).toBeNaN();
    expect(counter.read(2_500n)).toBe(500);
    expect(counter.anomalies).toMatchObject({ decreased: 1, implausible: 1 });
  });

  it("resolve one wrap of a 32-bit counter within the link's speed", () => {
    const counter = new OneCounter();
    counter.read(4_294_967_000n, 32);
    expect(counter.read(704n, 32, 10_000)).toBe(1_000);
    expect(counter.anomalies.wrapped).toBe(1);
  });

  it("take a fall that would exceed the link's speed as one wrap for a reset", () => {
    const counter = new OneCounter();
    counter.read(2_000_000_000n, 32);
    expect(counter.read(5_000n, 32, 750_000_000)).toBeNaN();
    expect(counter.anomalies.decreased).toBe(1);
  });

  it("resolve a wrap without a known speed only near the top", () => {
    const near = new OneCounter();
    near.read(4_200_000_000n, 32);
    expect(near.read(5_032_704n, 32)).toBe(100_000_000);
    const far = new OneCounter();
    far.read(70_000n, 32);
    expect(far.read(12n, 32)).toBeNaN();
  });

  it("refuse a jump above the link's speed", () => {
    const counter = new OneCounter();
    counter.read(0n);
    expect(counter.read(10_000_000_000n, 64, 1_000_000)).toBeNaN();
    expect(counter.read(10_000_000_100n, 64, 1_000_000)).toBe(100);
  });

  it("doubt the speed, not the counter, once it was exceeded three times running", () => {
    const counter = new OneCounter();
    counter.read(0n);
    const seen = [1, 2, 3, 4, 5].map((step) => [counter.read(BigInt(step) * 1_000n, 64, 10), counter.doubted]);
    expect(seen).toEqual([
      [Number.NaN, false],
      [Number.NaN, false],
      [Number.NaN, true],
      [1_000, false],
      [1_000, false],
    ]);
  });

  it("are never made of a 32-bit and a 64-bit reading", () => {
    const counter = new OneCounter();
    counter.read(1_000n, 32);
    expect(counter.read(5_000_000_000n, 64)).toBeNaN();
    expect(counter.read(5_000_000_001n, 64)).toBe(1);
    expect(counter.anomalies.widthChanged).toBe(1);
  });

  it("are not known after a poll that missed the row: the report's elapsed time would not be theirs", () => {
    const counter = new OneCounter();
    counter.read(1_000n);
    counter.state.miss(0);
    expect(counter.state.column.present[0]).toBe(0);
    expect(counter.read(3_000n)).toBeNaN();
    expect(counter.read(3_500n)).toBe(500);
  });

  it("are not known after a restart or a discontinuity", () => {
    const counter = new OneCounter();
    counter.read(1_000n);
    counter.state.reset();
    expect(counter.read(2_000n)).toBeNaN();
    counter.state.resetRow(0);
    expect(counter.read(3_000n)).toBeNaN();
  });

  it("follow a row that moved", () => {
    const before = new OneCounter();
    before.read(2n ** 40n);
    const after = oneColumn(3, noAnomalies());
    after.adopt(2, before.state, 0);
    after.take(2, 256, 77, 64, Number.NaN);
    expect(after.column.increment[2]).toBe(77);
  });
});

describe("what is said of a row's last report", () => {
  it("is its last reported value, read or not, reported or withheld, however large", () => {
    const value = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 2n ** 44n - 4n, max: 2n ** 44n + 4n }));
    const polls = fc.array(fc.tuple(fc.constantFrom("report" as const, "withhold" as const, "miss" as const), value), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(polls, { minLength: 3, maxLength: 3 }), (rows) => {
        const state = oneColumn(3, noAnomalies());
        const reported = [0n, 0n, 0n];
        for (let poll = 0; poll < 12; poll++) {
          state.column.present.fill(0);
          const said = [...reported];
          for (const [row, steps] of rows.entries()) {
            const [what, absolute] = steps[poll] ?? ["miss", 0n];
            if (what !== "miss") state.take(row, Number(absolute / two32), Number(absolute % two32), 64, Number.NaN);
            if (what === "report") reported[row] = absolute;
            else if (what === "withhold") state.withhold(row);
            else state.miss(row);
          }
          expect([...state.column.previous]).toEqual(said);
          expect([...state.column.present]).toEqual(rows.map((steps) => (steps[poll]?.[0] === "report" ? 1 : 0)));
        }
      }),
    );
  });

  it("stays what it was where rows read in the same poll are read again", () => {
    const counter = oneColumn(1, noAnomalies());
    counter.take(0, 0, 5, 64, Number.NaN);
    counter.column.present[0] = 0;
    counter.take(0, 0, 7, 64, Number.NaN);
    counter.take(0, 0, 8, 64, Number.NaN);
    expect(counter.column.previous[0]).toBe(5n);
  });
});

describe("columns of one block", () => {
  it("do not touch each other", () => {
    const [left, middle, right] = CounterState.allocate(2, 3, noAnomalies());
    left?.take(1, 0, 1, 64, Number.NaN);
    right?.take(0, 0, 1, 64, Number.NaN);
    middle?.take(0, 1, 7, 64, Number.NaN);
    middle?.take(0, 1, 9, 64, Number.NaN);
    middle?.reset();
    left?.take(1, 0, 4, 64, Number.NaN);
    right?.take(0, 0, 6, 64, Number.NaN);
    expect([left, middle, right].map((column) => [...(column?.column.present ?? [])])).toEqual([
      [0, 1],
      [1, 0],
      [1, 0],
    ]);
    expect([left?.column.increment[1], middle?.column.increment[0], right?.column.increment[0]]).toEqual([3, 2, 5]);
    expect(middle?.column.absolute[0]).toBe(2n ** 32n + 9n);
  });
});

describe("words of 64-bit values", () => {
  it("come low word first, also from a view into a larger buffer", () => {
    const values = new BigUint64Array(new ArrayBuffer(32), 8, 2);
    values[1] = 0x1_0000_0002n;
    expect([...wordsOf(values)]).toEqual([0, 0, 2, 1]);
  });
});

describe("a whole column at once", () => {
  it("becomes what its rows become one by one, whatever the agent sends", () => {
    const value = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const step = fc.bigInt({ min: 0n, max: 2n ** 34n });
    const readings = fc.array(
      fc.record({
        rows: fc.array(fc.tuple(fc.option(value, { freq: 6 }), step, fc.boolean()), { minLength: 4, maxLength: 4 }),
        is32: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(readings, fc.constantFrom(Number.NaN, 1, 4), fc.integer({ min: -1, max: 3 }), (polls, perBit, left) => {
        const [whole, single] = [noAnomalies(), noAnomalies()];
        const [together, apart] = [oneColumn(4, whole), oneColumn(4, single)];
        // Rows may stand in another order than the answer's, and one may be none of the table's.
        const target = Int32Array.from([2, 0, 3, 1], (row) => (row === left ? -1 : row));
        const limits = { perBit, speeds: Float64Array.of(1e9, Number.NaN, 2 ** 33, 1), fastest: 2 ** 40 };
        const last = [0n, 0n, 0n, 0n];
        for (const { rows, is32 } of polls) {
          const bits = is32 ? 32 : 64;
          const words = new Int32Array(8);
          const present = Uint8Array.from(rows, ([, , isThere]) => (isThere ? 1 : 0));
          for (const [place, [absolute, increase]] of rows.entries()) {
            last[place] = BigInt.asUintN(bits, absolute ?? (last[place] ?? 0n) + increase);
            words.set([Number((last[place] ?? 0n) % two32), Number((last[place] ?? 0n) / two32)], place * 2);
          }
          const [told, toldApart]: string[][] = [[], []];
          for (const state of [together, apart]) state.column.present.fill(0);
          together.takeAll(words, { present, bits }, target, limits, (state, row, doubted) => {
            if (doubted || state.isRefused(row)) told?.push(`${row} ${doubted}`);
          });
          for (const [place, row] of target.entries()) {
            if (row < 0 || present[place] !== 1) continue;
            const speed = limits.speeds[row] ?? Number.NaN;
            const limit = (Number.isNaN(speed) ? limits.fastest : speed) * perBit;
            const doubted = apart.take(row, (words[place * 2 + 1] ?? 0) >>> 0, (words[place * 2] ?? 0) >>> 0, bits, limit);
            if (doubted || apart.isRefused(row)) toldApart?.push(`${row} ${doubted}`);
          }
          expect(together.column).toEqual(apart.column);
          expect(whole).toEqual(single);
          expect(told).toEqual(toldApart);
        }
      }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { ContextBook } from "../../flows/context-book.ts";
import { jsonWithin } from "../../flows/host/context-store.ts";
import { UnitStore } from "../../flows/unit-store.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { flowDocument, functionFlow, RunningWing, TestGround } from "./ground.ts";

const code =
  'const n = (context.get("n") || 0) + 1; context.set("n", n); flow.set("n", n); global.set("n", n); return { payload: "n " + Math.min(n, flow.get("n"), global.get("n")) };';
const counts = [
  ...functionFlow(code).slice(0, 2),
  { id: "out", type: "alarm", alarm: "counted", text: "{{payload}}", x: 3, y: 1, wires: [[]] },
];
const { signal } = new AbortController();

describe("what a flow remembers", () => {
  it("is there again after a restart of the flow host, and of the gateway", async () => {
    const ground = new TestGround();
    const counted = () => Number(ground.active.get("||counted|counter")?.text.slice(2) ?? 0);
    const document = flowDocument("counter", counts);
    const first = new RunningWing({}, ground);
    await first.running();
    await first.apply([document]);
    await first.until("it counted", () => counted() >= 2, 60_000);
    await first.stop(true);
    const before = counted();
    ground.active.clear();
    const second = new RunningWing({}, ground);
    await second.running();
    await second.until("it counts on", () => counted() > 0, 60_000);
    expect(counted()).toBeGreaterThan(before);
    await second.apply([]);
    await second.stop(true);
    expect(new UnitStore(ground.state, ground.atRest).contexts()).not.toHaveProperty("counter");
    ground.remove();
  });

  it("is kept within its bounds, and only of units that there are", () => {
    const ground = new TestGround();
    const book = new ContextBook(new UnitStore(ground.state, ground.atRest), { clock: ground.clock, logger: silentLogger });
    const isUnit = (unit: string) => unit !== "stranger";
    book.keep({ one: '{"a":1}', stranger: "{}", large: `"${"x".repeat(33_000)}"`, wrong: 7 }, isUnit);
    expect(book.all()).toEqual({ one: '{"a":1}' });
    expect(book.refused).toBe(1);
    book.keep(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`u${index}`, `"${"y".repeat(30_000)}"`])), isUnit);
    expect(Object.keys(book.all()).length).toBeLessThan(35);
    book.save();
    expect(new UnitStore(ground.state, ground.atRest).contexts()).toEqual(book.all());
    ground.remove();
  });

  it("is written seldom: ten minutes apart, and only if it changed", async () => {
    const clock = new VirtualClock();
    let writes = 0;
    const saveContexts = () => {
      writes += 1;
    };
    const store = { contexts: () => ({}), saveContexts } as unknown as UnitStore;
    const book = new ContextBook(store, { clock, logger: silentLogger });
    for (let minute = 0; minute < 60; minute += 1) {
      if (minute < 30) book.keep({ one: String(minute) }, () => true);
      await clock.runUntil(clock.sleep(60_000, signal));
      book.look();
    }
    expect(writes).toBe(3);
  });

  it.each([
    [
      "a cycle",
      () => {
        const one: { self?: unknown } = {};
        one.self = one;
        return one;
      },
    ],
    ["more than fits, without being copied", () => Array.from({ length: 50 }, () => Buffer.alloc(4 << 20))],
    ["a number JSON does not know", () => ({ n: 1n })],
    [
      "something that throws when it is written",
      () => ({
        toJSON: () => {
          throw new Error("no");
        },
      }),
    ],
  ])("is left alone when it is %s", (_name, make) => {
    expect(jsonWithin({ value: make() }, 32_768)).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { Turns } from "../../flows/turns.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const limits = { total: 3, perService: 2, waiting: 4, waitingPerService: 3, waitMs: 60_000 };
const { signal } = new AbortController();

function turnsOf(more: Partial<typeof limits> = {}) {
  const clock = new VirtualClock();
  const turns = new Turns(clock, { ...limits, ...more });
  let most = 0;
  let running = 0;
  const done: string[] = [];
  const work = async (service: string, ms: number) => {
    const end = await turns.take(service, signal);
    running += 1;
    most = Math.max(most, running);
    await clock.sleep(ms, signal);
    running -= 1;
    done.push(service);
    end();
  };
  return { clock, turns, work, done, most: () => most };
}

describe("turns of orders that wait for somebody else", () => {
  it("come to everybody, never more at once than there are", async () => {
    const { clock, work, done, most } = turnsOf();
    await clock.runUntil(Promise.all(["a", "b", "c", "d", "e", "f", "g"].map((service) => work(service, 1_000))));
    expect(done.toSorted()).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
    expect(most()).toBe(3);
    expect(clock.monotonicMs()).toBe(3_000);
  });

  it("leave room for others beside a service that asks for all of them", async () => {
    const { clock, work, done } = turnsOf();
    const greedy = [1, 2, 3, 4].map(() => work("greedy", 10_000));
    await clock.runUntil(work("modest", 1_000));
    expect(done).toEqual(["modest"]);
    await clock.runUntil(Promise.all(greedy));
  });

  it("are refused at once when too many wait, of all or of one", async () => {
    const { clock, work, turns } = turnsOf();
    const some = ["a", "a", "a", "a", "a"].map((service) => work(service, 1_000));
    expect(turns.open("a")).toBe(5);
    await expect(turns.take("a", signal)).rejects.toMatchObject({ code: "E_BUSY" });
    const more = ["b", "b"].map((service) => work(service, 1_000));
    await expect(turns.take("c", signal)).rejects.toMatchObject({ code: "E_BUSY" });
    await clock.runUntil(Promise.all([...some, ...more]));
    expect(turns.open("a")).toBe(0);
  });

  it("are given up after a while, and then cost nobody else his own", async () => {
    const { clock, work, turns } = turnsOf({ total: 1 });
    const long = work("long", 90_000);
    await expect(clock.runUntil(turns.take("late", signal))).rejects.toMatchObject({
      code: "E_BUSY",
      message: "its turn did not come within 60 s",
    });
    const next = work("next", 1_000);
    await clock.runUntil(Promise.all([long, next]));
    expect(clock.monotonicMs()).toBe(91_000);
  });

  it("end with the wish of who waits", async () => {
    const { clock, work, turns } = turnsOf({ total: 1 });
    const long = work("long", 1_000);
    const stop = new AbortController();
    const waiting = turns.take("other", stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(turns.open("other")).toBe(0);
    await clock.runUntil(long);
  });
});

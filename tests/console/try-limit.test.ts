import { beforeEach, describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import { TryLimit, type TryMemory } from "../../runtime/console/try-limit.ts";
import { ManualClock } from "../store/manual-clock.ts";

const minute = 60_000;

/** State that outlives a process, and counts how often it is written. */
class Kept implements TryMemory {
  text: string | undefined;
  writes = 0;
  fails = false;

  getText(): string | undefined {
    return this.text;
  }

  put(entries: Readonly<Record<string, Uint8Array | string | undefined>>): void {
    if (this.fails) throw new GatewayError("buffer.disk-full", { message: "no room" });
    this.writes += 1;
    const [value] = Object.values(entries);
    this.text = typeof value === "string" ? value : undefined;
  }
}

describe("wrong codes at the console", () => {
  let kept: Kept;
  let clock: ManualClock;
  beforeEach(() => {
    kept = new Kept();
    clock = new ManualClock();
  });
  /** The machine starts again: its monotonic clock from little, what was written is there. */
  const restart = () => {
    clock = new ManualClock();
    return new TryLimit(clock, kept);
  };
  const wrong = (limit: TryLimit, times: number, address = "192.0.2.7") => Array.from({ length: times }, () => limit.wrong(address)).at(-1);

  it("shut the address that made them for an hour, and no other", async () => {
    const limit = new TryLimit(clock, kept);
    expect(wrong(limit, 4)).toBe(false);
    expect(limit.waitS("192.0.2.7")).toBe(0);
    expect(wrong(limit, 1)).toBe(true);
    expect(limit.waitS("192.0.2.7")).toBe(3_600);
    expect(limit.waitS("192.0.2.8")).toBe(0);
  });

  it("count on after a restart: the plug gives no further tries", () => {
    wrong(new TryLimit(clock, kept), 3);
    const again = restart();
    expect(wrong(again, 1)).toBe(false);
    expect(wrong(restart(), 1)).toBe(true);
  });

  it("keep an address shut over a restart for what was left of the hour", async () => {
    const limit = new TryLimit(clock, kept);
    wrong(limit, 5);
    await clock.advance(40 * minute);
    limit.keep();
    expect(restart().waitS("192.0.2.7")).toBe(1_200);
  });

  it("are forgotten when their time is over, also by what is written", async () => {
    const limit = new TryLimit(clock, kept);
    wrong(limit, 5);
    await clock.advance(61 * minute);
    limit.keep();
    expect(kept.text).toBeUndefined();
    expect(restart().waitS("192.0.2.7")).toBe(0);
  });

  it("cost nothing where nobody guesses, and a disk that refuses costs no sign-in", () => {
    const limit = new TryLimit(clock, kept);
    for (let times = 0; times < 10; times++) limit.keep();
    limit.right("192.0.2.7");
    expect(kept.writes).toBe(0);
    kept.fails = true;
    expect(wrong(limit, 5)).toBe(true);
    expect(limit.waitS("192.0.2.7")).toBe(3_600);
  });
});

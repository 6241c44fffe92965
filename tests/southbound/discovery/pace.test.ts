import { describe, expect, it } from "vitest";
import type { SnmpSession } from "../../../runtime/ports/snmp.ts";
import { LossMeter, Pace, PacketBudget } from "../../../runtime/southbound/discovery/pace.ts";
import { pacedSession } from "../../../runtime/southbound/discovery/paced-session.ts";
import { MemoryAgent } from "../../drivers/snmp/support/memory-agent.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const never = new AbortController().signal;

describe("the packet budget", () => {
  it("lets a burst through at once and then one packet each interval, first come first served", async () => {
    const clock = new VirtualClock();
    const budget = new PacketBudget(clock, () => 20, 5);
    const times: number[] = [];
    const all = Promise.all(
      Array.from({ length: 25 }, async () => {
        await budget.take(1, never);
        times.push(clock.monotonicMs());
      }),
    );
    await clock.runUntil(all);
    expect(times.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(times.at(-1)).toBe(1_000);
    expect(times).toEqual([...times].sort((left, right) => left - right));
  });

  it("lets others wait for what a session cost beyond one packet", async () => {
    const clock = new VirtualClock();
    const pace = new Pace(clock);
    const agent = new MemoryAgent();
    const inner = agent.open();
    let requests = 0;
    const costly: SnmpSession = { ...inner, counters: () => ({ ...inner.counters(), requests, retries: 0 }) };
    const session = pacedSession(costly, pace);
    requests = 46;
    await clock.runUntil(session.get(["1.3.6.1.2.1.1.1.0"], never));
    requests = 90;
    await clock.runUntil(session.get(["1.3.6.1.2.1.1.1.0"], never));
    const fromMs = clock.monotonicMs();
    await clock.runUntil(pace.packet(never));
    expect(clock.monotonicMs() - fromMs).toBeGreaterThan(800);
    expect(pace.packets).toBe(90 + 1);
  });

  it("does not judge the loss by a few packets", () => {
    const meter = new LossMeter();
    for (let packet = 0; packet < 15; packet++) meter.note(false);
    expect(meter.loss).toBe(0);
    meter.note(false);
    expect(meter.loss).toBe(1);
    for (let packet = 0; packet < 64; packet++) meter.note(true);
    expect(meter.loss).toBe(0);
  });

  it("never writes to a device", async () => {
    const session = pacedSession(new MemoryAgent().open(), new Pace(new VirtualClock()));
    await expect(session.set([], never)).rejects.toMatchObject({ code: "driver.refused" });
  });
});

import { describe, expect, it } from "vitest";
import { assessUptime, deviceUptimeS, type UptimeReading } from "../../../../drivers/snmp/counters/agent-uptime.ts";

const minute = 60_000;

function reading(monotonicMs: number, sysUpTimeTicks: number | undefined, more: Partial<UptimeReading> = {}): UptimeReading {
  return { monotonicMs, sysUpTimeTicks, ...more };
}

function verdict(before: UptimeReading, after: UptimeReading): string {
  return assessUptime(before, after).verdict;
}

describe("telling what happened to an agent between two polls", () => {
  it("has nothing to compare the first reading with", () => {
    expect(assessUptime(undefined, reading(0, 100))).toEqual({ verdict: "first", agentElapsedMs: Number.NaN });
  });

  it("takes the agent's own advance as the elapsed time", () => {
    expect(assessUptime(reading(0, 10_000), reading(minute, 16_010))).toEqual({ verdict: "same", agentElapsedMs: 60_100 });
  });

  it("sees a restart when the uptime fell", () => {
    expect(verdict(reading(0, 8_640_000), reading(minute, 3_000))).toBe("restart");
  });

  it("sees a restart that fell by less than the gap, because the agent is younger than the gap", () => {
    expect(verdict(reading(0, 5_000), reading(minute, 1_000))).toBe("restart");
  });

  it("sees a restart hidden in a long gap, though the uptime is greater than before", () => {
    expect(verdict(reading(0, 1_000), reading(60 * minute, 200_000))).toBe("restart");
  });

  it("sees the restarts of an agent that each poll ends, though it is a little older every time", () => {
    expect(verdict(reading(0, 2_900), reading(30_000, 2_950))).toBe("restart");
    expect(verdict(reading(0, 2_900), reading(30_000, 2_900))).toBe("clock-step");
  });

  it("sees a restart by engine boots alone", () => {
    const before = reading(0, 10_000, { engineBoots: 4 });
    expect(verdict(before, reading(minute, 16_000, { engineBoots: 5 }))).toBe("restart");
  });

  it("sees a restart close to 497 days when the new uptime does not fit a rollover", () => {
    expect(verdict(reading(0, 2 ** 32 - 1_000), reading(minute, 200))).toBe("restart");
  });

  it("tells the 497-day rollover from a restart", () => {
    expect(assessUptime(reading(0, 2 ** 32 - 1_000), reading(minute, 5_000))).toEqual({ verdict: "rollover", agentElapsedMs: 60_000 });
  });

  it("takes a fallen uptime for a stepped clock when the engine time ran on", () => {
    const before = reading(0, 8_640_000, { engineTimeS: 50_000_000, engineBoots: 1 });
    const after = reading(minute, 100_000, { engineTimeS: 50_000_060, engineBoots: 1 });
    expect(assessUptime(before, after)).toEqual({ verdict: "clock-step", agentElapsedMs: Number.NaN });
  });

  it("takes a fall of some seconds of an old agent for a stepped clock", () => {
    expect(verdict(reading(0, 8_640_000), reading(minute, 8_639_000))).toBe("clock-step");
  });

  it("does not take a frozen clock for a restart", () => {
    expect(verdict(reading(0, 5_000), reading(minute, 5_000))).toBe("clock-step");
  });

  it("does not believe an uptime that ran far ahead", () => {
    expect(assessUptime(reading(0, 10_000), reading(minute, 100_000)).agentElapsedMs).toBeNaN();
  });

  it("leaves agents without sysUpTime to the monotonic clock", () => {
    expect(assessUptime(reading(0, undefined), reading(minute, undefined))).toEqual({ verdict: "same", agentElapsedMs: Number.NaN });
  });

  it("does not see a restart where clocks merely drift by a few per cent", () => {
    let before = reading(0, 1_000_000);
    for (let poll = 1; poll <= 100; poll++) {
      const after = reading(poll * minute, 1_000_000 + poll * 6_240);
      expect(verdict(before, after)).toBe("same");
      before = after;
    }
  });
});

describe("the device's uptime", () => {
  it("is the greatest of the clocks, since sysUpTime rolls over and counts for the agent only", () => {
    expect(deviceUptimeS(reading(0, 500, { engineTimeS: 60_000_000, hostUptimeTicks: 100_000 }))).toBe(60_000_000);
  });

  it("does not believe a century", () => {
    expect(deviceUptimeS(reading(0, 500, { engineTimeS: 2 ** 31 * 2 }))).toBe(5);
  });

  it("is unknown where no clock is there", () => {
    expect(deviceUptimeS(reading(0, undefined))).toBeNaN();
  });
});

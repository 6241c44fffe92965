import { describe, expect, it } from "vitest";
import { GatewayError } from "../../runtime/model/errors.ts";
import { Reachability } from "../../runtime/southbound/reachability.ts";

const timeout = new GatewayError("driver.timeout");
const intervalMs = 5_000;

describe("reachability", () => {
  it("is down only after the second failure in a row, and says so once", () => {
    const reachability = new Reachability(0);
    expect(reachability.failed(timeout, 0, intervalMs)).toBe(false);
    expect(reachability.state).toBe("new");
    expect(reachability.failed(timeout, 5_000, intervalMs)).toBe(true);
    expect(reachability.failed(timeout, 10_000, intervalMs)).toBe(false);
    expect(reachability.state).toBe("down");
  });

  it("polls fully again in the slot in which a probe is answered", () => {
    const reachability = new Reachability(0);
    for (let slot = 0; slot < 3; slot++) reachability.failed(timeout, slot * intervalMs, intervalMs);
    expect(reachability.plan(3 * intervalMs)).toBe("probe");
    expect(reachability.answered(3 * intervalMs)).toBe(true);
    expect(reachability.plan(4 * intervalMs)).toBe("poll");
  });

  it("spaces probes of what stays dead, but tries at least every 15 s", () => {
    const reachability = new Reachability(0);
    let probes = 0;
    let nowMs = 0;
    let lastProbeMs = 0;
    let longestMs = 0;
    for (; nowMs < 3_600_000; nowMs += intervalMs) {
      if (reachability.plan(nowMs) === "rest") continue;
      probes += 1;
      longestMs = Math.max(longestMs, nowMs - lastProbeMs);
      lastProbeMs = nowMs;
      reachability.failed(timeout, nowMs, intervalMs);
    }
    expect(probes).toBeLessThan(300);
    expect(longestMs).toBeLessThanOrEqual(15_000);
  });
});

import { expect, it } from "vitest";
import { Harness } from "./harness.ts";

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Puts a live chunk every `everyMs` for `forMs`; gives how long each took to the NOC. */
async function liveDelays(harness: Harness, everyMs: number, forMs: number, bytes: number): Promise<readonly number[]> {
  const sealed = new Map<string, number>();
  for (let passed = 0; passed < forMs; passed += everyMs) {
    const chunk = harness.buffer.put("T", bytes);
    sealed.set(`${chunk.stream}:${chunk.seq}`, harness.clock.monotonicMs());
    await harness.pass(everyMs);
  }
  return harness.noc.arrivals.flatMap(({ key, atMs, duplicate }) => {
    const sealedAtMs = sealed.get(key);
    return sealedAtMs === undefined || duplicate ? [] : [atMs - sealedAtMs];
  });
}

it("keeps live chunks under ten seconds on a line of 64 kbit/s and 2 s round trip while a backlog with large chunks drains", async () => {
  const harness = new Harness();
  harness.uplink.faults = { ...harness.uplink.faults, latencyMs: 1_000, bytesPerS: 8_000 };
  for (let i = 0; i < 400; i++) harness.buffer.put("T", i % 4 === 0 ? 40_000 : 1_850);
  harness.start();
  await harness.pass(60_000);
  const delays = await liveDelays(harness, 10_000, 600_000, 1_850);
  expect(delays.length).toBeGreaterThanOrEqual(58);
  expect(percentile(delays, 0.95)).toBeLessThan(10_000);
  await harness.until(() => harness.buffer.remaining === 0, 3_600_000, 1_000);
  expect(harness.noc.duplicates).toBe(0);
  const bytes = harness.uplink.published.reduce((sum, entry) => sum + entry.bytes + 100, 0);
  // More than half of what the line can carry.
  expect(bytes / (harness.clock.monotonicMs() / 1_000)).toBeGreaterThan(0.5 * 8_000);
  await harness.stop();
});

it("drains a day of backlog within a minute at 60 ms round trip, live under five seconds meanwhile", async () => {
  const harness = new Harness();
  harness.uplink.faults = { ...harness.uplink.faults, latencyMs: 30, commitMs: 500 };
  for (let i = 0; i < 1_440; i++) harness.buffer.put("T", 1_850);
  harness.start();
  const startMs = harness.clock.monotonicMs();
  const delays = await liveDelays(harness, 1_000, 20_000, 1_850);
  await harness.until(() => harness.buffer.remaining === 0, 60_000);
  expect(harness.clock.monotonicMs() - startMs).toBeLessThan(60_000);
  expect(percentile(delays, 0.95)).toBeLessThan(5_000);
  expect(harness.noc.duplicates).toBe(0);
  await harness.stop();
});

it("uses a line that is up five seconds and down twenty, told by the route, for most of its time", async () => {
  const harness = new Harness(1, { route: () => (harness.uplink.reachable ? "eth0 10.0.0.2" : "") });
  harness.start();
  let connectedMs = 0;
  const windows: number[] = [];
  for (let window = 0; window < 144; window++) {
    harness.uplink.restore();
    const before = harness.noc.stored;
    for (let tick = 0; tick < 50; tick++) {
      if (tick % 10 === 0) harness.buffer.put("T", 1_000);
      await harness.pass(100);
      if (harness.link.status().state === "connected") connectedMs += 100;
    }
    windows.push(harness.noc.stored - before);
    harness.uplink.cut();
    await harness.pass(20_000);
  }
  expect(windows.filter((stored) => stored === 0)).toEqual([]);
  expect(connectedMs / (144 * 5_000)).toBeGreaterThan(0.7);
  harness.uplink.restore();
  await harness.until(() => harness.buffer.remaining === 0, 60_000);
  await harness.stop();
});

it("loses nothing and makes progress on the same line without anybody telling", async () => {
  const harness = new Harness();
  harness.start();
  for (let window = 0; window < 144; window++) {
    harness.uplink.restore();
    for (let tick = 0; tick < 5; tick++) {
      harness.buffer.put("T", 1_000);
      await harness.pass(1_000);
    }
    harness.uplink.cut();
    await harness.pass(20_000);
  }
  expect(harness.noc.stored).toBeGreaterThan(144);
  harness.uplink.restore();
  await harness.until(() => harness.buffer.remaining === 0, 400_000);
  await harness.stop();
});

it("stays bounded while every PUBACK takes twenty seconds, and delivers", async () => {
  const harness = new Harness();
  harness.uplink.faults = { ...harness.uplink.faults, latencyMs: 10_000 };
  for (let i = 0; i < 300; i++) harness.buffer.put("T", 2_000);
  harness.start();
  await harness.until(() => harness.buffer.remaining === 0, 3_600_000, 1_000);
  expect(harness.uplink.maxInFlightSeen).toBeLessThanOrEqual(16);
  await harness.stop();
});

it("polls nothing faster than it must while it waits", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  for (let i = 0; i < 10; i++) harness.buffer.put("T", 100);
  await harness.pass(60_000);
  const reads = harness.buffer.reads;
  await harness.pass(3_600_000);
  // An hour of a silent NOC: some resends, no spinning.
  expect(harness.buffer.reads - reads).toBeLessThan(200);
  await harness.stop();
});

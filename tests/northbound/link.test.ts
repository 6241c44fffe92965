import { expect, it } from "vitest";
import { GatewayError } from "../../runtime/model/errors.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { Harness } from "./harness.ts";

it("tries at once and then with full jitter up to five minutes, for ever", async () => {
  const harness = new Harness();
  harness.uplink.reachable = false;
  harness.start();
  await harness.pass(6 * 3_600_000);
  const attempts = harness.uplink.attemptsAtMs;
  expect(attempts[0]).toBe(0);
  const pauses = attempts.slice(1).map((atMs, index) => atMs - (attempts[index] ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(300_100);
  // Full jitter: the mean of the later pauses is near half the maximum.
  const late = pauses.slice(12);
  const mean = late.reduce((sum, pause) => sum + pause, 0) / late.length;
  expect(mean).toBeGreaterThan(100_000);
  expect(mean).toBeLessThan(200_000);
  await harness.stop();
});

it("logs the outage once and the return once, not every attempt", async () => {
  const harness = new Harness();
  harness.uplink.reachable = false;
  harness.start();
  await harness.pass(3_600_000);
  harness.uplink.restore();
  await harness.pass(300_100);
  expect(harness.log).toEqual(["warn no connection to the noc's broker uplink.unreachable", "info connected to the noc's broker"]);
  await harness.stop();
});

it("comes back within the longest back-off after the broker refused it for an hour", async () => {
  const harness = new Harness();
  harness.uplink.refusesWith = 0x87;
  harness.start();
  harness.buffer.put("T", 10);
  await harness.pass(3_600_000);
  harness.uplink.refusesWith = undefined;
  await harness.pass(301_000);
  expect(harness.noc.stored).toBe(1);
  await harness.stop();
});

it.each([0x89, 0x97, 0x9f])("waits at least half a minute after a busy broker refused with %i", async (code) => {
  const harness = new Harness();
  harness.uplink.refusesWith = code;
  harness.start();
  await harness.pass(29_000);
  expect(harness.uplink.attemptsAtMs.length).toBe(1);
  await harness.pass(92_000);
  expect(harness.uplink.attemptsAtMs.length).toBeGreaterThanOrEqual(2);
  await harness.stop();
});

it("waits at least half a minute when the broker sent everybody away, but not when the line broke", async () => {
  const sent = new Harness();
  sent.start();
  await sent.pass(1_000);
  sent.uplink.session?.close({ reason: "server shutting down", brokerInitiated: true, reasonCode: 0x8b });
  await sent.pass(29_000);
  expect(sent.uplink.attemptsAtMs.length).toBe(1);
  await sent.stop();
  const broke = new Harness();
  broke.start();
  await broke.pass(1_000);
  broke.uplink.session?.close({ reason: "line broke", brokerInitiated: false });
  await broke.pass(1_100);
  expect(broke.uplink.attemptsAtMs.length).toBe(2);
  await broke.stop();
});

it("does not heat up a takeover war: each short connection lengthens the pause", async () => {
  const harness = new Harness();
  harness.start();
  for (let i = 0; i < 3_600; i++) {
    await harness.pass(1_000);
    harness.uplink.session?.close({ reason: "session taken over", brokerInitiated: true, reasonCode: 0x8e });
  }
  expect(harness.uplink.attemptsAtMs.length).toBeLessThan(60);
  await harness.stop();
});

it("does not hammer a broker that accepts and drops at once", async () => {
  const harness = new Harness();
  harness.start();
  for (let i = 0; i < 36_000; i++) {
    await harness.pass(100);
    harness.uplink.session?.close({ reason: "line broke", brokerInitiated: false });
  }
  expect(harness.uplink.attemptsAtMs.length).toBeLessThan(60);
  await harness.stop();
});

it("starts from the shortest back-off again after a connection of a minute", async () => {
  const harness = new Harness();
  harness.uplink.reachable = false;
  harness.start();
  await harness.pass(3_600_000);
  harness.uplink.restore();
  await harness.pass(400_000);
  const before = harness.uplink.attemptsAtMs.length;
  harness.uplink.session?.close({ reason: "line broke", brokerInitiated: false });
  await harness.pass(1_100);
  expect(harness.uplink.attemptsAtMs.length).toBe(before + 1);
  await harness.stop();
});

it("tries at once when the route changed", async () => {
  const harness = new Harness();
  harness.uplink.reachable = false;
  harness.start();
  await harness.pass(3_600_000);
  harness.uplink.restore();
  harness.link.routeChanged();
  await harness.pass(100);
  expect(harness.link.status().state).toBe("connected");
  await harness.stop();
});

it("seals what is open when the link returns, so that the newest values travel at once", async () => {
  const harness = new Harness();
  harness.uplink.reachable = false;
  harness.start();
  for (let i = 0; i < 100; i++) {
    harness.buffer.put("T", 100);
    await harness.pass(60_000);
  }
  const newest = new Uint8Array(77);
  harness.buffer.hold("T", newest);
  harness.uplink.restore();
  harness.link.routeChanged();
  const backAtMs = harness.clock.monotonicMs();
  await harness.pass(5_000);
  const chunk = harness.buffer.identify(newest);
  const arrival = harness.noc.arrivals.find((entry) => entry.key === `${chunk?.stream}:${chunk?.seq}`);
  expect((arrival?.atMs ?? Number.POSITIVE_INFINITY) - backAtMs).toBeLessThan(1_000);
  expect(arrival?.leaf).toBe("tm");
  await harness.stop();
});

it("seals what is open when it connects, also when there is no backlog", async () => {
  const harness = new Harness();
  const newest = new Uint8Array(77);
  harness.buffer.hold("T", newest);
  harness.start();
  await harness.pass(2_000);
  const chunk = harness.buffer.identify(newest);
  expect(harness.noc.arrivals.map((arrival) => arrival.key)).toEqual([`${chunk?.stream}:${chunk?.seq}`]);
  await harness.stop();
});

it("replaces a connection whose hello is refused, and goes on trying", async () => {
  const harness = new Harness();
  let refused = 0;
  harness.uplink.puback = (leaf) => {
    if (leaf !== "hello" || refused >= 3) return 0;
    refused += 1;
    return 0x87;
  };
  harness.start();
  await harness.pass(30_000);
  expect(harness.link.status().state).toBe("connected");
  expect(harness.uplink.attemptsAtMs.length).toBe(4);
  await harness.stop();
});

it("hands commands to their desk and counts messages nobody can read", async () => {
  const taken: string[] = [];
  const harness = new Harness(1, { onMessage: (message) => void taken.push(message.leaf) });
  harness.start();
  await harness.pass(100);
  harness.uplink.session?.deliver("cmd", "x");
  harness.uplink.session?.deliver("ack", "not an ack");
  harness.uplink.session?.deliver("noc-state", 5);
  await harness.pass(100);
  expect(taken).toEqual(["cmd"]);
  expect(harness.link.status().counters.malformedMessages).toBe(2);
  await harness.stop();
});

it("lets others publish within the window they share with the drain", async () => {
  const harness = new Harness();
  harness.uplink.limits = { receiveMaximum: 2, maxPayloadBytes: 262_000 };
  harness.start();
  await harness.pass(100);
  for (let i = 0; i < 50; i++) harness.buffer.put("E", 10);
  const signal = new AbortController().signal;
  const published = Promise.all(Array.from({ length: 20 }, () => harness.link.publish("rsp", new Uint8Array(10), signal)));
  await harness.pass(10_000);
  await published;
  expect(harness.uplink.maxInFlightSeen).toBe(2);
  expect(harness.buffer.remaining).toBe(0);
  await harness.stop();
});

it("tells others that there is no connection instead of keeping their messages", async () => {
  const harness = new Harness();
  harness.uplink.reachable = false;
  harness.start();
  await harness.pass(100);
  await expect(harness.link.publish("rsp", new Uint8Array(1), new AbortController().signal)).rejects.toThrow(GatewayError);
  await harness.stop();
});

it("reports itself: state, attempts, last error, lanes", async () => {
  const harness = new Harness();
  harness.uplink.refusesWith = 0x87;
  harness.start();
  await harness.pass(5_000);
  const down = harness.link.status();
  expect(down.state).toBe("waiting");
  expect(down.lastError?.reasonCode).toBe(0x87);
  harness.uplink.refusesWith = undefined;
  harness.buffer.put("T", 10);
  await harness.pass(300_000);
  const up = harness.link.status();
  expect(up.state).toBe("connected");
  expect(up.answered).toBe(true);
  expect(up.counters.sentChunks).toBe(1);
  expect(up.chunksPerSecond).toBeGreaterThan(0);
  expect(up.lanes.map((lane) => lane.lane)).toEqual(["urgent", "live", "backlog"]);
  await harness.stop();
});

it("says once that nothing is acknowledged, and once that it is again", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  harness.buffer.put("T", 10);
  await harness.pass(3_600_000);
  harness.uplink.silentNoc = false;
  harness.noc.touchAll();
  harness.buffer.put("T", 10);
  await harness.pass(120_000);
  expect(harness.log.slice(1)).toEqual(["warn connected, but the noc acknowledges nothing", "info the noc acknowledges again"]);
  await harness.stop();
});

it.each([-3_650, 400])("does not care when the wall clock is set by %i days", async (days) => {
  const harness = new Harness();
  harness.start();
  harness.buffer.put("T", 10);
  await harness.pass(10_000);
  harness.clock.stepWall(days * 86_400_000);
  harness.buffer.put("T", 10);
  await harness.pass(600_000);
  expect(harness.uplink.attemptsAtMs.length).toBe(1);
  expect(harness.noc.duplicates).toBe(0);
  expect(harness.buffer.remaining).toBe(0);
  expect(harness.calls).toEqual([]);
  await harness.stop();
});

it("brings a fleet of five hundred back without a crowd when their broker dies and returns at once", async () => {
  const clock = new VirtualClock();
  const fleet = Array.from({ length: 500 }, (_, index) => new Harness(1_000 + index, {}, clock));
  for (const gateway of fleet) gateway.start();
  await clock.advance(120_000);
  const deathMs = clock.monotonicMs();
  for (const gateway of fleet) gateway.uplink.session?.close({ reason: "reset", brokerInitiated: false, byPeer: true });
  await clock.advance(120_000);
  const perSecond = new Map<number, number>();
  for (const gateway of fleet) {
    for (const atMs of gateway.uplink.attemptsAtMs) {
      const second = Math.floor((atMs - deathMs) / 1_000);
      if (second >= 0) perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(gateway.link.status().state).toBe("connected");
  }
  expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(25);
  for (const gateway of fleet) void gateway.stop();
  await clock.advance(10_000);
});

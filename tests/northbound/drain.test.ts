import { expect, it } from "vitest";
import { Harness } from "./harness.ts";

const quiet = { grants: {}, neededDictionaries: [], resync: false, rejected: [] };

it("delivers a chunk and deletes it only when the noc has acknowledged it", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  await harness.pass(100);
  harness.buffer.put("T", 100);
  await harness.pass(2_000);
  expect(harness.noc.stored).toBe(1);
  expect(harness.buffer.remaining).toBe(1);
  harness.uplink.silentNoc = false;
  harness.noc.touchAll();
  harness.buffer.put("T", 100);
  await harness.pass(2_000);
  expect(harness.buffer.remaining).toBe(0);
  await harness.stop();
});

it("sends events first, then live telemetry, then inventory, then backlog", async () => {
  const harness = new Harness();
  const old = harness.buffer.streamOf("T");
  for (let i = 0; i < 30; i++) harness.buffer.put("T", 100);
  harness.buffer.put("I", 100);
  harness.buffer.put("E", 100);
  harness.start();
  await harness.until(() => harness.buffer.remaining === 0, 60_000);
  const leaves = harness.leaves();
  expect(leaves[0]).toBe("ev");
  // The newest chunk of the outage goes live before the rest of its stream.
  expect(leaves[1]).toBe("tm");
  expect(leaves[2]).toBe("inv");
  expect(new Set(leaves.slice(3))).toEqual(new Set(["bf"]));
  expect(harness.noc.arrivals.find((arrival) => arrival.leaf === "tm")?.key).toBe(`${old}:30`);
  await harness.stop();
});

it("opens a new live stream with a key-frame when the backlog is long, and leaves a short one alone", async () => {
  const long = new Harness();
  for (let i = 0; i < 22; i++) long.buffer.put("T", 10);
  long.start();
  await long.pass(1_000);
  expect(long.calls).toContain("restartStream");
  await long.stop();
  const short = new Harness();
  for (let i = 0; i < 20; i++) short.buffer.put("T", 10);
  short.start();
  await short.pass(1_000);
  expect(short.calls).toEqual([]);
  expect(new Set(short.leaves())).toEqual(new Set(["tm"]));
  await short.stop();
});

it("opens a new live stream when the oldest chunk is older than five minutes", async () => {
  const harness = new Harness();
  harness.buffer.put("T", 10);
  await harness.pass(301_000);
  harness.start();
  await harness.pass(1_000);
  expect(harness.calls).toContain("restartStream");
  await harness.stop();
});

it("keeps new live chunks flowing while the backlog drains slowly", async () => {
  const harness = new Harness();
  harness.noc.grants = { backlogWindow: 4, backlogChunksPerSecond: 1 };
  for (let i = 0; i < 200; i++) harness.buffer.put("T", 100);
  harness.start();
  await harness.pass(5_000);
  const fresh = harness.buffer.put("T", 100);
  const sealedAtMs = harness.clock.monotonicMs();
  await harness.pass(3_000);
  const arrival = harness.noc.arrivals.find((entry) => entry.key === `${fresh.stream}:${fresh.seq}`);
  expect(arrival?.leaf).toBe("tm");
  expect((arrival?.atMs ?? Number.POSITIVE_INFINITY) - sealedAtMs).toBeLessThan(1_000);
  expect(harness.buffer.remaining).toBeGreaterThan(100);
  await harness.stop();
});

it("keeps to the backlog rate the noc granted, pauses at zero and goes on when it is lifted", async () => {
  const harness = new Harness();
  harness.noc.grants = { backlogChunksPerSecond: 2 };
  for (let i = 0; i < 400; i++) harness.buffer.put("T", 100);
  harness.start();
  await harness.pass(2_000);
  const before = harness.noc.stored;
  await harness.pass(20_000);
  expect(harness.noc.stored - before).toBeGreaterThanOrEqual(38);
  expect(harness.noc.stored - before).toBeLessThanOrEqual(42);
  harness.uplink.session?.deliver("ack", { ...quiet, streams: [], grants: { backlogChunksPerSecond: 0 } });
  harness.noc.grants = {};
  await harness.pass(1_000);
  const paused = harness.noc.stored;
  await harness.pass(60_000);
  expect(harness.noc.stored).toBe(paused);
  harness.uplink.session?.deliver("ack", { ...quiet, streams: [], grants: { backlogChunksPerSecond: null } });
  await harness.until(() => harness.buffer.remaining === 0, 30_000);
  await harness.stop();
});

it("never has more than the window without PUBACK nor more than 64 live chunks unacknowledged", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  await harness.pass(100);
  for (let i = 0; i < 500; i++) harness.buffer.put("T", 100);
  await harness.pass(10_000);
  expect(harness.uplink.maxInFlightSeen).toBeLessThanOrEqual(16);
  expect(harness.noc.stored).toBe(64);
  await harness.stop();
});

it("has at most 1 MiB unacknowledged by the noc per lane", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  await harness.pass(100);
  for (let i = 0; i < 50; i++) harness.buffer.put("T", 90_000);
  await harness.pass(10_000);
  expect(harness.noc.stored).toBe(Math.floor(1_048_576 / 90_000));
  await harness.stop();
});

it("sends one at a time to a broker with a receive maximum of one, and every lane gets its turn", async () => {
  const harness = new Harness();
  harness.uplink.limits = { receiveMaximum: 1, maxPayloadBytes: 262_000 };
  for (let i = 0; i < 30; i++) harness.buffer.put("T", 10);
  for (let i = 0; i < 60; i++) harness.buffer.put("E", 10);
  harness.start();
  await harness.until(() => harness.buffer.remaining === 0, 60_000);
  expect(harness.uplink.maxInFlightSeen).toBe(1);
  // Backlog got through before the last of sixty events.
  expect(harness.leaves().indexOf("bf")).toBeLessThan(harness.leaves().lastIndexOf("ev"));
  await harness.stop();
});

it("sends nothing but events while the noc is off, and the rest when it is back", async () => {
  const harness = new Harness();
  harness.start();
  await harness.pass(100);
  harness.uplink.session?.deliver("noc-state", { on: false });
  await harness.pass(100);
  for (const streamClass of ["T", "E", "I", "S"] as const) harness.buffer.put(streamClass, 10);
  await harness.pass(60_000);
  expect(harness.leaves()).toEqual(["ev"]);
  harness.uplink.session?.deliver("noc-state", { on: true });
  await harness.pass(5_000);
  expect([...harness.leaves()].sort()).toEqual(["ev", "inv", "sla", "tm"]);
  await harness.stop();
});

it("sends the full dictionary again when the noc needs it, once per half minute", async () => {
  const harness = new Harness();
  harness.start();
  await harness.pass(100);
  for (let i = 0; i < 20; i++) harness.uplink.session?.deliver("ack", { ...quiet, streams: [], neededDictionaries: [17, 18] });
  await harness.pass(5_000);
  expect(harness.calls).toEqual(["fullDictionary"]);
  expect(harness.leaves()).toEqual(["tm"]);
  await harness.stop();
});

it("does not miss what is sealed while a slow disk still answers the last question", async () => {
  const harness = new Harness();
  harness.buffer.put("T", 10);
  harness.start();
  await harness.pass(5_000);
  harness.buffer.readDelay = () => harness.clock.sleep(400, new AbortController().signal);
  harness.buffer.put("T", 10);
  await harness.pass(450);
  // The read behind the first chunk is under way and will say that there is nothing more.
  const late = harness.buffer.put("T", 10);
  await harness.pass(850);
  expect(harness.noc.has(late.stream, late.seq)).toBe(true);
  await harness.stop();
});

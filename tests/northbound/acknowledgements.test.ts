import { expect, it } from "vitest";
import type { StreamId } from "../../runtime/model/chunk.ts";
import { Harness } from "./harness.ts";

const quiet = { grants: {}, neededDictionaries: [], resync: false, rejected: [] };

it("resends only the hole when the noc has what came after it", async () => {
  const harness = new Harness();
  harness.buffer.put("T", 10);
  harness.start();
  await harness.pass(2_000);
  harness.uplink.faults.lostBehindBroker = 1;
  const lost = harness.buffer.put("T", 10);
  await harness.pass(100);
  harness.uplink.faults.lostBehindBroker = 0;
  for (let i = 0; i < 10; i++) harness.buffer.put("T", 10);
  await harness.pass(3_000);
  expect(harness.noc.has(lost.stream, lost.seq)).toBe(false);
  await harness.pass(4_000);
  expect(harness.noc.has(lost.stream, lost.seq)).toBe(true);
  expect(harness.noc.duplicates).toBe(0);
  expect(harness.buffer.remaining).toBe(0);
  await harness.stop();
});

it("starts again from the first unacknowledged chunk when the noc stays silent, ever more patiently", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  harness.buffer.put("T", 10);
  await harness.pass(3_600_000);
  const sendings = harness.noc.arrivals.map((arrival) => arrival.atMs);
  const pauses = sendings.slice(1).map((atMs, index) => atMs - (sendings[index] ?? 0));
  expect(pauses[0]).toBeGreaterThanOrEqual(24_000);
  expect(pauses[0]).toBeLessThanOrEqual(36_500);
  for (const pause of pauses.slice(0, 4)) expect(pause).toBeLessThanOrEqual(720_500);
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(480_000);
  await harness.stop();
});

it("resends after a reconnection what was not acknowledged, skipping the ranges the noc has", async () => {
  const harness = new Harness();
  harness.start();
  await harness.pass(100);
  const stream = harness.buffer.streamOf("T");
  harness.uplink.faults.lostBehindBroker = 1;
  for (let i = 0; i < 3; i++) harness.buffer.put("T", 10);
  await harness.pass(50);
  harness.uplink.faults.lostBehindBroker = 0;
  for (let i = 0; i < 5; i++) harness.buffer.put("T", 10);
  await harness.pass(1_000);
  harness.uplink.cut();
  await harness.pass(500);
  harness.uplink.restore();
  await harness.until(() => harness.buffer.remaining === 0, 60_000);
  expect([1, 2, 3, 4, 5, 6, 7, 8].every((seq) => harness.noc.has(stream, seq))).toBe(true);
  expect(harness.noc.duplicates).toBe(0);
  await harness.stop();
});

it("ignores acknowledgements of streams it does not know and of chunks that do not exist, and counts them", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  await harness.pass(100);
  const { stream } = harness.buffer.put("T", 10);
  await harness.pass(2_000);
  const lies = [
    { stream: "ffffffffffff" as StreamId, upTo: 5, ranges: [] },
    { stream, upTo: 9_007_199_254_740_991, ranges: [] },
    { stream, upTo: 0, ranges: [[5, 900]] },
  ];
  harness.uplink.session?.deliver("ack", { ...quiet, streams: lies });
  await harness.pass(100);
  expect(harness.buffer.acks).toEqual([]);
  const { unknownAcks, impossibleAcks } = harness.link.status().counters;
  expect({ unknownAcks, impossibleAcks }).toEqual({ unknownAcks: 1, impossibleAcks: 2 });
  harness.uplink.silentNoc = false;
  const next = harness.buffer.put("T", 10);
  await harness.pass(2_000);
  expect(harness.noc.has(next.stream, next.seq)).toBe(true);
  await harness.stop();
});

it("merges a flood of acknowledgements into few calls of the buffer", async () => {
  const harness = new Harness();
  harness.start();
  await harness.pass(100);
  for (let i = 0; i < 60; i++) harness.buffer.put("T", 10);
  await harness.pass(3_000);
  const { stream } = harness.buffer.put("T", 10);
  await harness.pass(1_000);
  const before = harness.buffer.acks.length;
  for (let i = 0; i < 10_000; i++) harness.uplink.session?.deliver("ack", { ...quiet, streams: [{ stream, upTo: 61, ranges: [] }] });
  await harness.pass(100);
  expect(harness.link.status().counters.acknowledgements).toBeGreaterThan(10_000);
  expect(harness.buffer.acks.length - before).toBeLessThanOrEqual(10_000);
  await harness.stop();
});

it("has at most 64 chunks of backlog unacknowledged, however many old streams there are", async () => {
  const harness = new Harness();
  for (let stream = 0; stream < 3; stream++) {
    for (let i = 0; i < 40; i++) harness.buffer.put("T", 10);
    await harness.buffer.splitStream("T");
  }
  harness.uplink.faults.commitMs = 1_000;
  harness.start();
  await harness.pass(1_100);
  // Acknowledged once, so that the grant is the full one; then silence.
  harness.uplink.silentNoc = true;
  await harness.pass(15_000);
  const backlog = harness.link.status().lanes.find((lane) => lane.lane === "backlog");
  expect(backlog?.unacknowledged).toBe(64);
  await harness.stop();
});

it("probes a stream that is never acknowledged with four chunks at a time", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  await harness.pass(100);
  for (let i = 0; i < 200; i++) harness.buffer.put("T", 10);
  await harness.pass(300_000);
  const before = harness.noc.arrivals.length;
  await harness.pass(1_200_000);
  const late = harness.noc.arrivals.length - before;
  expect(late).toBeGreaterThan(0);
  expect(late % 4).toBe(0);
  expect(late).toBeLessThanOrEqual(16);
  await harness.stop();
});

it("does not let one stream that is never acknowledged hold up the other old streams", async () => {
  const harness = new Harness();
  for (let i = 0; i < 200; i++) harness.buffer.put("T", 10);
  const stuck = harness.buffer.streamOf("T");
  await harness.buffer.splitStream("T");
  for (let i = 0; i < 200; i++) harness.buffer.put("T", 10);
  const other = harness.buffer.streamOf("T");
  harness.uplink.faults.commitMs = 100;
  const store = harness.noc.store.bind(harness.noc);
  harness.noc.store = (stream, seq, leaf, atMs) => {
    if (stream !== stuck) store(stream, seq, leaf, atMs);
  };
  harness.start();
  await harness.pass(1_800_000);
  expect(harness.noc.has(other, 200)).toBe(true);
  await harness.stop();
});

it("hands on what the NOC has beyond an eviction, and never says for it that it has heard of that", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  await harness.pass(100);
  const { stream } = harness.buffer.put("T", 10);
  for (let seq = 2; seq <= 4; seq++) harness.buffer.put("T", 10);
  await harness.pass(2_000);
  harness.buffer.evict(stream, 2);
  harness.buffer.put("T", 10);
  await harness.pass(60_000);
  harness.uplink.session?.deliver("ack", { ...quiet, streams: [{ stream, upTo: 0, ranges: [[3, 4]] }] });
  await harness.pass(100);
  expect(harness.buffer.acks).toEqual([{ stream, upTo: 0, ranges: [[3, 4]] }]);
  expect(harness.buffer.remaining).toBe(1);
  await harness.stop();
});

it("hands on what the NOC says of a stream of which nothing is left but what was given up", async () => {
  const harness = new Harness();
  harness.uplink.silentNoc = true;
  harness.start();
  await harness.pass(100);
  const { stream } = harness.buffer.put("T", 10);
  await harness.pass(2_000);
  await harness.buffer.splitStream("T");
  harness.buffer.evict(stream, 1);
  harness.buffer.put("T", 10);
  await harness.pass(600_000);
  harness.uplink.session?.deliver("ack", { ...quiet, streams: [{ stream, upTo: 1, ranges: [] }] });
  await harness.pass(100);
  expect(harness.buffer.acks).toEqual([{ stream, upTo: 1, ranges: [] }]);
  await harness.stop();
});

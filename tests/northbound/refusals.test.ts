import { expect, it } from "vitest";
import { Harness } from "./harness.ts";

it("gives a chunk up after the noc refused it three times, and the others pass meanwhile", async () => {
  const harness = new Harness();
  harness.start();
  await harness.pass(100);
  const stream = harness.buffer.streamOf("T");
  harness.noc.refuses = (key) => key === `${stream}:2`;
  for (let i = 0; i < 6; i++) harness.buffer.put("T", 10);
  await harness.pass(2_000);
  expect(harness.noc.has(stream, 6)).toBe(true);
  await harness.pass(60_000);
  expect(harness.buffer.rejected).toEqual([`${stream}:2 noc: malformed`]);
  expect(harness.uplink.published.filter((entry) => entry.leaf === "tm").length).toBe(6 + 2);
  await harness.stop();
});

it("gives a chunk up after the broker refused its format three times", async () => {
  const harness = new Harness();
  harness.uplink.puback = (_leaf, payload) => (payload.length === 13 ? 0x99 : 0);
  harness.start();
  harness.buffer.put("T", 12);
  const bad = harness.buffer.put("T", 13);
  const good = harness.buffer.put("T", 14);
  await harness.pass(60_000);
  expect(harness.buffer.rejected.map((entry) => entry.split(" ")[0])).toEqual([`${bad.stream}:${bad.seq}`]);
  expect(harness.noc.has(good.stream, good.seq)).toBe(true);
  await harness.stop();
});

it("stops a lane that is not authorized without stopping the others, and tries again later", async () => {
  const harness = new Harness();
  let allowed = false;
  harness.uplink.puback = (leaf) => (leaf === "tm" && !allowed ? 0x87 : 0);
  harness.start();
  for (let i = 0; i < 5; i++) harness.buffer.put("T", 10);
  await harness.pass(1_000);
  harness.buffer.put("E", 10);
  await harness.pass(60_000);
  expect(harness.leaves().filter((leaf) => leaf === "ev").length).toBe(1);
  expect(harness.link.status().lanes.find((lane) => lane.lane === "live")?.paused).toBe("not authorized");
  expect(harness.leaves().filter((leaf) => leaf === "tm").length).toBeLessThanOrEqual(5);
  allowed = true;
  await harness.pass(310_000);
  expect(harness.buffer.remaining).toBe(0);
  expect(harness.buffer.rejected).toEqual([]);
  await harness.stop();
});

it("pauses thirty seconds when the quota is exceeded and loses nothing", async () => {
  const harness = new Harness();
  let exceeded = true;
  harness.uplink.puback = () => (exceeded ? 0x97 : 0);
  // The hello must pass.
  exceeded = false;
  harness.start();
  await harness.pass(100);
  exceeded = true;
  harness.buffer.put("T", 10);
  await harness.pass(1_000);
  exceeded = false;
  await harness.pass(27_000);
  expect(harness.noc.stored).toBe(0);
  await harness.pass(5_000);
  expect(harness.noc.stored).toBe(1);
  await harness.stop();
});

it("holds back chunks that a broker with a tiny maximum packet size cannot take, and never throws them away", async () => {
  const harness = new Harness();
  harness.uplink.limits = { receiveMaximum: 16, maxPayloadBytes: 900 };
  harness.start();
  harness.buffer.put("T", 2_000);
  const small = harness.buffer.put("T", 200);
  await harness.pass(3_600_000);
  expect(harness.noc.has(small.stream, small.seq)).toBe(true);
  expect(harness.buffer.rejected).toEqual([]);
  expect(harness.link.status().lanes.reduce((sum, lane) => sum + lane.heldBack, 0)).toBe(1);
  harness.uplink.limits = { receiveMaximum: 16, maxPayloadBytes: 262_000 };
  harness.uplink.session?.close({ reason: "test", brokerInitiated: false });
  await harness.until(() => harness.buffer.remaining === 0, 60_000);
  await harness.stop();
});

it("finds the chunk on which the broker disconnects, gives it up after three times and delivers the rest", async () => {
  const harness = new Harness();
  harness.start();
  await harness.pass(100);
  harness.uplink.puback = (_leaf, payload) => {
    if (payload.length !== 13) return 0;
    harness.uplink.session?.close({ reason: "packet too large", brokerInitiated: true, reasonCode: 0x95 });
    return undefined;
  };
  for (let i = 0; i < 10; i++) harness.buffer.put("T", i === 5 ? 13 : 12);
  await harness.pass(3_600_000);
  expect(harness.buffer.rejected.length).toBe(1);
  expect(harness.buffer.rejected[0]).toContain("disconnects");
  expect(harness.noc.stored).toBe(9);
  await harness.stop();
});

it("sends again by and by what the broker refused without a reason that says more", async () => {
  const harness = new Harness();
  let refused = 0;
  harness.uplink.puback = (leaf) => {
    if (leaf !== "tm" || refused >= 10) return 0;
    refused += 1;
    return 0x80;
  };
  harness.start();
  await harness.pass(100);
  for (let i = 0; i < 5; i++) harness.buffer.put("T", 10);
  await harness.until(() => harness.buffer.remaining === 0, 180_000);
  expect(harness.buffer.rejected).toEqual([]);
  expect(harness.uplink.attemptsAtMs.length).toBe(1);
  await harness.stop();
});

it("wastes little on a broker behind which nobody listens, and is back soon after the noc is", async () => {
  const harness = new Harness();
  harness.uplink.nocListens = false;
  harness.start();
  for (let i = 0; i < 500; i++) harness.buffer.put("T", 1_000);
  await harness.pass(7_200_000);
  const chunks = harness.leaves().length;
  expect(chunks).toBeGreaterThan(100);
  // Two hours: a handful every half minute, not a window of 64.
  expect(chunks).toBeLessThan(2_500);
  expect(harness.link.status().lanes.some((lane) => lane.paused === "nobody listens")).toBe(true);
  harness.uplink.nocListens = true;
  await harness.until(() => harness.buffer.remaining === 0, 120_000);
  expect(harness.noc.duplicates).toBe(0);
  await harness.stop();
});

it("does not wait for its next try when the noc announces itself", async () => {
  const harness = new Harness();
  harness.uplink.nocListens = false;
  harness.start();
  for (let i = 0; i < 20; i++) harness.buffer.put("T", 1_000);
  await harness.pass(3_600_000);
  harness.uplink.nocListens = true;
  harness.uplink.session?.deliver("noc-state", { on: true });
  await harness.until(() => harness.noc.stored > 0, 200);
  await harness.stop();
});

it("believes the noc rather than a broker that says nobody listens", async () => {
  const harness = new Harness();
  harness.uplink.saysUnmatched = true;
  harness.start();
  await harness.pass(1_000);
  for (let i = 0; i < 5; i++) harness.buffer.put("T", 1_000);
  await harness.pass(10_000);
  expect(harness.buffer.remaining).toBe(0);
  for (let i = 0; i < 300; i++) harness.buffer.put("T", 1_000);
  await harness.pass(3_000);
  expect(harness.buffer.remaining).toBe(0);
  await harness.stop();
});

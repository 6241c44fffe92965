import { expect, it } from "vitest";
import type { Chunk, StreamClass } from "../../runtime/model/chunk.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { Harness } from "./harness.ts";

const seeds = Number(process.env.GATEHOUSE_NORTHBOUND_SEEDS ?? "30");
const firstSeed = Number(process.env.GATEHOUSE_NORTHBOUND_FIRST_SEED ?? "1");

/** Six virtual hours of a bad line, a bad broker and a bad NOC, then half a day of peace. */
async function live(seed: number): Promise<Harness> {
  const harness = new Harness(seed);
  const entropy = seededEntropy(seed * 7_919);
  const lost: string[] = [];
  harness.buffer.onDelete = (chunk: Chunk) => {
    if (!harness.noc.has(chunk.stream, chunk.seq)) lost.push(`${chunk.stream}:${chunk.seq}`);
  };
  harness.uplink.limits = { receiveMaximum: 1 + Math.floor(entropy.random() * 20), maxPayloadBytes: 262_000 };
  harness.uplink.faults = {
    lostBehindBroker: entropy.random() * 0.1,
    lostAck: entropy.random() * 0.3,
    lineBreaks: entropy.random() * 0.02,
    duplicated: entropy.random() * 0.1,
    latencyMs: entropy.random() * 1_000,
    jitterMs: entropy.random() * 1_000,
    commitMs: entropy.random() * 5_000,
    bytesPerS: entropy.random() < 0.3 ? 4_000 + entropy.random() * 60_000 : 0,
  };
  const diskDelayMs = entropy.random() < 0.3 ? 200 : 0;
  if (diskDelayMs > 0) harness.buffer.readDelay = () => harness.clock.sleep(diskDelayMs, new AbortController().signal);
  harness.start();
  for (let minute = 0; minute < 360; minute++) {
    const dice = entropy.random();
    if (dice < 0.02) harness.uplink.cut();
    else if (dice < 0.1) harness.uplink.restore();
    else if (dice < 0.12) harness.uplink.puback = (leaf) => (leaf === "hello" || entropy.random() < 0.7 ? 0 : 0x97);
    else if (dice < 0.13) harness.uplink.puback = () => undefined;
    else if (dice < 0.3) harness.uplink.puback = () => 0;
    else if (dice < 0.32) harness.uplink.session?.close({ reason: "server busy", brokerInitiated: true, reasonCode: 0x89 });
    else if (dice < 0.34) harness.uplink.session?.deliver("noc-state", { on: entropy.random() < 0.5 });
    else if (dice < 0.36) harness.uplink.silentNoc = !harness.uplink.silentNoc;
    for (const streamClass of ["T", "T", "E", "I"] satisfies StreamClass[]) {
      if (entropy.random() < 0.6) harness.buffer.put(streamClass, 10 + Math.floor(entropy.random() * 60_000));
    }
    await harness.pass(60_000 * entropy.random() * 2);
    expect(lost, `deleted before the noc had it, seed ${seed}`).toEqual([]);
  }
  harness.uplink.restore();
  harness.uplink.silentNoc = false;
  harness.uplink.puback = () => 0;
  harness.uplink.faults = { ...harness.uplink.faults, lostBehindBroker: 0, lostAck: 0, lineBreaks: 0 };
  harness.uplink.session?.deliver("noc-state", { on: true });
  for (let hour = 0; hour < 24 && harness.buffer.remaining > 0; hour++) {
    harness.uplink.session?.deliver("noc-state", { on: true });
    harness.noc.touchAll();
    await harness.pass(1_800_000);
  }
  return harness;
}

it.each(Array.from({ length: seeds }, (_, index) => firstSeed + index))("loses nothing whatever happens, seed %i", async (seed) => {
  const harness = await live(seed);
  const missing = harness.buffer.sealedKeys.filter((key) => {
    const [stream = "", seq = ""] = key.split(":");
    return !harness.noc.has(stream as Chunk["stream"], Number(seq));
  });
  expect(missing).toEqual([]);
  expect(harness.buffer.rejected).toEqual([]);
  expect(harness.buffer.remaining).toBe(0);
  expect(harness.uplink.maxInFlightSeen).toBeLessThanOrEqual(harness.uplink.limits.receiveMaximum);
  await harness.stop();
});

it("does the same again for the same seed", async () => {
  const runs = [await live(firstSeed), await live(firstSeed)];
  const [first, second] = runs.map((run) => run.noc.arrivals);
  expect(first).toEqual(second);
  for (const run of runs) await run.stop();
});

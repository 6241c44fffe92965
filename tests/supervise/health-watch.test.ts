import { expect, it } from "vitest";
import { createLoopbackDriver } from "../../drivers/loopback/loopback-driver.ts";
import { HealthWatch } from "../../runtime/health.ts";
import type { EquipmentId } from "../../runtime/model/equipment.ts";
import { GatewayError } from "../../runtime/model/errors.ts";
import type { BufferStats } from "../../runtime/ports/buffer.ts";
import { Poller } from "../../runtime/southbound/poller.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

const intervalMs = 1_000;
const none = { polled: 0, delivered: 0, buffered: 0, dropped: 0, drops: [], sinceMs: 0, restarts: 0 };
const sizes = { openBytes: 0, journalBytes: 0, databaseBytes: 0, budgetBytes: 1, writtenBytes: 0, commitMsMax: 0, commitMsP99: 0 };
const idle: BufferStats = { streams: [], ledger: none, ...sizes, openFrames: 0, commits: 1, state: "ok", deadLetters: 0 };

/** A real poller that runs, or stands still from `end` on, and a store of which only its word is known. */
function site() {
  const clock = new VirtualClock();
  const credential = () => {
    throw new GatewayError("config.secret");
  };
  const entropy = { random: () => 0.5, bytes: (count: number) => new Uint8Array(count) };
  const poller = new Poller({
    equipment: [{ id: "loop-1" as EquipmentId, address: "127.0.0.1", port: 161, driver: "loopback", pollIntervalMs: intervalMs }],
    drivers: new Map([["loopback", createLoopbackDriver()]]),
    context: { clock, entropy, logger: silentLogger, credential },
    clock,
    intake: { accept: async () => undefined, tap: () => () => undefined },
    logger: silentLogger,
    maxConcurrentPolls: 4,
  });
  const store: { stats: () => Promise<BufferStats> } = { stats: async () => idle };
  // A poller that has ended lets go of its equipment; one that stands still would not.
  const held = { equipment: poller.equipment };
  const watch = new HealthWatch({ clock, poller: held, buffer: { stats: () => store.stats() } });
  const stop = new AbortController();
  const running = poller.run(stop.signal);
  /** Looks every 5 s, as the beat does. @returns the last look */
  const after = async (seconds: number) => {
    for (let at = 0; at < seconds; at += 5) {
      await watch.look();
      await clock.advance(5_000);
    }
    return watch.look();
  };
  const end = async () => {
    held.equipment = new Map(poller.equipment);
    stop.abort(new Error("the test is over"));
    await clock.advance(10_000);
    await running.catch(() => undefined);
  };
  return { clock, store, watch, after, end };
}

it("is healthy while polls finish and nothing waits for its commit", async () => {
  const { after, end } = site();
  expect(await after(120)).toMatchObject({ healthy: true, problems: [] });
  await end();
});

it("is not healthy when no poll finishes, after three intervals and 30 s", async () => {
  const { after, end } = site();
  await after(20);
  await end();
  expect(await after(20)).toMatchObject({ healthy: true });
  expect(await after(20)).toMatchObject({ healthy: false, problems: [expect.stringContaining("no poll finished for")] });
});

it("is not healthy when what was admitted is not committed, and again once it is", async () => {
  const { store, after, end } = site();
  await after(5);
  store.stats = async () => ({ ...idle, openFrames: 3 });
  expect(await after(100)).toMatchObject({ healthy: false, problems: [expect.stringContaining("nothing was committed for")] });
  store.stats = async () => ({ ...idle, openFrames: 3, commits: 2 });
  expect(await after(5)).toMatchObject({ healthy: true });
  await end();
});

it.each([
  ["disk-full", "the disk is full"],
  ["io", "the disk fails"],
  ["read-only", "the disk is read-only"],
] as const)("bears a disk that refuses commits (%s) for five minutes, not for longer", async (state, why) => {
  const { store, after, end } = site();
  store.stats = async () => ({ ...idle, openFrames: 3, state });
  expect(await after(280)).toMatchObject({ healthy: true });
  expect(await after(40)).toMatchObject({
    healthy: false,
    problems: [expect.stringMatching(`^nothing was committed for 3\\d\\d s: ${why}$`)],
  });
  store.stats = async () => ({ ...idle, openFrames: 3, commits: 2 });
  expect(await after(5)).toMatchObject({ healthy: true });
  await end();
});

it("is not restarted again and again for a disk that has refused everything since the start", async () => {
  const { store, after, end } = site();
  store.stats = async () => ({ ...idle, openFrames: 3, state: "read-only", commits: 0 });
  expect(await after(1_700)).toMatchObject({ healthy: true });
  expect(await after(200)).toMatchObject({ healthy: false, problems: [expect.stringContaining("the disk is read-only")] });
  await end();
});

it("is healthy on a full disk while the journal takes what is measured", async () => {
  const { store, after, end } = site();
  let commits = 1;
  store.stats = async () => ({ ...idle, openFrames: 3, commits: commits++ });
  expect(await after(600)).toMatchObject({ healthy: true });
  await end();
});

it("is not healthy when the store's thread does not answer", async () => {
  const { clock, store, watch, end } = site();
  store.stats = () => new Promise(() => undefined);
  const look = watch.look();
  await clock.advance(20_000);
  expect(await look).toMatchObject({ healthy: false, problems: ["the store does not answer"] });
  await end();
});

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decide, type GatewayProgress, type RolloutPlan } from "../../cloud-bridge/noc/releases/rollout.ts";
import { applyDelta, makeDelta } from "../../cloud-bridge/protocol/release/delta.ts";
import { createReleaseSource } from "../../cloud-bridge/uplink/release-source.ts";
import { slotDisk } from "../../runtime/host/slot-disk.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import type { SlotDisk } from "../../runtime/ports/slot-disk.ts";
import { unpack } from "../../runtime/update/transfer.ts";
import { compareVersions } from "../../runtime/update/version-order.ts";
import { isWithin } from "../../runtime/update/window.ts";
import { badVersions } from "./packaged-versions.ts";
import { sha256 } from "./release-kit.ts";

describe("a delta", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-delta-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function applied(old: Uint8Array, delta: Uint8Array, maxBytes: number): Promise<Buffer> {
    writeFileSync(join(folder, "old"), old);
    writeFileSync(join(folder, "delta"), delta);
    const pieces: Buffer[] = [];
    for await (const piece of applyDelta(join(folder, "delta"), join(folder, "old"), maxBytes)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  }

  /** Bytes that do not compress, the same for the same seed. */
  const noise = (seed: number, length: number) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => createHash("sha256").update(`${seed}/${i}`).digest());
    return Buffer.concat(blocks).subarray(0, length);
  };

  it("makes the new program out of the old one, whatever was inserted, removed and moved", async () => {
    const part = fc.record({ seed: fc.integer({ min: 0, max: 5 }), length: fc.integer({ min: 0, max: 3_000 }) });
    const program = fc.array(part, { maxLength: 8 }).map((parts) => Buffer.concat(parts.map(({ seed, length }) => noise(seed, length))));
    await fc.assert(
      fc.asyncProperty(program, program, async (old, next) => {
        expect(await applied(old, makeDelta(old, next), next.length)).toEqual(next);
      }),
      { numRuns: 60 },
    );
  });

  it("is small when little changed in something large", () => {
    const old = noise(1, 1_000_000);
    const next = Buffer.concat([old.subarray(0, 400_000), noise(2, 50), old.subarray(400_100)]);
    expect(makeDelta(old, next).length).toBeLessThan(300);
  });

  it("is small when something small changed every few words", () => {
    const old = noise(1, 48_000);
    const next = Buffer.from(old);
    for (let at = 20; at < next.length; at += 48) next.write("new", at);
    expect(makeDelta(old, next).length).toBeLessThan(next.length / 8);
  });

  it("is applied without a fresh piece of memory for each piece of the program", async () => {
    const old = noise(1, 1_000_000);
    const next = Buffer.concat([old.subarray(0, 400_000), noise(2, 50), old.subarray(400_100)]);
    const [base, packed, path] = ["base", "packed", "made"].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(base, old);
    writeFileSync(packed, makeDelta(old, next));
    const memories = new Set<ArrayBufferLike | undefined>();
    const disk: SlotDisk = {
      ...slotDisk,
      read: (from, at, length, into) => {
        memories.add(into?.buffer);
        return slotDisk.read(from, at, length, into);
      },
    };
    const clock = new SystemClock(() => true);
    const source = createReleaseSource({ url: "http://127.0.0.1:9", root: new Uint8Array(), state: undefined as never, clock });
    const file = { path: "delta", length: 0, sha256: "", format: "delta" as const };
    const release = { version: "2.0.0", hardware: "linux-x64", sha256: sha256(next), length: next.length, files: [file] };
    await unpack({ clock, disk, source }, { file, packed, base }, release, path);
    expect(readFileSync(path)).toEqual(next);
    expect(memories.size).toBe(1);
    expect(memories.has(undefined)).toBe(false);
  });

  it("never makes more than it is said to, and ends in an error when it was damaged", async () => {
    const old = noise(1, 10_000);
    const delta = makeDelta(old, Buffer.concat([old, noise(2, 500)]));
    await expect(applied(old, delta, 10_000)).rejects.toMatchObject({ code: "update.untrusted" });
    await expect(applied(old, delta.subarray(0, -20), 20_000)).rejects.toMatchObject({ code: "update.untrusted" });
    await expect(applied(old, Buffer.from("no delta at all"), 20_000)).rejects.toMatchObject({ code: "update.untrusted" });
  });
});

describe("a rollout", () => {
  const gateways = Array.from({ length: 10 }, (_, i) => `gw-${i}`);
  const plan: RolloutPlan = { version: "2.0.0", gateways, waves: [0.1, 0.5, 1], soakMs: 1_000 };
  const of = (change: (index: number) => Partial<GatewayProgress>) =>
    gateways.map((gateway, index) => ({ gateway, version: "1.0.0", isConnected: true, ...change(index) }));
  const done = { version: "2.0.0", phase: "confirmed", confirmedAtMs: 0 };

  it("begins with the first wave, and with the next only after the one before has been confirmed for a while", () => {
    expect(
      decide(
        plan,
        of(() => ({})),
        0,
      ).wanted,
    ).toEqual(["gw-0"]);
    expect(
      decide(
        plan,
        of((index) => (index === 0 ? done : {})),
        500,
      ).wanted,
    ).toEqual(["gw-0"]);
    expect(
      decide(
        plan,
        of((index) => (index === 0 ? done : {})),
        1_000,
      ).wanted,
    ).toHaveLength(5);
  });

  it("halts at a failure and wants no further gateway", () => {
    const decision = decide(
      plan,
      of((index) => (index === 0 ? done : index === 2 ? { phase: "rolled-back" } : {})),
      5_000,
    );
    expect(decision).toMatchObject({ state: "halted", wave: 1, failed: ["gw-2"] });
    expect(decision.wanted).toHaveLength(5);
  });

  it("goes on without sites that are off, and is not done before they have it", () => {
    const but = (index: number) => (index === 3 ? { isConnected: false } : done);
    expect(decide(plan, of(but), 5_000)).toMatchObject({ state: "running", wave: 2, absent: ["gw-3"] });
    expect(decide(plan, of(but), 5_000).wanted).toHaveLength(10);
    expect(
      decide(
        plan,
        of(() => done),
        5_000,
      ).state,
    ).toBe("done");
  });
});

describe("an update's order and time", () => {
  it.each([
    ["1.2.3", "1.10.0"],
    ["1.0.0-rc.1", "1.0.0"],
    ["1.0.0-rc.2", "1.0.0-rc.10"],
    ["0.9.9", "1.0.0"],
  ])("%s is older than %s", (older, newer) => {
    expect(compareVersions(older, newer)).toBeLessThan(0);
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
    expect(compareVersions(newer, newer)).toBe(0);
  });

  it("keeps to its windows, also past midnight", () => {
    const night = [{ fromMinute: 22 * 60, toMinute: 4 * 60 }];
    expect([23, 3, 4, 12].map((hour) => isWithin(night, hour * 3_600_000))).toEqual([true, true, false, false]);
    expect(isWithin([], 0)).toBe(true);
  });
});

it.each(Object.entries(badVersions))("the fault planted in a version that %s still fits the source", (_, patches) => {
  for (const { file, from } of patches) expect(readFileSync(join(import.meta.dirname, "../..", file), "utf8")).toContain(from);
});

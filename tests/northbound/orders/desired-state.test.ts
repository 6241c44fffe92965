import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { formatBlobPiece } from "../../../cloud-bridge/protocol/messages/blob.ts";
import { inline, next, settled } from "./box.ts";
import { inEffect } from "./cut-world.ts";
import type { Stand } from "./stand.ts";

describe("a generation", () => {
  it("comes into effect whole and is confirmed", async () => {
    const box = await settled();
    expect(box.stand.desired.report()).toMatchObject({ gen: 1, phase: "ok" });
    await box.wants(2, next);
    await box.stand.pass(10_000);
    expect(box.stand.desired.report()).toMatchObject({
      gen: 2,
      phase: "ok",
      docs: [{ st: "applied" }, { st: "applied" }, { st: "applied" }],
    });
    expect(Object.keys(inEffect(box.state))).toHaveLength(3);
    await box.stand.stop();
  });

  it("changes nothing when one document of it is wrong, and says where", async () => {
    const box = await settled();
    const before = inEffect(box.state);
    await box.wants(2, [inline("config", "config", { a: 9 }), inline("services", "services", { bad: true })]);
    await box.stand.pass(10_000);
    expect(inEffect(box.state)).toEqual(before);
    expect(box.stand.desired.report()).toMatchObject({
      gen: 2,
      phase: "failed",
      prev_gen: 1,
      docs: [{ id: "services", err: { path: "/bad" } }],
    });
    await box.stand.stop();
  });

  it("goes back by itself when the noc is not reached within the window, and says so", async () => {
    const box = await settled();
    const before = inEffect(box.state);
    await box.restart({
      reachNoc: (signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    await box.wants(2, next);
    await box.stand.pass(60_000);
    expect(box.stand.desired.report().phase).toBe("probation");
    await box.stand.pass(70_000);
    expect(inEffect(box.state)).toEqual(before);
    expect(box.stand.desired.report()).toMatchObject({
      gen: 2,
      phase: "rolled_back",
      reason: expect.stringContaining("not reached within 120 s"),
    });
    await box.stand.stop();
  });

  it("goes back when the self-test fails", async () => {
    const box = await settled();
    await box.restart({ selfTest: async () => ["sw-1 does not answer any more"] });
    await box.wants(2, next);
    await box.stand.pass(10_000);
    expect(box.stand.desired.report()).toMatchObject({ phase: "rolled_back", reason: expect.stringContaining("sw-1 does not answer") });
    expect(inEffect(box.state)).toMatchObject({ "effect/config/config": '{"a":1}' });
    await box.stand.stop();
  });

  it("is taken back when the gateway does not get it confirmed in several starts", async () => {
    const box = await settled();
    await box.restart({
      reachNoc: (signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    await box.wants(2, next);
    await box.stand.pass(1_000);
    for (let start = 0; start < 4; start++) {
      await box.restart();
      await box.stand.pass(1_000);
    }
    expect(box.stand.desired.report()).toMatchObject({ phase: "rolled_back", reason: expect.stringContaining("started 4 times") });
    await box.stand.stop();
  });

  it("keeps the rest when one document without `must` fails, and takes all back with it", async () => {
    const box = await settled();
    await box.wants(2, [inline("config", "config", { a: 2 }), inline("services", "services", { refuses: true })]);
    await box.stand.pass(10_000);
    expect(box.stand.desired.report()).toMatchObject({ gen: 2, phase: "ok", docs: [{ st: "applied" }, { st: "failed" }] });
    await box.wants(3, [inline("config", "config", { a: 3 }), inline("services", "services", { refuses: true, x: 1 }, { must: true })]);
    await box.stand.pass(10_000);
    expect(box.stand.desired.report()).toMatchObject({ gen: 3, phase: "rolled_back" });
    expect(inEffect(box.state)).toMatchObject({ "effect/config/config": '{"a":2}' });
    await box.stand.stop();
  });

  it("is taken back when the room for one kind has a bug, and nothing crashes", async () => {
    const box = await settled();
    await box.wants(2, [inline("config", "config", { a: 2, bug: true }), inline("services", "services", { s: ["one"] })]);
    await box.stand.pass(10_000);
    expect(box.stand.failure).toBeUndefined();
    expect(box.stand.desired.report()).toMatchObject({
      gen: 2,
      phase: "rolled_back",
      reason: expect.stringContaining("a bug of the gateway"),
    });
    expect(inEffect(box.state)).toMatchObject({ "effect/config/config": '{"a":1}' });
    await box.stand.stop();
  });

  it("reports unknown kinds as unsupported and goes on", async () => {
    const box = await settled();
    await box.wants(2, [inline("config", "config", { a: 2 }), inline("weather", "weather", { sun: true })]);
    await box.stand.pass(10_000);
    expect(box.stand.desired.report()).toMatchObject({ phase: "ok", docs: [{ st: "applied" }, { id: "weather", st: "unsupported" }] });
    await box.stand.stop();
  });

  it("waits at the local lock, and goes on when it is taken off", async () => {
    const box = await settled();
    box.stand.lock.lock("maria", "cabinet open");
    await box.wants(2, next);
    await box.stand.pass(60_000);
    expect(box.stand.desired.report()).toMatchObject({ phase: "staged", reason: expect.stringContaining("local lock") });
    box.stand.lock.unlock();
    await box.stand.pass(10_000);
    expect(box.stand.desired.report()).toMatchObject({ gen: 2, phase: "ok" });
    await box.stand.stop();
  });

  it("gives way to a newer one before it is applied, and lets it wait after", async () => {
    const box = await settled();
    box.stand.lock.lock("maria", "");
    await box.wants(2, next);
    await box.stand.pass(1_000);
    await box.wants(3, [inline("config", "config", { a: 3 })]);
    box.stand.lock.unlock();
    await box.stand.pass(10_000);
    expect(box.stand.desired.report()).toMatchObject({ gen: 3, phase: "ok" });
    expect(inEffect(box.state)).toEqual({ "effect/config/config": '{"a":3}' });
    await box.stand.stop();
  });

  it("needs a version of the gateway that it names", async () => {
    const box = await settled();
    await box.wants(2, next, { min_agent: "1.10.0" });
    await box.stand.pass(10_000);
    expect(box.stand.desired.report()).toMatchObject({ phase: "failed", reason: expect.stringContaining("1.10.0") });
    await box.stand.stop();
  });

  it("is not tried again when the retained manifest is delivered again", async () => {
    const box = await settled();
    await box.wants(2, [inline("config", "config", { bad: true })]);
    await box.stand.pass(1_000);
    const puts = box.state.puts;
    await box.wants(2, [inline("config", "config", { bad: true })]);
    await box.stand.pass(10_000);
    expect(box.state.puts).toBe(puts);
    await box.stand.stop();
  });
});

describe("a document that travels beside its manifest", () => {
  const content = { list: Array.from({ length: 20_000 }, (_, index) => createHash("sha1").update(String(index)).digest("hex")) };
  const text = JSON.stringify(content);
  const packed = gzipSync(text);
  const entry = {
    ...{ k: "config", id: "config", rev: 1, sha256: createHash("sha256").update(text).digest("hex") },
    ...{ size: text.length, enc: "json.gz", src: ["mqtt"] },
  };

  async function serve(stand: Stand, pieces: number): Promise<void> {
    for (let served = 0; served < pieces; ) {
      const asked = stand.requests.splice(0, 1)[0];
      if (asked === undefined) {
        await stand.pass(10);
        if (stand.requests.length === 0) return;
        continue;
      }
      const bytes = packed.subarray(asked.off, asked.off + asked.len);
      await stand.deliver("blob", formatBlobPiece({ requestId: asked.rid, offset: asked.off, totalBytes: packed.length, bytes }));
      served += 1;
    }
    await stand.pass(10);
  }

  it("is fetched in pieces, resumed after a cut, and believed by its digest only", async () => {
    const box = await settled();
    await box.wants(2, [entry]);
    await box.stand.pass(100);
    await serve(box.stand, 10);
    await box.restart();
    await box.stand.pass(100);
    const [first] = box.stand.requests;
    expect(first?.off).toBeGreaterThan(262_000);
    await serve(box.stand, 1_000);
    await box.stand.pass(5_000);
    expect(box.stand.desired.report()).toMatchObject({ gen: 2, phase: "ok" });
    await box.stand.stop();
  });

  it("is refused when what came is something else", async () => {
    const box = await settled();
    await box.wants(2, [{ ...entry, sha256: "ab".repeat(32) }]);
    await box.stand.pass(100);
    await serve(box.stand, 1_000);
    await box.stand.pass(5_000);
    expect(box.stand.desired.report()).toMatchObject({ gen: 2, phase: "failed", docs: [{ err: { code: "E_DIGEST" } }] });
    await box.stand.stop();
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { viewChecks, viewLatency } from "../../../cloud-bridge/noc/registry/checks.ts";
import { assertValid } from "../../../cloud-bridge/protocol/schema.ts";
import { LatencyHistogram } from "../../../runtime/model/latency-histogram.ts";
import type { CheckLatency, CheckResult } from "../../../runtime/model/observation.ts";
import { type ClockQuality, monotonicMs, wallMs } from "../../../runtime/model/time.ts";
import { IngestKit } from "./ingest-kit.ts";
import { SmallGateway } from "./small-gateway.ts";

const start = 1_799_999_100_000;
const at = (ms: number, quality: ClockQuality = "synced") => ({
  wallMs: wallMs(ms),
  monotonicMs: monotonicMs(ms - start),
  bootId: "00000001",
  quality,
});

function result(ms: number, ok: boolean): CheckResult {
  const failure = { stage: "connect", code: "refused", text: "refused" } as const;
  const rest = { type: "http", target: "http://x/", vantage: "eth0/192.0.2.9", evidence: { method: "GET" } } as const;
  return { kind: "check", check: "web", observedAt: at(ms), ok, ...rest, ...(ok ? {} : { failure }) };
}

function latency(endMs: number, values: readonly number[], quality: ClockQuality = "synced"): CheckLatency {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  const counts = { runs: values.length, failures: 1, latency: histogram.counts() };
  return { kind: "check-latency", check: "web", observedAt: at(endMs, quality), lengthMs: 300_000, ...counts };
}

describe("checks at the NOC", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;
  const view = async (nowMs: number) => viewChecks(kit.store.read, (await kit.gateway()).ref, nowMs);
  const range = async (fromMs: number, toMs: number, maxPoints = 100) =>
    viewLatency(kit.store.read, { gatewayRef: (await kit.gateway()).ref, check: "web", fromMs, toMs, maxPoints });

  beforeEach(() => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
  });
  afterEach(() => kit.close());

  it("come as the contract says", () => {
    const body = JSON.parse(Buffer.from(gateway.tell(result(start, false)).bytes).toString()) as { e: unknown[] };
    const counts = JSON.parse(Buffer.from(gateway.tell(latency(start, [1, 2])).bytes).toString()) as { e: unknown[] };
    expect(() => assertValid("chk", { ...body, e: [...body.e, ...counts.e] })).not.toThrow();
  });

  it("shows the newest result, and since when it is so, in whatever order they come", async () => {
    const chunks = [result(start, true), result(start + 60_000, false), result(start + 120_000, false)].map(
      (one) => gateway.tell(one).bytes,
    );
    await kit.receive("chk", ...chunks.slice(0, 1), ...chunks.slice(1).reverse());
    const [web] = await view(start + 200_000);
    expect(web).toMatchObject({
      check: "web",
      ok: false,
      atMs: start + 120_000,
      vantage: "eth0/192.0.2.9",
      failure: { stage: "connect", code: "refused" },
      evidence: { method: "GET" },
    });
    const events = await kit.store.read.events((await kit.gateway()).ref, { limit: 10 });
    expect(events.map((event) => event.kind).toSorted()).toEqual(["check.failed", "check.failed", "check.ok"]);
  });

  it("merges counts over any range: quantiles are those of all measurements", async () => {
    const values = Array.from({ length: 12 }, (_, window) => Array.from({ length: 50 }, (_value, index) => 1 + window * 50 + index));
    for (const [window, some] of values.entries()) {
      await kit.receive("chk", gateway.tell(result(start, true)).bytes, gateway.tell(latency(start + (window + 1) * 300_000, some)).bytes);
    }
    const all = values.flat().toSorted((a, b) => a - b);
    const { whole, points } = await range(start - 300_000, start + 4_000_000);
    expect(whole).toMatchObject({ count: 600, runs: 600, failures: 12, minMs: 1, maxMs: 600 });
    for (const [share, seen] of [
      [0.5, whole.p50Ms],
      [0.95, whole.p95Ms],
      [0.99, whole.p99Ms],
    ] as const) {
      const exact = all[Math.ceil(share * 600) - 1] ?? 0;
      expect(Math.abs((seen ?? 0) - exact) / exact).toBeLessThan(0.01);
    }
    expect(points).toHaveLength(12);
    const hours = await range(start - 300_000, start + 8 * 86_400_000);
    expect(hours.whole).toMatchObject({ count: 600, p95Ms: whole.p95Ms });
    expect((await view(start + 3_600_000))[0]?.lastHour.count).toBeGreaterThan(500);
  });

  it("counts a histogram once, however often it comes", async () => {
    const bytes = gateway.tell(latency(start, [1, 2, 3])).bytes;
    await kit.receive("chk", bytes);
    await kit.receive("chk", bytes);
    expect((await range(start - 600_000, start + 600_000)).whole.count).toBe(3);
  });

  it("keeps those of a boot without a clock until its anchor comes, and then puts them where they belong", async () => {
    await kit.receive("chk", gateway.tell(latency(start + 300_000, [5], "unanchored")).bytes);
    expect((await range(0, start * 2)).whole.count).toBe(0);
    const shiftMs = 7 * 86_400_000;
    const anchor = {
      bootId: "00000001",
      monotonicMs: monotonicMs(600_000),
      wallMs: wallMs(start + shiftMs + 600_000),
      source: "ntp",
      errorMs: 5,
    } as const;
    await kit.receive("ev", gateway.tell({ kind: "anchor", observedAt: at(start), anchor }).bytes);
    expect((await range(start + shiftMs, start + shiftMs + 600_000)).whole.count).toBe(1);
  });

  it.each([
    ["no numbers", { min: 1, max: 2, b: ["x", 1] }],
    ["half a pair", { min: 1, max: 2, b: [1] }],
    ["a million buckets", { min: 1, max: 2, b: Array.from({ length: 10_000 }, () => 1) }],
    ["nothing at all", undefined],
  ])("sets counts aside that are none: %s", async (_name, lat) => {
    const body = {
      v: 1,
      s: "cccccccccccc",
      q: 1,
      at: start,
      e: [{ k: "check.latency", check: "web", t: start, len: 300_000, n: 1, bad: 0, lat }],
    };
    await kit.receive("chk", Buffer.from(JSON.stringify(body)));
    const events = await kit.store.read.events((await kit.gateway()).ref, { limit: 10 });
    expect(events.map((event) => event.kind)).toEqual(["check.malformed"]);
  });
});

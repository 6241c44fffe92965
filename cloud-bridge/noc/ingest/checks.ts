import { LatencyHistogram, maxLatencyBuckets } from "#model/latency-histogram.ts";
import type { JsonObject, RollupLevel } from "../store/rows.ts";
import { countOf, numberOf, objectOf, textOf } from "./batch-elements.ts";
import type { Drafts, GatewayDraft } from "./drafts.ts";

/** Checks of one gateway that are remembered; results of further ones are in the event list only. */
const maxChecks = 2_000;
const levels: readonly RollupLevel[] = [300_000, 3_600_000];
/** A window is some minutes; longer ones (a gateway that slept) count where their middle lies. */
const maxLengthMs = 86_400_000;

/** Remembers the newest result of a check, in whatever order they arrive. */
export async function applyCheckResult(drafts: Drafts, gateway: GatewayDraft, element: JsonObject, atMs: number): Promise<void> {
  const check = textOf(element, "check", 64);
  if (check === "") return;
  const { checks } = drafts.tx;
  const known = await checks.check(gateway.row.ref, check);
  if (known === undefined && (await checks.checkCount(gateway.row.ref)) >= maxChecks) return;
  if (known !== undefined && known.atMs > atMs) return;
  const ok = element["ok"] === true;
  await checks.putCheck({
    gatewayRef: gateway.row.ref,
    check,
    atMs,
    ok,
    sinceMs: known?.ok === ok ? known.sinceMs : atMs,
    equipment: textOf(element, "dev", 63),
    type: textOf(element, "type", 16),
    target: textOf(element, "target", 2_048),
    vantage: textOf(element, "vantage", 128),
    body: { fail: objectOf(element, "fail"), ev: objectOf(element, "ev") },
  });
}

/**
 * Adds a histogram to the buckets of five minutes and of an hour in which its middle lies. Adding counts is all there is: late, in another
 * order or after a restart, the sum is the same. False = not a histogram.
 */
export async function applyCheckLatency(drafts: Drafts, gateway: GatewayDraft, element: JsonObject, endMs: number): Promise<boolean> {
  const check = textOf(element, "check", 64);
  const histogram = histogramOf(element);
  if (check === "" || histogram === undefined) return false;
  const { checks } = drafts.tx;
  if ((await checks.check(gateway.row.ref, check)) === undefined && (await checks.checkCount(gateway.row.ref)) >= maxChecks) return false;
  const middleMs = endMs - Math.min(maxLengthMs, numberOf(element, "len") ?? 0) / 2;
  for (const level of levels) {
    const key = { gatewayRef: gateway.row.ref, check, level, bucketMs: Math.floor(middleMs / level) * level };
    const before = await checks.latency(key);
    const merged = before === undefined ? new LatencyHistogram() : LatencyHistogram.from(before.latency);
    merged.merge(histogram);
    await checks.putLatency({
      ...key,
      runs: (before?.runs ?? 0) + (countOf(element, "n") ?? 0),
      failures: (before?.failures ?? 0) + (countOf(element, "bad") ?? 0),
      latency: merged.counts(),
    });
  }
  return true;
}

/** Border: what a gateway says is a histogram. Undefined = it is none. */
function histogramOf(element: JsonObject): LatencyHistogram | undefined {
  const { min, max, b } = objectOf(element, "lat");
  if (typeof min !== "number" || typeof max !== "number" || !Array.isArray(b) || b.length > 2 * maxLatencyBuckets) return undefined;
  const buckets = b.filter((value): value is number => typeof value === "number");
  if (buckets.length !== b.length) return undefined;
  try {
    return LatencyHistogram.from({ min, max, buckets });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

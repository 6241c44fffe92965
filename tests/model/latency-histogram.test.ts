import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistogram, latencyBucket, latencyOfBucket, maxLatencyBuckets } from "../../runtime/model/latency-histogram.ts";

/** Microseconds to more than an hour, dense where checks live. */
const latency = fc.oneof(fc.double({ min: 0.001, max: 4_000_000, noNaN: true }), fc.double({ min: 0.01, max: 500, noNaN: true }));
const latencies = fc.array(latency, { minLength: 1, maxLength: 300 });

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe("a latency histogram", () => {
  it("puts every duration into a bucket whose middle is within one percent", () => {
    fc.assert(
      fc.property(latency, (ms) => {
        expect(Math.abs(latencyOfBucket(latencyBucket(ms)) - ms) / ms).toBeLessThan(0.01);
      }),
    );
  });

  it("gives quantiles within one percent of the sorted values", () => {
    fc.assert(
      fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.min(values.length, Math.max(1, Math.ceil(share * values.length))) - 1] ?? Number.NaN;
        expect(Math.abs(histogramOf(values).quantile(share) - exact) / exact).toBeLessThan(0.01);
      }),
    );
  });

  it("is the same however its parts are grouped and ordered before they are merged", () => {
    fc.assert(
      fc.property(latencies, latencies, latencies, (a, b, c) => {
        const left = histogramOf(a);
        left.merge(histogramOf(b));
        left.merge(histogramOf(c));
        const right = histogramOf(c);
        const inner = histogramOf(b);
        inner.merge(histogramOf(a));
        right.merge(inner);
        expect(left.counts()).toEqual(histogramOf([...a, ...b, ...c]).counts());
        expect(right.counts()).toEqual(left.counts());
      }),
    );
  });

  it("comes back from what travels as it was", () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const { counts, quantiles } = seen(histogramOf(values));
        const back = seen(LatencyHistogram.from(JSON.parse(JSON.stringify(counts))));
        expect(back).toEqual({ counts, quantiles });
      }),
    );
  });

  it("never costs more than its buckets, whatever is recorded", () => {
    const histogram = new LatencyHistogram();
    for (let ms = 0.0001; ms < 1e12; ms *= 1.003) histogram.record(ms);
    expect(histogram.counts().buckets.length).toBeLessThanOrEqual(2 * maxLatencyBuckets);
  });

  it("leaves out what is no duration", () => {
    const histogram = histogramOf([Number.NaN, Number.POSITIVE_INFINITY, -1]);
    expect(histogram.count).toBe(0);
    expect(histogram.quantile(0.5)).toBeNaN();
    expect(histogram.counts()).toEqual({ min: 0, max: 0, buckets: [] });
  });

  it.each([
    ["an odd number of entries", { min: 1, max: 2, buckets: [1] }],
    ["a bucket twice", { min: 1, max: 2, buckets: [5, 1, 0, 1] }],
    ["a bucket behind the last", { min: 1, max: 2, buckets: [maxLatencyBuckets, 1] }],
    ["a fraction of a measurement", { min: 1, max: 2, buckets: [5, 0.5] }],
    ["a count of nothing", { min: 1, max: 2, buckets: [5, 0] }],
    ["a least above the greatest", { min: 3, max: 2, buckets: [5, 1] }],
  ])("believes nothing of counts with %s", (_name, counts) => {
    expect(() => LatencyHistogram.from(counts)).toThrow(TypeError);
  });
});

function seen(histogram: LatencyHistogram) {
  return { counts: histogram.counts(), quantiles: [0, 0.5, 0.95, 0.99, 1].map((share) => histogram.quantile(share)) };
}

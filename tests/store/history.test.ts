import { afterEach, describe, expect, it } from "vitest";
import type { EquipmentId } from "#model/equipment.ts";
import type { Column, Metric, Report, Row, TableShape } from "#model/report.ts";
import type { History, HistorySeries } from "#ports/history.ts";
import { type HistoryLimits, openHistoryInline, reachableMetric } from "../../runtime/store/history.ts";
import type { HistorySettings } from "../../runtime/store/history-core.ts";
import { silentLogger } from "./doubles.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimDisk } from "./sim-disk.ts";

const hour = 3_600_000;
const day = 24 * hour;
/** Midnight of some day, so that bins begin where one expects. */
const startMs = Math.floor(1_800_000_000_000 / day) * day + day;

const octets: Metric = { name: "ifHCInOctets", kind: "counter", unit: "By", scale: 1 };
const packets: Metric = { name: "ifHCInUcastPkts", kind: "counter", unit: "{packet}", scale: 1 };
const status: Metric = { name: "ifOperStatus", kind: "state", unit: "enum:ifOperStatus", scale: 1 };
const load: Metric = { name: "load", kind: "gauge", unit: "%", scale: 100 };
const alias: Metric = { name: "ifAlias", kind: "text", unit: "", scale: 1 };

function shapeOf(equipment: string, rows: number, metrics: readonly Metric[] = [octets, packets, status, load, alias]): TableShape {
  const made: Row[] = Array.from({ length: rows }, (_, n) => ({ key: `port${n}`, labels: {} }));
  return Object.freeze({ equipment: equipment as EquipmentId, table: "if", revision: 1, intervalMs: 60_000, metrics, rows: made });
}

class Site {
  readonly disk = new SimDisk();
  readonly clock = new ManualClock(0);
  history: History;

  constructor(settings: Partial<HistorySettings> = {}, limits: Partial<HistoryLimits> = {}) {
    this.clock.wallOffsetMs = startMs;
    this.history = this.open(settings, limits);
  }

  open(settings: Partial<HistorySettings> = {}, limits: Partial<HistoryLimits> = {}): History {
    this.history = openHistoryInline({ disk: this.disk, clock: this.clock, logger: silentLogger, settings, limits });
    return this.history;
  }

  /** `value` is the gauge; the counter grew by 600 bytes in the minute, or by something nobody knows. */
  report(shape: TableShape, value: number, increment = 600): Report {
    const rows = shape.rows.length;
    const columns = shape.metrics.map((metric): Column => {
      const present = new Uint8Array(rows).fill(1);
      if (metric.kind === "counter")
        return { kind: "counter", present, absolute: new BigUint64Array(rows), increment: new Float64Array(rows).fill(increment) };
      if (metric.kind === "text") return { kind: "text", present, value: Array.from({ length: rows }, () => "x") };
      return { kind: "number", present, value: new Float64Array(rows).fill(metric.kind === "state" ? 1 : value) };
    });
    const observedAt = this.clock.now();
    return {
      kind: "report",
      equipment: shape.equipment,
      observedAt,
      plannedAtMs: observedAt.monotonicMs,
      tables: [{ shape, columns, observedAt, elapsedMs: 60_000 }],
      gaps: [],
    };
  }

  /** Polls once a minute; the gauge says the minute's number. */
  async minutes(count: number, shape: TableShape, skip: (minute: number) => boolean = () => false): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const minute = Math.round(this.clock.monotonicMs() / 60_000);
      if (!skip(minute)) this.history.record(this.report(shape, minute));
      await this.clock.advance(60_000);
    }
  }
}

function seriesOf(equipment: string, metric: Metric, rowKey = "port0"): HistorySeries {
  const { name, kind, unit } = metric;
  return { equipment, table: "if", rowKey, metric: name, kind: kind === "text" ? "gauge" : kind, unit };
}

describe("the local history", () => {
  let site: Site;

  afterEach(() => site.history.close());

  it("gives back every value while that is few enough, written or not", async () => {
    site = new Site();
    await site.minutes(12, shapeOf("sw-1", 1));
    const { resolutionMs, points } = await site.history.read({
      series: seriesOf("sw-1", load),
      fromMs: startMs,
      toMs: startMs + hour,
      maxPoints: 100,
    });
    expect(points.map((point) => point.last)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(resolutionMs).toBe(60_000);
  });

  it("keeps counters as rates per second, and what is not known as no point at all", async () => {
    site = new Site();
    const shape = shapeOf("sw-1", 1);
    for (const increment of [Number.NaN, 600, 1200, Number.NaN, 600]) {
      site.history.record(site.report(shape, 0, increment));
      await site.clock.advance(60_000);
    }
    const { points } = await site.history.read({ series: seriesOf("sw-1", octets), fromMs: startMs, toMs: startMs + hour, maxPoints: 100 });
    expect(points.map((point) => [(point.atMs - startMs) / 60_000, point.avg])).toEqual([
      [1, 10],
      [2, 20],
      [4, 10],
    ]);
  });

  it("rolls up to five minutes with least, mean, greatest, last and count, and leaves gaps out", async () => {
    site = new Site();
    await site.minutes(130, shapeOf("sw-1", 1), (minute) => minute >= 20 && minute < 30);
    const { resolutionMs, points } = await site.history.read({
      series: seriesOf("sw-1", load),
      fromMs: startMs,
      toMs: startMs + 2 * hour - 1,
      maxPoints: 30,
    });
    expect(resolutionMs).toBe(300_000);
    expect(points).toHaveLength(22);
    expect(points[1]).toEqual({ atMs: startMs + 300_000, min: 5, avg: 7, max: 9, last: 9, count: 5 });
    expect(points.some((point) => point.atMs === startMs + 20 * 60_000)).toBe(false);
  });

  it("answers a long span in bins of hours that agree with the single values", { timeout: 60_000 }, async () => {
    site = new Site({ rawDays: 0.25, fiveMinuteDays: 1 });
    await site.minutes(3 * 1440, shapeOf("sw-1", 1));
    const { resolutionMs, points } = await site.history.read({
      series: seriesOf("sw-1", load),
      fromMs: startMs,
      toMs: startMs + 3 * day - 1,
      maxPoints: 72,
    });
    expect(resolutionMs).toBe(hour);
    expect(points).toHaveLength(72);
    for (const [index, point] of points.entries()) {
      expect(point).toEqual({
        atMs: startMs + index * hour,
        min: index * 60,
        avg: index * 60 + 29.5,
        max: index * 60 + 59,
        last: index * 60 + 59,
        count: 60,
      });
    }
    const coarse = await site.history.read({ series: seriesOf("sw-1", load), fromMs: startMs, toMs: startMs + 3 * day - 1, maxPoints: 10 });
    expect(coarse.points.length).toBeLessThanOrEqual(10);
    expect(coarse.points.reduce((sum, point) => sum + point.count, 0)).toBe(3 * 1440);
  });

  it("says for every equipment when it answered and when not", async () => {
    site = new Site();
    const shape = shapeOf("sw-1", 1);
    const down: Report = { ...site.report(shape, 0), tables: [], gaps: [{ reason: "timeout" }] };
    for (let n = 0; n < 6; n += 1) {
      site.history.record(n === 3 ? { ...down, observedAt: site.clock.now() } : site.report(shape, 1));
      await site.clock.advance(60_000);
    }
    const series: HistorySeries = {
      equipment: "sw-1",
      table: "",
      rowKey: "",
      metric: reachableMetric,
      kind: "state",
      unit: "enum:reachable",
    };
    const { points } = await site.history.read({ series, fromMs: startMs, toMs: startMs + hour, maxPoints: 100 });
    expect(points.map((point) => point.last)).toEqual([1, 1, 1, 0, 1, 1]);
  });

  it("keeps states, gauges and the traffic of interfaces, and neither texts nor other counters", async () => {
    site = new Site();
    await site.minutes(1, shapeOf("sw-1", 2));
    const metrics = (await site.history.series("sw-1")).map((series) => `${series.metric}/${series.rowKey}`);
    expect(metrics).toEqual([
      "reachable/",
      "ifHCInOctets/port0",
      "ifOperStatus/port0",
      "load/port0",
      "ifHCInOctets/port1",
      "ifOperStatus/port1",
      "load/port1",
    ]);
    expect((await site.history.series("sw-1")).find((series) => series.metric === "ifHCInOctets")?.unit).toBe("By/s");
    expect(await site.history.series("sw-2")).toEqual([]);
  });

  it("keeps to its number of series, has room for states to the last, and counts what it refused", async () => {
    site = new Site({}, { maxSeries: 50, reservedSeries: 30 });
    for (let n = 0; n < 4; n += 1) site.history.record(site.report(shapeOf(`sw-${n}`, 10, [load, status]), 1));
    const stats = await site.history.stats();
    // Each equipment: one for reachability, ten states, ten gauges; gauges only while fewer than 20 are there.
    expect(stats.series).toBe(50);
    expect(stats.refusedSeries).toBe(4 * 21 - 50);
    const kept = await site.history.series();
    expect(kept.filter((series) => series.kind === "state").length).toBeGreaterThanOrEqual(30);
  });

  it("has room for the availability of all equipment and for checks: the largest tables of rows make it", async () => {
    site = new Site({}, { maxSeries: 200, reservedSeries: 40 });
    const shapes = Array.from({ length: 60 }, (_, n) => shapeOf(`sw-${n}`, 4 + (n % 10)));
    const check = shapeOf("check:web", 1, [status, load]);
    for (let minute = 0; minute < 30; minute++) {
      for (const shape of [...shapes, check]) site.history.record(site.report(shape, minute));
      await site.clock.advance(60_000);
    }
    const stats = await site.history.stats();
    expect(stats.series).toBeLessThanOrEqual(200);
    expect(stats.series + stats.refusedSeries).toBe(shapes.reduce((sum, { rows }) => sum + 1 + 3 * rows.length, 0) + 1 + 2);
    const range = { fromMs: startMs, toMs: startMs + hour, maxPoints: 100 };
    for (const { equipment } of [...shapes, check]) {
      const availability = { equipment, table: "", rowKey: "", metric: reachableMetric, kind: "state", unit: "enum:reachable" } as const;
      expect((await site.history.read({ series: availability, ...range })).points.length, equipment).toBe(30);
    }
    const time = seriesOf("check:web", load);
    expect((await site.history.read({ series: time, ...range })).points.map((point) => point.last)).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    );
    // Small tables were kept while large ones went.
    const small = shapes.filter(({ rows }) => rows.length === 4).map(({ equipment }) => equipment);
    const states = (await Promise.all(small.map((equipment) => site.history.series(equipment))))
      .flat()
      .filter(({ metric }) => metric === status.name);
    expect(states.length).toBeGreaterThan(0);
  });

  it("follows a table whose shape changes, under the same names", async () => {
    site = new Site();
    await site.minutes(3, shapeOf("sw-1", 1));
    await site.minutes(3, shapeOf("sw-1", 2));
    const { points } = await site.history.read({ series: seriesOf("sw-1", load), fromMs: startMs, toMs: startMs + hour, maxPoints: 100 });
    expect(points.map((point) => point.last)).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await site.history.stats()).series).toBe(1 + 2 * 3);
  });

  it("records nothing that has no date, and says how much that was", async () => {
    site = new Site();
    site.clock.quality = "unanchored";
    await site.minutes(5, shapeOf("sw-1", 1));
    expect(await site.history.series()).toEqual([]);
    expect(await site.history.stats()).toMatchObject({ undatedReports: 5 });
    site.clock.quality = "holdover";
    await site.minutes(1, shapeOf("sw-1", 1));
    expect(await site.history.series()).not.toEqual([]);
  });

  it("goes on after a restart, and rolls up what the process before left", async () => {
    site = new Site();
    await site.minutes(90, shapeOf("sw-1", 1));
    await site.history.close();
    site.open();
    await site.minutes(60, shapeOf("sw-1", 1));
    const { points } = await site.history.read({
      series: seriesOf("sw-1", load),
      fromMs: startMs,
      toMs: startMs + 150 * 60_000 - 1,
      maxPoints: 30,
    });
    expect(points.map((point) => point.count)).toEqual(Array.from({ length: 30 }, () => 5));
  });

  it("loses what was not written yet in a power cut, and nothing else", async () => {
    site = new Site();
    await site.minutes(33, shapeOf("sw-1", 1));
    site.disk.cut({ random: () => 0, bytes: (count) => new Uint8Array(count) });
    site.open();
    const { points } = await site.history.read({ series: seriesOf("sw-1", load), fromMs: startMs, toMs: startMs + hour, maxPoints: 100 });
    expect(points.length).toBeGreaterThanOrEqual(29);
    expect(points.length).toBeLessThanOrEqual(33);
  });

  it("stays below its bound by forgetting the oldest single values first", { timeout: 60_000 }, async () => {
    site = new Site({ maxBytes: 400 * 1024, flushMs: 600_000 });
    const shape = shapeOf("sw-1", 100, [load]);
    for (let n = 0; n < 900; n += 1) {
      const report = site.report(shape, 0);
      const column = report.tables[0]?.columns[0];
      if (column?.kind === "number") for (let row = 0; row < 100; row += 1) column.value[row] = Math.sin(n * row) * 1000;
      site.history.record(report);
      await site.clock.advance(60_000);
    }
    expect((await site.history.stats()).bytes).toBeLessThanOrEqual(400 * 1024);
    const series = seriesOf("sw-1", load, "port7");
    const early = await site.history.read({ series, fromMs: startMs, toMs: startMs + 10 * hour, maxPoints: 500 });
    expect(early.resolutionMs).toBe(300_000);
    expect(early.points.length).toBeGreaterThan(100);
  });

  it("leaves the gateway without plots, not without measurements, when its file cannot be opened", async () => {
    site = new Site();
    await site.history.close();
    site.disk.replace("history.db", Buffer.from("this is not a database".repeat(500)));
    site.open();
    expect(site.disk.list("corrupt")).toHaveLength(1);
    await site.minutes(2, shapeOf("sw-1", 1));
    expect(await site.history.series()).not.toEqual([]);
  });
});

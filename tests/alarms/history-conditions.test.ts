import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultConditions } from "../../runtime/alarms/conditions/defaults.ts";
import { isHistoryCondition } from "../../runtime/alarms/conditions/definition.ts";
import { HistoryConditions } from "../../runtime/alarms/conditions/history-conditions.ts";
import type { Column, Metric, Report, TableShape } from "../../runtime/model/report.ts";
import type { AlarmCondition, AlarmIdentity } from "../../runtime/ports/alarms.ts";
import type { History } from "../../runtime/ports/history.ts";
import { openHistoryInline } from "../../runtime/store/history.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { ManualClock } from "../store/manual-clock.ts";
import { SimDisk } from "../store/sim-disk.ts";
import { equipmentId } from "./alarm-kit.ts";

const hourMs = 3_600_000;
const used: Metric = { name: "hrStorageUsed", kind: "gauge", unit: "{block}", scale: 1 };
const size: Metric = { name: "hrStorageSize", kind: "gauge", unit: "{block}", scale: 1 };
const octets: Metric = { name: "ifHCInOctets", kind: "gauge", unit: "By", scale: 1 };

function shapeOf(equipment: string, table: string, metrics: readonly Metric[]): TableShape {
  const rows = [{ key: "1", labels: { hrStorageType: "fixedDisk", hrStorageDescr: "/srv" } }];
  return Object.freeze({ equipment: equipmentId(equipment), table, revision: 1, intervalMs: hourMs, metrics, rows });
}

const disk = shapeOf("nas-1", "HOST-RESOURCES-MIB:hrStorageTable", [used, size]);
const flatDisk = shapeOf("nas-2", "HOST-RESOURCES-MIB:hrStorageTable", [used, size]);
const port = shapeOf("sw-1", "IF-MIB:ifXTable", [octets]);

/** The real history on a disk in memory, and the alarms that come of it. */
class Site {
  readonly clock = new ManualClock(0);
  readonly alarms = new Map<string, AlarmCondition>();
  /** Whose series were asked for. */
  readonly asked: (string | undefined)[] = [];
  readonly #local = openHistoryInline({ disk: new SimDisk(), clock: this.clock, logger: silentLogger });
  readonly #history: History = {
    record: (report) => this.#local.record(report),
    series: (equipment) => {
      this.asked.push(equipment);
      return this.#local.series(equipment);
    },
    read: (query) => this.#local.read(query),
    stats: () => this.#local.stats(),
    close: () => this.#local.close(),
  };
  readonly conditions = new HistoryConditions({
    conditions: defaultConditions.filter(isHistoryCondition),
    sink: {
      set: (condition) => this.alarms.set(keyOf(condition), condition),
      clear: (identity) => this.alarms.delete(keyOf(identity)),
      find: (identity) => {
        const condition = this.alarms.get(keyOf(identity));
        return condition === undefined ? undefined : { condition };
      },
    },
    history: this.#history,
    clock: this.clock,
  });

  /** A poll an hour. @param shares of their size that are used, by table, at an hour of the days */
  async hours(count: number, tables: readonly (readonly [TableShape, (hour: number) => number])[]): Promise<void> {
    for (let passed = 0; passed < count; passed += 1) {
      for (const [shape, share] of tables) {
        const report = this.#report(shape, [share(passed) * 1_000, 1_000]);
        this.#local.record(report);
        this.conditions.observe(report);
      }
      await this.clock.advance(hourMs);
    }
  }

  close(): Promise<void> {
    return this.#local.close();
  }

  #report(shape: TableShape, values: readonly number[]): Report {
    const observedAt = this.clock.now();
    const columns = shape.metrics.map((_, place): Column => {
      return { kind: "number", present: Uint8Array.of(1), value: Float64Array.of(values[place] ?? 0) };
    });
    return {
      ...{ kind: "report", equipment: shape.equipment, observedAt, plannedAtMs: observedAt.monotonicMs },
      tables: [{ shape, columns, observedAt, elapsedMs: hourMs }],
      gaps: [],
    };
  }
}

function keyOf({ equipment, path, type }: AlarmIdentity): string {
  return `${equipment} ${type} ${path}`;
}

describe("conditions that look at the past", () => {
  let site: Site;
  beforeEach(() => {
    site = new Site();
  });
  afterEach(() => site.close());

  it("say when a disk will be full, of the disk that grows, and that it no longer does", async () => {
    await site.hours(7 * 24, [
      [disk, (hour) => 0.6 + (0.3 * hour) / (7 * 24)],
      [flatDisk, () => 0.9],
      [port, () => 0.5],
    ]);
    await site.conditions.round();
    const [alarm, ...others] = [...site.alarms.values()];
    expect(others).toEqual([]);
    expect(alarm).toMatchObject({ equipment: "nas-1", type: "volumeForecast", severity: "minor" });
    expect(alarm?.text).toContain("full in 2 days");

    await site.hours(14 * 24, [[disk, () => 0.5]]);
    await site.conditions.round();
    expect([...site.alarms.values()]).toEqual([]);
  });

  it("ask the history for the series of the equipment that they watch, never for those of the whole site", async () => {
    await site.hours(3, [[port, () => 0.5]]);
    await site.conditions.round();
    expect(site.asked).toEqual([]);

    await site.hours(3, [
      [disk, () => 0.7],
      [port, () => 0.5],
    ]);
    await site.conditions.round();
    expect(site.asked).toEqual(["nas-1"]);
  });
});

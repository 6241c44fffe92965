import type { Database } from "better-sqlite3";
import { expect, it } from "vitest";
import type { EquipmentId } from "#model/equipment.ts";
import type { Report, TableShape } from "#model/report.ts";
import { openHistoryInline } from "../../runtime/store/history.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimDisk } from "./sim-disk.ts";

const minutes = 60_000;

/** Databases that can be told to take no writes, and whose transactions are counted. */
class GuardedDisk extends SimDisk {
  #database: Database | undefined;

  override openDatabase(name: string): Database {
    const database = super.openDatabase(name);
    this.#database = database;
    return database;
  }

  refuseWrites(isRefusing: boolean): void {
    this.#database?.pragma(`query_only = ${isRefusing ? "ON" : "OFF"}`);
  }

  /** Rows changed by this process so far: nothing is, before a transaction wrote it. */
  get changes(): number {
    return Number(this.#database?.prepare("SELECT total_changes()").pluck().get());
  }
}

function shapeOf(equipment: string): TableShape {
  const metrics = [{ name: "load", kind: "gauge", unit: "%", scale: 1 } as const];
  return { equipment: equipment as EquipmentId, table: "cpu", revision: 1, intervalMs: minutes, metrics, rows: [{ key: "0", labels: {} }] };
}

function site() {
  const disk = new GuardedDisk();
  const clock = new ManualClock(0);
  const logger = new CollectingLogger();
  const open = () => openHistoryInline({ disk, clock, logger });
  let history = open();
  const shapes = Array.from({ length: 200 }, (_, index) => shapeOf(`sw-${index}`));
  const record = async (value: number): Promise<void> => {
    for (const shape of shapes) {
      const observedAt = clock.now();
      const columns = [{ kind: "number", present: Uint8Array.of(1), value: Float64Array.of(value) }] as const;
      const report: Report = {
        ...{ kind: "report", equipment: shape.equipment, observedAt, plannedAtMs: 0, gaps: [] },
        tables: [{ shape, columns, observedAt, elapsedMs: minutes }],
      };
      history.record(report);
    }
    await clock.advance(minutes);
  };
  const values = async (equipment: string) => {
    const series = (await history.series(equipment)).find(({ metric }) => metric === "load");
    if (series === undefined) return [];
    const { points } = await history.read({ series, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, maxPoints: 1_000 });
    return points.map(({ last }) => last);
  };
  const reopen = async (): Promise<void> => {
    await history.close();
    history = open();
  };
  return { disk, logger, record, values, reopen, close: () => history.close() };
}

it("names of series are written with the first values and not before, and are known meanwhile", async () => {
  const { disk, record, values, reopen, close } = site();
  const before = disk.changes;
  await record(1);
  expect(await values("sw-7")).toEqual([1]);
  expect(disk.changes).toBe(before);
  for (let minute = 2; minute <= 6; minute++) await record(minute);
  expect(disk.changes).toBeGreaterThanOrEqual(before + 3 * 200);
  await reopen();
  expect(await values("sw-7")).toEqual([1, 2, 3, 4, 5, 6]);
  await close();
});

it("what is held while the disk refuses is written when it takes writes again, and both are told once", async () => {
  const { disk, logger, record, values, reopen, close } = site();
  disk.refuseWrites(true);
  for (let minute = 1; minute <= 22; minute++) await record(minute);
  expect(logger.lines.map(({ level, sentence, fields }) => [level, sentence, fields.code])).toEqual([
    ["warn", "the history could not be written and waits", "buffer.denied"],
  ]);
  disk.refuseWrites(false);
  for (let minute = 23; minute <= 27; minute++) await record(minute);
  expect(logger.lines.slice(1).map(({ level, fields }) => [level, fields.lostValues])).toEqual([["info", 0]]);
  await reopen();
  expect(await values("sw-199")).toEqual(Array.from({ length: 27 }, (_, index) => index + 1));
  await close();
});

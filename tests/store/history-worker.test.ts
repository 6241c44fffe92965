import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EquipmentId } from "#model/equipment.ts";
import type { Report, TableShape } from "#model/report.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { openStoreWorker } from "../../runtime/store/buffer-worker.ts";
import { silentLogger } from "./doubles.ts";
import { alarmFrame } from "./frames.ts";

const clock = new SystemClock(() => true);
const shape: TableShape = {
  equipment: "sw-1" as EquipmentId,
  table: "env",
  revision: 1,
  intervalMs: 1_000,
  metrics: [{ name: "temperature", kind: "gauge", unit: "Cel", scale: 10 }],
  rows: [{ key: "", labels: {} }],
};

function report(value: number): Report {
  const observedAt = clock.now();
  const columns = [{ kind: "number", present: Uint8Array.of(1), value: Float64Array.of(value) }] as const;
  return {
    kind: "report",
    equipment: shape.equipment,
    observedAt,
    plannedAtMs: 0,
    tables: [{ shape, columns, observedAt, elapsedMs: 1_000 }],
    gaps: [],
  };
}

describe("buffer and history in one thread", () => {
  let folder: string;
  const open = () =>
    openStoreWorker({
      folder,
      settings: { journalBytes: 1024 * 1024, ballastBytes: 4096 },
      logger: silentLogger,
      entry: new URL("./worker-entry.ts", import.meta.url),
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-thread-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("serve each other's callers, and what the history holds is written when they close", async () => {
    const first = await open();
    const fromMs = clock.now().wallMs;
    first.history.record(report(21.5));
    first.history.record(report(22.5));
    await first.buffer.durable(await first.buffer.append([alarmFrame("warm")]));
    const [series] = (await first.history.series()).filter((one) => one.metric === "temperature");
    if (series === undefined) throw new Error("no series");
    const query = { series, fromMs, toMs: fromMs + 60_000, maxPoints: 100 };
    expect((await first.history.read(query)).points.map((point) => point.last)).toEqual([21.5, 22.5]);
    await first.history.close();
    await first.history.close();
    await first.buffer.close();
    const second = await open();
    expect((await second.history.read(query)).points).toHaveLength(2);
    expect((await second.history.stats()).bytes).toBeGreaterThan(0);
    // Without closing the history first: its thread ends with the buffer, and what it held is written all the same.
    second.history.record(report(23.5));
    await second.buffer.close();
    await expect(second.history.series()).rejects.toThrow("closed");
    const third = await open();
    expect((await third.history.read(query)).points).toHaveLength(3);
    await third.history.close();
    await third.buffer.close();
  });
});

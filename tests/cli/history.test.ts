import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { controlSocketPath } from "../../runtime/host/control-protocol.ts";
import { controlServer } from "../../runtime/host/control-server.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import type { Instant } from "../../runtime/model/time.ts";
import { historyHandlers } from "../../runtime/roles/history-handlers.ts";
import { openHistoryInline } from "../../runtime/store/history.ts";
import { equipmentId } from "../alarms/alarm-kit.ts";
import { until } from "../integration/noc-peers.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { ManualClock } from "../store/manual-clock.ts";
import { SimDisk } from "../store/sim-disk.ts";
import { runCli } from "./run-cli.ts";

/** What a gateway serves at its control socket of a history that had so many reports, one a minute, under a clock of each quality. */
async function remembering(reports: Partial<Record<Instant["quality"], number>>) {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-cli-history-"));
  const clock = new ManualClock(0);
  // The command asks for what lies behind it by its own clock.
  clock.wallOffsetMs = Math.floor(new SystemClock(() => true).now().wallMs) - 1_800_000;
  const history = openHistoryInline({ disk: new SimDisk(), clock, logger: silentLogger });
  for (const quality of ["unanchored", "synced"] as const) {
    for (let turn = 0; turn < (reports[quality] ?? 0); turn++) {
      clock.quality = quality;
      const observedAt = clock.now();
      const gaps = [{ reason: "timeout" }] as const;
      history.record({ kind: "report", equipment: equipmentId("sw-1"), observedAt, plannedAtMs: 0, tables: [], gaps });
      await clock.advance(60_000);
    }
  }
  const stop = new AbortController();
  const handlers = historyHandlers(() => history, clock);
  const ended = controlServer({ folder, handlers, clock: new SystemClock(() => true), logger: silentLogger }).run(stop.signal);
  onTestFinished(async () => {
    stop.abort(new Error("test over"));
    await ended.catch(() => undefined);
    await history.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await until("the control socket is there", () => existsSync(controlSocketPath(folder)));
  return (...args: readonly string[]) => runCli(["history", "--state", folder, ...args]);
}

describe("gatehouse history", () => {
  it("says that values wait for a date while the clock is not set, how many reports that were, and what to do", async () => {
    const history = await remembering({ unanchored: 5 });
    const { code, stdout, stderr } = await history();
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(
      /^nothing is remembered yet\nThe gateway's clock is not set: 5 reports so far have no date and are not in the plots.*NTP.*`gatehouse doctor`/,
    );
    expect(JSON.parse((await history("--json")).stdout)).toMatchObject({ series: [], undated: { reports: 5 } });
  });

  it("says it of one equipment, of which nothing is remembered, as well", async () => {
    const history = await remembering({ unanchored: 1 });
    expect((await history("--equipment", "sw-9")).stderr).toMatch(/^nothing is remembered of sw-9\n.*1 report so far has no date/);
  });

  it("shows series and points without a word of dates where nothing is missing from them", async () => {
    const history = await remembering({ unanchored: 2, synced: 3 });
    expect(await history()).toMatchObject({ code: 0, stderr: "", stdout: "sw-1    reachable    state  enum:reachable\n" });
    const points = await history("--metric", "reachable", "--last", "1h");
    expect([points.stderr, points.stdout.match(/min 0/g)]).toEqual(["", ["min 0", "min 0", "min 0"]]);
    const none = await history("--metric", "reachable", "--last", "1m");
    expect(none.stderr).toMatch(/^nothing is remembered of that time\n2 reports are not in the plots: the gateway's clock was not set yet/);
  });
});

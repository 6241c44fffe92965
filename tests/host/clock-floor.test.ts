import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Observation } from "#model/observation.ts";
import type { Intake } from "#ports/intake.ts";
import type { State } from "#ports/state.ts";
import { AnchorBook } from "../../runtime/clock-anchors.ts";
import { programFloorMs, readWallFloor } from "../../runtime/clock-floor.ts";
import { ClockWatch } from "../../runtime/clock-watch.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { monotonicMs, wallMs } from "../../runtime/model/time.ts";
import { openState } from "../../runtime/store/state.ts";
import { silentLogger as logger } from "../sim/silent-logger.ts";

/** Keeps what it is told. */
class Told implements Intake {
  readonly observations: Observation[] = [];

  async accept(observation: Observation): Promise<void> {
    this.observations.push(observation);
  }

  tap(): () => void {
    return () => undefined;
  }
}
const stoppedMs = Date.UTC(2027, 2, 3, 4, 5, 6);

describe("the wall clock's floor", () => {
  let folder: string;
  let state: State;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-floor-"));
    state = openState(folder);
  });
  afterEach(() => {
    state.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** One life of a process whose clock shows `wallMs`, ended as SIGTERM ends it. */
  async function live(wallMs: number, isSynced: boolean, bootId = "b0070001"): Promise<readonly Observation[]> {
    const clock = new SystemClock(
      () => isSynced,
      bootId,
      () => wallMs,
    );
    const intake = new Told();
    const stop = new AbortController();
    const running = new ClockWatch({ clock, intake, logger, state }).run(stop.signal);
    stop.abort(new Error("stop"));
    await running;
    state.close();
    state = openState(folder);
    return intake.observations;
  }

  it("keeps a boot in 1970 from dating anything before the last stop, and nobody believes that date", async () => {
    await live(stoppedMs, true);
    const clock = new SystemClock(
      () => false,
      "b0070002",
      () => 12_000,
    );
    clock.notBefore(readWallFloor(state));
    const first = clock.now();
    expect(first.wallMs).toBeGreaterThanOrEqual(stoppedMs);
    expect(first.wallMs).toBeLessThan(stoppedMs + 60_000);
    expect(first.quality).toBe("unanchored");
    expect(clock.anchors()).toEqual([]);
    await clock.sleep(30, new AbortController().signal);
    expect(clock.now().wallMs - first.wallMs).toBeGreaterThanOrEqual(29);
  });

  it("gives way as soon as the clock is synchronised, forward and backward", async () => {
    await live(stoppedMs, true);
    for (const truthMs of [stoppedMs + 14 * 86_400_000, stoppedMs - 14 * 86_400_000]) {
      const clock = new SystemClock(
        () => true,
        "b0070002",
        () => truthMs,
      );
      clock.notBefore(readWallFloor(state));
      expect(clock.now()).toMatchObject({ wallMs: truthMs, quality: "synced" });
    }
  });

  it("is not raised by a clock that nobody vouches for", async () => {
    await live(stoppedMs, true);
    await live(stoppedMs + 400 * 86_400_000, false);
    expect(readWallFloor(state)).toBe(stoppedMs);
  });

  it("is the program's own age where nothing was kept, or what was kept is no date", () => {
    expect(readWallFloor(state)).toBe(programFloorMs);
    state.put({ "clock.floor-ms": "99999999999999999" });
    expect(readWallFloor(state)).toBe(programFloorMs);
  });

  it("comes with the anchors of earlier boots, told again at every start although the buffer was lost meanwhile", async () => {
    await live(stoppedMs, true, "b0070001");
    await live(stoppedMs + 60_000, false, "b0070002");
    await live(stoppedMs + 120_000, true, "b0070003");
    const told = await live(stoppedMs + 180_000, false, "b0070004");
    expect(told.map((one) => (one.kind === "anchor" ? [one.anchor.bootId, one.anchor.wallMs] : one.kind))).toEqual([
      ["b0070001", stoppedMs],
      ["b0070003", stoppedMs + 120_000],
    ]);
  });

  it("keeps the anchors of sixteen boots, and of one boot the first and the newest", () => {
    const book = new AnchorBook(state);
    for (let boot = 0; boot < 40; boot++) {
      for (const hours of [0, 2, 4])
        book.add({
          bootId: `b007${String(boot).padStart(4, "0")}`,
          monotonicMs: monotonicMs(hours * 3_600_000),
          wallMs: wallMs(stoppedMs + hours * 3_600_000),
          source: "ntp",
          errorMs: 10,
        });
    }
    const kept = new AnchorBook(state).of(() => true);
    expect(new Set(kept.map(({ bootId }) => bootId)).size).toBe(16);
    expect(kept.slice(-2).map((anchor) => [anchor.bootId, anchor.monotonicMs])).toEqual([
      ["b0070039", 0],
      ["b0070039", 4 * 3_600_000],
    ]);
  });
});

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { NodeDisk } from "../../runtime/store/node-disk.ts";
import { openStore } from "../../runtime/store/open-store.ts";
import { defaultStoreSettings } from "../../runtime/store/settings.ts";
import { seededEntropy, silentLogger } from "../store/doubles.ts";
import { alarmFrame, groupFrame, plainAssembler, slotOf } from "../store/frames.ts";
import { KillLedger } from "../store/kill-ledger.ts";
import { LoopDisk, LoopPartition, missingLoopFacility } from "../store/loop-disk.ts";
import { ManualClock } from "../store/manual-clock.ts";

const mebibyte = 1024 * 1024;
const noLoop = missingLoopFacility();
const noStrace = spawnSync("which", ["strace"]).status === 0 ? undefined : "strace";

describe("the store on a real disk", () => {
  const undo: (() => void)[] = [];

  afterEach(() => {
    for (const step of undo.splice(0).reverse()) step();
  });

  function loopDisk(mebibytes: number): LoopDisk {
    const disk = new LoopDisk(mebibytes);
    undo.push(() => disk.remove());
    return disk;
  }

  function open(folder: string, clock: ManualClock, budgetBytes = 32 * mebibyte) {
    const settings = { ...defaultStoreSettings, journalBytes: mebibyte, budgetBytes, ballastBytes: 8 * mebibyte };
    const opened = openStore({
      disk: new NodeDisk(folder),
      clock,
      entropy: seededEntropy(3),
      assembler: plainAssembler,
      log: silentLogger,
      settings,
    });
    undo.push(() => {
      opened.core.close();
      opened.release();
    });
    return opened.core;
  }

  function minute(core: ReturnType<typeof open>, clock: ManualClock, number: number): void {
    core.append([
      groupFrame(`${number}.${"x".repeat(60_000)}`, slotOf(number, clock.monotonicMs() + 60_000)),
      alarmFrame(`alarm ${number}`),
    ]);
    clock.step(61_000);
    core.commit(false);
  }

  it.skipIf(noLoop !== undefined)(`fills a disk slowly without ever meeting its end (needs ${noLoop ?? "nothing else"})`, () => {
    const disk = loopDisk(48);
    const clock = new ManualClock();
    const core = open(disk.mountPoint, clock);
    for (let n = 1; n <= 400; n += 1) {
      minute(core, clock, n);
      expect(core.stats().state).toBe("ok");
    }
    const { ledger, budgetBytes, journalBytes, databaseBytes } = core.stats();
    expect(ledger.dropped).toBeGreaterThan(0);
    expect(ledger.polled).toBe(ledger.delivered + ledger.buffered + ledger.dropped);
    expect(journalBytes + databaseBytes).toBeLessThanOrEqual(budgetBytes);
    expect(budgetBytes).toBeLessThanOrEqual(12 * mebibyte);
  });

  it.skipIf(noLoop !== undefined)(
    `lives with a neighbour that fills the disk, keeps alarms, and recovers (needs ${noLoop ?? "nothing else"})`,
    () => {
      const disk = loopDisk(64);
      const clock = new ManualClock();
      const core = open(disk.mountPoint, clock);
      for (let n = 1; n <= 30; n += 1) minute(core, clock, n);
      const neighbour = join(disk.mountPoint, "neighbour");
      const { bavail, bsize } = statfsSync(disk.mountPoint);
      execFileSync("fallocate", ["-l", String(bavail * bsize), neighbour]);
      for (let n = 31; n <= 200; n += 1) minute(core, clock, n);
      const full = core.stats();
      expect(full.ledger.polled).toBe(2000);
      expect(full.ledger.polled).toBe(full.ledger.delivered + full.ledger.buffered + full.ledger.dropped);
      rmSync(neighbour);
      for (let n = 201; n <= 260; n += 1) minute(core, clock, n);
      const { state, streams } = core.stats();
      expect(state).toBe("ok");
      const alarms = streams.filter((one) => one.streamClass === "E").reduce((sum, one) => sum + one.nextSeq - one.firstSeq, 0);
      expect(alarms).toBe(260);
    },
  );

  it.skipIf(noLoop !== undefined)(
    `says that the disk is full when not even a small journal fits (needs ${noLoop ?? "nothing else"})`,
    () => {
      const disk = loopDisk(24);
      const { bavail, bsize } = statfsSync(disk.mountPoint);
      execFileSync("fallocate", ["-l", String(bavail * bsize - 300_000), join(disk.mountPoint, "neighbour")]);
      expect(() => open(disk.mountPoint, new ManualClock())).toThrow(expect.objectContaining({ code: "buffer.disk-full" }));
    },
  );

  it.skipIf(noLoop !== undefined)(`uses an empty partition as its journal and no other (needs ${noLoop ?? "nothing else"})`, () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-partition-"));
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    const partition = new LoopPartition(4);
    undo.push(() => partition.remove());
    symlinkSync(partition.path, join(folder, "journal.ring"));
    const clock = new ManualClock();
    const first = open(folder, clock);
    for (let n = 1; n <= 20; n += 1) minute(first, clock, n);
    for (const step of undo.splice(2).reverse()) step();
    const again = open(folder, clock);
    expect(again.stats().ledger).toMatchObject({ polled: 200, buffered: 200, dropped: 0, restarts: 0 });
    for (const step of undo.splice(2).reverse()) step();
    execFileSync("mkfs.ext4", ["-q", "-F", partition.path]);
    expect(() => open(folder, clock)).toThrow(expect.objectContaining({ code: "buffer.denied" }));
  });

  const failures = Number(process.env.GATEHOUSE_EIO ?? 3);
  it.skipIf(noStrace !== undefined)(
    `goes on after syncs that fail, ${failures} patterns, and promises nothing false (needs ${noStrace ?? "nothing else"})`,
    { timeout: 30_000 + failures * 20_000 },
    async () => {
      for (let n = 1; n <= failures; n += 1) {
        const folder = mkdtempSync(join(tmpdir(), "gatehouse-eio-"));
        undo.push(() => rmSync(folder, { recursive: true, force: true }));
        const ledger = new KillLedger();
        // Syncs of the journal fail, every seventh from the n-th on; SQLite's among them.
        const wrapper = [
          "strace",
          "-f",
          "-qq",
          "-o",
          "/dev/null",
          "-e",
          "trace=fsync,fdatasync",
          "-e",
          `inject=fsync,fdatasync:error=EIO:when=${n + 20}+7`,
        ];
        const writer = await ledger.start(folder, { acked: 0.3, wrapper });
        await pause(1_500);
        writer.kill("SIGKILL");
        await writer.ended;
        await ledger.check(folder);
        expect(ledger.promised).toBeGreaterThan(0);
      }
    },
  );
});

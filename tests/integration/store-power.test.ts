import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KillLedger } from "../store/kill-ledger.ts";
import { LoopDisk, lostSomething, missingLoopFacility, missingShutdownFacility } from "../store/loop-disk.ts";

// Both methods leave exactly what the block device had. A cut that lost nothing unflushed proves nothing and does not count.
const cuts = Number(process.env.GATEHOUSE_CUTS ?? 3);
const noLoop = missingLoopFacility();
const noShutdown = missingShutdownFacility();
const timeout = 60_000 + cuts * 10_000;

describe("the store over emulated power cuts", () => {
  let disk: LoopDisk | undefined;
  let ledger: KillLedger;

  beforeEach(() => {
    ledger = new KillLedger();
  });

  afterEach(() => {
    disk?.remove();
    disk = undefined;
  });

  async function cutMany(cutOnce: (disk: LoopDisk) => Promise<boolean>): Promise<void> {
    disk = new LoopDisk(24);
    let counted = 0;
    for (let tried = 0; counted < cuts && tried < 3 * cuts + 3; tried += 1) {
      if (await cutOnce(disk)) counted += 1;
      // Every second time the next writer finds what the cut left, untouched by a clean start.
      if (tried % 2 === 1) await ledger.check(disk.mountPoint);
    }
    await ledger.check(disk.mountPoint);
    expect(counted).toBe(cuts);
    expect(ledger.promised).toBeGreaterThan(cuts * 4);
  }

  async function writeForAWhile(on: LoopDisk) {
    const writer = await ledger.start(on.mountPoint, { acked: Math.random(), syncDelayMs: 4 });
    await pause(20 + Math.random() * 120);
    writer.kill("SIGSTOP");
    // A sync that was under way in the kernel ends; no new one begins.
    await pause(20);
    return writer;
  }

  it.skipIf(noLoop !== undefined)(
    `keeps what it promised when only what reached the device is left, ${cuts} times (needs ${noLoop ?? "nothing else"})`,
    { timeout },
    () =>
      cutMany(async (on) => {
        const writer = await writeForAWhile(on);
        const before = on.contents();
        const swap = on.snapshot();
        writer.kill("SIGKILL");
        await writer.ended;
        swap();
        return lostSomething(before, on.contents());
      }),
  );

  it.skipIf(noShutdown !== undefined)(
    `keeps what it promised, and promises nothing false, when the disk vanishes under it, ${cuts} times (needs ${noShutdown ?? "nothing else"})`,
    { timeout },
    () =>
      cutMany(async (on) => {
        const writer = await writeForAWhile(on);
        const before = on.contents();
        on.shutDown();
        // It goes on and meets errors; a promise it makes now would be a false one.
        writer.kill("SIGCONT");
        await pause(60);
        writer.kill("SIGKILL");
        await writer.ended;
        on.unmount();
        on.mount();
        return lostSomething(before, on.contents());
      }),
  );
});

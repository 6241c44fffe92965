import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { KillLedger } from "../store/kill-ledger.ts";

const kills = Number(process.env.GATEHOUSE_KILLS ?? 6);

it(`loses nothing promised, repeats no seq and changes no byte over ${kills} times kill -9`, {
  timeout: 60_000 + kills * 5_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-kill-"));
  const ledger = new KillLedger();
  try {
    for (let n = 0; n < kills; n += 1) {
      const writer = await ledger.start(folder, { acked: n % 2 === 0 ? 0.5 : 0 });
      // A random moment of its work, not a wait for something.
      await pause(20 + Math.random() * 180);
      writer.kill("SIGKILL");
      await writer.ended;
      // Every second time the next writer finds what the killed one left, untouched by a clean start.
      if (n % 2 === 1) await ledger.check(folder);
    }
    await ledger.check(folder);
    expect(ledger.promised).toBeGreaterThan(kills * 10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

import { expect, it } from "vitest";
import { openStore } from "../../runtime/store/open-store.ts";
import { defaultStoreSettings } from "../../runtime/store/settings.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";
import { seededEntropy } from "./doubles.ts";
import { groupFrame, plainAssembler, slotOf, textsOf } from "./frames.ts";
import { ManualClock } from "./manual-clock.ts";
import { SimDisk } from "./sim-disk.ts";

const mebibyte = 1024 * 1024;
const intervalMs = 10_000;
const longMs = 300_000;

/** Bytes that do not compress, as long as asked for, that begin with the words. */
function noise(words: string, bytes: number, entropy: ReturnType<typeof seededEntropy>): string {
  return words.padEnd(12) + Buffer.from(entropy.bytes((bytes * 3) / 4)).toString("base64");
}

it("a slot of minutes that a little is added to all the time does not keep the journal from being emptied", () => {
  const clock = new ManualClock();
  const entropy = seededEntropy(3);
  const log = new CollectingLogger();
  const { core } = openStore({
    ...{ disk: new SimDisk(), clock, entropy, assembler: plainAssembler, log },
    settings: { ...defaultStoreSettings, journalBytes: mebibyte, ballastBytes: 4_096, budgetBytes: 64 * mebibyte },
  });
  const slotAt = (spanMs: number) => {
    const id = Math.floor(clock.monotonicMs() / spanMs);
    return slotOf(spanMs + id, (id + 1) * spanMs, { intervalMs: spanMs });
  };
  const sent: string[] = [];
  for (let round = 0; round < 40; round++) {
    // A record may be 64 KiB: each round fills more than one with the newest values alone.
    for (let n = 0; n < 12; n++) core.append([groupFrame(noise(`live ${round}.${n}`, 14_000, entropy), slotAt(intervalMs))]);
    core.append([groupFrame(noise(`long ${round}`, 900, entropy), slotAt(longMs))]);
    sent.push(`long ${round}`);
    clock.step(intervalMs);
    expect(core.commit(false)).toBe(true);
  }
  expect(log.lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  expect(core.commit(true)).toBe(true);
  const { ledger, streams } = core.stats();
  expect(ledger.dropped).toBe(0);
  expect(ledger.buffered).toBe(40 * 13 * 10);
  const texts = streams.flatMap(({ stream }) =>
    core.read({ stream, fromSeq: 1, maxChunks: 1e6, maxBytes: 1e9 }).flatMap(({ bytes }) => textsOf(bytes)),
  );
  expect(texts.filter((text) => text.startsWith("long")).map((text) => text.slice(0, 12).trim())).toEqual(sent);
  core.close();
});

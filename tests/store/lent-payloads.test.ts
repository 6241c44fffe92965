import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Buffer as BufferPort } from "#ports/buffer.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { openBufferWorker } from "../../runtime/store/buffer-worker.ts";
import { openGroupBounds } from "../../runtime/store/settings.ts";
import { silentLogger } from "./doubles.ts";
import { groupFrame, slotOf, textsOf } from "./frames.ts";

const clock = new SystemClock(() => true);
const slot = slotOf(1, clock.monotonicMs() + 3_600_000, { bootId: clock.now().bootId });
const entry = new URL("worker-entry.ts", import.meta.url);
let folder: string;
let buffer: BufferPort;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-lent-"));
  buffer = await openBufferWorker({ folder, settings: { budgetBytes: 64 * 1024 * 1024 }, logger: silentLogger, entry });
});

afterEach(async () => {
  await buffer.close();
  rmSync(folder, { recursive: true, force: true });
});

it("keeps what frames said when they came, at once or after they waited for room, whatever is written into their payloads afterwards", async () => {
  const lent = Buffer.from("first");
  const many = Array.from({ length: openGroupBounds.maxOpenFrames - 1 }, () => groupFrame("x", slot));
  const admitted = buffer.append([groupFrame("", slot, { payload: lent }), ...many]);
  lent.write("later");
  // There is no room for this one until the others are on the disk.
  const waiting = buffer.append([groupFrame("", slot, { payload: lent })]);
  expect([typeof admitted, waiting instanceof Promise]).toEqual(["number", true]);
  lent.write("wrong");
  await waiting;
  await buffer.sealNow();
  const stream = (await buffer.stats()).streams.find(({ open, streamClass }) => open && streamClass === "T");
  const chunks = await buffer.read({ stream: stream?.stream ?? ("" as never), fromSeq: 1, maxChunks: 1_000, maxBytes: 1e9 });
  const texts = chunks.flatMap(({ bytes }) => textsOf(bytes));
  expect([texts.length, texts[0], texts.at(-1)]).toEqual([openGroupBounds.maxOpenFrames + 1, "first", "later"]);
});

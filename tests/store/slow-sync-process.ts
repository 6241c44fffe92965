import { monitorEventLoopDelay } from "node:perf_hooks";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { openBufferWorker } from "../../runtime/store/buffer-worker.ts";
import { silentLogger } from "./doubles.ts";
import { alarmFrame, groupFrame, slotOf } from "./frames.ts";

/** Polls every 20 ms for a while with alarms in between, to be run where each sync takes long. Prints what the main loop felt of it. */
const [folder = "", seconds = "4"] = process.argv.slice(2);
const clock = new SystemClock(() => true);
const { bootId } = clock.now();
const never = new AbortController().signal;
const buffer = await openBufferWorker({
  folder,
  settings: { journalBytes: 4 * 1024 * 1024, ballastBytes: 4096, durabilityWindowMs: 200 },
  logger: silentLogger,
  entry: new URL("./worker-entry.ts", import.meta.url),
});
await clock.sleep(500, never);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const endMs = clock.monotonicMs() + Number(seconds) * 1000;
const alarmMs: number[] = [];
let appendMsMax = 0;
let waited = 0;
let frames = 0;
while (clock.monotonicMs() < endMs) {
  const startMs = clock.monotonicMs();
  const slot = slotOf(Math.floor(startMs / 1000), (Math.floor(startMs / 1000) + 1) * 1000, { bootId, intervalMs: 1000 });
  const position = buffer.append([
    groupFrame(`x${frames++}`.padEnd(400, "-"), slot),
    ...(frames % 25 === 0 ? [alarmFrame(`a${frames}`)] : []),
  ]);
  appendMsMax = Math.max(appendMsMax, clock.monotonicMs() - startMs);
  if (typeof position !== "number") waited += 1;
  else if (frames % 25 === 0) void buffer.durable(position).then(() => alarmMs.push(clock.monotonicMs() - startMs));
  await clock.sleep(20, never);
}
delay.disable();
const { commitMsMax, commits } = await buffer.stats();
await buffer.close();
const ms = (ns: number): number => Math.round(ns / 1e4) / 100;
const loop = { p999Ms: ms(delay.percentile(99.9)), maxMs: ms(delay.max) };
console.log(
  JSON.stringify({ frames, waited, appendMsMax, loop, commits, commitMsMax, alarmMsMax: Math.max(...alarmMs), alarms: alarmMs.length }),
);

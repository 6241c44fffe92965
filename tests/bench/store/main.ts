import { missingLoopFacility } from "../../store/loop-disk.ts";
import { type Load, smallSite, switches } from "./loads.ts";
import { measureStore, type StoreMeasurement } from "./measure.ts";

/**
 * `node tests/bench/store/main.ts [--minutes 30] [--real 5]`: bytes that reach the block device per sample, deletion and the file system's journal
 * included; with --real the small site once more without acceleration. Needs root and loop devices.
 */
const missing = missingLoopFacility();
if (missing !== undefined) {
  console.error(`this bench needs ${missing}`);
  process.exit(2);
}
const argument = (name: string, absent: number): number => {
  const at = process.argv.indexOf(name);
  return at < 0 ? absent : Number(process.argv[at + 1]);
};
const minutes = argument("--minutes", 30);
const realMinutes = argument("--real", 0);

interface Case {
  readonly load: () => Load;
  readonly windowMs: number;
  readonly goal: number;
}

const cases: readonly Case[] = [
  { load: () => smallSite(1), windowMs: 10_000, goal: 40 },
  { load: () => smallSite(1), windowMs: 60_000, goal: 10 },
  { load: () => switches(100, 20_000), windowMs: 10_000, goal: 2.5 },
  { load: () => switches(25, 5_000), windowMs: 10_000, goal: 2.5 },
];
const rows: Record<string, string | number>[] = [];
for (const { load, windowMs, goal } of cases) {
  for (const fileSystem of ["shared", "each", "none"] as const) {
    const made = load();
    const busy = made.samplesPerSecond > 1_000;
    const result = measureStore({
      load: made,
      windowMs,
      fileSystem,
      virtualMs: (busy ? minutes / 4 : minutes) * 60_000,
      ackAfterMs: 2_000,
    });
    rows.push(rowOf(result, goal));
    console.log(JSON.stringify(result));
  }
}
if (realMinutes > 0) {
  const result = measureStore({
    load: smallSite(1),
    windowMs: 10_000,
    fileSystem: "real",
    virtualMs: realMinutes * 60_000,
    ackAfterMs: 2_000,
  });
  rows.push(rowOf(result, 40));
}
console.table(rows);

function rowOf(result: StoreMeasurement, goal: number): Record<string, string | number> {
  const fixed = (value: number, digits: number) => Number(value.toFixed(digits));
  return {
    load: result.load,
    "window s": result.windowMs / 1000,
    "fs journal": result.fileSystem,
    "device B/sample": fixed(result.deviceBytesPerSample, 2),
    goal,
    met: result.deviceBytesPerSample <= goal ? "yes" : "no",
    "written by the store": fixed(result.writtenBytesPerSample, 2),
    "on the wire": fixed(result.chunkBytesPerSample, 2),
    "CPU us/sample": fixed(result.cpuMicrosecondsPerSample, 2),
    samples: result.samples,
    records: result.records,
  };
}

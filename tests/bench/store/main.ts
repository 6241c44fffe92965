import { spawn } from "node:child_process";
import { missingLoopFacility } from "../../store/loop-disk.ts";
import { type Load, smallSite, switches } from "./loads.ts";
import { measureStore, type StoreMeasurement } from "./measure.ts";

/**
 * `node tests/bench/store/main.ts [--minutes 30] [--real 10] [--only-real]`: bytes that reach the block device per sample, deletion and the file system's journal
 * included: accelerated, then in real time, side by side, on ext4 as it comes and as the package mounts it (`--real 0` leaves that out, `--only-real` does
 * nothing else). Needs root and loop devices.
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
const realMinutes = argument("--real", 10);

interface Case {
  readonly load: () => Load;
  readonly windowMs: number;
  readonly goal: number;
}

const cases: readonly Case[] = [
  { load: () => smallSite(1), windowMs: 10_000, goal: 40 },
  { load: () => smallSite(1), windowMs: 60_000, goal: 10 },
  { load: () => switches(50, 10_000), windowMs: 10_000, goal: 2.5 },
  { load: () => switches(25, 5_000), windowMs: 10_000, goal: 2.5 },
];
const rows: Record<string, string | number>[] = [];
for (const { load, windowMs, goal } of process.argv.includes("--only-real") ? [] : cases) {
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
/**
 * In real time, all side by side: each in a process of its own, since the store is synchronous. `defaults` is ext4 as it comes, the other what the package
 * sets for this window (build/systemd/spare-flash).
 */
const small = () => smallSite(1);
const realCases = [
  { load: small, windowMs: 10_000, mount: "defaults", goal: 40 },
  { load: small, windowMs: 10_000, mount: "noatime,commit=30", goal: 40 },
  { load: small, windowMs: 60_000, mount: "defaults", goal: 10 },
  { load: small, windowMs: 60_000, mount: "noatime,commit=180", goal: 10 },
  { load: () => switches(50, 10_000), windowMs: 10_000, mount: "defaults", goal: 2.5 },
  { load: () => switches(50, 10_000), windowMs: 10_000, mount: "noatime,commit=30", goal: 2.5 },
] as const;

const only = argument("--real-case", -1);
const chosen = realCases[only];
if (chosen !== undefined) {
  const { load, windowMs, mount } = chosen;
  const options = { load: load(), windowMs, fileSystem: "real", mount, virtualMs: realMinutes * 60_000, ackAfterMs: 2_000 } as const;
  console.log(JSON.stringify(measureStore(options)));
  process.exit(0);
}
if (realMinutes > 0) {
  const results = await Promise.all(realCases.map((_, index) => inOwnProcess(index)));
  for (const [index, result] of results.entries()) {
    const of = realCases[index];
    if (of !== undefined) rows.push({ ...rowOf(result, of.goal), "fs journal": `real, ${of.mount}` });
  }
}
console.table(rows);

async function inOwnProcess(index: number): Promise<StoreMeasurement> {
  const child = spawn(
    process.execPath,
    [import.meta.filename, "--only-real", "--real", String(realMinutes), "--real-case", String(index)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let out = "";
  for await (const data of child.stdout) out += String(data);
  return JSON.parse(out) as StoreMeasurement;
}

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

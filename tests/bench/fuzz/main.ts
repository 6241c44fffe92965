/**
 * Every handler of messages and parser of files against inputs made from valid ones: `npm run bench -- fuzz [--inputs N] [--only PART|PART] [--seed N] [--jobs N] [--minutes N] [--bare]`.
 * Each reader runs in a process of its own, under V8's block coverage and with a heap that is measured after a forced collection. Ends with 1
 * if anything crashed or was taken for genuine.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fuzzRuns } from "../../fuzz/runs/index.ts";
import { fuzzSubjects } from "../../fuzz/subjects/index.ts";
import type { FuzzRow } from "./one.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "100000" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "7" },
    jobs: { type: "string", default: "2" },
    minutes: { type: "string", default: "60" },
    bare: { type: "boolean", default: false },
  },
});
const all = [...fuzzSubjects, ...fuzzRuns].map(({ name }) => name);
const chosen = all.filter((name) => values.only.split("|").some((part) => name.toLowerCase().includes(part.toLowerCase())));
if (chosen.length === 0) throw new Error(`no reader is meant by --only "${values.only}"; there are: ${all.join(", ")}`);
if (new Set(all).size !== all.length) throw new Error("two readers have one name");
const program = fileURLToPath(new URL("one.ts", import.meta.url));
const rows: FuzzRow[] = [];
const failed: string[] = [];

async function work(): Promise<void> {
  for (let name = chosen.shift(); name !== undefined; name = chosen.shift()) {
    // An input that costs memory without end must show as a crash, and not take the machine with it.
    const limited = 'ulimit -d 3000000; exec "$@"';
    const node = [
      process.execPath,
      "--expose-gc",
      "--no-warnings",
      program,
      name,
      values.inputs,
      values.seed,
      ...(values.bare ? ["bare"] : []),
    ];
    const child = spawn("/bin/sh", ["-c", limited, "sh", ...node], {
      stdio: ["ignore", "pipe", "inherit"],
      // Files of readers are in memory where the machine has such a place.
      env: { ...process.env, ...(process.platform === "linux" ? { TMPDIR: "/dev/shm" } : {}) },
    });
    // A reader that never comes back is a finding too.
    const alarm = setTimeout(() => child.kill("SIGKILL"), Number(values.minutes) * 60_000);
    let said = "";
    child.stdout.on("data", (piece: Buffer) => {
      said += String(piece);
    });
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(alarm);
    const line = said.trim().split("\n").at(-1) ?? "";
    if (code === 0 && line.startsWith("{")) {
      rows.push(JSON.parse(line) as FuzzRow);
      console.log(line);
    } else failed.push(name);
  }
}

await Promise.all(Array.from({ length: Number(values.jobs) }, work));
console.log(`\n| reader | inputs | refused | understood | lines | branches | slowest ms | heap MiB at 10, 50, 100 % | peak RSS MiB | s |`);
console.log("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
for (const row of rows.sort((a, b) => a.reader.localeCompare(b.reader)))
  console.log(
    `| ${row.reader} | ${row.inputs} | ${row.refused} | ${row.understood} | ${row.lines} % | ${row.branches} % | ${row.slowestMs} | ${row.heapMiB.join(", ")} | ${row.peakMiB} | ${row.seconds} |`,
  );
console.log(
  `\n${rows.length} readers, ${rows.reduce((sum, { inputs }) => sum + inputs, 0)} inputs, 0 accepted; crashed or accepted: ${failed.join(", ") || "none"}`,
);
if (failed.length > 0) process.exitCode = 1;

/**
 * `npm run bench -- delta --before OLD --binary NEW`: size of the delta between two builds, and the memory that the updater takes to make the new
 * program of it (smaps' Anonymous, highest of samples each 5 ms, less what the same process had before it began). Goals: 200 KB, 16 MB.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeDelta } from "../../../cloud-bridge/protocol/release/delta.ts";

const { values } = parseArgs({ options: { before: { type: "string" }, binary: { type: "string", default: "dist/gatehouse-linux-x64" } } });
if (values.before === undefined) {
  console.log("--before OLD is the program that the delta begins with");
  process.exit(2);
}
const before = resolve(values.before);
const binary = resolve(values.binary);
const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-delta-"));
const deltaFile = join(folder, "delta");
const delta = makeDelta(readFileSync(before), readFileSync(binary));
writeFileSync(deltaFile, delta);
console.log(
  `delta ${(delta.length / 1e3).toFixed(1)} KB of ${(statSync(binary).size / 1e6).toFixed(1)} MB  goal 200 KB  ${delta.length <= 200_000 ? "ok" : "MISSED"}`,
);

const anonymousMB = (pid: number) =>
  (Number(/^Anonymous:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]) * 1_024) / 1e6;
const sha256 = createHash("sha256").update(readFileSync(binary)).digest("hex");
// Flags as they are baked into the packaged program.
const flags = ["--max-semi-space-size=2", "--max-old-space-size=256"];
const program = join(import.meta.dirname, "apply.ts");
try {
  for (let run = 1; run <= 3; run++) {
    const child = spawn(process.execPath, [...flags, program, before, deltaFile, binary, join(folder, "out"), sha256], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const pid = child.pid ?? 0;
    const idle = anonymousMB(pid);
    let peak = idle;
    const sample = setInterval(() => {
      try {
        peak = Math.max(peak, anonymousMB(pid));
      } catch {
        // It ended meanwhile.
      }
    }, 5);
    const answered = once(child.stdout, "data");
    child.stdin.write("go\n");
    const [said] = (await answered) as [Buffer];
    clearInterval(sample);
    const more = peak - idle;
    console.log(
      `run ${run}: ${said.toString().trim()} ms, ${idle.toFixed(1)} MB before, peak ${peak.toFixed(1)}: ${more.toFixed(1)} MB more  goal 16 MB  ${more <= 16 ? "ok" : "MISSED"}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** `npm run check`: everything that can be said about the tree without running it. One line per step; the output of a step only if it fails. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules/.bin", name);

const steps: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  {
    name: "format, lint, import rule (biome)",
    command: [bin("biome"), "check", "--max-diagnostics=100", "."],
  },
  { name: "types (tsc)", command: [bin("tsc"), "--project", "."] },
  { name: "generated files (generate --check)", command: [process.execPath, "build/generate/main.ts", "--check"] },
  { name: "house rules", command: [process.execPath, "build/house.ts"] },
  { name: "pinned runtime (sha256)", command: [process.execPath, "build/check-node.mjs"] },
];

let failures = 0;
for (const { name, command } of steps) {
  const [program = "", ...args] = command;
  const startedMs = performance.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const failed = status !== 0;
  console.log(`${failed ? "FAILED" : "ok    "}  ${seconds.padStart(5)} s  ${name}`);
  if (!failed) continue;
  failures += 1;
  console.log([stdout, stderr, error?.message].filter(Boolean).join("\n"));
}
console.log(failures === 0 ? "check passed" : `check failed: ${failures} of ${steps.length} steps`);
process.exitCode = failures === 0 ? 0 : 1;

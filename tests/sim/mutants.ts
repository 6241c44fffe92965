/**
 * `npm run sim:mutants [-- --jobs J] [--only TEXT]`: breaks the code on purpose, one place at a time, in a copy of the tree, and runs the simulation on it.
 * Fails unless every mutant is caught, and says by which property. A simulation that lets a broken outbox pass is worth nothing.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { editsOf, type Mutant, mutants } from "./mutant-list.ts";

const root = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: String(availableParallelism()) },
    hours: { type: "string", default: "12" },
    seeds: { type: "string", default: "10" },
    only: { type: "string", default: "" },
  },
});
const parts = ["runtime", "cloud-bridge", "drivers", "tests/sim", "package.json"];
const limitMs = 600_000;

interface Finding {
  readonly word: "caught" | "not proven" | "SURVIVED";
  readonly by: string;
}

function assertThere(mutant: Mutant): void {
  for (const { file, find } of editsOf(mutant)) {
    const isThere = readFileSync(join(root, file), "utf8").includes(find);
    if (!isThere) throw new Error(`mutant "${mutant.name}": its place in ${file} is gone; adapt the mutant`);
  }
}

function prepare(mutant: Mutant | undefined): string {
  const copy = mkdtempSync(join(tmpdir(), "gatehouse-mutant-"));
  for (const part of parts) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  if (mutant === undefined) return copy;
  for (const { file, find, replace } of editsOf(mutant)) {
    const text = readFileSync(join(copy, file), "utf8");
    writeFileSync(join(copy, file), mutant.all === true ? text.replaceAll(find, replace) : text.replace(find, () => replace));
  }
  return copy;
}

/** Seed after seed until one fails; each mutant has one thread, and several mutants run side by side. */
function live(copy: string, damagedFrom?: number, jobs = "1"): Promise<Finding> {
  // Bits turn where they turn: more and longer lives are needed until one hits the place.
  const range =
    damagedFrom === undefined
      ? ["--seeds", values.seeds, "--hours", values.hours]
      : ["--first", String(damagedFrom), "--step", "5", "--seeds", "60", "--hours", "24"];
  const args = ["tests/sim/main.ts", "--jobs", jobs, ...range, "--stop-at-first"];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: copy, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, limitMs);
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => {
        if (out.length < maxOutput) out += data.toString("utf8");
      });
    child.once("close", (code) => {
      clearTimeout(limit);
      resolve(findingOf(out, late, code));
    });
  });
}

const maxOutput = 1_000_000;

function findingOf(out: string, late: boolean, code: number | null): Finding {
  const failed = /FAILED seed (\d+)[^\n]*\n {2}([^\n]*)/.exec(out);
  if (failed !== null) {
    const [, seed, property = ""] = failed;
    return { word: "caught", by: `seed ${seed}: ${property.slice(0, 150)}` };
  }
  if (late) return { word: "not proven", by: `no seed had failed after ${limitMs / 1_000} s` };
  if (code === 0) return { word: "SURVIVED", by: `${values.seeds} seeds` };
  return { word: "not proven", by: `the run ended with ${code}: ${out.trim().split("\n").at(-1)?.slice(0, 150)}` };
}

const chosen = mutants.filter((mutant) => mutant.name.includes(values.only));
const waiting = [...chosen];
let proven = 0;

/** Without a mutation the same seeds must hold, or a failure would prove nothing. */
async function control(): Promise<void> {
  const copy = prepare(undefined);
  try {
    const { word, by } = await live(copy, undefined, values.jobs);
    if (word !== "SURVIVED") throw new Error(`the code fails without a mutation: ${word}, ${by}`);
    console.log(`control     the code as it is holds (${by})`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function work(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const copy = prepare(mutant);
    try {
      const { word, by } = await live(copy, mutant.damagedFrom);
      if (word === "caught") proven += 1;
      console.log(`${word.padEnd(10)}  ${mutant.name} (${by})`);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }
}

for (const mutant of chosen) assertThere(mutant);
await control();
await Promise.all(Array.from({ length: Math.min(Number(values.jobs), chosen.length) }, work));
console.log(`${proven} of ${chosen.length} mutants caught`);
process.exitCode = proven === chosen.length ? 0 : 1;

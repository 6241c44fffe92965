/** One reader, in this process: `one.ts NAME INPUTS SEED [bare]`. Prints one line of JSON. `bare`: without coverage, which keeps the code of all that ever ran. */
import { readFileSync } from "node:fs";
import { CoverageGauge } from "../../fuzz/coverage.ts";

export interface FuzzRow {
  readonly reader: string;
  readonly inputs: number;
  readonly refused: number;
  readonly understood: number;
  /** Per cent of the reader's files. */
  readonly lines: number;
  readonly branches: number;
  readonly slowestMs: number;
  /** After a forced collection: heap in use and memory outside it. */
  readonly heapMiB: readonly number[];
  /** Greatest resident size of the process (VmHWM), Node itself and the modules of all readers included. */
  readonly peakMiB: number;
  readonly seconds: number;
}

const collect = globalThis.gc;
if (collect === undefined) throw new Error("start with --expose-gc");
const [name = "", inputs = "1000", seed = "7", bare] = process.argv.slice(2);
const gauge = bare === undefined ? new CoverageGauge() : undefined;
await gauge?.start();
// Loaded now, so that what its modules do when they are loaded is seen.
const { fuzzSubjects } = await import("../../fuzz/subjects/index.ts");
const { runSubject } = await import("../../fuzz/run-subject.ts");
const { fuzzRuns } = await import("../../fuzz/runs/index.ts");
const subject = fuzzSubjects.find((one) => one.name === name);
const conversation = fuzzRuns.find((one) => one.name === name);
const found = subject ?? conversation;
if (found === undefined) throw new Error(`there is no reader ${name}`);

const total = Number(inputs) * (conversation?.factor ?? 1);
const marks = [0.1, 0.5, 1].map((part) => Math.floor(total * part));
const heapMiB: number[] = [];
function usedMiB(): number {
  collect?.();
  collect?.();
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((heapUsed + external) / 2 ** 18) / 4;
}

const startedMs = performance.now();
try {
  const options = {
    inputs: total,
    seed: Number(seed),
    onProgress: (done: number) => {
      while (marks[0] !== undefined && done >= marks[0]) {
        marks.shift();
        heapMiB.push(usedMiB());
      }
    },
  };
  const outcome = { slowestMs: 0, ...(await (subject === undefined ? conversation?.run(options) : runSubject(subject, options))) };
  const { lines, linesHit, branches, branchesHit } = (await gauge?.of(found.files)) ?? {
    lines: 0,
    linesHit: 0,
    branches: 0,
    branchesHit: 0,
  };
  const row: FuzzRow = {
    reader: name,
    ...{ inputs: outcome.inputs ?? 0, refused: outcome.refused ?? 0, understood: outcome.understood ?? 0 },
    ...{ lines: percent(linesHit, lines), branches: percent(branchesHit, branches) },
    ...{ slowestMs: Math.round(outcome.slowestMs), heapMiB, peakMiB: peakMiB() },
    seconds: Math.round((performance.now() - startedMs) / 1_000),
  };
  console.log(JSON.stringify(row));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1_000) / 10;
}

function peakMiB(): number {
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1_024);
}

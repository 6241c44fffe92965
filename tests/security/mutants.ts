/**
 * `npm run security:mutants [-- --jobs J] [--only TEXT]`: takes each control of SECURITY.md out, one at a time, in a copy of the tree, and runs the
 * test that the document names for it. Each test first runs in the copy as it is: one that fails there proves nothing of any mutant. Fails when a mutant
 * survives, when a place is gone, or when a test does not even run.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { SecurityMutant } from "./mutant.ts";
import { securityMutants } from "./mutant-list.ts";

const root = join(import.meta.dirname, "../..");
const { values } = parseArgs({ options: { jobs: { type: "string", default: "1" }, only: { type: "string", default: "" } } });
const parts = [
  "runtime",
  "cloud-bridge",
  "drivers",
  "flows",
  "build",
  "tests",
  "examples",
  "package.json",
  "vitest.config.ts",
  "tsconfig.json",
  "SECURITY.md",
];
const limitMs = 600_000;

type Word = "caught" | "SURVIVED" | "GONE" | "NOT RUN" | "FAILS ANYWAY";

interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** A tree of its own: the packages as files, because the flow host may read no others than those below its root. */
function copyOfTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "gatehouse-security-mutant-"));
  // The flow host runs under a user of its own.
  chmodSync(copy, 0o755);
  for (const part of parts) if (existsSync(join(root, part))) cpSync(join(root, part), join(copy, part), { recursive: true });
  const packages = [join(root, "node_modules"), join(copy, "node_modules")];
  // Links cost no room; on another file system there are none.
  if (spawnSync("cp", ["-al", ...packages]).status !== 0) spawnSync("cp", ["-a", ...packages]);
  for (const cache of [".vite", ".vitest", ".cache"]) rmSync(join(copy, "node_modules", cache), { recursive: true, force: true });
  return copy;
}

const controls = new Map<string, Promise<string | undefined>>();

/** The test as it is. Once, whoever asks first. */
function control(copy: string, { test, title }: SecurityMutant): Promise<string | undefined> {
  const key = `${test} ${title}`;
  const known = controls.get(key) ?? outcome(copy, test, title);
  controls.set(key, known);
  return known;
}

async function tryOut(mutant: SecurityMutant, copy: string): Promise<Word> {
  const { test, title } = mutant;
  const edits = mutant.also === undefined ? [mutant] : [mutant, mutant.also];
  if (edits.some(({ file, find }) => !readFileSync(join(root, file), "utf8").includes(find))) return "GONE";
  const before = await control(copy, mutant);
  if (before !== "passed") return before === undefined ? "NOT RUN" : "FAILS ANYWAY";
  const originals = edits.map(({ file }) => [join(copy, file), readFileSync(join(copy, file), "utf8")] as const);
  try {
    for (const { file, find, replace } of edits) {
      const path = join(copy, file);
      writeFileSync(
        path,
        readFileSync(path, "utf8").replace(find, () => replace),
      );
    }
    const after = await outcome(copy, test, title);
    return after === "failed" ? "caught" : after === "passed" ? "SURVIVED" : "NOT RUN";
  } finally {
    for (const [path, text] of originals) writeFileSync(path, text);
  }
}

/** `failed` also when what its file needs before it did not come about; undefined = there is no such test. */
async function outcome(copy: string, test: string, title: string): Promise<"passed" | "failed" | "skipped" | undefined> {
  const report = await vitest(copy, test, title);
  const results = report?.testResults.flatMap((one) => one.assertionResults.map((own) => ({ ...own, suite: one }))) ?? [];
  const own = results.filter((one) => one.title === title);
  if (own.some(({ status, suite }) => status === "failed" || (status !== "passed" && suite.status === "failed"))) return "failed";
  if (own.some(({ status }) => status === "passed")) return "passed";
  return own.length === 0 ? undefined : "skipped";
}

function vitest(copy: string, test: string, title: string): Promise<Report | undefined> {
  const output = join(copy, "mutant-report.json");
  rmSync(output, { force: true });
  const pattern = title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const program = join(root, "node_modules/vitest/vitest.mjs");
  const args = [program, "run", test, "-t", pattern, "--reporter=json", `--outputFile=${output}`];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: copy, stdio: "ignore", timeout: limitMs, killSignal: "SIGKILL" });
    child.once("close", () => resolve(existsSync(output) ? (JSON.parse(readFileSync(output, "utf8")) as Report) : undefined));
  });
}

const waiting = securityMutants.filter((one) => `${one.test} ${one.title} ${one.file}`.includes(values.only));
if (waiting.length === 0)
  throw new Error(`no control is meant by --only "${values.only}": it is a part of a file's path or of a test's title`);
const words: Word[] = [];
async function work(): Promise<void> {
  const copy = copyOfTree();
  try {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const word = await tryOut(mutant, copy);
      words.push(word);
      console.log(`${word.padEnd(12)}  ${mutant.file}: ${mutant.title}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work));
const count = (word: Word) => words.filter((one) => one === word).length;
console.log(
  `${words.length} controls taken out: ${count("caught")} noticed, ${count("SURVIVED")} not, ${count("GONE")} places gone, ${count("NOT RUN")} tests not run, ${count("FAILS ANYWAY")} fail with the control in place`,
);
if (words.length === 0 || count("caught") < words.length) process.exitCode = 1;

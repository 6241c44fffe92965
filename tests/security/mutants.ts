/**
 * `npm run security:mutants [-- --jobs J] [--only TEXT]`: takes each control of SECURITY.md out, one at a time, in a copy of the tree, and runs the
 * test that the document names for it. Fails when a mutant survives, when a place is gone, or when a test does not even run.
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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

type Word = "caught" | "SURVIVED" | "GONE" | "NOT RUN";

interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

async function tryOut(mutant: SecurityMutant): Promise<Word> {
  const { test, title } = mutant;
  const edits = mutant.also === undefined ? [mutant] : [mutant, mutant.also];
  if (edits.some(({ file, find }) => !readFileSync(join(root, file), "utf8").includes(find))) return "GONE";
  const copy = mkdtempSync(join(tmpdir(), "gatehouse-security-mutant-"));
  try {
    for (const part of parts) if (existsSync(join(root, part))) cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    for (const { file, find, replace } of edits) {
      const path = join(copy, file);
      writeFileSync(
        path,
        readFileSync(path, "utf8").replace(find, () => replace),
      );
    }
    const report = await vitest(copy, test, title);
    const results = report?.testResults.flatMap((one) => one.assertionResults.map((own) => ({ ...own, suite: one }))) ?? [];
    const own = results.filter((one) => one.title === title);
    if (own.some(({ status, suite }) => status === "failed" || (status !== "passed" && suite.status === "failed"))) return "caught";
    return own.some(({ status }) => status === "passed") ? "SURVIVED" : "NOT RUN";
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function vitest(copy: string, test: string, title: string): Promise<Report | undefined> {
  const output = join(copy, "mutant-report.json");
  const pattern = title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const program = join(root, "node_modules/vitest/vitest.mjs");
  const args = [program, "run", test, "-t", pattern, "--reporter=json", `--outputFile=${output}`];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: copy, stdio: "ignore", timeout: limitMs, killSignal: "SIGKILL" });
    child.once("close", () => resolve(existsSync(output) ? (JSON.parse(readFileSync(output, "utf8")) as Report) : undefined));
  });
}

const waiting = securityMutants.filter((one) => `${one.test} ${one.title} ${one.file}`.includes(values.only));
const words: Word[] = [];
async function work(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const word = await tryOut(mutant);
    words.push(word);
    console.log(`${word.padEnd(8)}  ${mutant.file}: ${mutant.title}`);
  }
}
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work));
const count = (word: Word) => words.filter((one) => one === word).length;
console.log(
  `${words.length} controls taken out: ${count("caught")} noticed, ${count("SURVIVED")} not, ${count("GONE")} places gone, ${count("NOT RUN")} tests not run`,
);
if (words.length === 0 || count("caught") < words.length) process.exitCode = 1;

/**
 * `node build/ci-summary.ts REPORT...`: the last line of CI, from vitest's JSON reports. CI has every peer, so a skipped test counts as failed
 * there, unless another report has it passed (the packaged program's), or its title says that it is about being root, mounting, loop devices
 * or IPv6, which a CI machine may or may not have. A report that is empty or not there counts as one failure.
 */
import { existsSync, readFileSync } from "node:fs";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const excuse = /\b(root|mount|loop|IPv6)\b/;
const reports = process.argv.slice(2).map(read);
const tests = reports.flatMap((report) => report?.testResults ?? []).flatMap((file) => file.assertionResults);
const passed = new Set(tests.flatMap(({ status, fullName }) => (status === "passed" ? [fullName] : [])));
let failed = reports.filter((report) => report === undefined).length;

function read(path: string): Report | undefined {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (text !== "") return JSON.parse(text) as Report;
  console.log(`failed: ${path} has no report`);
  return undefined;
}

for (const { status, fullName } of tests) {
  if (status === "failed") console.log(`failed: ${fullName}`);
  if (status === "passed" || status === "failed" || passed.has(fullName)) continue;
  const excused = excuse.test(fullName);
  console.log(`${excused ? "skipped" : "failed, because it was skipped"}: ${fullName}`);
  if (!excused) failed += 1;
}
let count = 0;
for (const report of reports) {
  if (report === undefined) continue;
  count += report.numPassedTests;
  // A file that does not even load has no failed test to show for it.
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"),
  );
  for (const file of broken) console.log(`failed to load: ${file.name}: ${(file.message ?? "").split("\n")[0]}`);
  failed += report.numFailedTests + broken.length;
}
console.log(`${count} passed, ${failed} failed`);
process.exitCode = failed === 0 && count > 0 ? 0 : 1;

/**
 * `node build/ci-summary.ts REPORT`: the last line of CI, from vitest's JSON report. CI has every peer, so a skipped test counts as failed
 * there, unless its title says that it is about being root, mounting, loop devices or IPv6, which a CI machine may or may not have.
 */
import { readFileSync } from "node:fs";

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
const [, , path = ""] = process.argv;
const report = JSON.parse(readFileSync(path, "utf8")) as Report;
let missed = 0;
for (const file of report.testResults) {
  for (const { status, fullName } of file.assertionResults) {
    if (status === "failed") console.log(`failed: ${fullName}`);
    if (status === "passed" || status === "failed") continue;
    const excused = excuse.test(fullName);
    console.log(`${excused ? "skipped" : "failed, because it was skipped"}: ${fullName}`);
    if (!excused) missed += 1;
  }
}
// A file that does not even load has no failed test to show for it.
const broken = report.testResults.filter(
  (file) => file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"),
);
for (const file of broken) console.log(`failed to load: ${file.name}: ${(file.message ?? "").split("\n")[0]}`);
const failed = report.numFailedTests + broken.length + missed;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exitCode = failed === 0 && report.numPassedTests > 0 ? 0 : 1;

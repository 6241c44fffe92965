/** `node build/ci-summary.ts REPORT`: the last line of CI, from vitest's JSON report. Skipped tests are named: CI has every facility. */
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

const [, , path = ""] = process.argv;
const report = JSON.parse(readFileSync(path, "utf8")) as Report;
for (const file of report.testResults) {
  for (const { status, fullName } of file.assertionResults) {
    if (status === "skipped" || status === "pending" || status === "todo") console.log(`skipped: ${fullName}`);
    if (status === "failed") console.log(`failed: ${fullName}`);
  }
}
// A file that does not even load has no failed test to show for it.
const broken = report.testResults.filter(
  (file) => file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"),
);
for (const file of broken) console.log(`failed to load: ${file.name}: ${(file.message ?? "").split("\n")[0]}`);
const failed = report.numFailedTests + broken.length;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exitCode = failed === 0 && report.numPassedTests > 0 ? 0 : 1;

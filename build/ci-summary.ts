/**
 * `node build/ci-summary.ts REPORT... [--again REPORT]...`: the last line of CI, from vitest's JSON reports. CI has every peer, so a skipped test
 * counts as failed there, unless another report has it passed (the packaged program's), or its title says that it is about being root,
 * mounting, loop devices or IPv6, which a CI machine may or may not have. A report that is empty or not there counts as one failure.
 * Files that failed are run a second time by themselves (the first --again belongs to the first REPORT, and so on); what passes then is named as unsteady, which is a defect to mend, but not counted as failed.
 *
 * `node build/ci-summary.ts --failed REPORT`: only the files of the report that failed, a line each.
 */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

interface TestFile {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
}

const excuse = /\b(root|mount|loop|IPv6)\b/;
const { values, positionals } = parseArgs({
  options: { again: { type: "string", multiple: true, default: [] }, failed: { type: "boolean", default: false } },
  allowPositionals: true,
});

function read(path: string): readonly TestFile[] | undefined {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return text === "" ? undefined : (JSON.parse(text) as { readonly testResults: readonly TestFile[] }).testResults;
}

/** A file that does not even load, or whose preparation fails, has no failed test to show for it. */
function broken(file: TestFile): boolean {
  return file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed");
}

function hasFailed(file: TestFile): boolean {
  return file.status === "failed" || file.assertionResults.some(({ status }) => status === "failed");
}

/** What stands in the end: the second run's word on a file wins over the first's, and says so. */
function settled(first: readonly TestFile[], again: readonly TestFile[]): readonly TestFile[] {
  return first.map((file) => {
    const second = hasFailed(file) ? again.find(({ name }) => name === file.name) : undefined;
    if (second === undefined) return file;
    if (!hasFailed(second)) {
      const names = file.assertionResults.flatMap(({ status, fullName }) => (status === "failed" ? [fullName] : []));
      console.log(
        `unsteady: ${file.name}: failed once and passed when run by itself: ${names.join("; ") || (file.message ?? "").split("\n")[0]}`,
      );
    }
    return second;
  });
}

function summary(): void {
  const counts = { passed: 0, failed: 0 };
  const files = positionals.flatMap((path, index) => {
    const found = read(path);
    const again = values.again[index];
    if (found !== undefined) return settled(found, again === undefined ? [] : (read(again) ?? []));
    console.log(`failed: ${path} has no report`);
    counts.failed += 1;
    return [];
  });
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const passed = new Set(tests.flatMap(({ status, fullName }) => (status === "passed" ? [fullName] : [])));
  for (const { status, fullName } of tests) {
    if (status === "passed") counts.passed += 1;
    else if (status === "failed") console.log(`failed: ${fullName}`);
    else if (passed.has(fullName)) continue;
    else console.log(`${excuse.test(fullName) ? "skipped" : "failed, because it was skipped"}: ${fullName}`);
    if (status !== "passed" && (status === "failed" || !excuse.test(fullName))) counts.failed += 1;
  }
  for (const file of files.filter(broken)) {
    console.log(`failed to load: ${file.name}: ${(file.message ?? "").split("\n")[0]}`);
    counts.failed += 1;
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

if (values.failed) {
  for (const file of positionals.flatMap((path) => read(path) ?? []).filter(hasFailed)) console.log(file.name);
} else {
  summary();
}

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-summary-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Each test of each file as `name: status`; a file without tests did not load. */
function report(name: string, files: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const path = join(folder, name);
  const testResults = Object.entries(files).map(([file, tests]) => {
    const statuses = Object.values(tests);
    const failed = statuses.length === 0 || statuses.includes("failed");
    const assertionResults = Object.entries(tests).map(([fullName, status]) => ({ fullName, status }));
    return { name: file, status: failed ? "failed" : "passed", message: "said why", assertionResults };
  });
  writeFileSync(path, JSON.stringify({ testResults }));
  return path;
}

function summary(...args: readonly string[]) {
  const { status, stdout } = spawnSync(process.execPath, ["build/ci-summary.ts", ...args], { encoding: "utf8" });
  return { status, lines: stdout.trimEnd().split("\n") };
}

it("counts a failed test, a file that does not load, a skip without excuse and a missing report as failed", () => {
  const first = report("first", {
    "a.test.ts": { works: "passed", breaks: "failed", "is left out": "skipped", "needs root": "skipped" },
    "b.test.ts": {},
  });
  const { status, lines } = summary(first, join(folder, "nothing"));
  expect(status).toBe(1);
  expect(lines.at(-1)).toBe("1 passed, 4 failed");
  expect(lines).toContain("failed, because it was skipped: is left out");
  expect(lines).toContain("skipped: needs root");
  expect(lines).toContain("failed to load: b.test.ts: said why");
});

it("takes the second run's word, and names what failed once as unsteady", () => {
  const first = report("first", { "a.test.ts": { one: "failed", two: "passed" }, "b.test.ts": {}, "c.test.ts": { three: "failed" } });
  expect(summary("--failed", first).lines).toEqual(["a.test.ts", "b.test.ts", "c.test.ts"]);
  const mended = report("again", {
    "a.test.ts": { one: "passed", two: "passed" },
    "b.test.ts": { four: "passed" },
    "c.test.ts": { three: "failed" },
  });
  const { status, lines } = summary(first, "--again", mended);
  expect(status).toBe(1);
  expect(lines).toEqual([
    "unsteady: a.test.ts: failed once and passed when run by itself: one",
    "unsteady: b.test.ts: failed once and passed when run by itself: said why",
    "failed: three",
    "3 passed, 1 failed",
  ]);
});

it("takes a second run only for the report that it belongs to", () => {
  const checkout = report("checkout", { "a.test.ts": { one: "passed" } });
  const packaged = report("packaged", { "a.test.ts": { one: "failed" } });
  const again = report("again", { "a.test.ts": { one: "passed" } });
  expect(summary(checkout, packaged, "--again", again, "--again", join(folder, "nothing")).lines.at(-1)).toBe("1 passed, 1 failed");
  expect(summary(checkout, packaged, "--again", join(folder, "nothing"), "--again", again).lines.at(-1)).toBe("2 passed, 0 failed");
});

it("ends well when all passed, in whichever report", () => {
  const first = report("first", { "a.test.ts": { one: "passed", packed: "skipped" } });
  const { status, lines } = summary(first, report("packaged", { "p.test.ts": { packed: "passed" } }), "--again", join(folder, "nothing"));
  expect({ status, lines }).toEqual({ status: 0, lines: ["2 passed, 0 failed"] });
});

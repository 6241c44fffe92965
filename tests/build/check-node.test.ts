import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

const script = join(import.meta.dirname, "../../build/check-node.mjs");
const check = (...args: readonly string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });

describe("the pinned runtime", () => {
  it("is what npm installed here", () => {
    expect(check()).toMatchObject({ status: 0, stderr: "" });
  });

  it.each(["linux-x64", "linux-arm64"])("is not anything else for %s", (target) => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-node-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "node"), "not node");
    const { status, stderr } = check(join(folder, "node"), target);
    expect(status).toBe(1);
    expect(stderr).toMatch(/node has SHA-256 [0-9a-f]{64}; node 26\.10\.0 for linux-.* has [0-9a-f]{64}/);
  });

  it("is not judged on platforms that we do not ship", () => {
    expect(check("/nowhere", "darwin-arm64").status).toBe(0);
  });
});

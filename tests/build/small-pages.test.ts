import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hugePageSegments, keepSmallPages } from "../../build/package/small-pages.ts";

function inFolder(run: (file: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-pages-"));
  try {
    run(join(folder, "program"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it("moves a program's segments off the places where huge pages of the file would fit, and the program still runs", () => {
  inFolder((file) => {
    copyFileSync(realpathSync("/bin/sh"), file);
    expect(spawnSync(file, ["-c", "exit 7"]).status).toBe(7);
    keepSmallPages(file);
    expect(hugePageSegments(readFileSync(file))).not.toContain(true);
    const { status, stderr } = spawnSync(file, ["-c", "exit 7"], { encoding: "utf8" });
    expect(status, stderr).toBe(7);
  });
});

it("refuses what is no program", () => {
  inFolder((file) => {
    writeFileSync(file, "a text that is long enough to have a header of 64 bytes, if it were one");
    expect(() => keepSmallPages(file)).toThrow("not a 64-bit ELF file");
  });
});

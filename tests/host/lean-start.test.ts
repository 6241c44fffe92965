import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { allocatorFor, largeSiteOptions, leanAllocator, smallSiteOptions } from "../../runtime/host/lean-start.ts";

const folder = mkdtempSync(join(tmpdir(), "gatehouse-lean-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Options and allocator under which a program for so much equipment ends up, and as which process. */
function endsUp(equipment: number, environment: Readonly<Record<string, string>> = {}) {
  const program = join(folder, "program.mjs");
  const source = JSON.stringify(join(import.meta.dirname, "../../runtime/host/lean-start.ts"));
  const shown =
    "JSON.stringify({ options: process.execArgv, arenas: process.env.MALLOC_ARENA_MAX, mapped: process.env.MALLOC_MMAP_THRESHOLD_, args: process.argv.slice(2) })";
  const lines = [`import { startLarge, startLean } from ${source};`, `startLean(); startLarge(${equipment}); console.log(${shown});`];
  writeFileSync(program, lines.join("\n"));
  const { PATH = "" } = process.env;
  const output = execFileSync(process.execPath, [program, "run", "--config", "a b.yaml"], {
    encoding: "utf8",
    env: { PATH, ...environment },
  });
  return JSON.parse(output) as {
    options: readonly string[];
    arenas: string | undefined;
    mapped: string | undefined;
    args: readonly string[];
  };
}

describe.skipIf(process.platform !== "linux")("the options that a gateway gives itself", () => {
  it("are those of a small site up to 250 devices, with its words untouched", () => {
    expect(endsUp(250)).toEqual({ options: [...smallSiteOptions], arenas: "1", mapped: "32768", args: ["run", "--config", "a b.yaml"] });
  });

  it("are those of a large site beyond, by the launcher as well as by hand", () => {
    const byHand = endsUp(251);
    expect(byHand.options.slice(-largeSiteOptions.length)).toEqual([...largeSiteOptions]);
    expect(byHand.args).toEqual(["run", "--config", "a b.yaml"]);
    const byLauncher = endsUp(251, leanAllocator);
    expect(byLauncher.options).toEqual([...largeSiteOptions]);
    const { MALLOC_MMAP_THRESHOLD_ } = allocatorFor(251);
    expect([byHand.mapped, byLauncher.mapped]).toEqual([MALLOC_MMAP_THRESHOLD_, MALLOC_MMAP_THRESHOLD_]);
    expect(MALLOC_MMAP_THRESHOLD_).not.toBe(leanAllocator.MALLOC_MMAP_THRESHOLD_);
  });

  it("are left as they are for a small site that a launcher started", () => {
    expect(endsUp(250, leanAllocator).options).toEqual([]);
  });
});

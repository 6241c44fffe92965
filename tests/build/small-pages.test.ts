import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hugePageSegments, keepSmallPages, pageProblems } from "../../build/package/small-pages.ts";

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

it("says when segments do not fit a kernel's pages", () => {
  // Two loaded segments, one page apart in pages of 4 KiB: place in the file, address, bytes in the file and in memory.
  const program = (...segments: readonly (readonly [number, number, number, number])[]) => {
    const file = Buffer.alloc(64 + segments.length * 56);
    file.writeBigUInt64LE(64n, 0x20);
    file.writeUInt16LE(56, 0x36);
    file.writeUInt16LE(segments.length, 0x38);
    for (const [index, [offset, address, inFile, inMemory]] of segments.entries()) {
      const at = 64 + index * 56;
      file.writeUInt32LE(1, at);
      for (const [field, value] of [
        [0x08, offset],
        [0x10, address],
        [0x20, inFile],
        [0x28, inMemory],
      ] as const)
        file.writeBigUInt64LE(BigInt(value), at + field);
    }
    return file;
  };
  const zeros = program([0, 0x400000, 0x800, 0x1800], [0x2000, 0x402000, 0x100, 0x100]);
  expect(pageProblems(zeros, 4_096)).toEqual([]);
  expect(pageProblems(zeros, 16_384)).toEqual(["the segment at 0x402000 shares a page of 16384 bytes with the one before it"]);
  const sharing = program([0, 0x400000, 0x1800, 0x1800], [0x1800, 0x401800, 0x100, 0x2000]);
  expect(pageProblems(sharing, 65_536)).toEqual([]);
  const moved = program([0, 0x400000, 0x800, 0x800], [0x1000, 0x804000, 0x100, 0x100]);
  expect(pageProblems(moved, 4_096)).toEqual([]);
  expect(pageProblems(moved, 65_536)).toEqual(["the segment at 0x804000 cannot be mapped in pages of 65536 bytes"]);
});

it("refuses what is no program", () => {
  inFolder((file) => {
    writeFileSync(file, "a text that is long enough to have a header of 64 bytes, if it were one");
    expect(() => keepSmallPages(file)).toThrow("not a 64-bit ELF file");
  });
});

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const memory = JSON.stringify(join(import.meta.dirname, "../../runtime/host/memory.ts"));

describe.skipIf(process.platform !== "linux")("pages of the program's file", () => {
  it("are let go of, and come back when they are needed", () => {
    const lines = [
      `import { readFileSync } from "node:fs";`,
      `import { letGoOfProgramPages } from ${memory};`,
      `const rss = () => Number(/^Rss: +([0-9]+)/m.exec(readFileSync("/proc/self/smaps_rollup", "utf8"))[1]);`,
      `const before = rss(); letGoOfProgramPages(); const after = rss();`,
      `const { createHash } = await import("node:crypto");`,
      `console.log(JSON.stringify({ before, after, hash: createHash("sha256").update("x").digest("hex").slice(0, 8) }));`,
    ];
    const shown = execFileSync(process.execPath, ["--input-type=module", "--eval", lines.join("\n")], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const { before, after, hash } = JSON.parse(shown) as { before: number; after: number; hash: string };
    expect(after).toBeLessThan(before - 5_000);
    expect(hash).toBe("2d711642");
  });
});

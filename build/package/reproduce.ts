/** `npm run build:reproduce [-- options of build]`: builds twice, into two folders, and compares every byte. Exit code 1 when they differ. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Of } from "./node-base.ts";

const folder = mkdtempSync(join(tmpdir(), "gatehouse-reproduce-"));
try {
  const built = ["first", "second"].map((name) => {
    const out = join(folder, name);
    // Where, when and by whose hand must not matter.
    const environment = { ...process.env, TZ: name === "first" ? "UTC" : "Asia/Tokyo", LANG: "C", TMPDIR: folder };
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...process.argv.slice(2), "--out", out], {
      stdio: "inherit",
      env: environment,
    });
    if (status !== 0) process.exit(1);
    return new Map(readdirSync(out).map((file) => [file, sha256Of(join(out, file))]));
  });
  const [first = new Map<string, string>(), second = new Map<string, string>()] = built;
  const different = [...first].filter(([file, hash]) => second.get(file) !== hash).map(([file]) => file);
  for (const file of different) process.stderr.write(`${file} differs\n`);
  if (different.length === 0) process.stdout.write(`${first.size} files, the same bytes twice\n`);
  process.exitCode = different.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * `npm run build:reproduce [-- options of build]`: builds twice, here and in a copy of the last commit that lies elsewhere, and compares every byte. Exit
 * code 1 when they differ.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Of } from "./node-base.ts";

const root = join(import.meta.dirname, "../..");
if (execFileSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" }) !== "") {
  process.stderr.write(
    "there are changes that are not committed, and the second build is of the last commit: commit or put them aside first\n",
  );
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), "gatehouse-reproduce-"));
try {
  const elsewhere = join(folder, "a checkout that lies elsewhere");
  execFileSync("git", ["clone", "--quiet", root, elsewhere]);
  // Packages are found beside the sources, as ever. Links save their copy where it is one file system.
  const packages = [join(root, "node_modules"), elsewhere];
  if (spawnSync("cp", ["--archive", "--link", ...packages], { stdio: "ignore" }).status !== 0)
    execFileSync("cp", ["--archive", "--force", ...packages]);
  const builds = [
    { from: root, out: join(folder, "first"), zone: "UTC" },
    { from: elsewhere, out: join(folder, "second"), zone: "Asia/Tokyo" },
  ];
  const built = builds.map(({ from, out, zone }) => {
    // Where, when and by whose hand must not matter.
    const environment = { ...process.env, TZ: zone, LANG: "C", TMPDIR: folder };
    const { status } = spawnSync(process.execPath, [join(from, "build/package/main.ts"), ...process.argv.slice(2), "--out", out], {
      ...{ stdio: "inherit", env: environment, cwd: from },
    });
    if (status !== 0) throw new Error(`the build in ${from} failed: what it said stands above`);
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

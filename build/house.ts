/** `node build/house.ts`: the house rules over the whole tree. Part of `npm run check`. */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findBreaches, type ImportOverride, type TreeFile } from "./house-rules.ts";

const root = join(import.meta.dirname, "..");
const neverLookInto = new Set(["node_modules", "dist", ".git", "gatehouse-state", "coverage"]);

/** Files that the rules speak about. */
export function treeFiles(): readonly TreeFile[] {
  const paths = globSync("**/*.{ts,tsx}", { cwd: root, exclude: (path) => neverLookInto.has(basename(path)) });
  return [...paths.sort(), "package-lock.json"].map((path) => ({
    path: path.replaceAll("\\", "/"),
    text: readFileSync(join(root, path), "utf8"),
  }));
}

/** What biome.json's import rules cover. */
export function importOverrides(): readonly ImportOverride[] {
  const { overrides } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8")) as {
    overrides: { includes: string[]; linter?: { rules?: { style?: { noRestrictedImports?: unknown } } } }[];
  };
  return overrides.filter((override) => override.linter?.rules?.style?.noRestrictedImports !== undefined).map(({ includes }) => includes);
}

if (import.meta.main) {
  const breaches = findBreaches(treeFiles(), importOverrides());
  for (const { path, line, sentence } of breaches) console.error(`${path}:${line}: ${sentence}`);
  if (breaches.length > 0) process.exitCode = 1;
}

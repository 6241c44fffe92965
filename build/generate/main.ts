/**
 * `npm run generate`: schemas -> types, validators, reference. With `--check` nothing is written; a difference fails.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compiledShippedProfiles } from "./profiles.ts";
import { errorReference, optionReference, settingsReference } from "./reference.ts";
import { findSchemaFiles } from "./schema-files.ts";
import { typesOf } from "./types.ts";
import { validatorOf, validatorTypesOf } from "./validators.ts";

const root = join(import.meta.dirname, "../..");

/** Every generated file: path relative to the root -> content. */
async function generate(): Promise<ReadonlyMap<string, string>> {
  const files = findSchemaFiles(root);
  const outputs = new Map<string, string>();
  for (const file of files) {
    const siblings = files.filter((other) => other.folder === file.folder);
    const base = `${file.folder}/generated/${file.name}`;
    outputs.set(`${base}.ts`, await typesOf(file, root));
    outputs.set(`${base}.validate.js`, await validatorOf(file, siblings, root));
    outputs.set(`${base}.validate.d.ts`, validatorTypesOf(file));
  }
  outputs.set("runtime/config/OPTIONS.md", optionReference(files.filter((file) => file.folder === "runtime/config")));
  const checkFiles = files.filter((file) => file.folder === "drivers/probe/settings");
  outputs.set("drivers/probe/OPTIONS.md", settingsReference("Settings of checks, by type", checkFiles));
  outputs.set("drivers/snmp/profiles/generated/shipped.json", compiledShippedProfiles(root));
  outputs.set("runtime/ERRORS.md", errorReference());
  return outputs;
}

/** Files in folders that hold generated schema code, and that nothing generates any more. */
function stale(outputs: ReadonlyMap<string, string>): readonly string[] {
  const folders = new Set([...outputs.keys()].filter((path) => path.includes("/generated/")).map((path) => dirname(path)));
  return [...folders].flatMap((folder) => globSync(`${folder}/*`, { cwd: root })).filter((path) => !outputs.has(path));
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

const outputs = await generate();
const changed = [...outputs].filter(([path, content]) => contentOf(path) !== content).map(([path]) => path);
const leftOver = stale(outputs);
if (process.argv.includes("--check")) {
  for (const path of changed) console.error(`${path}: not what \`npm run generate\` makes`);
  for (const path of leftOver) console.error(`${path}: nothing generates this file any more`);
  if (changed.length + leftOver.length > 0) process.exitCode = 1;
} else {
  for (const path of changed) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), outputs.get(path) ?? "");
    console.log(`wrote ${path}`);
  }
  for (const path of leftOver) {
    rmSync(join(root, path));
    console.log(`removed ${path}`);
  }
}

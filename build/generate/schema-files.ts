import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { JsonSchema } from "./json-schema.ts";

/** One `NAME.schema.json` of the tree. What is made of it goes into `generated/` beside it. */
export interface SchemaFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly folder: string;
  readonly name: string;
  readonly schema: JsonSchema;
}

const neverLookInto = new Set(["node_modules", "dist", "generated", ".git", "gatehouse-state", "coverage", "fixtures"]);

/** Every schema file of the tree, sorted by path, so that the output does not depend on the file system. */
export function findSchemaFiles(root: string): readonly SchemaFile[] {
  const paths = globSync("**/*.schema.json", { cwd: root, exclude: (path) => neverLookInto.has(basename(path)) });
  return paths.sort().map((path) => ({
    path: path.replaceAll("\\", "/"),
    folder: dirname(path),
    name: basename(path, ".schema.json"),
    schema: JSON.parse(readFileSync(join(root, path), "utf8")) as JsonSchema,
  }));
}

import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { bundleOwnCode } from "../bundle/own-code.ts";
import { type Component, componentsOf, licenceText, sbomOf } from "../sbom/sbom.ts";
import type { Architecture, Artefact } from "./artefact.ts";
import { closureOf } from "./closure.ts";
import { sha256Of } from "./node-base.ts";
import { isLeftOut, isPruned } from "./prune.ts";

/** SQLite as better-sqlite3 brings it for one architecture. */
export function addonFile(root: string, architecture: Architecture): string {
  return join(root, `node_modules/better-sqlite3/prebuilds/linux-${architecture}.node`);
}

/** Everything that goes into one binary: path from its root -> content. */
export type Stage = ReadonlyMap<string, Uint8Array>;

export interface StageOptions {
  readonly root: string;
  readonly artefact: Artefact;
  readonly architecture: Architecture;
  readonly version: string;
  readonly commit: string;
}

/** Packages that are found by path at run time, so that they travel as files: the flow host's. */
const unbundled = ["@node-red/util", "@node-red/runtime", "@node-red/nodes", "@node-red/editor-api"];

/** Data that own code reads by path. Whole folders: what a room adds is in the next build. */
const ownFiles = ["{runtime,drivers,cloud-bridge,flows}/**/*", "LICENSE"];
const isOwnData = (path: string) =>
  !/\.(ts|tsx|md)$/.test(path) && !/(^|\/)generated\/.*\.js$/.test(path) && !/\/pages?\/(app\/)?.*\.(css|html)$/.test(path);

/** First half of the build: collects, prunes, bundles. Pure in the files of the checkout: no clock, no network. */
export async function stage(options: StageOptions): Promise<Stage> {
  const { root, artefact, architecture, version, commit } = options;
  const files = new Map<string, Uint8Array>();
  const own = await bundleOwnCode({
    root,
    replaced: artefact.replaced,
    program: { name: artefact.name, version },
    define: { __GATEHOUSE_COMMIT__: JSON.stringify(commit), __SQLITE_SHA256__: JSON.stringify(sha256Of(addonFile(root, architecture))) },
  });
  for (const [path, content] of own.files) files.set(path, content);
  for (const path of ownFiles.flatMap((pattern) => globSync(pattern, { cwd: root })).filter(isOwnData)) {
    if (statSync(join(root, path)).isFile()) files.set(path, readFileSync(join(root, path)));
  }
  const packages = closureOf(root, unbundled, isLeftOut);
  for (const { folder, manifest } of packages) {
    for (const path of packageFiles(join(root, folder))) {
      if (!isPruned(manifest.name, path)) files.set(`${folder}/${path}`, readFileSync(join(root, folder, path)));
    }
  }
  // The registry of nodes looks for npm's version when it is loaded; installing nodes from the palette is off, npm itself is never run.
  const npm = JSON.parse(readFileSync(join(root, "node_modules/npm/package.json"), "utf8")) as { readonly version: string };
  files.set("node_modules/npm/package.json", Buffer.from(JSON.stringify({ name: "npm", version: npm.version })));
  files.set("package.json", Buffer.from(JSON.stringify({ name: artefact.name, version, type: "module" })));
  const components: readonly Component[] = componentsOf(root, [...packages.map(({ folder }) => folder), ...own.packages]);
  files.set("about/licences.txt", Buffer.from(licenceText(root, components)));
  files.set("about/sbom.json", Buffer.from(sbomOf({ name: artefact.name, version, commit, components })));
  return new Map([...files].sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1)));
}

/** What changes most comes last: before it, an update finds every byte where it was. */
function order(path: string): number {
  if (path.startsWith("node_modules/")) return 0;
  return path.startsWith("code/") || path.startsWith("about/") || path === "package.json" ? 2 : 1;
}

/** Files of one package without the packages installed inside it. */
function packageFiles(folder: string): readonly string[] {
  return globSync("**/*", { cwd: folder, withFileTypes: true, exclude: (entry) => entry.name === "node_modules" })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

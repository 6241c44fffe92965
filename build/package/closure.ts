import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  readonly licenses?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface InstalledPackage {
  /** From the root: `node_modules/a/node_modules/b`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export function readPackage(root: string, folder: string): InstalledPackage {
  return { folder, manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest };
}

/** A package and everything it needs at run time, as npm laid it out. @param without names that are left out, with what only they need */
export function closureOf(root: string, names: readonly string[], without: (name: string) => boolean): readonly InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const queue = names.map((name) => ({ name, from: "." }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (without(next.name)) continue;
    const folder = resolvePackage(root, next.name, next.from);
    if (folder === undefined || found.has(folder)) continue;
    const one = readPackage(root, folder);
    found.set(folder, one);
    const { dependencies, optionalDependencies } = one.manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) queue.push({ name, from: folder });
  }
  return [...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** Node's own search, upwards from the asking package. Optional packages may not be there. */
function resolvePackage(root: string, name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(root, candidate, "package.json"))) return relative(".", candidate);
    if (folder === ".") return undefined;
  }
}

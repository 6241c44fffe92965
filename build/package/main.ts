/**
 * `npm run build [-- --artefact gatehouse] [--arch x64] [--out dist]`: the single binaries. Version and commit come from package.json and git;
 * GATEHOUSE_VERSION and GATEHOUSE_COMMIT put others in (releases of a test, builds without a repository).
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Architecture, type ArtefactName, architectures, artefactFile, artefactNames, artefacts } from "./artefact.ts";
import { missingTools, sha256Of, strippedNode } from "./node-base.ts";
import { pack } from "./pack.ts";
import { addonFile, stage } from "./stage.ts";

const root = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    artefact: { type: "string", multiple: true },
    arch: { type: "string", multiple: true },
    out: { type: "string", default: join(root, "dist") },
    cache: { type: "string", default: join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "gatehouse-build") },
  },
});

const wantedArtefacts = chosen(values.artefact, artefactNames);
const wantedArchitectures = chosen(values.arch, architectures);

function chosen<T extends string>(given: readonly string[] | undefined, all: readonly T[]): readonly T[] {
  const unknown = (given ?? []).filter((one) => !all.some((name) => name === one));
  if (unknown.length > 0) fail([`there is no ${unknown.join(", ")}; there are ${all.join(", ")}`]);
  return given === undefined ? all : all.filter((name) => given.includes(name));
}

function fail(sentences: readonly string[]): never {
  process.stderr.write(`${sentences.map((one) => `build: ${one}\n`).join("")}`);
  process.exit(1);
}

function commit(): string {
  if (process.env.GATEHOUSE_COMMIT !== undefined) return process.env.GATEHOUSE_COMMIT;
  const git = (...words: readonly string[]) => execFileSync("git", words, { cwd: root, encoding: "utf8" }).trim();
  try {
    return `${git("rev-parse", "HEAD")}${git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "-modified"}`;
  } catch {
    return "unknown";
  }
}

async function buildOne(name: ArtefactName, architecture: Architecture): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
  const artefact = artefacts[name];
  const out = join(values.out, artefactFile(name, architecture));
  const staged = await stage({ root, artefact, architecture, version: process.env.GATEHOUSE_VERSION ?? version, commit: commit() });
  const [node, addon] = [strippedNode(architecture, root, values.cache), addonFile(root, architecture)];
  await pack({ stage: staged, artefact, architecture, node, addon, out });
  const sbom = staged.get("about/sbom.json");
  if (sbom !== undefined) writeFileSync(`${out}.cdx.json`, sbom);
  process.stdout.write(`${out}  ${staged.size} files  sha256 ${sha256Of(out)}\n`);
}

const missing = missingTools(wantedArchitectures);
if (missing.length > 0) fail(missing);
for (const name of wantedArtefacts) for (const architecture of wantedArchitectures) await buildOne(name, architecture);

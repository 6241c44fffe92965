import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Architecture, Artefact } from "./artefact.ts";
import { keepSmallPages, pageProblems } from "./small-pages.ts";
import type { Stage } from "./stage.ts";

const require = createRequire(import.meta.url);
/** In the binary everything lies below /snapshot/gatehouse. */
const top = "/gatehouse";
const entry = `${top}/code/entry.cjs`;

/** What the packer's prelude reads at start. */
interface Manifest {
  readonly entrypoint: string;
  readonly entryIsESM: boolean;
  readonly directories: Record<string, string[]>;
  readonly stats: Record<string, { readonly size: number; readonly isFile: boolean; readonly isDirectory: boolean }>;
  readonly symlinks: Record<string, string>;
  readonly offsets: Record<string, readonly [number, number]>;
}

/**
 * Second half of the build: puts a stage into a stripped Node. The packer's command line cannot set `execArgvExtension`, so that its parts
 * are used directly: its prelude (pinned version), Node's blob generator, postject.
 * @param options.node of the target; the generator is the Node that runs this, which must be of the same version
 * @param options.addon SQLite for the target
 */
export async function pack(options: {
  readonly stage: Stage;
  readonly artefact: Artefact;
  readonly architecture: Architecture;
  readonly node: string;
  readonly addon: string;
  readonly out: string;
}): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-pack-"));
  try {
    const { archive, manifest } = archiveOf(options.stage);
    const paths = {
      main: join(folder, "main.js"),
      archive: join(folder, "archive"),
      manifest: join(folder, "manifest"),
      blob: join(folder, "blob"),
      addon: options.addon,
      prelude: join(folder, "prelude"),
      own: join(folder, "own"),
      places: join(folder, "places"),
    };
    writeFileSync(paths.main, readFileSync(join(import.meta.dirname, "../bundle/light-start.cjs")));
    writeFileSync(paths.prelude, prelude());
    writeFileSync(paths.own, ownFiles(manifest));
    writeFileSync(paths.places, placesToCome);
    writeFileSync(paths.archive, archive);
    writeFileSync(paths.manifest, JSON.stringify(manifest));
    const config = {
      main: "main.js",
      output: paths.blob,
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      useCodeCache: false,
      execArgv: options.artefact.execArgv,
      // Options for the runtime come from the command line alone (`--node-options=`); NODE_OPTIONS is not looked at.
      execArgvExtension: "cli",
      assets: {
        ...{ __pkg_manifest__: paths.manifest, __pkg_archive__: paths.archive, prelude: paths.prelude, "own-files": paths.own },
        ...{ sqlite: paths.addon, places: paths.places },
      },
    };
    writeFileSync(join(folder, "sea.json"), JSON.stringify(config));
    execFileSync(process.execPath, ["--experimental-sea-config", "sea.json"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    mkdirSync(dirname(options.out), { recursive: true });
    copyFileSync(options.node, `${options.out}.part`);
    await inject(`${options.out}.part`, readFileSync(paths.blob));
    // Emulators of arm64 that run these programs in tests expect the tables of a program where they lay; its kernels keep no ext4 in huge pages.
    if (options.architecture === "x64") keepSmallPages(`${options.out}.part`);
    demandPages(`${options.out}.part`, options.architecture);
    const texts = { __pkg_manifest__: readFileSync(paths.manifest), prelude: readFileSync(paths.prelude) };
    notePlaces(`${options.out}.part`, { __pkg_archive__: archive, ...texts });
    renameSync(`${options.out}.part`, options.out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kernels of arm64 have pages of 4, 16 (Raspberry Pi 5) or 64 KiB, and the injected blob is a segment of its own. */
const pageSizes: Readonly<Record<Architecture, readonly number[]>> = { x64: [4_096], arm64: [4_096, 16_384, 65_536] };

/** @throws when a kernel that the program is for could not map it */
function demandPages(path: string, architecture: Architecture): void {
  const file = readFileSync(path);
  const problems = pageSizes[architecture].flatMap((size) => pageProblems(file, size));
  if (problems.length > 0) throw new Error(problems.join("; "));
}

/** At every start the packer builds a tree of all folders (20 ms), which only calls need that nobody makes. */
const folderTree =
  "for (var dir of Object.keys(seaManifest.directories)) {\n          super.mkdirSync(dir, { recursive: true });\n        }";

/** Text for threads of files in its file system, half of the prelude: own threads are one file each and need none. */
const threadsPart = "var workerBootstrap = require_worker_bootstrap_string();";
const threadsText = /^ {4}module2\.exports = '"use strict";\\nvar __getOwnPropNames.*';$/m;
/** `bundle/light-start.cjs` decides how the archive is read. */
const wholeArchive = 'Buffer.from(sea.getRawAsset("__pkg_archive__"))';

/** The packer's start-up code. @throws when another version of it looks different */
function prelude(): string {
  let text = readFileSync(require.resolve("@yao-pkg/pkg/prelude/sea-bootstrap.bundle.js"), "utf8").replace(threadsText, "");
  const changes = [
    [folderTree, ""],
    [threadsPart, 'var workerBootstrap = "";'],
    [wholeArchive, 'sea.getRawAsset("__pkg_archive__")'],
  ] as const;
  for (const [there, instead] of changes) {
    if (text.split(there).length !== 2) throw new Error("the packer's prelude is not the one this build knows: see build/package/pack.ts");
    text = text.replace(there, instead);
  }
  return text;
}

/** Room in the binary for where its parts lie in its file, which is known when it is finished. */
const placesToCome = "places of the parts, to be noted by the build".padEnd(256);

/** Writes [offset, length] of these parts into the finished file. @throws when one of them is not found there exactly once */
function notePlaces(file: string, parts: Readonly<Record<string, Uint8Array>>): void {
  const binary = readFileSync(file);
  const placeOf = (part: Uint8Array): readonly [number, number] => {
    const at = binary.indexOf(part);
    if (at === -1 || binary.indexOf(part, at + 1) !== -1) throw new Error("a part of the binary is not where the build looks for it");
    return [at, part.length];
  };
  const places = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, placeOf(part)]));
  const [room] = placeOf(Buffer.from(placesToCome));
  const descriptor = openSync(file, "r+");
  try {
    writeSync(descriptor, JSON.stringify(places).padEnd(placesToCome.length), room);
  } finally {
    closeSync(descriptor);
  }
}

/** What is there without the flow host's packages, for `bundle/light-start.cjs`: path from the root -> where in the archive. */
function ownFiles(manifest: Manifest): string {
  const isOwn = (path: string) => !path.startsWith("node_modules/") || /^node_modules\/@node-red\/[^/]+\/package\.json$/.test(path);
  const all = Object.entries(manifest.offsets).map(([path, place]) => [path.slice(top.length + 1), place] as const);
  return JSON.stringify(Object.fromEntries(all.filter(([path]) => isOwn(path))));
}

function archiveOf(stage: Stage): { readonly archive: Buffer; readonly manifest: Manifest } {
  const manifest: Manifest = { entrypoint: `/snapshot${entry}`, entryIsESM: false, directories: {}, stats: {}, symlinks: {}, offsets: {} };
  let offset = 0;
  for (const [path, content] of stage) {
    const key = `${top}/${path}`;
    manifest.offsets[key] = [offset, content.length];
    manifest.stats[key] = { size: content.length, isFile: true, isDirectory: false };
    offset += content.length;
    addToFolders(manifest, key);
  }
  return { archive: Buffer.concat([...stage.values()]), manifest };
}

function addToFolders(manifest: Manifest, key: string): void {
  for (let path = key; path !== "/"; path = dirname(path)) {
    const folder = dirname(path);
    const name = path.slice(folder.length).replace("/", "");
    const isNew = manifest.directories[folder] === undefined;
    const names = manifest.directories[folder] ?? [];
    manifest.directories[folder] = names;
    if (!names.includes(name)) names.push(name);
    manifest.stats[folder] = { size: 0, isFile: false, isDirectory: true };
    if (!isNew) return;
  }
}

async function inject(file: string, blob: Buffer): Promise<void> {
  const { inject: postject } = require("postject") as {
    inject(file: string, resource: string, data: Buffer, options: { readonly sentinelFuse: string }): Promise<void>;
  };
  // Its ELF library says at each injection that it dislikes names of sections; nothing comes of it.
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (() => true) as typeof process.stderr.write;
  const sentinel = ["NODE_SEA", "FUSE_fce680ab2cc467b6e072b8b5df1996b2"].join("_");
  try {
    await postject(file, "NODE_SEA_BLOB", blob, { sentinelFuse: sentinel });
  } finally {
    process.stderr.write = write;
  }
}

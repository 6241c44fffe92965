/**
 * Files inside the binary are served by the packer's virtual file system, which does not know every form of the calls of node:fs. The forms
 * that programs of this size do use are made good here, for paths inside the binary only; everything else is passed on untouched.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import workers from "node:worker_threads";
import { nativeFolder } from "./native-folder.ts";

const mount = "/snapshot";

function inside(path: unknown): path is string {
  return typeof path === "string" && (path === mount || path.startsWith(`${mount}/`));
}

const pathOf = (path: unknown) => (path instanceof URL && path.protocol === "file:" ? fileURLToPath(path) : path);

// The packer's fs calls are replaced by ones of looser types.
// biome-ignore lint/suspicious/noExplicitAny: the border to a patched library
type Loose = any;
const loose: Loose = fs;
const plain = {
  readdirSync: fs.readdirSync as Loose,
  readdir: fs.readdir as Loose,
  readdirPromise: fs.promises.readdir as Loose,
  statSync: fs.statSync as Loose,
  lstatSync: fs.lstatSync as Loose,
  createReadStream: fs.createReadStream as Loose,
};

interface ListOptions {
  readonly withFileTypes?: boolean;
  readonly recursive?: boolean;
}

function list(path: string, options: ListOptions): readonly unknown[] {
  const names: readonly string[] = plain.readdirSync(path);
  const found = names.map((name) => ({ name, parent: path, stats: plain.statSync(join(path, name)) }));
  const here = found.map(({ name, parent, stats }) => (options.withFileTypes === true ? direntOf(name, parent, stats) : name));
  if (options.recursive !== true) return here;
  const below = found
    .filter(({ stats }) => stats.isDirectory())
    .flatMap(({ name }) => {
      const deeper = list(join(path, name), options);
      return options.withFileTypes === true ? deeper : deeper.map((one) => join(name, String(one)));
    });
  return [...here, ...below];
}

function direntOf(name: string, parentPath: string, stats: fs.Stats): unknown {
  const no = () => false;
  return {
    ...{ name, parentPath, path: parentPath },
    isFile: () => stats.isFile(),
    isDirectory: () => stats.isDirectory(),
    ...{ isSymbolicLink: no, isFIFO: no, isSocket: no, isBlockDevice: no, isCharacterDevice: no },
  };
}

const isSpecial = (options: unknown): options is ListOptions =>
  typeof options === "object" && options !== null && ("withFileTypes" in options || "recursive" in options);

loose.readdirSync = (path: unknown, options: unknown) => {
  const at = pathOf(path);
  return inside(at) && isSpecial(options) ? list(at, options) : plain.readdirSync(path, options);
};
loose.promises.readdir = async (path: unknown, options: unknown) => {
  const at = pathOf(path);
  return inside(at) && isSpecial(options) ? list(at, options) : plain.readdirPromise(path, options);
};
loose.readdir = (path: unknown, ...rest: Loose[]) => {
  const at = pathOf(path);
  if (!inside(at) || !isSpecial(rest[0])) return plain.readdir(path, ...rest);
  const done = rest[1];
  loose.promises.readdir(path, rest[0]).then(
    (found: unknown) => done(null, found),
    (error: unknown) => done(error),
  );
};
for (const call of ["statSync", "lstatSync"] as const) {
  loose[call] = (path: unknown, options?: { readonly throwIfNoEntry?: boolean }) => {
    const at = pathOf(path);
    if (inside(at) && options?.throwIfNoEntry === false && !fs.existsSync(at)) return undefined;
    return plain[call](path, options);
  };
}
loose.createReadStream = (path: unknown, options?: Loose) => {
  const at = pathOf(path);
  const isRange = typeof options === "object" && options !== null && (options.start !== undefined || options.end !== undefined);
  if (!inside(at) || !isRange) return plain.createReadStream(path, options);
  const bytes = fs.readFileSync(at).subarray(options.start ?? 0, options.end === undefined ? undefined : options.end + 1);
  return Readable.from([bytes], { objectMode: false });
};

const PlainWorker = workers.Worker as Loose;
/** Threads of files inside the binary are one bundled file each: they get its text and need no virtual file system of their own. */
function Worker(file: unknown, options: object): unknown {
  const path = pathOf(file);
  if (!inside(path)) return new PlainWorker(file, options);
  nativeFolder();
  return new PlainWorker(fs.readFileSync(path, "utf8"), { ...options, eval: true });
}
Worker.prototype = PlainWorker.prototype;
(workers as Loose).Worker = Worker;

syncBuiltinESMExports();

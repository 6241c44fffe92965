// First code of the single binary. The flow host needs the packer's whole virtual file system (Node-RED looks its packages up by path); every
// other role reads a few files of its own and imports its own modules, which these lines give it: 60 ms and several MB less than the packer's.
"use strict";
const fs = require("node:fs");
const sea = require("node:sea");
const { Readable } = require("node:stream");
const { fileURLToPath } = require("node:url");
const vm = require("node:vm");

const top = "/snapshot/gatehouse";
const loaded = new Map();
/** Roles that import packages by their names. */
const whole = new Set(["flow-host", "noc", "demo"]);
/** The flow host inherits its program's open file, which its permissions would not let it open (runtime/host/spawn-guest.ts). */
const programDescriptor = 5;

/** What the prelude asks of node:sea: texts, and an archive that is cut into pieces. Pages that are looked at stay in resident memory. */
const mappedProgram = {
  getAsset: (name) => sea.getAsset(name, "utf8"),
  getRawAsset: (name) => Buffer.from(sea.getRawAsset(name)),
};

if (process.argv.slice(2).some((word) => whole.has(word))) startWhole();
else startLight();

function startWhole() {
  const source = (process.argv.includes("flow-host") && openedProgram()) || mappedProgram;
  const ownRequire = (name) => (name === "node:sea" ? source : require(name));
  const module = { exports: {} };
  vm.compileFunction(source.getAsset("prelude"), ["require", "module", "exports"], { filename: "prelude.js" })(
    ownRequire,
    module,
    module.exports,
  );
}

/** The same by reading the open file: nothing of it stays (10 MB of the flow host). undefined = that descriptor is not this program's file. */
function openedProgram() {
  const places = JSON.parse(sea.getAsset("places", "utf8"));
  const read = (bytes, at) => {
    for (let done = 0; done < bytes.length; ) {
      const count = fs.readSync(programDescriptor, bytes, done, bytes.length - done, at + done);
      if (count === 0) throw new Error("the program's file ends too early");
      done += count;
    }
    return bytes;
  };
  if (!isOwnFile(read, places.__pkg_archive__)) return undefined;
  // The prelude copies every piece before it asks for the next one.
  const scratch = Buffer.allocUnsafeSlow(256 * 1024);
  const bufferOf = (length) => (length <= scratch.length ? scratch.subarray(0, length) : Buffer.allocUnsafeSlow(length));
  return {
    getAsset: (name) => read(Buffer.allocUnsafeSlow(places[name][1]), places[name][0]).toString("utf8"),
    getRawAsset(name) {
      const [offset, length] = places[name];
      return { length, subarray: (start, end) => read(bufferOf(end - start), offset + start) };
    },
  };
}

/** Own code comes last in the archive and differs from build to build. */
function isOwnFile(read, [offset, length]) {
  const tail = Math.min(length, 4096);
  try {
    const mapped = Buffer.from(sea.getRawAsset("__pkg_archive__"));
    return mapped.length === length && mapped.subarray(length - tail).equals(read(Buffer.alloc(tail), offset + length - tail));
  } catch {
    // Started by hand: there is no such descriptor, or it is something else.
    return false;
  }
}

function startLight() {
  const archive = Buffer.from(sea.getRawAsset("__pkg_archive__"));
  mountFiles(archive, JSON.parse(sea.getAsset("own-files", "utf8")));
  loadOwn("./entry.cjs");
}

/** Own modules (build/bundle/common-modules.ts): functions that are run once, without a look at any file system. */
function loadOwn(name) {
  if (!name.startsWith("./")) return require(name);
  const there = loaded.get(name);
  if (there !== undefined) return there.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const file = `${top}/code/${name.slice(2)}`;
  const parameters = ["exports", "require", "module", "__filename", "__dirname"];
  const run = vm.compileFunction(fs.readFileSync(file, "latin1"), parameters, { filename: file });
  run(module.exports, loadOwn, module, file, `${top}/code`);
  return module.exports;
}

/** Place of a path below the root of the artefact; undefined = a file of the machine. */
function placeOf(path) {
  const name = path instanceof URL && path.protocol === "file:" ? fileURLToPath(path) : path;
  if (typeof name !== "string" || !(name === top || name.startsWith(`${top}/`))) return undefined;
  return name.slice(top.length + 1).replace(/\/+$/, "");
}

function absent(call, path) {
  const error = new Error(`ENOENT: no such file or directory, ${call} '${path}'`);
  return Object.assign(error, { code: "ENOENT", errno: -2, syscall: call, path: String(path) });
}

const startedAt = new Date();

function statsOf(mode, size) {
  const ms = startedAt.getTime();
  const none = { dev: 0, ino: 0, nlink: 1, uid: 0, gid: 0, rdev: 0, blksize: 4096, blocks: Math.ceil(size / 512) };
  const times = {
    atimeMs: ms,
    mtimeMs: ms,
    ctimeMs: ms,
    birthtimeMs: ms,
    atime: startedAt,
    mtime: startedAt,
    ctime: startedAt,
    birthtime: startedAt,
  };
  return Object.assign(Object.create(fs.Stats.prototype), none, times, { mode, size });
}

/** Answers of the synchronous calls for one artefact: (place, path as given, options). */
function readersOf(archive, places) {
  const namesIn = (folder) => {
    const start = folder === "" ? "" : `${folder}/`;
    const found = new Set();
    for (const path of Object.keys(places)) if (path.startsWith(start)) found.add(path.slice(start.length).split("/", 1)[0]);
    return [...found];
  };
  const isFile = (path) => Object.hasOwn(places, path);
  const isFolder = (path) => !isFile(path) && namesIn(path).length > 0;
  const isThere = (path) => isFile(path) || isFolder(path);
  const statSync = (path, name, options) => {
    if (isThere(path)) return isFile(path) ? statsOf(0o100444, places[path][1]) : statsOf(0o40555, 0);
    if (options?.throwIfNoEntry === false) return undefined;
    throw absent("stat", name);
  };
  const readFileSync = (path, name, options) => {
    if (!isFile(path)) throw absent("open", name);
    const [offset, length] = places[path];
    const bytes = archive.subarray(offset, offset + length);
    const encoding = typeof options === "string" ? options : options?.encoding;
    return encoding === undefined || encoding === null || encoding === "buffer" ? Buffer.from(bytes) : bytes.toString(encoding);
  };
  const readdirSync = (path, name) => {
    const names = isFile(path) ? [] : namesIn(path);
    if (names.length === 0) throw absent("scandir", name);
    return names;
  };
  const accessSync = (path, name) => {
    if (!isThere(path)) throw absent("access", name);
  };
  const realpathSync = (_path, name) => String(name instanceof URL ? fileURLToPath(name) : name);
  return { isThere, calls: { readFileSync, readdirSync, statSync, lstatSync: statSync, accessSync, realpathSync } };
}

/** Reading of files inside the binary by the calls of node:fs that own code makes (build/bundle/snapshot-files.ts adds forms to them). */
function mountFiles(archive, places) {
  const plain = { ...fs, promises: { ...fs.promises } };
  const { isThere, calls } = readersOf(archive, places);
  for (const [call, answer] of Object.entries(calls)) {
    const asynchronous = call.slice(0, -"Sync".length);
    const replaced = (name, ...rest) => {
      const place = placeOf(name);
      return place === undefined ? plain[call](name, ...rest) : answer(place, name, ...rest);
    };
    // `realpathSync.native`
    fs[call] = Object.assign(replaced, plain[call]);
    fs.promises[asynchronous] = async (name, ...rest) => {
      const place = placeOf(name);
      return place === undefined ? plain.promises[asynchronous](name, ...rest) : answer(place, name, ...rest);
    };
    const calledBack = (name, ...rest) => {
      if (placeOf(name) === undefined) return plain[asynchronous](name, ...rest);
      const done = rest.pop();
      fs.promises[asynchronous](name, ...rest).then((value) => done(null, value), done);
    };
    fs[asynchronous] = Object.assign(calledBack, plain[asynchronous]);
  }
  fs.existsSync = (name) => {
    const place = placeOf(name);
    return place === undefined ? plain.existsSync(name) : isThere(place);
  };
  fs.createReadStream = (name, options) => {
    const place = placeOf(name);
    if (place === undefined) return plain.createReadStream(name, options);
    const encoding = typeof options === "string" ? options : options?.encoding;
    return Readable.from([calls.readFileSync(place, name, encoding)], { objectMode: false });
  };
}

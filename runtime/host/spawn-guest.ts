import { type ChildProcess as NodeChild, spawn } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import type { BytePipe, GuestLimits, GuestProcess, GuestSpawner } from "#ports/child.ts";
import { mayChangeUser } from "./change-user.ts";
import { type MemoryGroup, openMemoryGroup } from "./memory-group.ts";
import { isPackaged } from "./own-program.ts";

const maxLineLength = 16_384;
const crumbBytes = 4_096;
const pageBytes = 4_096;
/** Where the guest finds its program; behind its standard streams, its pipe and its crumb. */
const binaryDescriptor = 5;
const running = new Set<NodeChild>();
let stopsAtExit = false;

/**
 * Lowers what a program may do, then becomes it: file descriptors and core dumps by ulimit; where util-linux has setpriv, none of the rights that the
 * service's unit gives to the gateway, no new ones, and its death with that of its parent. Every POSIX system has a shell; what it lacks of the rest is left out.
 */
const launcher = `ulimit -n "$GATEHOUSE_NOFILE"; ulimit -c 0; unset GATEHOUSE_NOFILE
lower() { setpriv --inh-caps=-all --ambient-caps=-all --no-new-privs --pdeathsig KILL -- "$@"; }
if lower true 2>/dev/null; then exec setpriv --inh-caps=-all --ambient-caps=-all --no-new-privs --pdeathsig KILL -- "$@"; fi
exec "$@"`;

/** However this process ends, its guests must not outlive it. */
function stopAtExit(child: NodeChild): void {
  running.add(child);
  child.once("exit", () => running.delete(child));
  if (stopsAtExit) return;
  stopsAtExit = true;
  process.on("exit", () => {
    for (const guest of running) guest.kill("SIGKILL");
  });
}

/** Command line of the program in another role, with Node options of its own. */
function commandLineOf(role: string, args: readonly string[], nodeOptions: readonly string[], program: string): readonly string[] {
  if (isScript(program)) return [process.execPath, ...nodeOptions, program, role, ...args];
  // The single binary is the program; it is baked so that options come by this one argument only.
  return [program, `--node-options=${nodeOptions.join(" ")}`, role, ...args];
}

const isScript = (program: string) => /\.(ts|js|mjs|cjs)$/.test(program);

/**
 * The guest reads its program by this open file: what it reads of its mapped pages would stay in its resident memory, and its permissions open nothing outside.
 * An updated program lies in the state folder, where a guest's own user may not go: it starts it by this file, which the program's owner lets it.
 */
function openProgram(program: string, isForOthers: boolean): number | undefined {
  // It can be started without the right to read it; that costs memory only.
  if (!isForOthers && !isAllowed(program, constants.R_OK)) return undefined;
  const file = openSync(program, "r");
  if (!isForOthers) return file;
  const { mode, uid } = fstatSync(file);
  if ((mode & 0o001) === 0 && (uid === process.geteuid?.() || process.geteuid?.() === 0)) fchmodSync(file, (mode & 0o777) | 0o055);
  return file;
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** A file that the child inherits and that nobody else can open; in memory, or where else something can be written. */
function openCrumb(lastResort: string): number {
  // Not every root gives everybody the memory file system.
  const place = ["/dev/shm", tmpdir()].find((folder) => isAllowed(folder, constants.W_OK | constants.X_OK)) ?? lastResort;
  const folder = mkdtempSync(join(place, "gatehouse-"));
  try {
    const descriptor = openSync(join(folder, "crumb"), "w+", 0o600);
    writeSync(descriptor, new Uint8Array(crumbBytes));
    return descriptor;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function asPipe(stream: Duplex): BytePipe {
  let isOpen = true;
  const close = () => {
    isOpen = false;
  };
  // The other end may die at any time: that is told by close, an error says nothing more.
  stream.on("error", close);
  stream.on("close", close);
  return {
    write: (bytes) => void (isOpen && stream.write(bytes)),
    get bufferedBytes() {
      return stream.writableLength;
    },
    onData: (listener) => void stream.on("data", listener),
    onClose: (listener) => void stream.once("close", listener),
    destroy: () => void stream.destroy(),
  };
}

/** Resident bytes by /proc; undefined where there is none or it is gone. */
export function residentBytesOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * pageBytes;
  } catch {
    // Gone, or no /proc: there is nothing to watch.
    return undefined;
  }
}

/** User and system time by /proc, in the kernel's ticks of 10 ms. */
function cpuMsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything: fields count from behind it. utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    // Gone, or no /proc.
    return undefined;
  }
}

/** What runs as a guest is this same program: a script under Node, or the single binary. */
function ownProgram(): string {
  const script = process.argv[1];
  return script === undefined || isPackaged || !existsSync(script) ? process.execPath : realpathSync(script);
}

/**
 * @param program the program's script or single binary; absent = this process' own
 * @param writableFolder used where neither the memory file system nor the temporary folder can be written
 */
export const guestSpawner = (program = ownProgram(), writableFolder = tmpdir()): GuestSpawner => ({
  spawnGuest(role, args, { environment, onLine, limits }): GuestProcess {
    const crumb = openCrumb(writableFolder);
    const user = limits.user !== undefined && mayChangeUser() ? limits.user : undefined;
    const binary = isScript(program) ? undefined : openProgram(program, user !== undefined);
    const start = binary === undefined || user === undefined ? program : `/proc/self/fd/${binaryDescriptor}`;
    const command = commandLineOf(role, args, limits.nodeOptions, start);
    const child = spawn("/bin/sh", ["-c", launcher, "gatehouse-guest", "nice", "-n", String(limits.niceness), ...command], {
      stdio: ["ignore", "pipe", "pipe", "pipe", crumb, ...(binary === undefined ? [] : [binary])],
      detached: true,
      cwd: "/",
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", GATEHOUSE_NOFILE: String(limits.maxOpenFiles), ...environment },
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    });
    if (binary !== undefined) closeSync(binary);
    const exited = new Promise<{ readonly code: number | null; readonly signal: string | null }>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", () => resolve({ code: 127, signal: null }));
    });
    stopAtExit(child);
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => onLine?.(line.slice(0, maxLineLength)));
    return guestOf(child, { crumb, exited, limits, ownUser: user !== undefined && user.uid !== process.getuid?.() });
  },
});

function guestOf(
  child: NodeChild,
  parts: { readonly crumb: number; readonly exited: GuestProcess["exited"]; readonly limits: GuestLimits; readonly ownUser: boolean },
): GuestProcess {
  const group: MemoryGroup | undefined = child.pid === undefined ? undefined : openMemoryGroup(child.pid, parts.limits.memoryBytes);
  return {
    pid: child.pid,
    exited: parts.exited,
    kill: (signal) => void child.kill(signal),
    // The fourth descriptor is a socket pair of node's making.
    pipe: asPipe(child.stdio[3] as Duplex),
    ceiling: group === undefined ? "none" : "cgroup",
    ownUser: parts.ownUser,
    residentBytes: () => (child.pid === undefined ? undefined : residentBytesOf(child.pid)),
    cpuMs: () => (child.pid === undefined ? undefined : cpuMsOf(child.pid)),
    readCrumb: () => {
      const bytes = new Uint8Array(crumbBytes);
      readSync(parts.crumb, bytes, 0, crumbBytes, 0);
      return bytes;
    },
    release: () => {
      closeSync(parts.crumb);
      group?.release();
    },
  };
}

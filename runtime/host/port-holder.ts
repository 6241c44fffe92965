import { readdir, readFile, readlink } from "node:fs/promises";

const maxProcesses = 4_096;
const maxFiles = 1_024;

/**
 * Who has a UDP port of this machine, as `snmptrapd (process 812)`; undefined where the kernel does not tell: another user's program, another container, no
 * Linux. Looked up once in a while for people, never relied on.
 */
export async function udpPortHolder(port: number): Promise<string | undefined> {
  const sockets = new Set([...(await socketsOf("/proc/net/udp", port)), ...(await socketsOf("/proc/net/udp6", port))]);
  if (sockets.size === 0) return undefined;
  const processes = (await listOf("/proc")).filter((name) => /^\d+$/.test(name)).slice(0, maxProcesses);
  for (const pid of processes) {
    for (const file of (await listOf(`/proc/${pid}/fd`)).slice(0, maxFiles)) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "");
      if (!sockets.has(target)) continue;
      const name = (await textOf(`/proc/${pid}/comm`)).replaceAll(/[^\w .:/-]/g, "").slice(0, 32);
      return `${name === "" ? "a program" : name} (process ${pid})`;
    }
  }
  return undefined;
}

/** Lines are: number, local address:port in hexadecimal, remote, state, queues, timer, retransmissions, user, timeout, inode. */
async function socketsOf(table: string, port: number): Promise<readonly string[]> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return (await textOf(table)).split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[1]?.endsWith(wanted) === true && fields[9] !== undefined ? [`socket:[${fields[9]}]`] : [];
  });
}

/** Processes end while they are looked at, and others' may not be: both are nothing. */
async function listOf(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The launcher's group below the service's: a group with processes cannot give memory limits to groups below it, so ours lies beside. */
const launchersGroup = "/main";

/** A cgroup of its own for one child, with a memory ceiling that the kernel holds. */
export interface MemoryGroup {
  release(): void;
}

const root = "/sys/fs/cgroup";
const maxProcesses = 64;

/**
 * Puts a process into a cgroup below ours: v2 where this one was delegated (systemd: Delegate=yes), v1 where the memory controller's tree can be
 * written. @returns undefined where neither is so; then resident memory must be watched
 */
export function openMemoryGroup(pid: number, memoryBytes: number): MemoryGroup | undefined {
  const lines = membership();
  const unified = delegated(lines.find((line) => line.startsWith("0::"))?.slice(3));
  const memory = lines.find((line) => /^\d+:([a-z_,=]*,)?memory(,[a-z_,=]*)?:/.test(line))?.split(":")[2];
  const candidates = [
    ...(unified === undefined
      ? []
      : [{ folder: join(root, unified), limit: "memory.max", more: { "memory.swap.max": "0", "cpu.weight": "20" } }]),
    ...(memory === undefined ? [] : [{ folder: join(root, "memory", memory), limit: "memory.limit_in_bytes", more: {} }]),
  ];
  for (const { folder, limit, more } of candidates) {
    const group = join(folder, `gatehouse-flows-${pid}`);
    if (!existsSync(folder)) continue;
    const opened = tryOpen(group, { [limit]: String(memoryBytes) }, { "pids.max": String(maxProcesses), ...more }, pid);
    if (opened) return { release: () => remove(group) };
  }
  return undefined;
}

function delegated(group: string | undefined): string | undefined {
  return group?.endsWith(launchersGroup) === true ? group.slice(0, -launchersGroup.length) : group;
}

function membership(): readonly string[] {
  try {
    return readFileSync("/proc/self/cgroup", "utf8").split("\n");
  } catch {
    // Not Linux, or /proc is hidden: no groups.
    return [];
  }
}

function tryOpen(group: string, needed: Readonly<Record<string, string>>, wished: Readonly<Record<string, string>>, pid: number): boolean {
  try {
    mkdirSync(group);
    for (const [file, value] of Object.entries(needed)) {
      // mkdir on a plain file system would make a plain file: only a cgroup has it already.
      if (!existsSync(join(group, file))) throw new Error(`${file} is not delegated`);
      writeFileSync(join(group, file), value);
    }
    for (const [file, value] of Object.entries(wished)) if (existsSync(join(group, file))) writeFileSync(join(group, file), value);
    writeFileSync(join(group, "cgroup.procs"), String(pid));
    return true;
  } catch {
    // Not ours to write: the caller watches instead.
    remove(group);
    return false;
  }
}

function remove(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // Never made, or a process lingers in it for a moment: an empty group costs nothing and goes with the unit's own.
  }
}

import { readFileSync } from "node:fs";

/** CAP_KILL, CAP_SETGID and CAP_SETUID (linux/capability.h): start a child under another user, and end it. */
const needed = (1n << 5n) | (1n << 6n) | (1n << 7n);

/** Whether this process may start children under another user: root, or a service that was given just these rights. */
export function mayChangeUser(): boolean {
  return mayChangeUserBy(statusOfProcess(), process.geteuid?.() === 0);
}

/** @param status /proc/self/status; undefined where there is none */
export function mayChangeUserBy(status: string | undefined, isRoot: boolean): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? "")?.[1];
  return effective === undefined ? isRoot : (BigInt(`0x${effective}`) & needed) === needed;
}

function statusOfProcess(): string | undefined {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    // Not Linux, or no /proc.
    return undefined;
  }
}

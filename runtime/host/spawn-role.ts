import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { ChildProcess, ChildSpawner } from "#ports/child.ts";
import { ownCommand } from "./own-program.ts";

const maxLineLength = 16_384;
const maxRoles = 64;
const running = new Set<{ kill(signal: "SIGTERM"): boolean }>();
let stopsAtExit = false;

/** However this process ends (a second Ctrl-C, a bug), its roles must not outlive it: they are in groups of their own. */
function stopAtExit(child: { kill(signal: "SIGTERM"): boolean }): void {
  if (running.size >= maxRoles) throw new Error(`more than ${maxRoles} roles`);
  running.add(child);
  if (stopsAtExit) return;
  stopsAtExit = true;
  process.on("exit", () => {
    for (const role of running) role.kill("SIGTERM");
  });
}

/** Starts this same program (source tree or single binary) in another role. The child gets its own process group's signals only from us. */
export const spawnSelf: ChildSpawner = {
  spawnRole(role, args, options): ChildProcess {
    const { command, args: words } = ownCommand(role, args);
    const child = spawn(command, words, {
      stdio: ["ignore", "pipe", "pipe"],
      // Ctrl-C in a terminal reaches the whole foreground group; roles are stopped in order by their parent instead.
      detached: true,
      env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...options.environment },
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => options.onLine?.(line.slice(0, maxLineLength)));
    }
    stopAtExit(child);
    child.once("exit", () => running.delete(child));
    const exited = new Promise<{ readonly code: number | null; readonly signal: string | null }>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", () => resolve({ code: 127, signal: null }));
    });
    return { pid: child.pid, exited, kill: (signal) => void child.kill(signal) };
  },
};

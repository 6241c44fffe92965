import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { ChildProcess, ChildSpawner } from "#ports/child.ts";

const maxLineLength = 16_384;

/** Starts this same program (source tree or single binary) in another role. The child gets its own process group's signals only from us. */
export const spawnSelf: ChildSpawner = {
  spawnRole(role, args, options): ChildProcess {
    const entry = process.argv[1];
    // In the single binary there is no script: the executable is the program.
    const script = entry?.endsWith(".ts") || entry?.endsWith(".js") || entry?.endsWith(".mjs") ? [entry] : [];
    const child = spawn(process.execPath, [...process.execArgv, ...script, role, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      // Ctrl-C in a terminal reaches the whole foreground group; roles are stopped in order by their parent instead.
      detached: true,
      env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...options.environment },
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => options.onLine?.(line.slice(0, maxLineLength)));
    }
    const exited = new Promise<{ readonly code: number | null; readonly signal: string | null }>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", () => resolve({ code: 127, signal: null }));
    });
    return { pid: child.pid, exited, kill: (signal) => void child.kill(signal) };
  },
};

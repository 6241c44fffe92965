import { join } from "node:path";
import type { GuestLimits } from "#ports/child.ts";
import type { FlowSettings } from "./settings.ts";

/** Root of the program: a checkout, or the snapshot inside of the single binary. */
const root = join(import.meta.dirname, "..");

/**
 * What the child may do: read the program, nothing else. No writing, no processes, no threads, no addons, no network; what it needs of the world
 * comes through its pipe. `node:sqlite` ignores the permission model and is switched off by itself.
 */
export function hostLimits(settings: FlowSettings): GuestLimits {
  return {
    nodeOptions: [
      "--permission",
      `--allow-fs-read=${root}/*`,
      "--no-experimental-sqlite",
      "--no-warnings",
      `--max-old-space-size=${settings.heapMiB}`,
      "--max-semi-space-size=2",
    ],
    ...(settings.user === undefined ? {} : { user: settings.user }),
    maxOpenFiles: 256,
    niceness: 10,
    memoryBytes: settings.memoryMiB * 1024 * 1024,
  };
}

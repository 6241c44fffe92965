import { ownCommand } from "./own-program.ts";

/**
 * For a box with little memory: few, small generations of garbage (the young one large enough that a poll under way is not taken for something
 * that lasts), an old one that may grow by half before it is looked through, and one arena of malloc instead of one a thread. Blocks of 32 KiB and more
 * are mapped one by one and so go back to the system when they are let go of: among the small ones they leave holes, an eighth of the memory with 100
 * switches. `build/systemd/launch` sets the same.
 */
export const leanStart = {
  // Node says of node:ffi at each start that it is experimental; the engine does without it where it is missing.
  runtimeOptions: ["--max-semi-space-size=8", "--heap-growing-percent=50", "--disable-warning=ExperimentalWarning"],
  allocator: {
    MALLOC_ARENA_MAX: "1",
    MALLOC_MMAP_THRESHOLD_: "32768",
    MALLOC_TRIM_THRESHOLD_: "65536",
    MALLOC_TOP_PAD_: "16384",
  },
} as const;

/**
 * Becomes this same program under the options above, which can only be given at a start: same process, same descriptors, some 60 ms once. Returns
 * where it is so already, where a parent talks to this process over a channel that would not survive, and where the platform cannot.
 * Measured with 1,000 switches: half the memory, no CPU (tests/bench/README.md).
 */
export function startLean(): void {
  if (process.env["MALLOC_ARENA_MAX"] !== undefined || process.channel !== undefined) return;
  if (process.execve === undefined || process.platform !== "linux") return;
  const [first = "run", ...rest] = process.argv.slice(2);
  const { command, args: own } = ownCommand(first, rest, leanStart.runtimeOptions);
  // The kernel wants the program's own name first.
  process.execve(command, [command, ...own], { ...process.env, ...leanStart.allocator });
}

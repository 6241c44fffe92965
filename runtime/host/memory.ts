import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";
import type { Clock } from "#ports/clock.ts";
import type { Unit } from "#ports/unit.ts";

/** Beyond so many devices collecting a heap that may not grow costs more CPU than the memory is worth: at 1,000 half as much again. */
export const maxThriftyEquipment = 250;

/**
 * Tells V8 that memory is dearer here than speed: the young generation stays at its first size and the heap is collected before it grows.
 * Call it once the store's thread has started: with other options than it was built with, V8 refuses the compiled form of Node's own modules, and
 * every one that is loaded afterwards is compiled anew. Measured with 100 switches (tests/bench/README.md): a tenth of the memory, no CPU lost.
 */
export function preferLittleMemory(): void {
  // Both are read at each growth of the heap, so that they still count after the start; the size of the young generation itself does not.
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--optimize-for-size");
  // Code between interpreted and optimised: as large as both, and never let go of. What is hot is optimised all the same.
  setFlagsFromString("--no-sparkplug");
}

/** By then a small site has been polled, its tables are known and its neighbours read: what all that needed lies about. */
const firstMs = 60_000;
/** V8 itself looks at the heap only after it has grown by some megabytes, which the store's thread does not do in hours. */
const everyMs = 300_000;

/**
 * Collects this thread's garbage now and then, whatever V8 thinks of it: for a site of up to `maxThriftyEquipment`. Some 100 ms each time at 25 MB of
 * heap; measured with 100 switches (tests/bench/README.md).
 */
export function garbageRounds(clock: Clock): Unit {
  return {
    name: "memory",
    run: async (signal) => {
      for (let pauseMs = firstMs; !signal.aborted; pauseMs = everyMs) {
        await clock.sleep(pauseMs, signal).catch((reason: unknown) => {
          if (!signal.aborted) throw reason;
        });
        if (!signal.aborted) collectGarbage();
      }
    },
  };
}

/**
 * What has not run of late is compiled again when it is called next. The function is only to be had as a global of a new context; the options are taken
 * back at once, as Node's own modules are compiled anew under other ones.
 */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  setFlagsFromString("--stress-flush-code");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect({ type: "major", flavor: "last-resort" });
  setFlagsFromString("--no-expose-gc");
  setFlagsFromString("--no-stress-flush-code");
  trimmer()?.(0n);
}

type Trim = (padBytes: bigint) => number;
let trim: Trim | undefined;
let wasLookedFor = false;

/** glibc's `malloc_trim`: gives whole pages between what is in use back to the system. undefined = another library, or a runtime without node:ffi. */
function trimmer(): Trim | undefined {
  if (wasLookedFor || !isMainThread) return trim;
  wasLookedFor = true;
  try {
    const foreign = createRequire(import.meta.url)("node:ffi") as ForeignFunctions;
    trim = foreign.dlopen(null, { malloc_trim: { arguments: ["uint64"], return: "int32" } }).functions.malloc_trim as Trim;
  } catch {
    trim = undefined;
  }
  return trim;
}

/** What is used of node:ffi; experimental, so it is looked at with care. */
interface ForeignFunctions {
  dlopen(path: null, definitions: Readonly<Record<string, unknown>>): { readonly functions: Readonly<Record<string, unknown>> };
}

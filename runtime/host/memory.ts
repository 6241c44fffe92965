import { readFileSync } from "node:fs";
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

/**
 * The same for a large site: its old generation is collected after it grew by a tenth, or by 2 MiB, instead of by 8 MiB at least. Half of what grew was holes by then,
 * which a collection leaves to be filled: with 1,000 switches 37 MiB for 27 that live, and 41 while neighbours are read; now 30 (tests/bench/README.md). Set once all has
 * started, like the above: given at the start it would also decide on the young generation.
 */
export function preferSmallSteps(): void {
  setFlagsFromString("--optimize-for-size");
}

/**
 * Small buffers are cut from blocks of 8 KiB instead of Node's 64: one piece that lasts keeps its whole block, and half a megabyte of constants of Node's own
 * modules stood alone in theirs. For this thread.
 */
export function preferSmallBlocks(): void {
  Buffer.poolSize = 8_192;
}

/**
 * Threads that are started from now on have a young generation of one megabyte a half, whatever this process's own has: that option counts for every heap that
 * is made after it, before what a thread is started with. With 1,000 switches the store's heap takes 14.6 instead of 18.5 MB, for the same CPU, measured side by
 * side. Only a site beyond `maxThriftyEquipment` needs it: elsewhere nothing grows.
 */
export function giveThreadsLittle(): void {
  setFlagsFromString("--max-semi-space-size=1");
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
      await rest(clock, firstMs, signal);
      while (!signal.aborted) {
        collectGarbage("code too");
        await rest(clock, everyMs, signal);
      }
    },
  };
}

/** Between two looks for pages that malloc could give back: some 3 ms each with 1,000 switches, whose arrays take 10 MiB again within ten seconds. */
const trimMs = 5_000;

/**
 * The same for a site beyond `maxThriftyEquipment`. What its first minute leaves behind is collected once; later collections are left to V8, which does most of
 * the work beside the polls. Arrays of reports under way lie between those that stay, so malloc holds half-used room for them: measured with 1,000 switches
 * (tests/bench/README.md), 20 of 65 MiB after a minute and a half.
 */
export function trimRounds(clock: Clock): Unit {
  return {
    name: "memory",
    run: async (signal) => {
      await rest(clock, firstMs, signal);
      if (!signal.aborted) collectGarbage("objects");
      while (!signal.aborted) {
        await rest(clock, trimMs, signal);
        if (!signal.aborted) libc()?.malloc_trim(0n);
      }
    },
  };
}

/** Not while the main thread collects: the options that give the collector to scripts are the process's. */
const threadFirstMs = 90_000;
const threadEveryMs = 60_000;

/**
 * The store's thread of such a site: V8 leaves it pages that are half empty, a third of its heap. Its collections hold nobody up, and its code stays, since to
 * forget that would be the main thread's loss, too.
 */
export function threadRounds(clock: Clock): Unit {
  return {
    name: "memory",
    run: async (signal) => {
      await rest(clock, threadFirstMs, signal);
      while (!signal.aborted) {
        collectGarbage("objects");
        await rest(clock, threadEveryMs, signal);
      }
    },
  };
}

async function rest(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch((reason: unknown) => {
    if (!signal.aborted) throw reason;
  });
}

/**
 * "code too": what has not run of late is compiled again when it is called next. The function is only to be had as a global of a new context; the options are taken
 * back at once, as Node's own modules are compiled anew under other ones.
 */
function collectGarbage(what: "objects" | "code too"): void {
  setFlagsFromString("--expose-gc");
  if (what === "code too") setFlagsFromString("--stress-flush-code");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect({ type: "major", flavor: "last-resort" });
  setFlagsFromString("--no-expose-gc");
  if (what === "code too") setFlagsFromString("--no-stress-flush-code");
  libc()?.malloc_trim(0n);
  if (isMainThread) letGoOfProgramPages();
}

const dontNeed = 4;
const mappingLine = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ +(.*)$/;

/**
 * Unmaps what of the program's own file lies in memory: most of it only the start needed (Node's snapshot and stored code, tables of ICU and OpenSSL). What
 * runs comes back from the page cache as it is touched, in a few milliseconds. Only mappings that cannot be written and hold nothing but the file's content.
 */
export function letGoOfProgramPages(): void {
  const { madvise } = libc() ?? {};
  if (madvise === undefined) return;
  let mapping: { readonly start: bigint; readonly length: bigint } | undefined;
  for (const line of readFileSync("/proc/self/smaps", "latin1").split("\n")) {
    const [, start = "", end = "", rights = "", file = ""] = mappingLine.exec(line) ?? [];
    if (start !== "") {
      const isOurs = file === process.execPath && /^r-[x-]p$/.test(rights);
      mapping = isOurs ? { start: BigInt(`0x${start}`), length: BigInt(`0x${end}`) - BigInt(`0x${start}`) } : undefined;
    }
    // An emulator of this machine that knows nothing of its mappings says 0 everywhere.
    if (/^Rss: +0 kB$/.test(line)) mapping = undefined;
    if (mapping !== undefined && /^Anonymous: +0 kB$/.test(line)) madvise(mapping.start, mapping.length, dontNeed);
  }
}

interface Libc {
  /** glibc: gives whole pages between what is in use back to the system. */
  readonly malloc_trim: (padBytes: bigint) => number;
  readonly madvise: (start: bigint, length: bigint, advice: number) => number;
}
let known: Libc | undefined;
let wasLookedFor = false;

/** undefined = another library, or a runtime without node:ffi. */
function libc(): Libc | undefined {
  if (wasLookedFor || !isMainThread || process.platform !== "linux") return known;
  wasLookedFor = true;
  try {
    const foreign = createRequire(import.meta.url)("node:ffi") as ForeignFunctions;
    const calls = {
      malloc_trim: { arguments: ["uint64"], return: "int32" },
      madvise: { arguments: ["uint64", "uint64", "int32"], return: "int32" },
    };
    known = foreign.dlopen(null, calls).functions as Libc;
  } catch {
    known = undefined;
  }
  return known;
}

/** What is used of node:ffi; experimental, so it is looked at with care. */
interface ForeignFunctions {
  dlopen(path: null, definitions: Readonly<Record<string, unknown>>): { readonly functions: unknown };
}

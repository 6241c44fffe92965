import { maxThriftyEquipment } from "./memory.ts";
import { isPackaged, ownCommand } from "./own-program.ts";

/**
 * One arena of malloc instead of one a thread. Blocks of 32 KiB and more are mapped one by one and so go back to the system when they are let go of:
 * among the small ones they leave holes, an eighth of the memory with 100 switches. `build/systemd/launch` sets the same.
 */
export const leanAllocator = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "32768",
  MALLOC_TRIM_THRESHOLD_: "65536",
  MALLOC_TOP_PAD_: "16384",
} as const;

/**
 * The same for a large site, where sixty or more blocks of 64 KiB a second come and go (the loop's own, one for each wake-up by a datagram): mapped and unmapped
 * each time they cost 0.8 % of a core of 13.8, measured side by side with 1,000 switches. What malloc then holds is given back now and then (memory.ts).
 */
const largeSiteAllocator = { ...leanAllocator, MALLOC_MMAP_THRESHOLD_: "69632", MALLOC_TRIM_THRESHOLD_: "262144" } as const;

/** What a gateway for so much equipment has in its environment for malloc. */
export function allocatorFor(equipment: number): Readonly<Record<string, string>> {
  return equipment > maxThriftyEquipment ? largeSiteAllocator : leanAllocator;
}

/**
 * Options of the runtime for sites of up to `maxThriftyEquipment`, baked into the single binary (build/package/artefact.ts): a small young generation costs
 * no start time and saves a quarter of the flow host's memory; the old one is a limit, not a size. One thread for the collector and the compilers: four leave
 * more half-used pages (0.5 MB), and wake each other for little work. And nobody has to read that node:ffi is experimental (datagram-bunches.ts).
 */
export const smallSiteOptions = [
  "--max-semi-space-size=2",
  "--max-old-space-size=256",
  "--v8-pool-size=1",
  "--disable-warning=ExperimentalWarning",
] as const;

/**
 * Beyond: an old generation that may grow by a tenth before it is looked through, and no baseline code (as preferLittleMemory). Little of a poll outlives a young collection,
 * so marking once a minute costs little: with 1,000 switches 8.8 % of a core instead of 8.4, and a tenth of the memory less (tests/bench/README.md; smaller steps: `preferSmallSteps`). The unit grants 512 MiB for
 * everything; whoever reaches the limit is ended by V8 and begins anew; what was polled is on flash. V8 must not guess by what it saw at the start, when everything lasts, that the
 * objects of a poll last as well (allocation site pretenuring): it then makes them in the old generation at once, which was half of what had to be marked and swept there.
 */
export const largeSiteOptions = [
  "--max-semi-space-size=2",
  "--heap-growing-percent=10",
  "--no-allocation-site-pretenuring",
  "--no-sparkplug",
  "--max-old-space-size=384",
  "--v8-pool-size=1",
  "--disable-warning=ExperimentalWarning",
] as const;

/** What a gateway for so much equipment runs under, by the launcher or by hand. */
export function runtimeOptionsFor(equipment: number): readonly string[] {
  return equipment > maxThriftyEquipment ? largeSiteOptions : smallSiteOptions;
}

/** Says that this process runs under the options of a large site already: nothing is gained by beginning again. */
const largeMark = "GATEHOUSE_LARGE_SITE";

/**
 * Becomes this same program with the allocator's settings, which can only be given at a start, when nobody gave them; a launcher does. Same process, same
 * descriptors. Returns where a parent talks to this process over a channel that would not survive, and where the platform cannot.
 */
export function startLean(): void {
  // A checkout has no baked options.
  if (process.env["MALLOC_ARENA_MAX"] === undefined) startAgain(isPackaged ? [] : smallSiteOptions, leanAllocator);
}

/**
 * The same under the options of a large site, if this is one. Called once the configuration is known and before anything is opened: options that V8's stored
 * code was not made with cost 25 ms and 0.8 MB, which only a large site gets back.
 */
export function startLarge(equipment: number): void {
  if (equipment > maxThriftyEquipment && process.env[largeMark] === undefined) {
    startAgain(largeSiteOptions, { ...largeSiteAllocator, [largeMark]: "1" });
  }
}

function startAgain(options: readonly string[], environment: Readonly<Record<string, string>>): void {
  if (process.channel !== undefined || process.execve === undefined || process.platform !== "linux") return;
  const [first = "run", ...rest] = process.argv.slice(2);
  const { command, args } = ownCommand(first, rest, options);
  // The kernel wants the program's own name first.
  process.execve(command, [command, ...args], { ...process.env, ...environment });
}

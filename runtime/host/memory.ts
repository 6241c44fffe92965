import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock } from "#ports/clock.ts";

/** Beyond so many devices collecting a heap that may not grow costs more CPU than the memory is worth: at 1,000 half as much again. */
export const maxThriftyEquipment = 250;

/** By then every device was polled and surveyed once, and what only a start needs is garbage. */
const settledMs = 20_000;

/**
 * Tells V8 that memory is dearer here than speed: the young generation stays at its first size, the heap is collected before it grows, code is
 * optimised by one compiler instead of two. Call it once the store's thread has started: with other options than it was built with, V8 refuses the
 * compiled form of Node's own modules, and every one that is loaded afterwards is compiled anew. Figures: tests/bench/README.md.
 */
export function preferLittleMemory(): void {
  // All are read while running; the size of the young generation itself is not.
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--optimize-for-size");
  setFlagsFromString("--no-turbofan");
}

/** Gives back once what a start has left behind: some 50 ms in which this thread does nothing else. Ends early without it when stopped. */
export async function collectAfterStart(clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.sleep(settledMs, signal);
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect({ type: "major", flavor: "last-resort" });
}

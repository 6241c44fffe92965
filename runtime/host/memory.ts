import { setFlagsFromString } from "node:v8";

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
}

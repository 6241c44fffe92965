import { FrameBatch, type HeldFrame } from "./held-frame.ts";

/**
 * Frames come in one piece of memory with others of the same moment. One that waits for the end of a slot of an hour would keep all of those: it moves to a
 * piece of what waits as long.
 */
export function detach(waiting: readonly HeldFrame[]): void {
  const moving = new Map<number | undefined, HeldFrame[]>();
  for (const held of waiting) {
    // What waits in its batch is counted there: all of it, not only what came with this record.
    if (held.batch.bytes * 2 > held.batch.capacity) continue;
    const slot = held.slot?.id;
    const same = moving.get(slot);
    if (same === undefined) moving.set(slot, [held]);
    else same.push(held);
  }
  for (const frames of moving.values()) FrameBatch.moving(frames);
}

import type { Frame } from "#model/chunk.ts";

interface Waiting {
  frame: Frame;
}

/**
 * Frames come in one buffer with others of the same moment. One that waits for the end of a slot of an hour would keep all of those: it gets a place in a
 * buffer of what waits as long.
 */
export function detach(waiting: readonly Waiting[]): void {
  const needed = new Map<ArrayBufferLike, number>();
  for (const { frame } of waiting) needed.set(frame.payload.buffer, (needed.get(frame.payload.buffer) ?? 0) + frame.payload.length);
  const moving = new Map<number | undefined, Waiting[]>();
  for (const held of waiting) {
    const { buffer } = held.frame.payload;
    if ((needed.get(buffer) ?? 0) * 2 > buffer.byteLength) continue;
    const same = moving.get(held.frame.slot?.id);
    if (same === undefined) moving.set(held.frame.slot?.id, [held]);
    else same.push(held);
  }
  for (const frames of moving.values()) {
    const own = new Uint8Array(frames.reduce((sum, { frame }) => sum + frame.payload.length, 0));
    let at = 0;
    for (const held of frames) {
      const { payload } = held.frame;
      own.set(payload, at);
      held.frame = { ...held.frame, payload: own.subarray(at, at + payload.length) };
      at += payload.length;
    }
  }
}

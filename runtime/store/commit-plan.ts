import type { Slot, StreamClass } from "#model/chunk.ts";
import type { HeldFrame } from "./held-frame.ts";

/** Frames that become one chunk. */
export interface Seal {
  readonly streamClass: StreamClass;
  readonly slot: Slot | undefined;
  readonly frames: readonly HeldFrame[];
}

/** Content of the next journal record. */
export interface CommitPlan {
  /** Its frames bear it. */
  readonly number: number;
  /** In the order in which they get their seq. */
  readonly seals: readonly Seal[];
  /** Frames that become durable without being sealed yet. */
  readonly journal: readonly HeldFrame[];
  /** The bound of one record cut it short: another commit follows at once. */
  readonly more: boolean;
}

export function isEmpty({ seals, journal }: CommitPlan): boolean {
  return seals.length === 0 && journal.length === 0;
}

/** By the last frame: a dictionary record that was admitted between two frames of a slot must reach the reader before that slot's chunk. */
export function inOrder(seals: Seal[]): readonly Seal[] {
  return seals.sort((a, b) => (a.frames.at(-1)?.position ?? 0) - (b.frames.at(-1)?.position ?? 0));
}

/** In order, each piece within both bounds (one frame at least). */
export function cut(frames: readonly HeldFrame[], maxBytes: number, maxFrames: number): HeldFrame[][] {
  const pieces: HeldFrame[][] = [];
  let piece: HeldFrame[] = [];
  let bytes = 0;
  for (let place = 0; place < frames.length; place++) {
    const held = frames[place];
    if (held === undefined) continue;
    const length = held.bytes;
    if (piece.length > 0 && (bytes + length > maxBytes || piece.length >= maxFrames)) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(held);
    bytes += length;
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}

/** As much as `maxBytes` has room for, seals first; one piece at least. */
export function bounded(seals: readonly Seal[], journal: readonly HeldFrame[], maxBytes: number): Omit<CommitPlan, "number"> {
  let bytes = 0;
  const fits = (length: number): boolean => {
    const room = bytes === 0 || bytes + length <= maxBytes;
    if (room) bytes += length;
    return room;
  };
  const taken: Seal[] = [];
  for (const seal of seals) {
    if (!fits(seal.frames.reduce((sum, held) => sum + held.bytes + 64, 0))) break;
    taken.push(seal);
  }
  const kept: HeldFrame[] = [];
  if (taken.length === seals.length) {
    for (const held of journal) {
      if (!fits(held.bytes + 64)) break;
      kept.push(held);
    }
  }
  return { seals: taken, journal: kept, more: taken.length < seals.length || kept.length < journal.length };
}

import type { Frame, Slot, StreamClass } from "#model/chunk.ts";
import { detach } from "./detach.ts";

/** An admitted frame that is not in a sealed chunk yet. */
export interface HeldFrame {
  frame: Frame;
  readonly position: number;
  /** Journal record that made it durable; undefined = still only in memory. */
  recordSeq: number | undefined;
}

/** Frames that become one chunk. */
export interface Seal {
  readonly streamClass: StreamClass;
  readonly slot: Slot | undefined;
  readonly frames: readonly HeldFrame[];
}

/** Content of the next journal record. */
export interface CommitPlan {
  /** In the order in which they get their seq. */
  readonly seals: readonly Seal[];
  /** Frames that become durable without being sealed yet. */
  readonly journal: readonly HeldFrame[];
  /** The bound of one record cut it short: another commit follows at once. */
  readonly more: boolean;
}

export interface OpenGroupLimits {
  readonly windowMs: number;
  /** A slot is sealed this long after its end, so that a late answer still finds it open. */
  readonly graceMs: number;
  /** Admitted and not durable: from here on a record is due, and from there on nothing more is admitted. */
  readonly recordBytes: number;
  readonly recordFrames: number;
  readonly maxOpenBytes: number;
  readonly maxOpenFrames: number;
  /** Durable, waiting for the end of their slot. Beyond it every slot is sealed early. */
  readonly maxHeldBytes: number;
  /** JSON frames of one chunk. */
  readonly maxJsonFrames: number;
  /** Payload of one chunk, the assembler's bound. */
  readonly maxChunkBytes: number;
}

interface OpenSlot {
  readonly slot: Slot;
  readonly frames: HeldFrame[];
}

/** The bounded group of frames between admission and sealing. Pure: knows no disk and no seq. */
export class OpenGroup {
  readonly #limits: OpenGroupLimits;
  readonly #slots = new Map<number, OpenSlot>();
  readonly #newestSlot = new Map<number, number>();
  #loose: HeldFrame[] = [];
  #openFrames = 0;
  #openBytes = 0;
  #heldBytes = 0;
  #heldFrames = 0;
  #heldSamples = 0;
  #openSamples = 0;
  #urgent = false;
  #oldestOpenMs = Number.POSITIVE_INFINITY;

  constructor(limits: OpenGroupLimits) {
    this.#limits = limits;
  }

  /** Admitted, not yet durable. */
  get openFrames(): number {
    return this.#openFrames;
  }

  get openBytes(): number {
    return this.#openBytes;
  }

  get openSamples(): number {
    return this.#openSamples;
  }

  /** Samples of all frames held here, durable or not. */
  get heldSamples(): number {
    return this.#heldSamples;
  }

  /** Oldest journal record with frames that are not sealed; Infinity = none. */
  get oldestRecord(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { frames } of this.#slots.values()) oldest = Math.min(oldest, frames[0]?.recordSeq ?? Number.POSITIVE_INFINITY);
    return oldest;
  }

  get isFull(): boolean {
    return this.#openBytes >= this.#limits.maxOpenBytes || this.#openFrames >= this.#limits.maxOpenFrames;
  }

  /** Re-admits a frame found in the journal after a crash. */
  restore(frame: Frame, position: number, recordSeq: number): void {
    this.#hold({ frame, position, recordSeq });
  }

  add(frame: Frame, position: number, nowMs: number): void {
    this.#hold({ frame, position, recordSeq: undefined });
    this.#openFrames += 1;
    this.#openBytes += frame.payload.length;
    this.#openSamples += frame.samples;
    this.#urgent ||= frame.urgent;
    this.#oldestOpenMs = Math.min(this.#oldestOpenMs, nowMs);
  }

  /** Monotonic time at which the next commit is due; Infinity = nothing waits. */
  dueAtMs(bootId: string): number {
    if (this.#urgent || this.#isRecordFull() || this.#isOverHeld()) return Number.NEGATIVE_INFINITY;
    if (this.#openFrames > 0) return this.#oldestOpenMs + this.#limits.windowMs;
    let due = Number.POSITIVE_INFINITY;
    for (const { slot } of this.#slots.values()) due = Math.min(due, this.#sealDueMs(slot, bootId));
    return due;
  }

  /**
   * Seals the frames that stand in records up to `record`, whose place is needed, and nothing else. Only these of a slot: a slot of minutes that is added to all
   * the time comes last in `plan`, behind more than a record holds, and would keep its oldest record for as long.
   */
  planToFree(record: number, maxRecordBytes: number): CommitPlan {
    const seals: Seal[] = [];
    for (const { slot, frames } of this.#slots.values()) {
      const old = frames.filter(({ recordSeq }) => recordSeq !== undefined && recordSeq <= record);
      for (const piece of cut(old, this.#limits.maxChunkBytes, Number.POSITIVE_INFINITY))
        seals.push({ streamClass: "T", slot: piece.at(-1)?.frame.slot ?? slot, frames: piece });
    }
    return bounded(inOrder(seals), [], maxRecordBytes);
  }

  /** @param force seals open slots as well */
  plan(now: { readonly monotonicMs: number; readonly bootId: string }, force: boolean, maxRecordBytes: number): CommitPlan {
    const seals = this.#looseSeals();
    const journal: HeldFrame[] = [];
    const sealAll = force || this.#isOverHeld();
    for (const [id, open] of this.#slots) {
      const pieces = cut(open.frames, this.#limits.maxChunkBytes, Number.POSITIVE_INFINITY);
      const ended = sealAll || this.#isSuperseded(open.slot, id) || this.#sealDueMs(open.slot, now.bootId) <= now.monotonicMs;
      const rest = ended ? undefined : pieces.pop();
      for (const frames of pieces) seals.push({ streamClass: "T", slot: frames.at(-1)?.frame.slot ?? open.slot, frames });
      for (const held of rest ?? []) if (held.recordSeq === undefined) journal.push(held);
    }
    return bounded(inOrder(seals), journal, maxRecordBytes);
  }

  /** Position up to which every frame is durable, once `plan` is. */
  durableAfter(plan: CommitPlan, lastPosition: number): number {
    const covered = new Set<number>();
    for (const held of plan.journal) covered.add(held.position);
    for (const seal of plan.seals) for (const held of seal.frames) covered.add(held.position);
    let first = lastPosition + 1;
    for (const held of this.#all()) {
      if (held.recordSeq === undefined && !covered.has(held.position)) first = Math.min(first, held.position);
    }
    return first - 1;
  }

  /** The record with this plan is durable: its sealed frames leave, its journaled ones stay. */
  committed(plan: CommitPlan, recordSeq: number, nowMs: number): void {
    for (const held of plan.journal) {
      this.#opened(held);
      held.recordSeq = recordSeq;
    }
    detach(plan.journal);
    this.#removeSealed(new Set(plan.seals.flatMap((seal) => seal.frames)));
    if (this.#openFrames > 0) {
      this.#oldestOpenMs = nowMs;
      return;
    }
    this.#urgent = false;
    this.#oldestOpenMs = Number.POSITIVE_INFINITY;
  }

  #hold(held: HeldFrame): void {
    this.#heldBytes += held.frame.payload.length;
    this.#heldFrames += 1;
    this.#heldSamples += held.frame.samples;
    const slot = held.frame.slot;
    if (held.frame.kind !== "group" || slot === undefined) {
      this.#loose.push(held);
      return;
    }
    const open = this.#slots.get(slot.id);
    if (open === undefined) this.#slots.set(slot.id, { slot, frames: [held] });
    else open.frames.push(held);
    this.#newestSlot.set(slot.intervalMs, Math.max(slot.id, this.#newestSlot.get(slot.intervalMs) ?? 0));
  }

  #removeSealed(sealed: ReadonlySet<HeldFrame>): void {
    for (const held of sealed) {
      if (held.recordSeq === undefined) this.#opened(held);
      this.#heldBytes -= held.frame.payload.length;
      this.#heldFrames -= 1;
      this.#heldSamples -= held.frame.samples;
    }
    this.#loose = this.#loose.filter((held) => !sealed.has(held));
    for (const [id, open] of this.#slots) {
      const kept = open.frames.filter((held) => !sealed.has(held));
      if (kept.length === 0) this.#slots.delete(id);
      else if (kept.length < open.frames.length) this.#slots.set(id, { slot: open.slot, frames: kept });
    }
  }

  #opened(held: HeldFrame): void {
    this.#openFrames -= 1;
    this.#openBytes -= held.frame.payload.length;
    this.#openSamples -= held.frame.samples;
  }

  /** Dictionaries alone; JSON of one class together. They are sealed by the record that makes them durable: never stored twice. */
  #looseSeals(): Seal[] {
    const seals: Seal[] = [];
    const json = new Map<StreamClass, HeldFrame[]>();
    for (const held of this.#loose) {
      const streamClass = held.frame.streamClass;
      if (held.frame.kind !== "json") seals.push({ streamClass, slot: undefined, frames: [held] });
      else if (json.get(streamClass)?.push(held) === undefined) json.set(streamClass, [held]);
    }
    for (const [streamClass, frames] of json) {
      for (const piece of cut(frames, this.#limits.maxChunkBytes, this.#limits.maxJsonFrames)) {
        seals.push({ streamClass, slot: undefined, frames: piece });
      }
    }
    return seals;
  }

  #sealDueMs(slot: Slot, bootId: string): number {
    return slot.bootId === bootId ? slot.endsAtMs + this.#limits.graceMs : Number.NEGATIVE_INFINITY;
  }

  #isSuperseded(slot: Slot, id: number): boolean {
    return (this.#newestSlot.get(slot.intervalMs) ?? id) > id;
  }

  #isOverHeld(): boolean {
    return this.#heldBytes > this.#limits.maxHeldBytes || this.#heldFrames > 4 * this.#limits.recordFrames;
  }

  #isRecordFull(): boolean {
    return this.#openBytes >= this.#limits.recordBytes || this.#openFrames >= this.#limits.recordFrames;
  }

  *#all(): Generator<HeldFrame> {
    yield* this.#loose;
    for (const open of this.#slots.values()) yield* open.frames;
  }
}

/** By the last frame: a dictionary record that was admitted between two frames of a slot must reach the reader before that slot's chunk. */
function inOrder(seals: Seal[]): readonly Seal[] {
  return seals.sort((a, b) => (a.frames.at(-1)?.position ?? 0) - (b.frames.at(-1)?.position ?? 0));
}

/** In order, each piece within both bounds (one frame at least). */
function cut(frames: readonly HeldFrame[], maxBytes: number, maxFrames: number): HeldFrame[][] {
  const pieces: HeldFrame[][] = [];
  let piece: HeldFrame[] = [];
  let bytes = 0;
  for (const held of frames) {
    const length = held.frame.payload.length;
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

function bounded(seals: readonly Seal[], journal: readonly HeldFrame[], maxBytes: number): CommitPlan {
  let bytes = 0;
  const fits = (length: number): boolean => {
    const room = bytes === 0 || bytes + length <= maxBytes;
    if (room) bytes += length;
    return room;
  };
  const taken: Seal[] = [];
  for (const seal of seals) {
    if (!fits(seal.frames.reduce((sum, held) => sum + held.frame.payload.length + 64, 0))) break;
    taken.push(seal);
  }
  const kept: HeldFrame[] = [];
  if (taken.length === seals.length) {
    for (const held of journal) {
      if (!fits(held.frame.payload.length + 64)) break;
      kept.push(held);
    }
  }
  return { seals: taken, journal: kept, more: taken.length < seals.length || kept.length < journal.length };
}

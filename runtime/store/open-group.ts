import type { Slot, StreamClass } from "#model/chunk.ts";
import { bounded, type CommitPlan, cut, inOrder, type Seal } from "./commit-plan.ts";
import { detach } from "./detach.ts";
import type { HeldFrame } from "./held-frame.ts";

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
  #plans = 0;
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
  restore(held: HeldFrame, recordSeq: number): void {
    held.recordSeq = recordSeq;
    this.#hold(held);
  }

  add(held: HeldFrame, nowMs: number): void {
    this.#hold(held);
    this.#openFrames += 1;
    this.#openBytes += held.bytes;
    this.#openSamples += held.samples;
    this.#urgent ||= held.urgent;
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
        seals.push({ streamClass: "T", slot: piece.at(-1)?.slot ?? slot, frames: piece });
    }
    return this.#numbered(bounded(inOrder(seals), [], maxRecordBytes));
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
      for (const frames of pieces) seals.push({ streamClass: "T", slot: frames.at(-1)?.slot ?? open.slot, frames });
      for (const held of rest ?? []) if (held.recordSeq === undefined) journal.push(held);
    }
    return this.#numbered(bounded(inOrder(seals), journal, maxRecordBytes));
  }

  /** Position up to which every frame is durable, once `plan` is. */
  durableAfter(plan: CommitPlan, lastPosition: number): number {
    let first = firstOutside(plan, this.#loose, lastPosition + 1);
    for (const { frames } of this.#slots.values()) first = firstOutside(plan, frames, first);
    return first - 1;
  }

  /** The record with this plan is durable: its sealed frames leave, its journaled ones stay. */
  committed(plan: CommitPlan, recordSeq: number, nowMs: number): void {
    for (const held of plan.journal) {
      this.#opened(held);
      held.recordSeq = recordSeq;
    }
    this.#removeSealed(plan);
    detach(plan.journal);
    if (this.#openFrames > 0) {
      this.#oldestOpenMs = nowMs;
      return;
    }
    this.#urgent = false;
    this.#oldestOpenMs = Number.POSITIVE_INFINITY;
  }

  #numbered(content: Omit<CommitPlan, "number">): CommitPlan {
    this.#plans += 1;
    for (const { frames } of content.seals) markWith(this.#plans, frames);
    markWith(this.#plans, content.journal);
    return { number: this.#plans, ...content };
  }

  #hold(held: HeldFrame): void {
    this.#heldBytes += held.bytes;
    this.#heldFrames += 1;
    this.#heldSamples += held.samples;
    const { slot } = held;
    if (held.kind !== "group" || slot === undefined) {
      this.#loose.push(held);
      return;
    }
    const open = this.#slots.get(slot.id);
    if (open === undefined) this.#slots.set(slot.id, { slot, frames: [held] });
    else open.frames.push(held);
    this.#newestSlot.set(slot.intervalMs, Math.max(slot.id, this.#newestSlot.get(slot.intervalMs) ?? 0));
  }

  #removeSealed(plan: CommitPlan): void {
    for (const { frames } of plan.seals) for (let place = 0; place < frames.length; place++) this.#leave(frames[place]);
    this.#loose = this.#loose.filter((held) => !held.isGone);
    for (const [id, open] of this.#slots) {
      const kept = open.frames.filter((held) => !held.isGone);
      if (kept.length === 0) this.#slots.delete(id);
      else if (kept.length < open.frames.length) this.#slots.set(id, { slot: open.slot, frames: kept });
    }
  }

  #leave(held: HeldFrame | undefined): void {
    if (held === undefined) return;
    if (held.recordSeq === undefined) this.#opened(held);
    this.#heldBytes -= held.bytes;
    this.#heldFrames -= 1;
    this.#heldSamples -= held.samples;
    held.leave();
  }

  #opened(held: HeldFrame): void {
    this.#openFrames -= 1;
    this.#openBytes -= held.bytes;
    this.#openSamples -= held.samples;
  }

  /** Dictionaries alone; JSON of one class together. They are sealed by the record that makes them durable: never stored twice. */
  #looseSeals(): Seal[] {
    const seals: Seal[] = [];
    const json = new Map<StreamClass, HeldFrame[]>();
    for (const held of this.#loose) {
      const { streamClass } = held;
      if (held.kind !== "json") seals.push({ streamClass, slot: undefined, frames: [held] });
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
}

/** Position of the first frame that is neither durable nor in the plan, if it comes before `position`; else that. */
function firstOutside(plan: CommitPlan, frames: readonly HeldFrame[], position: number): number {
  let first = position;
  for (let place = 0; place < frames.length; place++) {
    const held = frames[place];
    if (held !== undefined && held.recordSeq === undefined && held.plan !== plan.number) first = Math.min(first, held.position);
  }
  return first;
}

/** Frames of a large site pass here by thousands in code that is too seldom run to be compiled: an iterator leaves an object for each of them. */
function markWith(plan: number, frames: readonly HeldFrame[]): void {
  for (let place = 0; place < frames.length; place++) {
    const held = frames[place];
    if (held !== undefined) held.plan = plan;
  }
}

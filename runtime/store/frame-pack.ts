import type { Frame, Slot } from "#model/chunk.ts";

/**
 * Frames with their payloads in one buffer of their own, so that it can change threads without a copy. In columns: a clone of plain arrays costs a
 * fraction of what one of as many objects does, and taking a frame's head apart property by property cost more than polling it.
 */
export interface PackedFrames {
  /** Per frame its class, kind and boot, each different combination once. */
  readonly sorts: readonly FrameSort[];
  readonly slots: readonly Slot[];
  /** `numbersPerFrame` of each frame, one after the other. */
  readonly numbers: Float64Array;
  readonly payloads: ArrayBuffer;
}

/** What many frames have in common. */
export type FrameSort = Pick<Frame, "streamClass" | "kind" | "urgent" | "priority" | "bootId">;

/** Sort, slot (-1 = none), bytes, samples, wallMs, monotonicMs. */
export const numbersPerFrame = 6;

/** A frame as whoever holds it has it. */
export type FrameView = Omit<Frame, "slot"> & { readonly slot?: Slot | undefined };

/**
 * Gathers frames for the other thread, packed as they come: a frame that waited as an object would outlive a collection of the young and be carried about. Copies:
 * a payload may be a view of something much larger, which a structured clone would take along whole.
 */
export class FramePack {
  #payloads = new Uint8Array(4_096);
  #numbers = new Float64Array(64 * numbersPerFrame);
  #sorts: FrameSort[] = [];
  #slots: Slot[] = [];
  /** Bytes of payloads. */
  bytes = 0;
  frames = 0;

  add(frame: FrameView): void {
    const { payload } = frame;
    const offset = this.bytes;
    if (offset + payload.length > this.#payloads.length) this.#growPayloads(offset + payload.length);
    this.#payloads.set(payload, offset);
    const at = this.frames * numbersPerFrame;
    if (at >= this.#numbers.length) this.#growNumbers();
    const numbers = this.#numbers;
    numbers[at] = sortOf(frame, this.#sorts);
    numbers[at + 1] = frame.slot === undefined ? -1 : this.#slotOf(frame.slot);
    numbers[at + 2] = payload.length;
    numbers[at + 3] = frame.samples;
    numbers[at + 4] = frame.wallMs;
    numbers[at + 5] = frame.monotonicMs;
    this.bytes = offset + payload.length;
    this.frames += 1;
  }

  /** All of them; then there are none. */
  take(): PackedFrames {
    const packed = {
      sorts: this.#sorts,
      slots: this.#slots,
      numbers: this.#numbers.slice(0, this.frames * numbersPerFrame),
      payloads: this.#payloads.buffer.slice(0, this.bytes),
    };
    this.#sorts = [];
    this.#slots = [];
    this.bytes = 0;
    this.frames = 0;
    return packed;
  }

  /** One an interval class at most, and now and then two: looked through from the newest. */
  #slotOf(slot: Slot): number {
    const known = this.#slots.lastIndexOf(slot);
    return known >= 0 ? known : this.#slots.push(slot) - 1;
  }

  #growPayloads(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.#payloads.length * 2));
    larger.set(this.#payloads.subarray(0, this.bytes));
    this.#payloads = larger;
  }

  #growNumbers(): void {
    const larger = new Float64Array(this.#numbers.length * 2);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}

/** A handful at most: streams times kinds. */
function sortOf({ streamClass, kind, urgent, priority, bootId }: FrameView, sorts: FrameSort[]): number {
  for (let index = 0; index < sorts.length; index++) {
    const sort = sorts[index];
    if (sort === undefined || sort.kind !== kind || sort.streamClass !== streamClass) continue;
    if (sort.urgent === urgent && sort.priority === priority && sort.bootId === bootId) return index;
  }
  return sorts.push({ streamClass, kind, urgent, priority, bootId }) - 1;
}

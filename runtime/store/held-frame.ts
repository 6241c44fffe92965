import type { Frame, Slot, StreamClass } from "#model/chunk.ts";
import { FramePack, type FrameSort, type FrameView, numbersPerFrame, type PackedFrames } from "./frame-pack.ts";

/**
 * Frames that came together, in columns as they were packed, and the memory of their payloads: given back the moment the last of them is sealed. With 1,000
 * switches ten thousand frames wait for a record: as objects with their arrays they took 2.5 MB more, and as much again until a collection.
 */
export class FrameBatch {
  readonly #packed: PackedFrames;
  /** Frames that are not sealed, and the bytes of their payloads. */
  frames = 0;
  bytes = 0;

  constructor(packed: PackedFrames) {
    this.#packed = packed;
  }

  /** Copies what is not packed yet: frames and payloads are the caller's again. */
  static of(frames: readonly Frame[] | FrameBatch): FrameBatch {
    if (frames instanceof FrameBatch) return frames;
    const pack = new FramePack();
    for (const frame of frames) pack.add(frame);
    return new FrameBatch(pack.take());
  }

  /** Every frame as it is held, in order; to be called once. @param positionOf the frame with this index */
  hold(positionOf: (index: number) => number): readonly HeldFrame[] {
    const all: HeldFrame[] = [];
    let offset = 0;
    for (let index = 0; index < this.#packed.numbers.length / numbersPerFrame; index++) {
      const held = new HeldFrame(positionOf(index), this, index, offset);
      offset += held.bytes;
      this.#enter(held);
      all.push(held);
    }
    return all;
  }

  /** Moves frames out of their batches into one of their own. */
  static moving(frames: readonly HeldFrame[]): void {
    const pack = new FramePack();
    for (const held of frames) pack.add(held);
    const own = new FrameBatch(pack.take());
    let offset = 0;
    for (const [index, held] of frames.entries()) {
      const { bytes } = held;
      held.moveTo(own, index, offset);
      own.#enter(held);
      offset += bytes;
    }
  }

  /** What all payloads take, those of sealed frames included. */
  get capacity(): number {
    return this.#packed.payloads.byteLength;
  }

  sort(index: number): FrameSort {
    const sort = this.#packed.sorts[this.number(index, 0)];
    if (sort === undefined) throw new RangeError(`frame ${index} is of no sort`);
    return sort;
  }

  slot(index: number): Slot | undefined {
    return this.#packed.slots[this.number(index, 1)];
  }

  /** @param column of `numbersPerFrame` */
  number(index: number, column: number): number {
    return this.#packed.numbers[index * numbersPerFrame + column] ?? 0;
  }

  payload(offset: number, bytes: number): Uint8Array {
    return new Uint8Array(this.#packed.payloads, offset, bytes);
  }

  #enter(held: HeldFrame): void {
    this.frames += 1;
    this.bytes += held.bytes;
  }

  leave(bytes: number): void {
    this.frames -= 1;
    this.bytes -= bytes;
    // Detaching frees it at once; left to the collector it stays until this thread's old objects are looked through.
    if (this.frames === 0) this.#packed.payloads.transfer(0);
  }
}

/** An admitted frame that is not in a sealed chunk yet. Reads like a `Frame` and is small: there are thousands. */
export class HeldFrame implements FrameView {
  readonly position: number;
  /** Journal record that made it durable; undefined = still only in memory. */
  recordSeq: number | undefined = undefined;
  /** The newest plan that has it. */
  plan = 0;
  isGone = false;
  #batch: FrameBatch;
  #index: number;
  #offset: number;

  /** @param offset of the payload among the batch's */
  constructor(position: number, batch: FrameBatch, index: number, offset: number) {
    this.position = position;
    this.#batch = batch;
    this.#index = index;
    this.#offset = offset;
  }

  get streamClass(): StreamClass {
    return this.#batch.sort(this.#index).streamClass;
  }

  get kind(): Frame["kind"] {
    return this.#batch.sort(this.#index).kind;
  }

  get urgent(): boolean {
    return this.#batch.sort(this.#index).urgent;
  }

  get priority(): Frame["priority"] {
    return this.#batch.sort(this.#index).priority;
  }

  get bootId(): string {
    return this.#batch.sort(this.#index).bootId;
  }

  get slot(): Slot | undefined {
    return this.#batch.slot(this.#index);
  }

  /** Bytes of the payload. */
  get bytes(): number {
    return this.#batch.number(this.#index, 2);
  }

  get samples(): number {
    return this.#batch.number(this.#index, 3);
  }

  get wallMs(): number {
    return this.#batch.number(this.#index, 4);
  }

  get monotonicMs(): number {
    return this.#batch.number(this.#index, 5);
  }

  /** Not to be had once the frame is gone. */
  get payload(): Uint8Array {
    return this.#batch.payload(this.#offset, this.bytes);
  }

  get batch(): FrameBatch {
    return this.#batch;
  }

  /** The chunk that has it is durable: its memory may go. */
  leave(): void {
    this.isGone = true;
    this.#batch.leave(this.bytes);
  }

  moveTo(batch: FrameBatch, index: number, offset: number): void {
    this.#batch.leave(this.bytes);
    this.#batch = batch;
    this.#index = index;
    this.#offset = offset;
  }
}

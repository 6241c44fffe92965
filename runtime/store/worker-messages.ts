import type { MessagePort } from "node:worker_threads";
import type { Frame, Slot, StreamAck, StreamClass, StreamId } from "#model/chunk.ts";
import { type ErrorCode, type ErrorFields, GatewayError, isGatewayError } from "#model/errors.ts";
import type { ReadQuery } from "#ports/buffer.ts";
import type { LogFields } from "#ports/logger.ts";
import type { StoreProgress } from "./buffer-inline.ts";
import type { HistorySettings } from "./history-core.ts";
import type { StoreSettings } from "./settings.ts";

/** What the worker is started with. */
export interface StoreWorkerData {
  readonly folder: string;
  readonly settings: Partial<StoreSettings>;
  /** As configured: whether this thread's dates may be believed. */
  readonly clockSource: "auto" | "host" | "none";
  readonly clockFloorMs?: number;
  /** See StoreWorkerOptions. */
  readonly isThrifty: boolean;
  /** Absent: no history is kept. The port is the store's end of its channel. */
  readonly history?: { readonly settings: Partial<HistorySettings>; readonly port: MessagePort };
}

/** Calls with an answer. */
export interface StoreCalls {
  read: { readonly query: ReadQuery };
  acknowledge: { readonly ack: StreamAck };
  sealNow: Record<string, never>;
  splitStream: { readonly streamClass: StreamClass };
  reject: { readonly stream: StreamId; readonly seq: number; readonly reason: string };
  stats: Record<string, never>;
  close: Record<string, never>;
}

export type StoreCall = { [K in keyof StoreCalls]: { readonly op: K; readonly args: StoreCalls[K] } }[keyof StoreCalls];

export type ToStore =
  | ({ readonly kind: "call"; readonly id: number } & StoreCall)
  | { readonly kind: "append"; readonly frames: PackedFrames }
  /** The main thread has handed out the gap records up to this number. */
  | { readonly kind: "gapsTaken"; readonly upTo: number };

export type FromStore =
  | { readonly kind: "ready"; readonly progress: StoreProgress }
  | { readonly kind: "failed"; readonly error: PackedError }
  | { readonly kind: "progress"; readonly progress: StoreProgress }
  | { readonly kind: "reply"; readonly id: number; readonly value?: unknown; readonly error?: PackedError }
  | { readonly kind: "log"; readonly level: "error" | "warn" | "info" | "debug"; readonly fields: LogFields; readonly sentence: string };

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

type FrameSort = Pick<Frame, "streamClass" | "kind" | "urgent" | "priority" | "bootId">;

/** Sort, slot (-1 = none), bytes, samples, wallMs, monotonicMs. */
const numbersPerFrame = 6;

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

  add(frame: Frame): void {
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
function sortOf({ streamClass, kind, urgent, priority, bootId }: Frame, sorts: FrameSort[]): number {
  for (let index = 0; index < sorts.length; index++) {
    const sort = sorts[index];
    if (sort === undefined || sort.kind !== kind || sort.streamClass !== streamClass) continue;
    if (sort.urgent === urgent && sort.priority === priority && sort.bootId === bootId) return index;
  }
  return sorts.push({ streamClass, kind, urgent, priority, bootId }) - 1;
}

export function unpackFrames({ sorts, slots, numbers, payloads }: PackedFrames): Frame[] {
  const frames: Frame[] = [];
  let offset = 0;
  for (let at = 0; at + numbersPerFrame <= numbers.length; at += numbersPerFrame) {
    const sort = sorts[numbers[at] ?? -1];
    const slot = slots[numbers[at + 1] ?? -1];
    const bytes = numbers[at + 2] ?? 0;
    if (sort === undefined) throw new RangeError(`a frame of sort ${numbers[at]} of ${sorts.length}`);
    const payload = new Uint8Array(payloads, offset, bytes);
    offset += bytes;
    const { streamClass, kind, urgent, priority, bootId } = sort;
    const [samples, wallMs, monotonicMs] = [numbers[at + 3] ?? 0, numbers[at + 4] ?? 0, numbers[at + 5] ?? 0];
    const frame = { streamClass, kind, samples, urgent, priority, wallMs, monotonicMs, bootId, payload };
    // Spelled out: to spread it took as long as everything before.
    if (slot === undefined) frames.push(frame);
    else frames.push({ streamClass, kind, slot, samples, urgent, priority, wallMs, monotonicMs, bootId, payload });
  }
  return frames;
}

/** An error on its way between threads: a GatewayError keeps its code, anything else is a bug and says so. */
export interface PackedError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly fields: ErrorFields;
  readonly stack: string | undefined;
}

export function packError(error: unknown): PackedError {
  if (isGatewayError(error)) return { code: error.code, message: error.message, fields: error.fields, stack: error.stack };
  if (error instanceof Error) return { code: undefined, message: error.message, fields: {}, stack: error.stack };
  return { code: undefined, message: String(error), fields: {}, stack: undefined };
}

export function unpackError(packed: PackedError): Error {
  if (packed.code === undefined) {
    const bug = new Error(packed.message);
    if (packed.stack !== undefined) bug.stack = packed.stack;
    return bug;
  }
  return new GatewayError(packed.code, { message: packed.message, fields: packed.fields });
}

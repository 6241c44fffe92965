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

/** Frames with their payloads in one buffer of their own, so that it can change threads without a copy. */
export interface PackedFrames {
  readonly heads: readonly (Omit<Frame, "payload" | "slot"> & { readonly slot: number; readonly bytes: number })[];
  readonly slots: readonly Slot[];
  readonly payloads: ArrayBuffer;
}

/** Copies: a payload may be a view of something much larger, which a structured clone would take along whole. */
export function packFrames(frames: readonly Frame[]): PackedFrames {
  const payloads = new Uint8Array(frames.reduce((sum, frame) => sum + frame.payload.length, 0));
  const slots: Slot[] = [];
  const slotIndex = new Map<Slot, number>();
  let offset = 0;
  const heads = frames.map((frame) => {
    const { payload, slot, ...head } = frame;
    payloads.set(payload, offset);
    offset += payload.length;
    if (slot !== undefined && !slotIndex.has(slot)) slotIndex.set(slot, slots.push(slot) - 1);
    return { ...head, slot: slot === undefined ? -1 : (slotIndex.get(slot) ?? -1), bytes: payload.length };
  });
  return { heads, slots, payloads: payloads.buffer };
}

export function unpackFrames(packed: PackedFrames): Frame[] {
  let offset = 0;
  return packed.heads.map(({ slot, bytes, ...head }) => {
    const payload = new Uint8Array(packed.payloads, offset, bytes);
    offset += bytes;
    const found = packed.slots[slot];
    return { ...head, payload, ...(found === undefined ? {} : { slot: found }) };
  });
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

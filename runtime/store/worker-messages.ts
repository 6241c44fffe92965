import type { MessagePort } from "node:worker_threads";
import type { StreamAck, StreamClass, StreamId } from "#model/chunk.ts";
import { type ErrorCode, type ErrorFields, GatewayError, isGatewayError } from "#model/errors.ts";
import type { ReadQuery } from "#ports/buffer.ts";
import type { LogFields } from "#ports/logger.ts";
import type { StoreProgress } from "./buffer-inline.ts";
import type { PackedFrames } from "./frame-pack.ts";
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

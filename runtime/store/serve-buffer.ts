import type { LogFields, Logger } from "#ports/logger.ts";
import type { InlineBuffer } from "./buffer-inline.ts";
import type { PackedFrames } from "./frame-pack.ts";
import { FrameBatch } from "./held-frame.ts";
import { type FromStore, packError, type ToStore } from "./worker-messages.ts";

/** The end of a message channel as the store sees it. */
export interface StorePort {
  postMessage(message: FromStore, transfer?: readonly ArrayBuffer[]): void;
  on(event: "message", listener: (message: ToStore) => void): unknown;
  close(): void;
}

/** Serves a buffer to another thread until `close` is called. @param beforeEnd what else must be done before `close` is answered and the thread ends */
export function serveBuffer(port: StorePort, buffer: InlineBuffer, beforeEnd: () => Promise<void>): void {
  port.on("message", (message) => {
    if (message.kind === "append") append(buffer, message.frames);
    else if (message.kind === "gapsTaken") buffer.takeGaps(message.upTo);
    else void answer(port, () => perform(buffer, message, beforeEnd), message);
  });
  port.postMessage({ kind: "ready", progress: buffer.progress });
  buffer.watch((progress) => port.postMessage({ kind: "progress", progress }));
}

/** The far side holds back before this buffer is full; should it not, frames wait their turn in `append`. */
function append(buffer: InlineBuffer, packed: PackedFrames): void {
  const admitted = buffer.append(new FrameBatch(packed));
  if (typeof admitted !== "number") admitted.catch(() => undefined); // Closed meanwhile: the far side's `durable` says so.
}

async function answer(port: StorePort, work: () => Promise<unknown>, { id, op }: Extract<ToStore, { kind: "call" }>): Promise<void> {
  try {
    port.postMessage({ kind: "reply", id, value: await work() });
  } catch (error) {
    port.postMessage({ kind: "reply", id, error: packError(error) });
  }
  if (op === "close") port.close();
}

function perform(buffer: InlineBuffer, call: Extract<ToStore, { kind: "call" }>, beforeEnd: () => Promise<void>): Promise<unknown> {
  switch (call.op) {
    case "read":
      return buffer.read(call.args.query);
    case "acknowledge":
      return buffer.acknowledge(call.args.ack);
    case "sealNow":
      return buffer.sealNow();
    case "splitStream":
      return buffer.splitStream(call.args.streamClass);
    case "reject":
      return buffer.reject(call.args.stream, call.args.seq, call.args.reason);
    case "stats":
      return buffer.stats();
    case "close":
      return buffer.close().finally(beforeEnd);
  }
}

/** A logger whose lines are written by the far side. */
export function remoteLogger(port: Pick<StorePort, "postMessage">, bound: LogFields = {}): Logger {
  const line =
    (level: "error" | "warn" | "info" | "debug") =>
    (fields: LogFields, sentence: string): void =>
      port.postMessage({ kind: "log", level, fields: { ...bound, ...fields }, sentence });
  return {
    error: line("error"),
    warn: line("warn"),
    info: line("info"),
    debug: line("debug"),
    child: (fields) => remoteLogger(port, { ...bound, ...fields }),
  };
}

import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { Clock } from "#ports/clock.ts";
import type { ChunkAssembler } from "#ports/codec.ts";
import type { Entropy } from "#ports/entropy.ts";
import { openBufferInline } from "./buffer-inline.ts";
import { openLocalHistory } from "./history-backend.ts";
import { serveHistory, type ToHistory } from "./history-worker.ts";
import { NodeDisk } from "./node-disk.ts";
import { remoteLogger, serveBuffer } from "./serve-buffer.ts";
import { type FromStore, packError, type StoreWorkerData } from "./worker-messages.ts";

/** What the thread's entry brings along: the store itself knows no concrete clock and no concrete chunk format. */
export interface StoreWorkerParts {
  readonly clock: (source: StoreWorkerData["clockSource"]) => Clock;
  readonly entropy: Entropy;
  readonly assembler: ChunkAssembler;
  /** Keeps the thread's memory small until the signal aborts. */
  readonly tidy?: (clock: Clock, signal: AbortSignal, isThrifty: boolean) => Promise<void>;
}

/** Body of the store's thread: opens buffer and history of the folder it was given and serves them until the buffer is closed. */
export function runStoreWorker(parts: StoreWorkerParts): void {
  const port = parentPort;
  if (port === null) throw new Error("the store's thread is started by openStoreWorker");
  const { folder, settings, clockSource, clockFloorMs, history, isThrifty } = workerData as StoreWorkerData;
  const ended = new AbortController();
  const post = (message: FromStore): void => port.postMessage(message);
  const logger = remoteLogger({ postMessage: post });
  try {
    const disk = new NodeDisk(folder);
    const clock = parts.clock(clockSource);
    if (clockFloorMs !== undefined) clock.notBefore?.(clockFloorMs);
    const buffer = openBufferInline({ disk, clock, entropy: parts.entropy, logger, assembler: parts.assembler, settings });
    const local = history === undefined ? undefined : openLocalHistory({ disk, clock, logger, settings: history.settings });
    const take = history === undefined || local === undefined ? undefined : serveHistory(history.port, local);
    void parts.tidy?.(clock, ended.signal, isThrifty);
    const endHistory = async (): Promise<void> => {
      ended.abort();
      // Two channels have no order between them: what was sent to the history before the buffer was closed may still wait.
      while (history !== undefined) {
        const waiting = receiveMessageOnPort(history.port);
        if (waiting === undefined) break;
        take?.(waiting.message as ToHistory);
      }
      // A history that was closed before stays closed.
      await local?.close();
      history?.port.close();
    };
    serveBuffer({ postMessage: post, on: (event, listener) => port.on(event, listener), close: () => port.close() }, buffer, endHistory);
  } catch (error) {
    post({ kind: "failed", error: packError(error) });
    history?.port.close();
    port.close();
  }
}

import { parentPort, workerData } from "node:worker_threads";
import type { Clock } from "#ports/clock.ts";
import type { ChunkAssembler } from "#ports/codec.ts";
import type { Entropy } from "#ports/entropy.ts";
import { openBufferInline } from "./buffer-inline.ts";
import { openLocalHistory } from "./history-backend.ts";
import { serveHistory } from "./history-worker.ts";
import { NodeDisk } from "./node-disk.ts";
import { remoteLogger, serveBuffer } from "./serve-buffer.ts";
import { type FromStore, packError, type StoreWorkerData } from "./worker-messages.ts";

/** What the thread's entry brings along: the store itself knows no concrete clock and no concrete chunk format. */
export interface StoreWorkerParts {
  readonly clock: (source: StoreWorkerData["clockSource"]) => Clock;
  readonly entropy: Entropy;
  readonly assembler: ChunkAssembler;
}

/** Body of the store's thread: opens buffer and history of the folder it was given and serves them until the buffer is closed. */
export function runStoreWorker(parts: StoreWorkerParts): void {
  const port = parentPort;
  if (port === null) throw new Error("the store's thread is started by openStoreWorker");
  const { folder, settings, clockSource, historySettings, historyPort } = workerData as StoreWorkerData;
  const post = (message: FromStore): void => port.postMessage(message);
  const logger = remoteLogger({ postMessage: post });
  try {
    const disk = new NodeDisk(folder);
    const clock = parts.clock(clockSource);
    const buffer = openBufferInline({ disk, clock, entropy: parts.entropy, logger, assembler: parts.assembler, settings });
    const history = openLocalHistory({ disk, clock, logger, settings: historySettings });
    serveHistory(historyPort, history);
    const close = async (): Promise<void> => {
      // Idempotent: a history that was closed before stays closed.
      await history.close();
      historyPort.close();
      port.close();
    };
    serveBuffer({ postMessage: post, on: (event, listener) => port.on(event, listener), close: () => void close() }, buffer);
  } catch (error) {
    post({ kind: "failed", error: packError(error) });
    historyPort.close();
    port.close();
  }
}

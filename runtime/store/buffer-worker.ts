import { MessageChannel, Worker } from "node:worker_threads";
import type { Buffer as BufferPort } from "#ports/buffer.ts";
import type { History } from "#ports/history.ts";
import type { Logger } from "#ports/logger.ts";
import { defaultHistoryLimits, type HistoryLimits, HistoryRecorder } from "./history.ts";
import type { HistorySettings } from "./history-core.ts";
import { RemoteHistory } from "./history-worker.ts";
import type { StoreSettings } from "./settings.ts";
import { WorkerBuffer } from "./worker-buffer.ts";
import type { StoreWorkerData } from "./worker-messages.ts";

export interface StoreWorkerOptions {
  readonly folder: string;
  /** Absent keys take `defaultStoreSettings`. */
  readonly settings?: Partial<StoreSettings>;
  readonly history?: Partial<HistorySettings> & { readonly limits?: Partial<HistoryLimits> };
  readonly logger: Logger;
  /** How the worker's own clock knows that it is synchronised. Default `auto`. */
  readonly clockSource?: "auto" | "host" | "none";
  /** The worker's program; a packaged binary gives the path of its bundle. */
  readonly entry?: string | URL;
}

/**
 * Buffer and history in a thread of their own: the caller's loop never waits for the disk. Close the history first: the thread ends with the buffer.
 * @throws GatewayError buffer.busy | buffer.denied | buffer.version | buffer.disk-full
 */
export async function openStoreWorker(options: StoreWorkerOptions): Promise<{ readonly buffer: BufferPort; readonly history: History }> {
  const { folder, settings, logger, clockSource = "auto" } = options;
  const { limits, ...historySettings } = options.history ?? {};
  const channel = new MessageChannel();
  const workerData: StoreWorkerData = { folder, settings: { ...settings }, clockSource, historySettings, historyPort: channel.port2 };
  const entry = options.entry ?? new URL("../store-worker.ts", import.meta.url);
  const worker = new Worker(entry, { workerData, name: "store", transferList: [channel.port2] });
  const buffer = new WorkerBuffer(worker, logger);
  // The buffer keeps the process alive while it is open; the history alone should not.
  channel.port1.unref();
  const history = new HistoryRecorder(new RemoteHistory(channel.port1), { ...defaultHistoryLimits, ...limits });
  await buffer.ready;
  return { buffer, history };
}

/** The buffer alone. @throws as openStoreWorker */
export async function openBufferWorker(options: StoreWorkerOptions): Promise<BufferPort> {
  return (await openStoreWorker(options)).buffer;
}

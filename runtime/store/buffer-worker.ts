import { MessageChannel, Worker } from "node:worker_threads";
import type { Buffer as BufferPort } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
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
  /** Lets frames and points gather for some milliseconds before they change threads; absent = they do not wait. */
  readonly clock?: Clock;
  /** How the worker's own clock knows that it is synchronised. Default `auto`. */
  readonly clockSource?: "auto" | "host" | "none";
  /** See `Clock.notBefore`, for the worker's own clock. */
  readonly clockFloorMs?: number;
  /** A small site: the thread collects its garbage in small portions, and now and then whether it must or not. */
  readonly isThrifty?: boolean;
  /** The worker's program; a packaged binary gives the path of its bundle. */
  readonly entry?: string | URL;
}

/**
 * Buffer and history in a thread of their own: the caller's loop never waits for the disk. The thread ends with the buffer, and takes the history
 * along.
 * @throws GatewayError buffer.busy | buffer.denied | buffer.version | buffer.disk-full
 */
export async function openStoreWorker(options: StoreWorkerOptions): Promise<{ readonly buffer: BufferPort; readonly history: History }> {
  const { limits, ...settings } = options.history ?? {};
  const channel = new MessageChannel();
  // The buffer keeps the process alive while it is open; the history alone should not.
  channel.port1.unref();
  const buffer = await startWorker(options, { settings, port: channel.port2 });
  return { buffer, history: new HistoryRecorder(new RemoteHistory(channel.port1, options.clock), { ...defaultHistoryLimits, ...limits }) };
}

/** The buffer alone, without a history. @throws as openStoreWorker */
export function openBufferWorker(options: Omit<StoreWorkerOptions, "history">): Promise<BufferPort> {
  return startWorker(options, undefined);
}

async function startWorker(options: StoreWorkerOptions, history: StoreWorkerData["history"]): Promise<BufferPort> {
  const { folder, settings, logger, clockSource = "auto", clockFloorMs, entry = new URL("../store-worker.ts", import.meta.url) } = options;
  const workerData: StoreWorkerData = {
    folder,
    settings: { ...settings },
    clockSource,
    isThrifty: options.isThrifty === true,
    ...(clockFloorMs === undefined ? {} : { clockFloorMs }),
    ...(history === undefined ? {} : { history }),
  };
  const worker = new Worker(entry, {
    workerData,
    name: "store",
    resourceLimits: { maxYoungGenerationSizeMb: options.isThrifty === true ? 1 : 8, maxOldGenerationSizeMb: 256 },
    transferList: history === undefined ? [] : [history.port],
  });
  const buffer = new WorkerBuffer(worker, logger, options.clock, settings?.durabilityWindowMs);
  await buffer.ready;
  return buffer;
}

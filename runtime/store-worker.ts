import { parentPort, workerData } from "node:worker_threads";
import { createChunkAssembler } from "../cloud-bridge/protocol/codec/assembler.ts";
import { SystemClock } from "./host/system-clock.ts";
import { systemEntropy } from "./host/system-entropy.ts";
import { synchronisationProbe } from "./host/time-synchronisation.ts";
import { openBufferInline } from "./store/buffer-inline.ts";
import { NodeDisk } from "./store/node-disk.ts";
import { remoteLogger, serveBuffer } from "./store/serve-buffer.ts";
import { type FromStore, packError, type StoreWorkerData } from "./store/worker-messages.ts";

/** Entry of the store's thread. The one place where the buffer meets the concrete assembler. */
const port = parentPort;
if (port === null) throw new Error("store-worker is started by openBufferWorker");
const { folder, settings } = workerData as StoreWorkerData;
const post = (message: FromStore): void => port.postMessage(message);

try {
  const buffer = openBufferInline({
    disk: new NodeDisk(folder),
    clock: new SystemClock(synchronisationProbe("auto")),
    entropy: systemEntropy,
    logger: remoteLogger({ postMessage: post }),
    assembler: createChunkAssembler(),
    settings,
  });
  serveBuffer({ postMessage: post, on: (event, listener) => port.on(event, listener), close: () => port.close() }, buffer);
} catch (error) {
  post({ kind: "failed", error: packError(error) });
  port.close();
}

import { parentPort, workerData } from "node:worker_threads";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { openBufferInline } from "../../runtime/store/buffer-inline.ts";
import { NodeDisk } from "../../runtime/store/node-disk.ts";
import { remoteLogger, serveBuffer } from "../../runtime/store/serve-buffer.ts";
import { type FromStore, packError, type StoreWorkerData } from "../../runtime/store/worker-messages.ts";
import { plainAssembler } from "./frames.ts";

// The store's thread with the plain assembler of the tests.
const port = parentPort;
if (port === null) throw new Error("not a worker");
const { folder, settings } = workerData as StoreWorkerData;
const post = (message: FromStore): void => port.postMessage(message);
try {
  const buffer = openBufferInline({
    disk: new NodeDisk(folder),
    clock: new SystemClock(() => true),
    entropy: systemEntropy,
    logger: remoteLogger({ postMessage: post }),
    assembler: plainAssembler,
    settings,
  });
  serveBuffer({ postMessage: post, on: (event, listener) => port.on(event, listener), close: () => port.close() }, buffer);
} catch (error) {
  post({ kind: "failed", error: packError(error) });
  port.close();
}

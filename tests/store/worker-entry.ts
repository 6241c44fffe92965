import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { runStoreWorker } from "../../runtime/store/run-store-worker.ts";
import { plainAssembler } from "./frames.ts";

// The store's thread with the plain assembler of the tests.
runStoreWorker({ clock: () => new SystemClock(() => true), entropy: systemEntropy, assembler: plainAssembler });

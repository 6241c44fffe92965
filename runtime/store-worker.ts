import { createChunkAssembler } from "../cloud-bridge/protocol/codec/assembler.ts";
import { garbageRounds, preferSmallBlocks, threadRounds } from "./host/memory.ts";
import { SystemClock } from "./host/system-clock.ts";
import { entropyFromFile } from "./host/system-entropy.ts";
import { synchronisationProbe } from "./host/time-synchronisation.ts";
import { runStoreWorker } from "./store/run-store-worker.ts";

preferSmallBlocks();

// Entry of the store's thread: the one place where the buffer meets the concrete assembler.
runStoreWorker({
  clock: (source) => new SystemClock(synchronisationProbe(source)),
  entropy: entropyFromFile,
  assembler: createChunkAssembler(),
  tidy: (clock, signal, isThrifty) => (isThrifty ? garbageRounds(clock) : threadRounds(clock)).run(signal),
});

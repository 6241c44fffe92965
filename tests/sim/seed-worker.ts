import { parentPort, workerData } from "node:worker_threads";
import type { SeedOrder, SeedOutcome } from "./seed-pool.ts";
import { simulateSeed } from "./world/simulate-seed.ts";

/** The thread's end of the pool: lives through one seed after the other and tells how far virtual time is. */
const { progress } = workerData as { readonly progress: Int32Array };

parentPort?.on("message", async (order: SeedOrder) => {
  const startedMs = performance.now();
  const cpu = process.threadCpuUsage();
  let outcome: Pick<SeedOutcome, "result" | "crashed">;
  try {
    const result = await simulateSeed(order.seed, order.hours, {
      onProgress: (virtualMs) => void Atomics.store(progress, 0, virtualMs / 1_000),
    });
    outcome = { result };
  } catch (error) {
    outcome = { crashed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const { user, system } = process.threadCpuUsage(cpu);
  parentPort?.postMessage({ seed: order.seed, ...outcome, tookMs: performance.now() - startedMs, cpuMs: (user + system) / 1_000 });
});

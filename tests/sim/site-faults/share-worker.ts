import { parentPort, workerData } from "node:worker_threads";
import { siteFaults } from "./catalogue.ts";
import { SiteTrial } from "./trial.ts";

const { share, seed } = workerData as { readonly share: readonly number[]; readonly seed: number };
const trial = new SiteTrial(seed);
await trial.begin();
for (const index of share) {
  const fault = siteFaults[index];
  if (fault !== undefined) parentPort?.postMessage([index, await trial.live(fault)]);
}
await trial.world.close();

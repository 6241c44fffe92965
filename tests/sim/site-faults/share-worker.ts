import { parentPort, workerData } from "node:worker_threads";
import { siteFaults } from "./catalogue.ts";
import { SiteTrial } from "./trial.ts";

const trial = new SiteTrial(1);
await trial.begin();
for (const index of workerData as readonly number[]) {
  const fault = siteFaults[index];
  if (fault !== undefined) parentPort?.postMessage([index, await trial.live(fault)]);
}
await trial.world.close();

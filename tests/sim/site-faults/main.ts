/**
 * `npm run sim:site`: every fault of the catalogue at the simulated site, one after the other, and a table of what the gateway said of it.
 * Arguments: words of the names of faults to try (all without any), `--seed=N` for another site.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { siteFaults } from "./catalogue.ts";
import { liveQuietly } from "./quiet-day.ts";
import { tableOf } from "./table.ts";
import type { FaultReport } from "./trial.ts";

const [seedText] = process.argv.slice(2).flatMap((text) => /^--seed=(\d+)$/.exec(text)?.[1] ?? []);
const seed = Number(seedText ?? 1);
const words = process.argv.slice(2).filter((text) => !text.startsWith("--"));
const chosen = siteFaults.flatMap(({ name }, index) => (words.length === 0 || words.some((word) => name.includes(word)) ? [index] : []));
const jobs = Math.min(chosen.length, availableParallelism());
const reports = new Map<number, FaultReport>();

/** A share of the faults in a thread of its own, each share in a world of its own. */
function lifeOf(share: readonly number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./share-worker.ts", import.meta.url), { workerData: { share, seed } });
    worker.on("message", ([index, report]: [number, FaultReport]) => {
      reports.set(index, report);
      console.error(`${report.name}: ${report.detectedMs === undefined ? "not noticed" : `${Math.round(report.detectedMs / 1_000)} s`}`);
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
}

const quiet = words.length === 0 ? liveQuietly(seed, 24) : undefined;
await Promise.all(Array.from({ length: jobs }, (_, job) => lifeOf(chosen.filter((_, at) => at % jobs === job))));
console.log(tableOf([...reports].sort(([a], [b]) => a - b).map(([, report]) => report)));
if (quiet !== undefined) {
  const { hours, happenings, falseAlarms, announced } = await quiet;
  console.log(
    `\n${hours} hours of ordinary life, ${happenings} happenings: ${falseAlarms.length} false alarms, ${announced} alarms marked as announced`,
  );
  for (const one of falseAlarms) console.log(`  ${one}`);
}

/**
 * `npm run sim -- [--seeds N] [--hours H] [--first SEED] [--step N] [--jobs J] [--verbose]`: the real gateway and the real NOC ingest on virtual time, with seeded faults.
 * Prints each failing seed with what it went through; the same seed fails the same way again, whatever the number of jobs. Exit code 1 if any failed.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type SeedOutcome, simulateSeeds } from "./seed-pool.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    hours: { type: "string", default: "24" },
    first: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    jobs: { type: "string", default: String(availableParallelism()) },
    verbose: { type: "boolean", default: false },
    "stop-at-first": { type: "boolean", default: false },
  },
});
const hours = Number(values.hours);
const startedMs = performance.now();
const totals = {
  seeds: 0,
  failed: 0,
  polls: 0,
  delivered: 0,
  lost: 0,
  dropped: 0,
  evictions: 0,
  damages: 0,
  boots: 0,
  faults: 0,
  sectors: 0,
  connacks: 0,
  liveFirstMs: 0,
  cpuMs: 0,
  slowestMs: 0,
};

await simulateSeeds(
  {
    first: Number(values.first),
    seeds: Number(values.seeds),
    step: Number(values.step),
    hours,
    jobs: Number(values.jobs),
    hangMs: 300_000,
  },
  (outcome) => {
    const isGood = count(outcome);
    return isGood || !values["stop-at-first"];
  },
);
summarise();
process.exitCode = totals.failed === 0 ? 0 : 1;

/** @returns whether every property held */
function count(outcome: SeedOutcome): boolean {
  const { seed, result } = outcome;
  totals.seeds += 1;
  totals.cpuMs += outcome.cpuMs;
  totals.slowestMs = Math.max(totals.slowestMs, outcome.cpuMs);
  const again = `again: npm run sim -- --first ${seed} --seeds 1 --hours ${hours}`;
  if (result === undefined) {
    totals.failed += 1;
    console.log(
      `FAILED seed ${seed}\n  ${outcome.crashed === undefined ? `hangs: ${outcome.hung}` : `the simulation ended: ${outcome.crashed}`}\n  ${again}`,
    );
    return false;
  }
  totals.polls += result.polls;
  totals.delivered += result.delivered;
  totals.lost += result.lostInPowerCuts;
  totals.dropped += result.droppedPolls;
  totals.evictions += result.evicted ? 1 : 0;
  totals.damages += result.damages;
  totals.boots += result.boots;
  totals.faults += result.faults.length;
  totals.sectors += result.droppedSectors;
  totals.connacks += result.liveFirst.connacks;
  totals.liveFirstMs = Math.max(totals.liveFirstMs, result.liveFirst.maxMs);
  const line =
    `seed ${seed}: ${result.delivered} of ${result.polls} polls at the NOC, ${result.lostInPowerCuts} not yet durable at a power cut, ${result.droppedPolls} dropped and told, ` +
    `${result.faults.length} faults, ${result.boots} boots, digest ${result.digest}, ${(outcome.cpuMs / 1_000).toFixed(1)} s CPU, ${(outcome.tookMs / 1_000).toFixed(1)} s`;
  if (result.violations.length > 0) {
    totals.failed += 1;
    console.log(`FAILED ${line}\n  ${result.violations.join("\n  ")}\n  faults:\n    ${result.faults.join("\n    ")}\n  ${again}`);
  } else if (values.verbose) console.log(`ok     ${line}`);
  return result.violations.length === 0;
}

function summarise(): void {
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(
    `${totals.seeds - totals.failed} of ${totals.seeds} seeds held every property: ${hours} virtual hours each, ${totals.faults} faults, ${totals.boots} boots, ${totals.damages} damaged stores, ` +
      `${totals.polls} polls, ${totals.delivered} at the NOC, ${totals.lost} not yet durable at a power cut, ${totals.dropped} dropped and told (eviction in ${totals.evictions} seeds), ${totals.sectors} unsynced sectors dropped; ` +
      `newest value at the NOC within ${totals.liveFirstMs} ms of CONNACK after ${totals.connacks} outages; ` +
      `${(totals.cpuMs / 1_000 / totals.seeds).toFixed(2)} s of CPU a seed, slowest ${(totals.slowestMs / 1_000).toFixed(1)} s; ${seconds.toFixed(0)} s in all`,
  );
}

/**
 * `npm run sim -- [--seeds N] [--hours H] [--first SEED] [--verbose]`: the real gateway and the real NOC ingest on virtual time, with seeded faults. Prints
 * each failing seed with what it went through; the same seed fails the same way again. Exit code 1 if any failed.
 */
import { parseArgs } from "node:util";
import { simulateSeed } from "./world/simulate-seed.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    hours: { type: "string", default: "24" },
    first: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
    "stop-at-first": { type: "boolean", default: false },
  },
});
const seeds = Number(values.seeds);
const hours = Number(values.hours);
const first = Number(values.first);
const startedMs = performance.now();
const totals = { polls: 0, delivered: 0, lost: 0, boots: 0, faults: 0, sectors: 0, slowestMs: 0 };
let failed = 0;

for (let seed = first; seed < first + seeds; seed++) {
  const seedStartedMs = performance.now();
  const result = await simulateSeed(seed, hours);
  const tookMs = performance.now() - seedStartedMs;
  totals.polls += result.polls;
  totals.delivered += result.delivered;
  totals.lost += result.lostInPowerCuts;
  totals.boots += result.boots;
  totals.faults += result.faults.length;
  totals.sectors += result.droppedSectors;
  totals.slowestMs = Math.max(totals.slowestMs, tookMs);
  const line = `seed ${seed}: ${result.delivered} of ${result.polls} polls at the NOC, ${result.lostInPowerCuts} not yet durable at a power cut, ${result.faults.length} faults, ${result.boots} boots, digest ${result.digest}, ${(tookMs / 1_000).toFixed(1)} s`;
  if (result.violations.length > 0) {
    failed += 1;
    console.log(`FAILED ${line}\n  ${result.violations.join("\n  ")}\n  faults:\n    ${result.faults.join("\n    ")}`);
    console.log(`  again: npm run sim -- --first ${seed} --seeds 1 --hours ${hours}`);
    if (values["stop-at-first"]) break;
  } else if (values.verbose) console.log(`ok     ${line}`);
}
const seconds = (performance.now() - startedMs) / 1_000;
console.log(
  `${seeds - failed} of ${seeds} seeds held every property: ${hours} virtual hours each, ${totals.faults} faults, ${totals.boots} boots, ${totals.polls} polls, ${totals.delivered} at the NOC, ` +
    `${totals.lost} not yet durable at a power cut, ${totals.sectors} unsynced sectors dropped; ${(seconds / seeds).toFixed(2)} s a seed, slowest ${(totals.slowestMs / 1_000).toFixed(1)} s`,
);
process.exitCode = failed === 0 ? 0 : 1;

import { describe, expect, it } from "vitest";
import { simulateSeeds } from "./seed-pool.ts";
import { simulateSeed } from "./world/simulate-seed.ts";

const hours = Number(process.env["GATEHOUSE_SIM_HOURS"] ?? 6);
const seeds = Number(process.env["GATEHOUSE_SIM_SEEDS"] ?? 5);

describe("the whole gateway and the NOC's ingest on virtual time", () => {
  for (let seed = 101; seed < 101 + seeds; seed++) {
    it(`loses nothing in silence through ${hours} hours of faults (seed ${seed})`, async () => {
      const result = await simulateSeed(seed, hours);
      expect(result.violations, `npm run sim -- --first ${seed} --seeds 1 --hours ${hours}\n${result.faults.join("\n")}`).toEqual([]);
      expect(result.delivered).toBeGreaterThan(0);
    }, 120_000);
  }

  it("keeps what was admitted before a lane split in the stream that has its dictionary, though the disk refuses just then (seed 1089)", async () => {
    const result = await simulateSeed(1_089, 10);
    expect(result.violations).toEqual([]);
  }, 120_000);

  it("lives the same life twice with the same seed, and another with another", async () => {
    const [first, second, other] = [await simulateSeed(7, 2), await simulateSeed(7, 2), await simulateSeed(8, 2)];
    expect(second).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  }, 120_000);

  it("drains a stream of which the NOC knows more than a damaged journal (seed 3)", async () => {
    expect((await simulateSeed(3, 12)).violations).toEqual([]);
  }, 120_000);

  it("dates and counts right what a damaged journal makes it seal again (seed 1093)", async () => {
    expect((await simulateSeed(1_093, 12.5)).violations).toEqual([]);
  }, 120_000);

  it("drains a stream whose eviction the NOC was told before the stream's first chunk (seed 70380)", async () => {
    expect((await simulateSeed(70_380, 8)).violations).toEqual([]);
  }, 120_000);

  it("starts although a turned bit changed the name of a column of the backlog (seed 2198)", async () => {
    expect((await simulateSeed(2_198, 1)).violations).toEqual([]);
  }, 120_000);

  it("comes to the same whatever the number of threads", async () => {
    const digests = async (jobs: number) => {
      const found: (string | undefined)[] = [];
      await simulateSeeds({ first: 21, seeds: 3, hours: 1, jobs, hangMs: 300_000 }, ({ result }) => found.push(result?.digest) > 0);
      return found;
    };
    const alone = await digests(1);
    expect(await digests(3)).toEqual(alone);
    expect(alone).not.toContain(undefined);
  }, 120_000);
});

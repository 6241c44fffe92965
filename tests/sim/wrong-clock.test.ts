import { describe, expect, it } from "vitest";
import { Judge } from "./world/judge.ts";
import { chunksByStream } from "./world/judge-parts.ts";
import type { WorldHistory } from "./world/schedule.ts";
import { World } from "./world/world.ts";

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** The whole gateway boots with a wrong clock, polls, is synchronised, polls on; the NOC's store is what is looked at. */
async function liveWithWrongClock(errorMs: number, lineIsUp: boolean): Promise<World> {
  const world = new World({
    seed: 1,
    equipment: 4,
    pollIntervalMs: minuteMs,
    kind: "plain",
    budgetBytes: 64 * 2 ** 20,
    journalBytes: 2 ** 21,
    padChars: 0,
  });
  world.startNoc();
  world.broker.reachable = lineIsUp;
  world.startGateway({ errorMs, quality: "unanchored" });
  await world.clock.advance(45 * minuteMs);
  world.gateway?.clock.synchronise();
  world.broker.reachable = true;
  await world.clock.advance(15 * minuteMs);
  for (const agent of world.site.agents.values()) agent.dead = true;
  await world.clock.advance(10 * minuteMs);
  return world;
}

function historyOf(world: World): WorldHistory {
  const none = { missedSlots: 0, latenessMsMax: 0, openBytesMax: 0, storeBytesMax: 0, droppedAtDamage: 0 };
  const lists = { powerCutsMs: [], refusals: [], faults: [], damagesMs: [], stopsMs: [], violations: [] };
  return {
    ...none,
    ...lists,
    anchoredBoots: new Set([world.gateway?.clock.now().bootId ?? ""]),
    healedAtMs: world.trueWallMs() - 10 * minuteMs,
  };
}

describe("a clock that is 14 days wrong at boot", () => {
  it.each([
    ["14 days behind, online", -14 * dayMs, true],
    ["14 days ahead, online", 14 * dayMs, true],
    ["14 days behind, offline until it was synchronised", -14 * dayMs, false],
    ["14 days ahead, offline until it was synchronised", 14 * dayMs, false],
  ])(
    "dates every sample at the NOC within a second of the truth once it is synchronised (%s)",
    async (_, errorMs, lineIsUp) => {
      const world = await liveWithWrongClock(errorMs, lineIsUp);
      try {
        // Every poll there, each with its values, none dated more than a second off: the judge knows when each agent answered.
        const verdict = await new Judge(world, historyOf(world)).judge();
        expect(verdict.violations).toEqual([]);
        expect(verdict.delivered).toBe(verdict.polls);
        expect(verdict.polls).toBeGreaterThanOrEqual(4 * 58);
        const { read } = world.store;
        const ref = (await read.gateway("acme", "gw-sim-01"))?.ref ?? 0;
        expect(await read.waitingChunks(ref)).toEqual({ pending: 0, parked: 0, unanchored: 0 });
        const chunks = [...(await chunksByStream(read, ref)).values()].flat().filter(({ kind }) => kind === "chunk");
        const answered = [...world.site.agents.values()].flatMap(({ truth }) => [...truth.answeredAtMs.values(), ...truth.failedAtMs]);
        const [firstMs, lastMs] = [Math.min(...answered), Math.max(...answered)];
        // What plots and rollups go by.
        for (const { fromMs = 0, toMs = 0 } of chunks.filter(({ samples }) => samples > 0)) {
          expect(fromMs).toBeGreaterThan(firstMs - 1_000);
          expect(toMs).toBeLessThan(lastMs + 1_000);
        }
        expect(chunks.filter(({ bootId }) => bootId !== undefined).length).toBeGreaterThan(40);
      } finally {
        world.powerCut();
        await world.close();
      }
    },
    60_000,
  );
});

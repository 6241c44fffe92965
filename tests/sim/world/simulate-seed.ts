import { Judge, type Verdict } from "./judge.ts";
import { scenarioOf } from "./scenario.ts";
import { liveThrough, type WorldHistory } from "./schedule.ts";
import { calm } from "./sim-broker.ts";
import { World } from "./world.ts";

export interface SeedResult extends Verdict {
  readonly seed: number;
  readonly hours: number;
  readonly faults: readonly string[];
  readonly boots: number;
  readonly missedSlots: number;
  readonly drainMinutes: number;
  readonly droppedSectors: number;
  /** Boots from a damaged store. */
  readonly damages: number;
  /** Errors the gateway logged about itself. */
  readonly crashes: readonly string[];
}

export interface SeedOptions {
  readonly equipment?: number;
  readonly pollIntervalMs?: number;
  /** Told every ten virtual minutes, so that a watcher can tell slow from stuck. */
  readonly onProgress?: (virtualMs: number) => void;
}

/** A poll of each equipment at least, and its chunk. */
const lastLossMs = 3 * 60_000;
/** Once everything has healed, the backlog must be gone within this virtual time. */
const drainLimitMs = 30 * 60_000;
/** Whatever its neighbours do, an equipment is polled at its slot. */
const maxLatenessMs = 1_000;
/** Measurements admitted and not yet durable; the store's own bound is 4 MiB and one report more. */
const maxOpenBytes = 8.25 * 1024 * 1024;
const progressEveryMs = 600_000;

/** Lives through one seed and judges it. Same seed, same result, digest included. */
export async function simulateSeed(seed: number, hours: number, options: SeedOptions = {}): Promise<SeedResult> {
  const { equipment = 4, pollIntervalMs = 60_000, onProgress } = options;
  const world = new World({ seed, equipment, pollIntervalMs, ...scenarioOf(seed) });
  const ended = new AbortController();
  try {
    if (onProgress !== undefined) tellProgress(world, onProgress, ended.signal).catch(() => undefined);
    const history = await liveThrough(world, hours);
    const healed = await heal(world);
    const violations = [...healed.violations, ...wrongInLife(world, history)];
    const crashes = crashesOf(world);
    if (crashes.length > 0) violations.push(`${crashes.length} units crashed: ${crashes[0]?.slice(0, 400)}`);
    const verdict = await new Judge(world, history).judge();
    return {
      ...verdict,
      violations: [...violations, ...verdict.violations],
      seed,
      hours,
      faults: history.faults,
      boots: world.boots,
      missedSlots: history.missedSlots,
      drainMinutes: healed.drainMinutes,
      droppedSectors: world.disk.droppedSectors,
      damages: history.damagesMs.length,
      crashes,
    };
  } finally {
    ended.abort(new Error("over"));
    world.powerCut();
    await world.close();
  }
}

async function tellProgress(world: World, onProgress: (virtualMs: number) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    onProgress(world.clock.monotonicMs());
    await world.clock.sleep(progressEveryMs, signal);
  }
}

/** No more faults, after a last one that nothing but patience heals: the broker took what it lost, and the line stays up. Then the backlog must drain. */
async function heal(world: World): Promise<{ readonly violations: readonly string[]; readonly drainMinutes: number }> {
  world.broker.reachable = true;
  world.nocStoreBusy = false;
  world.broker.faults = { ...calm, lostBehindBroker: 1 };
  await world.clock.advance(lastLossMs);
  world.broker.faults = { ...calm };
  world.disk.faults.full = false;
  world.disk.faults.syncFails = 0;
  const healedMs = world.clock.monotonicMs();
  for (const agent of world.site.agents.values()) agent.dead = false;
  await world.clock.advance(2 * 60_000);
  // The agents stop answering, so that "everything is delivered" is a state that can be reached and stays.
  for (const agent of world.site.agents.values()) agent.dead = true;
  let drained = false;
  while (!drained && world.clock.monotonicMs() - healedMs < drainLimitMs) {
    await world.clock.advance(10_000);
    drained = (await world.gateway?.buffer.stats())?.ledger.buffered === 0;
  }
  // Gaps and events travel as well, and the NOC applies what it has.
  await world.clock.advance(3 * 60_000);
  return {
    violations: drained ? [] : [`the backlog was not gone ${drainLimitMs / 60_000} min after the last fault`],
    drainMinutes: (world.clock.monotonicMs() - healedMs) / 60_000,
  };
}

function wrongInLife(world: World, history: WorldHistory): readonly string[] {
  const wrong = [...history.violations];
  if (world.gateway?.failure !== undefined) wrong.push(`the gateway ended by itself: ${String(world.gateway.failure)}`);
  if (history.missedSlots > 0) wrong.push(`${history.missedSlots} poll slots were missed`);
  if (history.latenessMsMax > maxLatenessMs) wrong.push(`a poll began ${Math.round(history.latenessMsMax)} ms after its slot`);
  if (history.openBytesMax > maxOpenBytes) wrong.push(`${history.openBytesMax} bytes waited for the disk`);
  if (history.storeBytesMax > world.options.budgetBytes)
    wrong.push(`the store took ${history.storeBytesMax} of ${world.options.budgetBytes} bytes`);
  return wrong;
}

function crashesOf(world: World): readonly string[] {
  return world.logger.lines
    .filter((line) => line.sentence === "unit crashed")
    .map((line) => `${line.fields.unit}: ${line.fields.detail ?? line.fields.code}`);
}

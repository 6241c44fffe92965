import { Judge, type Verdict } from "./judge.ts";
import { liveThrough } from "./schedule.ts";
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
  /** Errors the gateway logged about itself. */
  readonly crashes: readonly string[];
}

/** Once everything has healed, the backlog must be gone within this virtual time. */
const drainLimitMs = 30 * 60_000;
/** Whatever its neighbours do, an equipment is polled at its slot. */
const maxLatenessMs = 1_000;

/** Lives through one seed and judges it. Same seed, same result, digest included. */
export async function simulateSeed(seed: number, hours: number, size = { equipment: 4, pollIntervalMs: 60_000 }): Promise<SeedResult> {
  const world = new World({ seed, ...size });
  try {
    const history = await liveThrough(world, hours);
    world.broker.faults = { ...calm };
    world.broker.reachable = true;
    world.nocStoreBusy = false;
    world.disk.faults.full = false;
    world.disk.faults.syncFails = 0;
    const healedMs = world.clock.monotonicMs();
    const violations: string[] = [];
    for (const agent of world.site.agents.values()) agent.dead = false;
    // The agents stop answering, so that "everything is delivered" is a state that can be reached and stays.
    await world.clock.advance(2 * 60_000);
    for (const agent of world.site.agents.values()) agent.dead = true;
    let drained = false;
    while (!drained && world.clock.monotonicMs() - healedMs < drainLimitMs) {
      await world.clock.advance(10_000);
      const status = (await world.gateway?.gateway.status()) as { readonly ledger: { readonly buffered: number } } | undefined;
      drained = status?.ledger.buffered === 0;
    }
    // Gaps and events travel as well, and the NOC applies what it has.
    await world.clock.advance(3 * 60_000);
    if (!drained) violations.push(`the backlog was not gone ${drainLimitMs / 60_000} min after the last fault`);
    if (world.gateway?.failure !== undefined) violations.push(`the gateway ended by itself: ${String(world.gateway.failure)}`);
    if (history.missedSlots > 0) violations.push(`${history.missedSlots} poll slots were missed`);
    if (history.latenessMsMax > maxLatenessMs) violations.push(`a poll began ${Math.round(history.latenessMsMax)} ms after its slot`);
    const crashes = world.logger.lines
      .filter((line) => line.sentence === "unit crashed")
      .map((line) => `${line.fields.unit}: ${line.fields.detail ?? line.fields.code}`);
    if (crashes.length > 0) violations.push(`${crashes.length} units crashed: ${crashes[0]?.slice(0, 400)}`);
    const verdict = await new Judge(world).judge(history);
    return {
      ...verdict,
      violations: [...violations, ...verdict.violations],
      seed,
      hours,
      faults: history.faults,
      boots: world.boots,
      missedSlots: history.missedSlots,
      drainMinutes: (world.clock.monotonicMs() - healedMs) / 60_000,
      droppedSectors: world.disk.droppedSectors,
      crashes,
    };
  } finally {
    world.powerCut();
    await world.close();
  }
}

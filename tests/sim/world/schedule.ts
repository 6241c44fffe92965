import type { Entropy } from "../../../runtime/ports/entropy.ts";
import { calm } from "./sim-broker.ts";
import type { World } from "./world.ts";

/** What the world went through; the judge needs to know. */
export interface WorldHistory {
  readonly powerCutsMs: number[];
  /** Boots whose clock was right at the start or became so: their samples must be dated right. */
  readonly anchoredBoots: Set<string>;
  readonly faults: string[];
  /** Poll slots missed by gateways that are no more. */
  missedSlots: number;
  /** Longest time between a poll slot and its poll, over all gateways, ms. */
  latenessMsMax: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

type Fault = (world: World, entropy: Entropy, history: WorldHistory) => Promise<void>;

const between = (entropy: Entropy, low: number, high: number) => low + (high - low) * entropy.random();

function pick<T>(entropy: Entropy, items: readonly T[]): T {
  const item = items[Math.floor(entropy.random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

function noteEnd(world: World, history: WorldHistory): void {
  for (const polled of world.gateway?.gateway.poller.equipment.values() ?? []) {
    history.missedSlots += polled.statistics.missedSlots;
    history.latenessMsMax = Math.max(history.latenessMsMax, polled.statistics.lateness.maxMs);
  }
}

/** Boots with a right or a wrong clock; a wrong one is repaired by NTP some time later, or never in this boot. */
export async function boot(world: World, entropy: Entropy, history: WorldHistory): Promise<void> {
  const right = entropy.random() < 0.5;
  const errorMs = right ? 0 : Math.round(between(entropy, -14, 14) * 24 * hourMs);
  world.startGateway({ errorMs, quality: right ? "synced" : "unanchored" });
  const booted = world.gateway;
  if (booted === undefined) return;
  const { bootId } = booted.clock.now();
  if (right) history.anchoredBoots.add(bootId);
  else if (entropy.random() < 0.8) {
    const delayMs = between(entropy, 10_000, 2 * hourMs);
    void world.clock.sleep(delayMs, new AbortController().signal).then(() => {
      if (world.gateway !== booted) return;
      booted.clock.synchronise();
      // Known to the NOC only after the watch has sent it and the line has carried it; a cut before that keeps it unknown.
      void world.clock.sleep(30_000, new AbortController().signal).then(() => {
        if (world.gateway === booted) history.anchoredBoots.add(bootId);
      });
    });
  }
}

const faults: Readonly<Record<string, Fault>> = {
  "line cut": async (world, entropy) => {
    world.broker.cut();
    await world.clock.advance(between(entropy, 5_000, pick(entropy, [minuteMs, 30 * minuteMs, 4 * hourMs])));
    world.broker.reachable = true;
  },
  "bad line": async (world, entropy) => {
    world.broker.faults = {
      latencyMs: between(entropy, 50, 2_000),
      jitterMs: between(entropy, 0, 1_000),
      breaks: 0.02 * entropy.random(),
      duplicated: 0.1 * entropy.random(),
      lostAck: 0.5 * entropy.random(),
      lostBehindBroker: 0.1 * entropy.random(),
      noPuback: 0.01 * entropy.random(),
    };
    await world.clock.advance(between(entropy, minuteMs, 60 * minuteMs));
    world.broker.faults = { ...calm };
  },
  "broker crash": async (world, entropy) => {
    world.broker.crash();
    world.broker.reachable = false;
    await world.clock.advance(between(entropy, 1_000, 2 * minuteMs));
    world.broker.reachable = true;
  },
  "NOC crash": async (world, entropy) => {
    await world.killNoc();
    await world.clock.advance(between(entropy, 1_000, 20 * minuteMs));
    world.startNoc();
  },
  "NOC database busy": async (world, entropy) => {
    world.nocStoreBusy = true;
    await world.clock.advance(between(entropy, minuteMs, 60 * minuteMs));
    world.nocStoreBusy = false;
  },
  "power cut": async (world, entropy, history) => {
    noteEnd(world, history);
    world.powerCut();
    history.powerCutsMs.push(world.trueWallMs());
    await world.clock.advance(between(entropy, 5_000, 10 * minuteMs));
    await boot(world, entropy, history);
  },
  "power cuts in a row": async (world, entropy, history) => {
    for (let cut = 0; cut < 4; cut++) {
      await world.clock.advance(between(entropy, 100, 30_000));
      noteEnd(world, history);
      world.powerCut();
      history.powerCutsMs.push(world.trueWallMs());
      await world.clock.advance(between(entropy, 2_000, 20_000));
      await boot(world, entropy, history);
    }
  },
  "clean restart": async (world, entropy, history) => {
    noteEnd(world, history);
    await world.stopGateway();
    await world.clock.advance(between(entropy, 2_000, minuteMs));
    await boot(world, entropy, history);
  },
  "disk errors": async (world, entropy) => {
    world.disk.faults.syncFails = 0.3;
    await world.clock.advance(between(entropy, minuteMs, 5 * minuteMs));
    world.disk.faults.syncFails = 0;
  },
  "disk full": async (world, entropy) => {
    world.disk.faults.full = true;
    await world.clock.advance(between(entropy, minuteMs, 30 * minuteMs));
    world.disk.faults.full = false;
  },
  "equipment dead": async (world, entropy) => {
    const agent = world.site.agents.get(pick(entropy, [...world.site.agents.keys()]));
    if (agent === undefined) return;
    agent.dead = true;
    await world.clock.advance(between(entropy, minuteMs, 60 * minuteMs));
    agent.dead = false;
  },
  "equipment slow": async (world, entropy) => {
    const agent = world.site.agents.get(pick(entropy, [...world.site.agents.keys()]));
    if (agent === undefined) return;
    agent.slowMs = 2_500;
    await world.clock.advance(between(entropy, minuteMs, 30 * minuteMs));
    agent.slowMs = 0;
  },
  "equipment restarts": async (world, entropy) => {
    world.site.restart(pick(entropy, [...world.site.agents.keys()]));
    await world.clock.advance(between(entropy, 1_000, minuteMs));
  },
  "wall clock stepped": async (world, entropy) => {
    // Only where nobody vouches for it: a synchronised clock that is set wrong is a lie nobody can detect.
    const { gateway } = world;
    if (gateway?.clock.now().quality === "unanchored") gateway.clock.step(Math.round(between(entropy, -30, 400) * 24 * hourMs));
    await world.clock.advance(between(entropy, minuteMs, 10 * minuteMs));
  },
  "NTP gone": async (world, entropy) => {
    world.gateway?.clock.holdOver();
    await world.clock.advance(between(entropy, minuteMs, 30 * minuteMs));
  },
};

/** Lives through `hours` of virtual time with one fault after the other, sometimes two at once, then lets everything heal. */
export async function liveThrough(world: World, hours: number): Promise<WorldHistory> {
  const { entropy } = world;
  const history: WorldHistory = { powerCutsMs: [], anchoredBoots: new Set(), faults: [], missedSlots: 0, latenessMsMax: 0 };
  const names = Object.keys(faults);
  world.startNoc();
  await boot(world, entropy, history);
  await world.clock.advance(between(entropy, 1_000, 5 * minuteMs));
  const endMs = hours * hourMs;
  while (world.clock.monotonicMs() < endMs) {
    const name = pick(entropy, names);
    history.faults.push(`${(world.clock.monotonicMs() / minuteMs).toFixed(1)} min: ${name}`);
    await faults[name]?.(world, entropy, history);
    await world.clock.advance(between(entropy, 1_000, pick(entropy, [10_000, 10 * minuteMs, 60 * minuteMs])));
  }
  noteEnd(world, history);
  return history;
}

import type { Entropy } from "../../../runtime/ports/entropy.ts";
import { calm } from "./sim-broker.ts";
import type { World } from "./world.ts";

/** What the world went through; the judge needs to know. */
export interface WorldHistory {
  readonly powerCutsMs: number[];
  /** When syncs failed: what is durable meanwhile may be older than the durability window. */
  readonly refusals: { readonly fromMs: number; untilMs: number }[];
  /** Boots whose clock was right at the start or became so: their samples must be dated right. */
  readonly anchoredBoots: Set<string>;
  readonly faults: string[];
  /** Poll slots missed by gateways that are no more. */
  missedSlots: number;
  /** Longest time between a poll slot and its poll, over all gateways, ms. */
  latenessMsMax: number;
  /** True wall time of boots from a damaged store. */
  readonly damagesMs: number[];
  /** True wall time of clean stops. */
  readonly stopsMs: number[];
  /** True wall time of the last fault's end. */
  healedAtMs: number;
  openBytesMax: number;
  storeBytesMax: number;
  readonly violations: string[];
  /** The ledger's `dropped` once the gateway was up again after the last damage. */
  droppedAtDamage: number;
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

/** What must hold at any time. */
async function look(world: World, history: WorldHistory): Promise<void> {
  const { gateway } = world;
  if (gateway === undefined) return;
  const stats = await gateway.buffer.stats();
  history.openBytesMax = Math.max(history.openBytesMax, stats.openBytes);
  history.storeBytesMax = Math.max(history.storeBytesMax, world.disk.usedBytes);
  const { polled, delivered, buffered, dropped } = stats.ledger;
  if (polled !== delivered + buffered + dropped && history.violations.length < maxViolations)
    history.violations.push(
      `at ${(world.clock.monotonicMs() / minuteMs).toFixed(0)} min: ${polled} polled, ${delivered} delivered, ${buffered} buffered, ${dropped} dropped`,
    );
}

const maxViolations = 5;

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
      bytesPerSecond: Number.POSITIVE_INFINITY,
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
    history.stopsMs.push(world.trueWallMs());
    await world.stopGateway();
    await world.clock.advance(between(entropy, 2_000, minuteMs));
    await boot(world, entropy, history);
  },
  "disk errors": async (world, entropy, history) => {
    const refusal = { fromMs: world.trueWallMs(), untilMs: Number.POSITIVE_INFINITY };
    history.refusals.push(refusal);
    world.disk.faults.syncFails = 0.3;
    await world.clock.advance(between(entropy, minuteMs, 5 * minuteMs));
    world.disk.faults.syncFails = 0;
    refusal.untilMs = world.trueWallMs();
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
  "NOC maintenance": async (world, entropy) => {
    await world.stopNoc();
    await world.clock.advance(between(entropy, minuteMs, 60 * minuteMs));
    world.startNoc();
  },
  "NTP gone": async (world, entropy) => {
    world.gateway?.clock.holdOver();
    await world.clock.advance(between(entropy, minuteMs, 30 * minuteMs));
  },
};

/** More than the small store can hold; what comes back is a narrow line, on which the newest must not wait behind the backlog. */
async function longOutage(world: World, entropy: Entropy): Promise<void> {
  world.broker.cut();
  await world.clock.advance(between(entropy, 4, 6) * hourMs);
  world.broker.faults = { ...calm, bytesPerSecond: narrowBytesPerSecond };
  world.broker.reachable = true;
  await world.clock.advance(narrowMs);
  world.broker.faults = { ...calm };
}

const narrowBytesPerSecond = 3_000;
const narrowMs = 15 * minuteMs;

/** The power goes, and what comes back is not what was written. Polling must be under way again soon, whatever is lost. */
async function damage(world: World, entropy: Entropy, history: WorldHistory): Promise<void> {
  noteEnd(world, history);
  world.powerCut();
  history.powerCutsMs.push(world.trueWallMs());
  history.damagesMs.push(world.trueWallMs());
  history.faults.push(`  ${world.disk.damage()}`);
  await world.clock.advance(between(entropy, 5_000, minuteMs));
  await boot(world, entropy, history);
  await world.clock.advance(pollingAgainMs);
  const { gateway } = world;
  history.droppedAtDamage = (await gateway?.buffer.stats())?.ledger.dropped ?? 0;
  if (gateway?.failure !== undefined) history.violations.push(`a damaged store ended the gateway: ${String(gateway.failure)}`);
  else if (gateway?.gateway.poller.equipment.size !== world.options.equipment)
    history.violations.push(`${pollingAgainMs / 1_000} s after a boot from a damaged store nothing is polled`);
}

const pollingAgainMs = 10_000;

/** Faults that only some seeds have. */
function specialOf(world: World): readonly [string, Fault] | undefined {
  if (world.options.kind === "small store") return ["long outage", longOutage];
  if (world.options.kind === "damage") return ["power cut and damage", damage];
  return undefined;
}

/** Lives through `hours` of virtual time with one fault after the other, sometimes two at once, then lets everything heal. */
export async function liveThrough(world: World, hours: number): Promise<WorldHistory> {
  const { entropy } = world;
  const history: WorldHistory = {
    powerCutsMs: [],
    refusals: [],
    anchoredBoots: new Set(),
    faults: [],
    missedSlots: 0,
    latenessMsMax: 0,
    damagesMs: [],
    stopsMs: [],
    healedAtMs: 0,
    openBytesMax: 0,
    storeBytesMax: 0,
    violations: [],
    droppedAtDamage: 0,
  };
  const special = specialOf(world);
  const table: Readonly<Record<string, Fault>> = special === undefined ? faults : { ...faults, [special[0]]: special[1] };
  const names = Object.keys(table);
  world.startNoc();
  await boot(world, entropy, history);
  await world.clock.advance(between(entropy, 1_000, 5 * minuteMs));
  const endMs = hours * hourMs;
  for (let count = 0; world.clock.monotonicMs() < endMs; count++) {
    const name = special !== undefined && count % 16 === 2 ? special[0] : pick(entropy, names);
    history.faults.push(`${(world.clock.monotonicMs() / minuteMs).toFixed(1)} min: ${name}`);
    await table[name]?.(world, entropy, history);
    await look(world, history);
    await world.clock.advance(between(entropy, 1_000, pick(entropy, [10_000, 10 * minuteMs, 60 * minuteMs])));
  }
  noteEnd(world, history);
  history.healedAtMs = world.trueWallMs();
  return history;
}

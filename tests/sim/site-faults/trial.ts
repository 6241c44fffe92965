import type { AlarmChange } from "../../../runtime/model/observation.ts";
import type { FaultDomain } from "../../../runtime/model/verdict.ts";
import type { SiteFault } from "./catalogue.ts";
import { SiteWorld } from "./site-world.ts";

/** One change of an alarm as the site told it, with the time on the world's clock. */
interface Told {
  readonly atMs: number;
  readonly change: AlarmChange;
}

/** How one fault went. */
export interface FaultReport {
  readonly name: string;
  /** Milliseconds from the fault to the first alarm that says the right thing; undefined = nobody noticed. */
  readonly detectedMs: number | undefined;
  readonly verdict: FaultDomain;
  /** undefined = not asked for. */
  readonly verdictIsRight: boolean | undefined;
  /** Alarms that a person would have been called for: neither consequences nor announced. Target 1. */
  readonly incidents: readonly string[];
  /** Alarms that were told to be consequences. */
  readonly consequences: number;
  /** Milliseconds from the repair to the last clear; undefined = something stays. */
  readonly clearedMs: number | undefined;
  readonly stays: readonly string[];
}

const minute = 60_000;
const usualHoldMs = 20 * minute;
const usualClearMs = 20 * minute;
const quietMs = 5 * minute;
/** First polls, probing, the map of the site. */
const warmUpMs = 30 * minute;

/** Lives through faults one after the other, each repaired, and writes down what was said. */
export class SiteTrial {
  readonly world: SiteWorld;
  readonly #told: Told[] = [];
  #warmMs = 0;

  constructor(seed: number) {
    this.world = new SiteWorld({ seed });
  }

  async begin(): Promise<void> {
    this.#listen();
    await this.world.advance(warmUpMs);
    this.#warmMs = this.world.clock.monotonicMs();
  }

  async restartGateway(): Promise<void> {
    await this.world.stopGateway();
    this.#listen();
  }

  #listen(): void {
    const { alarms } = this.world.start();
    alarms.alarms.onChange((change) => void this.#told.push({ atMs: this.world.clock.monotonicMs(), change }));
  }

  /** Alarms that were marked as announced work. */
  get announced(): number {
    return new Set(this.#told.filter(({ change }) => change.attributes["maint"] !== undefined).map(({ change }) => change.key)).size;
  }

  /** Alarms since the warm-up that a person would have been called for, in words. */
  get incidents(): readonly string[] {
    return incidentsOf(this.#told.filter(({ atMs }) => atMs > this.#warmMs));
  }

  async live(fault: SiteFault): Promise<FaultReport> {
    const { world } = this;
    const first = this.#told.length;
    const injectedMs = world.clock.monotonicMs();
    const already = new Set(this.#active());
    fault.inject(world);
    const verdict = await this.#hold(fault);
    const told = this.#told.slice(first).filter(({ change }) => !already.has(change.key));
    const detection = told.find(({ change }) => isExpected(change, fault));
    fault.repair(world);
    const repairedMs = world.clock.monotonicMs();
    const stays = await this.#untilClear(fault, already);
    const all = this.#told.slice(first).filter(({ change }) => !already.has(change.key));
    const lastMs = all.at(-1)?.atMs ?? repairedMs;
    await world.advance(quietMs);
    return {
      name: fault.name,
      detectedMs: detection === undefined ? undefined : detection.atMs - injectedMs,
      verdict,
      verdictIsRight: fault.domains === undefined ? undefined : fault.domains.includes(verdict),
      incidents: incidentsOf(all),
      consequences: new Set(all.filter(({ change }) => change.attributes["root"] !== undefined).map(({ change }) => change.key)).size,
      clearedMs: stays.length > 0 ? undefined : Math.max(0, lastMs - repairedMs),
      stays,
    };
  }

  /** The verdict that stood longest while the fault lasted, its first minutes left aside. */
  async #hold(fault: SiteFault): Promise<FaultDomain> {
    const { world } = this;
    const { everyMs = 10_000, act } = fault.during ?? {};
    const counts = new Map<FaultDomain, number>();
    const holdMs = fault.holdMs ?? usualHoldMs;
    for (let turn = 0, passedMs = 0; passedMs < holdMs; turn++, passedMs += everyMs) {
      await world.advance(everyMs);
      act?.(world, turn);
      if (passedMs < holdMs / 3) continue;
      const { domain } = world.gateway?.alarms.verdict() ?? { domain: "none" as const };
      counts.set(domain, (counts.get(domain) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "none";
  }

  async #untilClear(fault: SiteFault, already: ReadonlySet<string>): Promise<readonly string[]> {
    const limitMs = fault.clearMs ?? usualClearMs;
    for (let passedMs = 0; passedMs < limitMs && this.#new(already).length > 0; passedMs += 30_000) await this.world.advance(30_000);
    return this.#new(already).map(inWords);
  }

  #active(): readonly string[] {
    return this.world.gateway?.alarms.alarms.active().map(({ key }) => key) ?? [];
  }

  #new(already: ReadonlySet<string>): readonly AlarmChange[] {
    return this.world.gateway?.alarms.alarms.active().filter(({ key }) => !already.has(key)) ?? [];
  }
}

/** By key, as a ticket system does, and by the last word on each: what it follows from may be known a moment later. */
function incidentsOf(told: readonly Told[]): readonly string[] {
  const last = new Map<string, AlarmChange>();
  for (const { change } of told) last.set(change.key, change);
  return [...last.values()].filter(({ attributes }) => attributes["root"] === undefined && attributes["maint"] === undefined).map(inWords);
}

function inWords({ severity, equipment, path, type, text }: AlarmChange): string {
  return `${severity} ${type} ${equipment ?? "site"}${path === "" ? "" : ` ${path}`}: ${text}`;
}

function isExpected({ op, type, equipment }: AlarmChange, fault: SiteFault): boolean {
  if (op === "clear" || !fault.types.includes(type)) return false;
  return fault.equipment === undefined || (equipment !== undefined && fault.equipment.includes(equipment));
}

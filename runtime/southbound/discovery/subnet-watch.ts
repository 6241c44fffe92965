import { isGatewayError } from "#model/errors.ts";
import type { EchoMethod } from "#ports/discovery.ts";
import type { SiteParts } from "./parts.ts";
import type { Scope } from "./scope.ts";
import { type DiscoverySubnet, gentle } from "./settings.ts";
import type { Sighting } from "./sightings.ts";
import { lookAround, lookAtHost, sweep } from "./sweep.ts";
import { visit } from "./visit.ts";

export interface SubnetStatus {
  readonly cidr: string;
  readonly phase: "idle" | "passive" | "sweep" | "snmp" | "hosts";
  readonly paused: boolean;
  readonly rounds: number;
  readonly echoMethod?: EchoMethod;
  /** How far the phase is, in addresses; absent where that is not counted. */
  readonly progress?: { readonly done: number; readonly total: number };
}

/** Hosts looked at in one round; with nine ports each and five connections a second this is a quarter of an hour. */
const maxHostsPerRound = 500;

/** One subnet: a round a minute, of which most rounds only look at what the kernel knows. At most one round at a time. */
export class SubnetWatch {
  readonly subnet: DiscoverySubnet;
  readonly scope: Scope;
  readonly #site: SiteParts;
  #phase: SubnetStatus["phase"] = "idle";
  #progress: SubnetStatus["progress"];
  #rounds = 0;
  #echoMethod: EchoMethod | undefined;
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #resume: (() => void) | undefined;
  #resumed: Promise<void> | undefined;

  constructor(subnet: DiscoverySubnet, scope: Scope, site: SiteParts) {
    this.subnet = subnet;
    this.scope = scope;
    this.#site = site;
  }

  get status(): SubnetStatus {
    const method = this.#echoMethod === undefined ? {} : { echoMethod: this.#echoMethod };
    const progress = this.#progress === undefined ? {} : { progress: this.#progress };
    return { cidr: this.scope.cidr, phase: this.#phase, paused: this.#resumed !== undefined, rounds: this.#rounds, ...method, ...progress };
  }

  pause(): void {
    this.#resumed ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resume?.();
    this.#resume = undefined;
    this.#resumed = undefined;
  }

  /** The next round sweeps, whenever the last one did. */
  sweepNext(): void {
    this.#sweptAtMs = Number.NEGATIVE_INFINITY;
  }

  /** A round; while one is under way, that one. @param onStep called when something may have been learnt */
  round(signal: AbortSignal, onStep: () => void): Promise<void> {
    this.#running ??= this.#round(signal, onStep).finally(() => {
      this.#running = undefined;
      this.#enter("idle");
    });
    return this.#running;
  }

  #enter(phase: SubnetStatus["phase"]): void {
    this.#phase = phase;
    this.#progress = undefined;
  }

  #note(done: number, total: number): void {
    this.#progress = { done, total };
  }

  async #round(signal: AbortSignal, onStep: () => void): Promise<void> {
    const { clock } = this.#site;
    const gate = () => this.#gate(signal);
    await gate();
    this.#enter("passive");
    await lookAround(this.scope, this.#site, signal);
    const isSweepDue = clock.monotonicMs() - this.#sweptAtMs >= gentle.sweepIntervalMs;
    if (this.subnet.activeSweep && isSweepDue) {
      this.#enter("sweep");
      this.#sweptAtMs = clock.monotonicMs();
      this.#echoMethod = await sweep(this.scope, this.#site, { gate, note: (done, total) => this.#note(done, total) }, signal);
      // The echoes made the kernel resolve addresses: who does not answer them is alive all the same.
      await lookAround(this.scope, this.#site, signal);
    }
    this.#enter("snmp");
    await this.#askAll(gate, signal);
    onStep();
    if (this.subnet.activeSweep) {
      this.#enter("hosts");
      await this.#lookAtHosts(gate, signal);
      onStep();
    }
    this.#rounds += 1;
  }

  /** Asks all live addresses; neighbours that devices name are asked in the same round, at most three steps away. */
  async #askAll(gate: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const asked = new Set<string>();
    for (let step = 0; step <= gentle.maxDepth; step++) {
      const targets = this.#live().filter(({ address }) => !asked.has(address) && this.#mayAsk(address));
      if (targets.length === 0) return;
      for (const { address } of targets) asked.add(address);
      this.#note(0, targets.length);
      await this.#askTargets(targets, gate, signal);
    }
  }

  async #askTargets(targets: readonly Sighting[], gate: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { permits, book, logger } = this.#site;
    const { credentials, snmpPort } = this.subnet;
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const visits: Promise<void>[] = [];
    let done = 0;
    for (const sighting of targets) {
      await gate();
      if (book.isFull && book.byAddress(sighting.address) === undefined) continue;
      const release = await permits.acquire(either);
      const going = visit({ sighting, credentials, snmpPort }, this.#site, either)
        .then(
          () => undefined,
          (error: unknown) => {
            if (!isGatewayError(error)) stop.abort(error);
            else logger.debug({ address: sighting.address, code: error.code }, "a discovery visit failed");
          },
        )
        .finally(() => {
          done += 1;
          this.#note(done, targets.length);
          release();
        });
      visits.push(going);
    }
    await Promise.all(visits);
    either.throwIfAborted();
  }

  /** Without credentials nobody is asked but what is polled anyway. */
  #mayAsk(address: string): boolean {
    return this.subnet.credentials.length > 0 || this.#site.equipment().some((one) => one.address === address);
  }

  async #lookAtHosts(gate: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, book, equipment } = this.#site;
    const polled = new Set(equipment().map((one) => one.address));
    const isDue = ({ address, lookedAtMs }: Sighting): boolean =>
      book.byAddress(address) === undefined &&
      !polled.has(address) &&
      (lookedAtMs === undefined || clock.monotonicMs() - lookedAtMs >= gentle.hostIntervalMs);
    const hosts = this.#live().filter(isDue).slice(0, maxHostsPerRound);
    for (const [done, host] of hosts.entries()) {
      this.#note(done, hosts.length);
      await gate();
      await lookAtHost(host, this.#site, signal);
    }
  }

  #live(): readonly Sighting[] {
    const sinceMs = this.#site.clock.monotonicMs() - gentle.aliveMs;
    return [...this.#site.sightings.all()].filter(({ address, aliveAtMs }) => aliveAtMs >= sinceMs && this.scope.includes(address));
  }

  /** Holds while paused. */
  async #gate(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const resumed = this.#resumed;
    if (resumed === undefined) return;
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([resumed, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

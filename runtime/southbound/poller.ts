import type { Command, CommandResult } from "#model/command.ts";
import type { Equipment } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Driver, DriverContext } from "#ports/driver.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { Permits } from "../concurrency/permits.ts";
import { Admission } from "./admission.ts";
import { PolledEquipment, type PollSurroundings } from "./polled-equipment.ts";
import { DueHeap } from "./schedule.ts";

export interface PollerOptions {
  readonly equipment: readonly Equipment[];
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly context: DriverContext;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly logger: Logger;
  /** Polls under way at once, over the whole site. */
  readonly maxConcurrentPolls: number;
}

/**
 * Polls that begin within this time of each other share one wake-up: their requests leave and their answers come in bunches. At 200 polls a second
 * that costs a quarter less CPU than 40 ms do (tests/bench/README.md). A wake-up for few polls gains nothing, and small sites are served to the
 * 10 ms; how many requests are under way at once is bounded elsewhere.
 */
export function wakeGrainMs(pollsPerS: number): number {
  return Math.min(200, Math.max(10, pollsPerS));
}

const finishGraceMs = 5_000;
/** Of the permits: a probe of something dead holds one for as long as its timeouts last. */
const doubtfulShare = 0.25;

/**
 * Polls every equipment on its own grid. A slow or dead equipment holds nothing but its own slot: polls overlap freely up to the
 * permits, each has a deadline inside its interval, and what is down is only probed.
 */
export class Poller implements Unit {
  readonly name = "poller";
  readonly #options: PollerOptions;
  readonly #polled = new Map<string, PolledEquipment>();
  readonly #heap = new DueHeap<PolledEquipment>();
  readonly #admission: Admission;
  /** One for all equipment. */
  readonly #surroundings: PollSurroundings;
  readonly #permits: Permits;
  /** For equipment whose last attempt failed: the dead wait for each other, never the living for them. */
  readonly #permitsOfDoubtful: Permits;
  /** How many slots are being served. */
  #running = 0;
  /** Told when the last of them is done. */
  #idle: (() => void) | undefined;
  /** Planned, over the whole site. */
  #pollsPerS = 0;
  /** What is to be polled, by id: as configured, and what was added, changed or taken away since. */
  readonly #wanted: Map<string, Equipment>;
  /** Taken away while a poll ran: closed when it ends. */
  readonly #retired = new Set<PolledEquipment>();
  #isOpen = false;
  #failure: unknown;
  #crashed = new AbortController();
  /** Ends the polls of this run. */
  #polls = new AbortController();
  /** Ends the sleep until the next slot. */
  #wake = new AbortController();

  constructor(options: PollerOptions) {
    this.#options = options;
    const doubtful = Math.floor(options.maxConcurrentPolls * doubtfulShare);
    this.#wanted = new Map(options.equipment.map((one) => [one.id, one]));
    const { intake, logger } = options;
    this.#admission = new Admission({ intake, logger, onFailure: (error) => this.#crash(error) });
    this.#surroundings = { clock: options.clock, admission: this.#admission, logger };
    this.#permits = new Permits(options.maxConcurrentPolls - doubtful);
    this.#permitsOfDoubtful = doubtful === 0 ? this.#permits : new Permits(doubtful);
  }

  /** For status and console. */
  get equipment(): ReadonlyMap<string, PolledEquipment> {
    return this.#polled;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#crashed = new AbortController();
    this.#failure = undefined;
    const stop = AbortSignal.any([signal, this.#crashed.signal]);
    this.#polls = new AbortController();
    this.#wake = new AbortController();
    const wake = () => this.#wake.abort(stop.reason);
    stop.addEventListener("abort", wake, { once: true });
    if (stop.aborted) wake();
    this.#open();
    try {
      while (!stop.aborted) await this.#tick(stop, this.#polls.signal);
      await this.#finish(this.#polls);
    } finally {
      stop.removeEventListener("abort", wake);
      this.#polls.abort(new Error("poller stops"));
      await this.#settled();
      // What was found is not given up, however slow the disk: the supervisor knows whom it waits for.
      await this.#admission.settled();
      await this.#close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What the agents have already been asked for is worth waiting for: nothing they answered is thrown away at a stop. */
  async #finish(polls: AbortController): Promise<void> {
    if (this.#failure !== undefined || this.#running === 0) return;
    const waiting = new AbortController();
    const grace = this.#options.clock.sleep(finishGraceMs, waiting.signal).catch(() => undefined);
    await Promise.race([this.#settled(), grace]);
    waiting.abort(new Error("polls finished"));
    polls.abort(new Error("poller stops"));
  }

  /** Serves this equipment now, besides its grid. Resolves when it has been asked and what it said was handed over. @throws GatewayError command.refused */
  async pollNow(id: string, signal: AbortSignal): Promise<void> {
    const polled = this.#polled.get(id);
    if (polled === undefined) throw new GatewayError("command.refused", { message: "no such equipment", fields: { equipment: id } });
    if (polled.running) return;
    await this.#serve(polled, this.#options.clock.monotonicMs(), signal);
  }

  /** Carries out an order on one equipment, beside its polls. @throws GatewayError command.refused | driver.unsupported */
  async execute(command: Command, signal: AbortSignal): Promise<CommandResult> {
    const polled = this.#polled.get(command.equipment ?? "");
    if (polled === undefined) throw new GatewayError("command.refused", { message: "no such equipment" });
    return polled.execute(command, signal);
  }

  /** Polls one equipment more from now on, until the process ends. What is polled already is left alone. @throws GatewayError config.invalid */
  add(equipment: Equipment): void {
    if (this.#wanted.has(equipment.id)) return;
    this.#wanted.set(equipment.id, equipment);
    if (!this.#isOpen) return;
    this.#openOne(equipment);
    // It may be due before everything that is waited for.
    this.#wake.abort(new Error("equipment was added"));
  }

  /** Goes on with other settings from now on: its session is opened anew, its next poll is due at once. @throws GatewayError config.invalid */
  replace(equipment: Equipment): void {
    this.remove(equipment.id);
    this.add(equipment);
  }

  /** Polls it no more. A poll under way is finished and kept. */
  remove(id: string): void {
    this.#wanted.delete(id);
    const polled = this.#polled.get(id);
    if (polled === undefined) return;
    this.#polled.delete(id);
    this.#pollsPerS -= 1_000 / polled.equipment.pollIntervalMs;
    this.#retired.add(polled);
    if (!polled.running) void this.#retire(polled);
  }

  async #retire(polled: PolledEquipment): Promise<void> {
    await polled.close();
    if (!this.#heap.has(polled)) this.#retired.delete(polled);
  }

  #open(): void {
    this.#isOpen = true;
    for (const one of this.#wanted.values()) if (!this.#polled.has(one.id)) this.#openOne(one);
    // They are spread over the first seconds; whoever is first goes at once, and the site shows its first values.
    const first = this.#heap.pop();
    if (first === undefined) return;
    first.dueMs = Math.min(first.dueMs, this.#options.clock.monotonicMs());
    this.#heap.push(first);
  }

  #openOne(one: Equipment): void {
    const { drivers, context } = this.#options;
    const driver = drivers.get(one.driver);
    if (driver === undefined) throw new GatewayError("config.invalid", { message: `unknown driver ${one.driver}` });
    const polled = new PolledEquipment(one, driver.open(one, context), this.#surroundings);
    this.#polled.set(one.id, polled);
    this.#heap.push(polled);
    this.#pollsPerS += 1_000 / one.pollIntervalMs;
  }

  async #close(): Promise<void> {
    this.#isOpen = false;
    await Promise.allSettled([...this.#polled.values()].map((polled) => polled.close()));
    await Promise.allSettled([...this.#retired].map((polled) => polled.close()));
    this.#polled.clear();
    this.#pollsPerS = 0;
    this.#retired.clear();
    while (this.#heap.pop() !== undefined);
  }

  async #tick(stop: AbortSignal, polls: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const next = this.#heap.peek();
    const waitMs = next === undefined ? 1_000 : next.dueMs - clock.monotonicMs();
    if (waitMs > 0) {
      try {
        await clock.sleep(Math.max(waitMs, wakeGrainMs(this.#pollsPerS)), this.#wake.signal);
      } catch (reason) {
        if (stop.aborted) return;
        if (!this.#wake.signal.aborted) throw reason;
        this.#wake = new AbortController();
      }
    }
    const nowMs = clock.monotonicMs();
    for (let due = this.#heap.peek(); due !== undefined && due.dueMs <= nowMs; due = this.#heap.peek()) {
      this.#heap.pop();
      if (this.#retired.has(due)) {
        if (!due.running) this.#retired.delete(due);
        continue;
      }
      const plannedAtMs = due.dueMs;
      due.advance(nowMs);
      this.#heap.push(due);
      if (due.running) due.missed();
      else if (this.#admission.isFull) due.heldBack();
      else this.#launch(due, plannedAtMs, polls);
    }
  }

  #launch(polled: PolledEquipment, plannedAtMs: number, signal: AbortSignal): void {
    this.#running += 1;
    // Functions that are there for good: an asynchronous one around this would be half a kilobyte more of each slot.
    this.#serve(polled, plannedAtMs, signal).then(this.#served, this.#notServed);
  }

  readonly #served = (): void => {
    this.#running -= 1;
    if (this.#running === 0) this.#idle?.();
  };

  readonly #notServed = (error: unknown): void => {
    // A bug in one session must not go unseen: the unit crashes and the supervisor restarts it.
    if (!this.#polls.signal.aborted) this.#crash(error);
    this.#served();
  };

  #crash(error: unknown): void {
    this.#failure ??= error;
    this.#crashed.abort(error);
  }

  /** Resolves when no slot is being served; none may be launched meanwhile. */
  async #settled(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  async #serve(polled: PolledEquipment, plannedAtMs: number, signal: AbortSignal): Promise<void> {
    polled.running = true;
    try {
      const permits = polled.reachability.failures > 0 ? this.#permitsOfDoubtful : this.#permits;
      // Mostly one is free, and to wait for nothing costs as well.
      if (!permits.tryTake()) await permits.take(signal);
      try {
        await polled.serve(plannedAtMs, signal);
      } finally {
        permits.release();
      }
    } finally {
      polled.running = false;
      if (this.#retired.has(polled)) await this.#retire(polled);
    }
  }
}

import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { UpkeepCost } from "#ports/driver.ts";
import type { Exchange } from "./exchange.ts";
import { pollDeadline } from "./poll-deadline.ts";
import { Upkeep } from "./upkeep.ts";

/**
 * How long what a session began may go on at most: until it is closed. It knows the controllers of what is going on, which mostly is nothing; a signal of
 * its own for all to listen to would be half a kilobyte of each equipment.
 */
export class SessionLife {
  readonly clock: Clock;
  /** What all of it cost so far. */
  readonly upkeep = new Upkeep();
  #going: Set<AbortController> | undefined;
  #closed: GatewayError | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  begins(controller: AbortController): void {
    if (this.#closed !== undefined) controller.abort(this.#closed);
    this.#going ??= new Set();
    this.#going.add(controller);
  }

  ends(controller: AbortController): void {
    this.#going?.delete(controller);
    if (this.#going?.size === 0) this.#going = undefined;
  }

  close(reason: GatewayError): void {
    this.#closed = reason;
    for (const controller of this.#going ?? []) controller.abort(reason);
  }
}

type Outcome<T> = { readonly value: T } | { readonly failure: unknown };

/** A survey of the slowest agents we know takes some minutes; longer than this it is given up and begun anew. */
const maxTaskMs = 600_000;

/**
 * Work that may take longer than a poll (probing, learning rows, reading the inventory of a slow agent): it goes on between polls,
 * and each poll waits for it as long as it can spare. At most one at a time. Made for the work and thrown away with it: there are several of them for each
 * equipment, and nearly always nothing is going on.
 */
export class LongTask<T> {
  readonly #life: SessionLife;
  readonly #what: UpkeepCost["what"];
  #outcome: Outcome<T> | undefined;
  #running: Promise<void> | undefined;
  #controller: AbortController | undefined;

  constructor(life: SessionLife, what: UpkeepCost["what"]) {
    this.#life = life;
    this.#what = what;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** What was begun is out of date: its outcome does not count. */
  cancel(): void {
    this.#controller?.abort(new GatewayError("driver.limit", { message: "overtaken by events" }));
    this.#running = undefined;
    this.#outcome = undefined;
  }

  /**
   * Begins the work unless it runs, and waits for it until `untilMs`. @returns its value, or undefined if it is not done by then
   * @throws what the work threw
   */
  async join(exchange: Exchange, untilMs: number, work: (exchange: Exchange) => Promise<T>): Promise<{ readonly value: T } | undefined> {
    if (this.#running === undefined) this.#begin(exchange, work);
    if (this.#outcome === undefined) await this.#wait(exchange.signal, untilMs);
    const outcome = this.#outcome;
    if (outcome === undefined) {
      exchange.outer.throwIfAborted();
      return undefined;
    }
    this.#running = undefined;
    this.#outcome = undefined;
    this.#controller = undefined;
    if ("failure" in outcome) throw outcome.failure;
    return outcome;
  }

  #begin(exchange: Exchange, work: (exchange: Exchange) => Promise<T>): void {
    const controller = new AbortController();
    this.#controller = controller;
    const { clock, upkeep } = this.#life;
    this.#life.begins(controller);
    upkeep.begins(this.#what, exchange.session, clock.monotonicMs());
    const deadlineMs = clock.monotonicMs() + maxTaskMs;
    const deadline = pollDeadline(clock, deadlineMs, controller.signal);
    const settle = (outcome: Outcome<T>): void => {
      deadline.done();
      this.#life.ends(controller);
      upkeep.ends(this.#what, exchange.session, clock.monotonicMs());
      if (this.#controller === controller && !controller.signal.aborted) this.#outcome = outcome;
    };
    this.#outcome = undefined;
    this.#running = work({ ...exchange, deadlineMs, signal: deadline.signal, outer: controller.signal }).then(
      (value) => settle({ value }),
      (failure: unknown) => settle({ failure }),
    );
  }

  /** Until the work is done, the poll is cut off, or `untilMs`. */
  async #wait(signal: AbortSignal, untilMs: number): Promise<void> {
    const waiting = new AbortController();
    const abort = (): void => waiting.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const { clock } = this.#life;
    const late = clock.sleep(Math.max(untilMs - clock.monotonicMs(), 0), waiting.signal).catch((reason: unknown) => {
      // Cut off by the poll's own signal, or the work was done first: both end the waiting, which is all it is for.
      if (!isGatewayError(reason) && !waiting.signal.aborted) throw reason;
    });
    try {
      await Promise.race([this.#running, late]);
    } finally {
      signal.removeEventListener("abort", abort);
      if (!waiting.signal.aborted) waiting.abort(new GatewayError("driver.limit", { message: "done waiting" }));
    }
  }
}

/** A routine survey may take this share of what is left of a poll; then the values come first and the survey goes on. */
const routineShare = 0.25;

/** Until when a poll waits for a routine survey. */
export function shareOfRest({ clock, deadlineMs }: Exchange): number {
  const nowMs = clock.monotonicMs();
  return nowMs + (deadlineMs - nowMs) * routineShare;
}

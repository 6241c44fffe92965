import type { Clock } from "#ports/clock.ts";
import { OrderRefused } from "./order-refused.ts";

export interface TurnLimits {
  /** Under way at once, of all services and of one. */
  readonly total: number;
  readonly perService: number;
  /** Waiting for their turn; beyond it E_BUSY at once. */
  readonly waiting: number;
  readonly waitingPerService: number;
  /** Nobody waits longer for his turn. */
  readonly waitMs: number;
}

interface Waiter {
  readonly service: string;
  admit(): void;
}

/**
 * Orders that wait for somebody else (a server, equipment) take turns: those of many services that were activated together come one after the
 * other, and none holds all of them. First come first served, but for services that have their share already.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #limits: TurnLimits;
  readonly #running = new Map<string, number>();
  readonly #waiting: Waiter[] = [];
  #total = 0;

  constructor(clock: Clock, limits: TurnLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Under way or waiting. */
  open(service: string): number {
    return (this.#running.get(service) ?? 0) + this.#waitingOf(service);
  }

  /** Resolves with the end of the turn. @throws OrderRefused E_BUSY; the signal's reason */
  async take(service: string, signal: AbortSignal): Promise<() => void> {
    if (!this.#isFree(service)) await this.#wait(service, signal);
    else this.#begin(service);
    return () => {
      this.#total -= 1;
      const left = (this.#running.get(service) ?? 1) - 1;
      if (left > 0) this.#running.set(service, left);
      else this.#running.delete(service);
      this.#next();
    };
  }

  #isFree(service: string): boolean {
    return this.#total < this.#limits.total && (this.#running.get(service) ?? 0) < this.#limits.perService;
  }

  #begin(service: string): void {
    this.#total += 1;
    this.#running.set(service, (this.#running.get(service) ?? 0) + 1);
  }

  #waitingOf(service: string): number {
    return this.#waiting.filter((one) => one.service === service).length;
  }

  async #wait(service: string, signal: AbortSignal): Promise<void> {
    const { total, waiting, waitingPerService, waitMs } = this.#limits;
    if (this.#waiting.length >= waiting || this.#waitingOf(service) >= waitingPerService)
      throw new OrderRefused("E_BUSY", `more than ${total} orders at once, and too many that wait for their turn`);
    const stop = new AbortController();
    const given = AbortSignal.any([signal, stop.signal]);
    let isAdmitted = false;
    const waiter: Waiter = {
      service,
      admit: () => {
        isAdmitted = true;
        stop.abort(new Error("it is its turn"));
      },
    };
    this.#waiting.push(waiter);
    await this.#clock.sleep(waitMs, given).catch(() => undefined);
    if (isAdmitted) return;
    this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
    signal.throwIfAborted();
    throw new OrderRefused("E_BUSY", `its turn did not come within ${waitMs / 1000} s`);
  }

  #next(): void {
    const index = this.#waiting.findIndex(({ service }) => this.#isFree(service));
    if (index < 0) return;
    const [waiter] = this.#waiting.splice(index, 1);
    if (waiter === undefined) return;
    this.#begin(waiter.service);
    waiter.admit();
  }
}

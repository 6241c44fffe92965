import type { Clock } from "#ports/clock.ts";
import { gentle } from "./settings.ts";

/**
 * Packets per second with a burst: each packet reserves the next free moment, so that waiters go first come, first served. In any
 * second at most rate + burst packets.
 */
export class PacketBudget {
  readonly #clock: Clock;
  readonly #perSecond: () => number;
  readonly #burst: number;
  /** When the budget is whole again, monotonic milliseconds. */
  #wholeAtMs = Number.NEGATIVE_INFINITY;
  taken = 0;

  constructor(clock: Clock, perSecond: () => number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Resolves when `packets` may go; @param packets at most the burst */
  async take(packets: number, signal: AbortSignal): Promise<void> {
    const spacingMs = 1_000 / this.#perSecond();
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.charge(packets) - this.#burst * spacingMs - nowMs;
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }

  /** Counts packets that went already (retries, long answers): those after them wait. */
  charge(packets: number): number {
    this.taken += packets;
    this.#wholeAtMs = Math.max(this.#wholeAtMs, this.#clock.monotonicMs()) + (packets * 1_000) / this.#perSecond();
    return this.#wholeAtMs;
  }
}

const lossWindow = 64;
const minLossSamples = 16;

/** Share of lost packets among those that should have been answered: asked of devices that did answer before. */
export class LossMeter {
  readonly #window: boolean[] = [];

  note(answered: boolean): void {
    this.#window.push(answered);
    if (this.#window.length > lossWindow) this.#window.shift();
  }

  get loss(): number {
    return this.#window.length < minLossSamples ? 0 : this.#window.filter((answered) => !answered).length / this.#window.length;
  }
}

/** All packets of discovery, over all subnets. Down to a quarter of every rate while the network loses more than a tenth. */
export class Pace {
  readonly loss = new LossMeter();
  readonly #total: PacketBudget;
  readonly #echo: PacketBudget;
  readonly #connect: PacketBudget;

  constructor(clock: Clock) {
    const scaled = (perSecond: number) => () => perSecond * this.factor;
    this.#total = new PacketBudget(clock, scaled(gentle.packetsPerSecond), gentle.packetBurst);
    this.#echo = new PacketBudget(clock, scaled(gentle.echoPerSecond), gentle.echoBurst);
    this.#connect = new PacketBudget(clock, scaled(gentle.connectsPerSecond), 1);
  }

  get factor(): number {
    return this.loss.loss > gentle.lossLimit ? gentle.lossFactor : 1;
  }

  get packets(): number {
    return this.#total.taken;
  }

  async packet(signal: AbortSignal): Promise<void> {
    await this.#total.take(1, signal);
  }

  async echo(packets: number, signal: AbortSignal): Promise<void> {
    await this.#echo.take(packets, signal);
    await this.#total.take(packets, signal);
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.#connect.take(1, signal);
    await this.#total.take(1, signal);
  }

  charge(packets: number): void {
    this.#total.charge(packets);
  }
}

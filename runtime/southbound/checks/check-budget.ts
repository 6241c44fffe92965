import type { CheckTraffic } from "#ports/checks.ts";

export interface CheckBudgetLimits {
  /** Of all checks together, both directions. */
  readonly bytesPerHour: number;
  readonly packetsPerSecond: number;
}

/** Why a run was not made. */
export type BudgetReason = "bytes-budget" | "packet-budget";

const binMs = 60_000;
const bins = 60;
/** The packet bucket holds this many seconds' worth: a run of some dozen packets is no flood. */
const burstS = 10;

/**
 * What all checks together may move. The last hour is counted in minutes, by what runs really moved; a run on its way counts with its estimate. A
 * run that does not fit is not made, so that checks never fill a customer's line whatever servers answer.
 */
export class CheckBudget {
  readonly #limits: CheckBudgetLimits;
  readonly #minutes = new Float64Array(bins);
  #minute = Number.NEGATIVE_INFINITY;
  #reserved = 0;
  #tokens: number;
  #tokensAtMs = Number.NaN;

  constructor(limits: CheckBudgetLimits) {
    this.#limits = limits;
    this.#tokens = this.#bucket;
  }

  /** Takes the estimate out of the budget, or says why it does not fit. Who got it calls `settle`. */
  reserve(estimate: CheckTraffic, nowMs: number): BudgetReason | undefined {
    this.#advance(nowMs);
    if (this.usedBytes(nowMs) + this.#reserved + estimate.bytes > this.#limits.bytesPerHour) return "bytes-budget";
    // One run larger than the bucket may go when it is full: configuration has checked its mean.
    if (this.#tokens < Math.min(estimate.packets, this.#bucket)) return "packet-budget";
    this.#tokens -= estimate.packets;
    this.#reserved += estimate.bytes;
    return undefined;
  }

  /** Replaces the estimate by what the run moved. */
  settle(estimate: CheckTraffic, real: CheckTraffic, nowMs: number): void {
    this.#advance(nowMs);
    this.#reserved -= estimate.bytes;
    this.#tokens = Math.min(this.#bucket, this.#tokens + estimate.packets - real.packets);
    const index = modulo(this.#minute);
    this.#minutes[index] = (this.#minutes[index] ?? 0) + real.bytes;
  }

  /** Bytes of the last hour. */
  usedBytes(nowMs: number): number {
    this.#advance(nowMs);
    return this.#minutes.reduce((sum, bytes) => sum + bytes, 0);
  }

  get #bucket(): number {
    return this.#limits.packetsPerSecond * burstS;
  }

  #advance(nowMs: number): void {
    const minute = Math.floor(nowMs / binMs);
    const passed = Math.min(bins, minute - this.#minute);
    for (let step = 0; step < passed; step++) this.#minutes[modulo(minute - step)] = 0;
    this.#minute = Math.max(this.#minute, minute);
    const elapsedMs = Number.isNaN(this.#tokensAtMs) ? 0 : Math.max(0, nowMs - this.#tokensAtMs);
    this.#tokens = Math.min(this.#bucket, this.#tokens + (elapsedMs / 1_000) * this.#limits.packetsPerSecond);
    this.#tokensAtMs = nowMs;
  }
}

function modulo(minute: number): number {
  return ((minute % bins) + bins) % bins;
}

import type { ReportedDocument, ReportedState } from "#model/authority.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Unit } from "#ports/unit.ts";
import { WakeUp } from "../wake-up.ts";

/** Reports in a burst, so that progress can be watched; over time one in half a minute. */
const burst = 12;
const refillMs = 30_000;
/** Steps that follow each other closely travel together. */
const gatherMs = 200;
const retryMs = 5_000;
const idleMs = 60_000;
/** What a report should not exceed, and what it must not (the schema's list of documents is longer than a broker's packet). */
const wantedBytes = 8_192;
const mostBytes = 60_000;

export interface ReportSenderParts {
  readonly clock: Clock;
  readonly report: () => ReportedState;
  readonly format: (report: ReportedState) => Uint8Array;
  /** Settles with the broker's PUBACK. @throws GatewayError uplink.* */
  readonly publish: (payload: Uint8Array, signal: AbortSignal) => Promise<void>;
}

/** Keeps the retained report at the NOC true. Only the newest counts: what was never sent is overtaken, not queued. */
export class ReportSender implements Unit {
  readonly name = "reports";
  readonly #parts: ReportSenderParts;
  readonly #wakeUp: WakeUp;
  #tokens = burst;
  #refilledMs: number;
  #changed = true;
  /** The present phase must get through whatever the rate. */
  #final = false;
  #sentVersion = 0;
  #version = 0;
  readonly #waiters = new Set<{ readonly version: number; readonly resolve: () => void }>();

  constructor(parts: ReportSenderParts) {
    this.#parts = parts;
    this.#wakeUp = new WakeUp(parts.clock);
    this.#refilledMs = parts.clock.monotonicMs();
  }

  changed(final = false): void {
    this.#changed = true;
    this.#final = this.#final || final;
    this.#version += 1;
    this.#wakeUp.wake();
  }

  /** Another connection: the NOC gets the present state at once. */
  sessionBegan(): void {
    this.changed(true);
  }

  /** Resolves when the broker has a report that was made after this call. */
  delivered(signal: AbortSignal): Promise<void> {
    this.changed(true);
    const version = this.#version;
    return new Promise((resolve, reject) => {
      const waiter = { version, resolve: done };
      const waiters = this.#waiters;
      function done(): void {
        signal.removeEventListener("abort", gaveUp);
        waiters.delete(waiter);
        resolve();
      }
      function gaveUp(): void {
        waiters.delete(waiter);
        reject(signal.reason);
      }
      waiters.add(waiter);
      signal.addEventListener("abort", gaveUp, { once: true });
      if (signal.aborted) gaveUp();
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    signal.addEventListener("abort", this.#wakeUp.wake, { once: true });
    try {
      while (!signal.aborted) {
        if (!this.#changed) {
          await this.#wakeUp.sleep(idleMs);
          continue;
        }
        this.#refill();
        if (this.#tokens <= 0 && !this.#final) {
          await this.#wakeUp.sleep(refillMs);
          continue;
        }
        if (!(await this.#send(signal))) await this.#wakeUp.sleep(retryMs);
        else await clock.sleep(gatherMs, signal).catch(() => undefined);
      }
    } finally {
      signal.removeEventListener("abort", this.#wakeUp.wake);
    }
  }

  #refill(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const gained = Math.floor((nowMs - this.#refilledMs) / refillMs);
    if (gained <= 0) return;
    this.#refilledMs += gained * refillMs;
    this.#tokens = Math.min(burst, this.#tokens + gained);
  }

  async #send(signal: AbortSignal): Promise<boolean> {
    const version = this.#version;
    const wasFinal = this.#final;
    this.#changed = false;
    this.#final = false;
    try {
      await this.#parts.publish(fitted(this.#parts.report(), this.#parts.format), signal);
    } catch (error) {
      if (!signal.aborted && !isGatewayError(error)) throw error;
      this.#changed = true;
      this.#final = this.#final || wasFinal;
      return false;
    }
    this.#tokens = Math.max(0, this.#tokens - 1);
    this.#sentVersion = version;
    for (const waiter of [...this.#waiters]) if (waiter.version <= this.#sentVersion) waiter.resolve();
    return true;
  }
}

/** Leaves out what is only nice to have until the report fits. */
function fitted(report: ReportedState, format: (report: ReportedState) => Uint8Array): Uint8Array {
  const whole = format(report);
  if (whole.length <= wantedBytes) return whole;
  const lean = (one: ReportedDocument): ReportedDocument => ({
    ...one,
    ...(one.steps === undefined ? {} : { steps: one.steps.slice(-1) }),
  });
  const slim = format({ ...report, docs: report.docs.map(lean) });
  if (slim.length <= mostBytes) return slim;
  return format({ ...report, docs: report.docs.map(({ id, st }) => ({ id, st })), drift: [] });
}

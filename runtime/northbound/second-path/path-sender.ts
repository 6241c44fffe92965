import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { AlarmChange, Event } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { Logger } from "#ports/logger.ts";
import type { Notifier } from "#ports/notifier.ts";
import { Backoff } from "../../concurrency/backoff.ts";
import type { PathOutbox, Waiting } from "./path-outbox.ts";

export interface PathSenderOptions {
  readonly notifier: Notifier;
  readonly outbox: PathOutbox;
  /** Notifications an hour; what is beyond waits. */
  readonly maxPerHour: number;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly sink: EventSink;
  /** Why somebody is told, for the event at the NOC. */
  readonly because: string;
}

/** What `gatehouse status` shows of one path. */
export interface PathStatus {
  readonly name: string;
  readonly kind: string;
  /** `open`: the receiver failed so often that only one try per pause is made. */
  readonly breaker: "closed" | "open";
  readonly waiting: number;
  /** Alarms that the receiver knows as not cleared. */
  readonly told: number;
  readonly delivered: number;
  readonly failures: number;
  readonly refused: number;
  readonly dropped: number;
  readonly nextAttemptInMs: number | undefined;
  readonly lastError: { readonly code: string; readonly reason: string; readonly atMs: number } | undefined;
}

const firstPauseMs = 5_000;
const maxPauseMs = 300_000;
const failuresToOpen = 5;
/** A receiver that says no to the same change this often does not want it. */
const maxRefusals = 8;
const hourMs = 3_600_000;

/** Sends what is due on one path: one at a time, in order, with pauses that grow while the receiver fails. */
export class PathSender {
  readonly #options: PathSenderOptions;
  readonly #backoff: Backoff;
  #nextAttemptMs = 0;
  #failuresInARow = 0;
  #tokens: number;
  #tokensAtMs: number;
  #delivered = 0;
  #failures = 0;
  #refused = 0;
  #isUnsaved = false;
  #lastError: PathStatus["lastError"];

  constructor(options: PathSenderOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ firstMs: firstPauseMs, maxMs: maxPauseMs }, options.entropy);
    this.#tokens = options.maxPerHour;
    this.#tokensAtMs = options.clock.monotonicMs();
  }

  get outbox(): PathOutbox {
    return this.#options.outbox;
  }

  get name(): string {
    return this.#options.notifier.name;
  }

  /** Sends due entries until none is left, the receiver fails or the hour's share is spent. */
  async send(isDue: (entry: Waiting) => boolean, signal: AbortSignal): Promise<void> {
    const { clock, outbox } = this.#options;
    while (!signal.aborted && clock.monotonicMs() >= this.#nextAttemptMs) {
      const entry = outbox.waiting.find(isDue);
      if (entry === undefined || !this.#takeToken()) return;
      outbox.attempt(entry);
      this.save();
      await this.#deliver(entry, signal);
    }
  }

  /** A disk that does not take it is no reason to keep an alarm back: the outbox remembers, and tries again at the next step. */
  save(): void {
    try {
      this.#options.outbox.flush();
      this.#isUnsaved = false;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (!this.#isUnsaved)
        this.#options.logger.error({ path: this.name, code: error.code }, "the outbox of the second path cannot be written");
      this.#isUnsaved = true;
    }
  }

  async #deliver(entry: Waiting, signal: AbortSignal): Promise<void> {
    const { notifier, outbox, logger } = this.#options;
    try {
      await notifier.notify(entry.change, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isGatewayError(error)) throw error;
      this.#failed(entry, error);
      return;
    }
    if (this.#failuresInARow > 0) logger.info({ path: notifier.name, failures: this.#failuresInARow }, "the second path works again");
    this.#failuresInARow = 0;
    this.#backoff.reset();
    this.#delivered += 1;
    outbox.delivered(entry);
    this.save();
    this.#say(entry.change, "notify.delivered", `told ${notifier.name}: ${this.#options.because}`);
  }

  #failed(entry: Waiting, error: GatewayError): void {
    const { clock, notifier, outbox, logger } = this.#options;
    this.#failures += 1;
    this.#failuresInARow += 1;
    this.#lastError = { code: error.code, reason: error.message, atMs: clock.now().wallMs };
    if (this.#failuresInARow === 1) logger.warn({ path: notifier.name, code: error.code, reason: error.message }, "the second path fails");
    const asked = typeof error.fields["retryAfterMs"] === "number" ? error.fields["retryAfterMs"] : firstPauseMs;
    this.#nextAttemptMs = clock.monotonicMs() + this.#backoff.nextDelayMs(asked);
    if (error.retryable) return;
    entry.refusals += 1;
    if (entry.refusals < maxRefusals) return;
    this.#refused += 1;
    // Its later changes mean nothing to a receiver that does not know it.
    outbox.forget(outbox.waiting.filter(({ change }) => change.id === entry.change.id));
    this.save();
    this.#say(entry.change, "notify.refused", `${notifier.name} refuses an alarm for good: ${error.message}`);
  }

  /** For the NOC: it leaves out at the same receiver what the gateway has told there, and says so with the alarm. */
  #say(change: AlarmChange, type: Event["type"], text: string): void {
    const { clock, notifier, sink } = this.#options;
    sink.offer({
      kind: "event",
      type,
      ...(change.equipment === undefined ? {} : { equipment: change.equipment }),
      source: "gateway",
      severity: type === "notify.delivered" ? "indeterminate" : "warning",
      text,
      observedAt: clock.now(),
      attributes: { path: notifier.name, kind: notifier.kind, key: change.key, id: change.id, rev: change.rev, clr: change.cleared },
    });
  }

  #takeToken(): boolean {
    const { clock, maxPerHour } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#tokens = Math.min(maxPerHour, this.#tokens + ((nowMs - this.#tokensAtMs) * maxPerHour) / hourMs);
    this.#tokensAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  status(): PathStatus {
    const { clock, notifier, outbox } = this.#options;
    const leftMs = this.#nextAttemptMs - clock.monotonicMs();
    return {
      name: notifier.name,
      kind: notifier.kind,
      breaker: this.#failuresInARow >= failuresToOpen ? "open" : "closed",
      waiting: outbox.waiting.length,
      told: outbox.told,
      delivered: this.#delivered,
      failures: this.#failures,
      refused: this.#refused,
      dropped: outbox.dropped,
      nextAttemptInMs: leftMs > 0 ? leftMs : undefined,
      lastError: this.#lastError,
    };
  }
}

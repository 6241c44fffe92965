import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { AlarmCloudEvent } from "../../protocol/webhook/cloud-event.ts";
import type { WebhookTarget } from "../../protocol/webhook/post.ts";
import { sendAlarmEvent } from "../../protocol/webhook/send-alarm.ts";
import type { OutgoingRow, OutgoingStore } from "../store/outgoing.ts";
import { type ConnectorRules, type Outcome, passOn } from "./connector-rules.ts";

export interface ConnectorOptions {
  readonly rules: ConnectorRules;
  readonly target: WebhookTarget;
  /** Messages a minute; what is beyond waits. */
  readonly maxPerMinute: number;
}

export interface ConnectorParts {
  readonly store: OutgoingStore;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** For simulation; the real POST otherwise. */
  readonly send?: typeof sendAlarmEvent;
}

/** What the page and `noc connectors` show of one connector. */
export interface ConnectorStatus {
  readonly name: string;
  readonly breaker: "closed" | "open";
  readonly delivered: number;
  readonly failures: number;
  /** Left to the gateway, which had told the receiver itself. */
  readonly toldByGateway: number;
  readonly loops: number;
  /** Not taken because too many waited. */
  readonly overflow: number;
  readonly lastError: { readonly code: string; readonly reason: string; readonly atMs: number } | undefined;
}

const lookEveryMs = 1_000;
const collectLimit = 500;
/** Tries of one message; the pauses between them triple from 5 s up to an hour. */
const maxAttempts = 8;
const firstPauseMs = 5_000;
const maxPauseMs = 3_600_000;
/** A receiver that is away keeps its messages this long, however often they were tried. */
const patienceMs = 86_400_000;
const failuresToOpen = 5;
const breakerPauseMs = 30_000;

/** Takes over from the event list what concerns one receiver, and delivers it: at least once, in order per alarm. */
export class Connector implements Unit {
  readonly name: string;
  readonly #options: ConnectorOptions;
  readonly #parts: ConnectorParts;
  #failuresInARow = 0;
  #notBeforeMs = 0;
  #tokens: number;
  #tokensAtMs: number;
  #counts = { delivered: 0, failures: 0, toldByGateway: 0, loops: 0, overflow: 0 };
  #lastError: ConnectorStatus["lastError"];

  constructor(options: ConnectorOptions, parts: ConnectorParts) {
    this.name = `connector ${options.rules.name}`;
    this.#options = options;
    this.#parts = parts;
    this.#tokens = options.maxPerMinute;
    this.#tokensAtMs = parts.clock.monotonicMs();
  }

  status(): ConnectorStatus {
    const breaker = this.#failuresInARow >= failuresToOpen ? "open" : "closed";
    return { name: this.#options.rules.name, breaker, ...this.#counts, lastError: this.#lastError };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    let isStoreDown = false;
    while (!signal.aborted) {
      try {
        await this.#collect();
        await this.#deliverDue(signal);
        isStoreDown = false;
      } catch (error) {
        // Ingest meets the same store; nothing is lost, the outbox is a view of what is on disk.
        if (!isGatewayError(error) || !error.retryable) throw error;
        if (!isStoreDown) logger.warn({ connector: this.#options.rules.name, code: error.code }, "a connector waits for the store");
        isStoreDown = true;
      }
      await clock.sleep(lookEveryMs, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason;
      });
    }
  }

  async #collect(): Promise<void> {
    const { store, clock, logger } = this.#parts;
    const { rules } = this.#options;
    while (await store.hasNews(rules.name)) {
      const nowMs = clock.now().wallMs;
      const outcomes = await store.transaction((tx) => {
        const from = tx.position(rules.name);
        const newest = tx.newest();
        const rows = tx.happened(from, collectLimit);
        const seen = rows.map((row) => passOn(tx, rules, row, nowMs));
        tx.setPosition(rules.name, rows.length < collectLimit ? newest : (rows.at(-1)?.ref ?? newest));
        return seen;
      });
      this.#tally(outcomes);
      if (outcomes.includes("full"))
        logger.error({ connector: rules.name }, "too many alarms wait for a receiver: new ones are not passed on");
    }
  }

  #tally(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (outcome === "told") this.#counts.toldByGateway += 1;
      if (outcome === "loop") this.#counts.loops += 1;
      if (outcome === "full") this.#counts.overflow += 1;
    }
  }

  async #deliverDue(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts;
    while (!signal.aborted && clock.monotonicMs() >= this.#notBeforeMs && this.#hasToken()) {
      const row = await store.next(this.#options.rules.name, clock.now().wallMs);
      if (row === undefined) return;
      this.#tokens -= 1;
      await this.#deliver(row, signal);
    }
  }

  async #deliver(row: OutgoingRow, signal: AbortSignal): Promise<void> {
    const { store, clock, logger } = this.#parts;
    try {
      // Our own writing, made by `passOn`.
      const send = this.#parts.send ?? sendAlarmEvent;
      await send(JSON.parse(row.body) as AlarmCloudEvent, this.#options.target, clock, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isGatewayError(error)) throw error;
      await this.#failed(row, error);
      return;
    }
    if (this.#failuresInARow > 0)
      logger.info({ connector: row.connector, failures: this.#failuresInARow }, "the receiver takes alarms again");
    this.#failuresInARow = 0;
    this.#counts.delivered += 1;
    await store.sent(row.ref, clock.now().wallMs);
  }

  async #failed(row: OutgoingRow, error: GatewayError): Promise<void> {
    const { store, clock, entropy, logger } = this.#parts;
    const nowMs = clock.now().wallMs;
    this.#counts.failures += 1;
    this.#failuresInARow += 1;
    this.#lastError = { code: error.code, reason: error.message, atMs: nowMs };
    if (this.#failuresInARow === 1)
      logger.warn({ connector: row.connector, code: error.code, reason: error.message }, "a receiver does not take alarms");
    if (this.#failuresInARow >= failuresToOpen) this.#notBeforeMs = clock.monotonicMs() + breakerPauseMs * (0.5 + entropy.random());
    const isWaste = row.attempts + 1 >= maxAttempts && (!error.retryable || nowMs - row.enqueuedMs > patienceMs);
    if (isWaste) {
      logger.error(
        { connector: row.connector, eventId: row.eventId, code: error.code },
        "an alarm could not be passed on and was set aside",
      );
      return store.dead(row.ref, `${error.code}: ${error.message}`);
    }
    const pauseMs = Math.min(maxPauseMs, firstPauseMs * 3 ** Math.min(row.attempts, 8)) * (0.5 + entropy.random() / 2);
    const askedMs = typeof error.fields["retryAfterMs"] === "number" ? error.fields["retryAfterMs"] : 0;
    return store.retry(row.ref, nowMs + Math.max(pauseMs, askedMs), `${error.code}: ${error.message}`);
  }

  #hasToken(): boolean {
    const { maxPerMinute } = this.#options;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#tokens = Math.min(maxPerMinute, this.#tokens + ((nowMs - this.#tokensAtMs) * maxPerMinute) / 60_000);
    this.#tokensAtMs = nowMs;
    return this.#tokens >= 1;
  }
}

import { isStreamId } from "#model/chunk.ts";
import type { Clock } from "#ports/clock.ts";
import { formatAck } from "../../protocol/messages/ack.ts";
import type { GatewayNews } from "./delivery.ts";
import type { IngestGrants } from "./limits.ts";

/** Publishes one ack; false = there is no connection, it will be said again. */
export type AckSender = (tenant: string, gateway: string, payload: Uint8Array) => boolean;

interface Owed {
  readonly tenant: string;
  readonly gateway: string;
  readonly streams: Map<string, { readonly upTo: number; readonly ranges: readonly (readonly [number, number])[] }>;
  readonly needed: Set<number>;
  committed: number;
  urgent: boolean;
  lastSentMs: number;
}

/** At most one ack per gateway in this time, unless half of the granted window is committed. */
const minIntervalMs = 2_000;
const payEveryMs = 250;
const maxStreamsPerAck = 100;
const maxNeeded = 32;
/** Gateways remembered after their ack was sent; only for the spacing of acks, so any may be forgotten. */
const maxIdle = 10_000;

/**
 * Owes each gateway the newest word on its streams and pays it at a bounded rate. Acks are cumulative and QoS 0: one that is lost is
 * healed by the next, or by the gateway sending again.
 */
export class Acker {
  readonly #clock: Clock;
  readonly #grants: IngestGrants;
  readonly #send: AckSender;
  readonly #owed = new Map<string, Owed>();
  readonly #unpaid = new Set<Owed>();
  #wake: (() => void) | undefined;
  #sent = 0;

  constructor(clock: Clock, grants: IngestGrants, send: AckSender) {
    this.#clock = clock;
    this.#grants = grants;
    this.#send = send;
  }

  get sent(): number {
    return this.#sent;
  }

  /** After the commit, never before. */
  note(news: GatewayNews): void {
    if (news.committed === 0 && !news.hello && news.neededRevisions.length === 0) return;
    const owed = this.#entry(news);
    for (const [stream, position] of news.streams) {
      if (owed.streams.size < maxStreamsPerAck || owed.streams.has(stream)) owed.streams.set(stream, position);
    }
    for (const revision of news.neededRevisions) if (owed.needed.size < maxNeeded) owed.needed.add(revision);
    owed.committed += news.committed;
    owed.urgent ||= news.hello;
    this.#unpaid.add(owed);
    this.#pay(owed);
    if (this.#unpaid.size > 0) this.#wake?.();
  }

  /** Pays what could not be paid at once, until the signal aborts. Sleeps as long as nothing is owed. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#somethingOwed(signal);
      await this.#clock.sleep(payEveryMs, signal);
      for (const owed of this.#unpaid) this.#pay(owed);
    }
  }

  #somethingOwed(signal: AbortSignal): Promise<void> {
    if (this.#unpaid.size > 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const given = () => reject(signal.reason);
      signal.addEventListener("abort", given, { once: true });
      this.#wake = () => {
        signal.removeEventListener("abort", given);
        resolve();
      };
    });
  }

  #entry(news: GatewayNews): Owed {
    const key = `${news.tenant}/${news.gateway}`;
    const known = this.#owed.get(key);
    if (known !== undefined) return known;
    if (this.#owed.size >= maxIdle) this.#forgetPaid();
    const lastSentMs = Number.NEGATIVE_INFINITY;
    const made = {
      tenant: news.tenant,
      gateway: news.gateway,
      streams: new Map(),
      needed: new Set<number>(),
      committed: 0,
      urgent: false,
      lastSentMs,
    };
    this.#owed.set(key, made);
    return made;
  }

  #forgetPaid(): void {
    for (const [key, owed] of this.#owed) if (owed.streams.size === 0) this.#owed.delete(key);
  }

  #pay(owed: Owed): void {
    if (owed.streams.size === 0 && owed.needed.size === 0 && !owed.urgent) {
      this.#unpaid.delete(owed);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const windowUsed = owed.committed >= Math.max(1, Math.floor(this.#grants.liveWindow / 2));
    if (!owed.urgent && !windowUsed && nowMs - owed.lastSentMs < minIntervalMs) return;
    const streams = [...owed.streams].flatMap(([stream, { upTo, ranges }]) => (isStreamId(stream) ? [{ stream, upTo, ranges }] : []));
    const ack = formatAck({ streams, grants: this.#grants, neededDictionaries: [...owed.needed] });
    if (!this.#send(owed.tenant, owed.gateway, ack)) return;
    this.#sent += 1;
    this.#unpaid.delete(owed);
    owed.streams.clear();
    owed.needed.clear();
    owed.committed = 0;
    owed.urgent = false;
    owed.lastSentMs = nowMs;
  }
}

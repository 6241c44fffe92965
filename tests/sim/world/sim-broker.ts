import type { Delivery } from "../../../cloud-bridge/noc/ingest/delivery.ts";
import { formatNocState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import type { Entropy } from "../../../runtime/ports/entropy.ts";
import type { InboundMessage, SessionEnd, Uplink, UplinkLeaf, UplinkLimits, UplinkSession } from "../../../runtime/ports/uplink.ts";

/** Likelihoods per message, and milliseconds. All 0 = a perfect line and broker. */
export interface LineFaults {
  latencyMs: number;
  jitterMs: number;
  /** The line breaks while a message is under way; half of the time the broker had it. */
  breaks: number;
  /** Delivered to the NOC twice. */
  duplicated: number;
  /** An ack of the NOC does not arrive (QoS 0). */
  lostAck: number;
  /** Lost between the broker's PUBACK and the NOC. */
  lostBehindBroker: number;
  /** No PUBACK ever comes for this message. */
  noPuback: number;
  /** What the line carries northbound; infinity = no limit. */
  bytesPerSecond: number;
}

export const calm: LineFaults = {
  latencyMs: 20,
  jitterMs: 5,
  breaks: 0,
  duplicated: 0,
  lostAck: 0,
  lostBehindBroker: 0,
  noPuback: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};

export interface SimBrokerParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly tenant: string;
  readonly gateway: string;
  /** The NOC's door; false = it refuses to take more now. undefined = no NOC is connected. */
  readonly noc: () => ((delivery: Delivery) => boolean) | undefined;
  /** A session after an outage that was long enough for a backlog. */
  readonly onReturn?: (session: SimSession) => void;
}

const never = new AbortController().signal;
const pubackTimeoutMs = 30_000;
const longOutageMs = 10 * 60_000;

/** The line and the broker between one gateway and the NOC. Sessions come and go; what the broker holds for the NOC dies with it. */
export class SimBroker implements Uplink {
  readonly parts: SimBrokerParts;
  faults: LineFaults = { ...calm };
  reachable = true;
  session: SimSession | undefined;
  connections = 0;
  readonly deliveries = { sent: 0, lost: 0 };
  /** Delivered to the NOC and not PUBACKed by it: given again after a restart of the NOC, gone with the broker. */
  readonly #held = new Map<number, Delivery>();
  #nextHeld = 0;
  #lastSessionAtMs = 0;
  /** Retained on `noc/state`. */
  #nocState: Uint8Array | undefined;

  constructor(parts: SimBrokerParts) {
    this.parts = parts;
  }

  async connect(onMessage: (message: InboundMessage) => void | Promise<void>, signal: AbortSignal): Promise<UplinkSession> {
    await this.parts.clock.sleep(this.faults.latencyMs * 3, signal);
    if (!this.reachable) throw new GatewayError("uplink.unreachable", { fields: { reason: "ECONNREFUSED" } });
    this.session?.close({ reason: "taken over", brokerInitiated: true });
    this.connections += 1;
    const session = new SimSession(this, onMessage, this.connections);
    this.session = session;
    if (this.#nocState !== undefined) session.deliver("noc-state", this.#nocState, true);
    if (this.parts.clock.monotonicMs() - this.#lastSessionAtMs > longOutageMs) this.parts.onReturn?.(session);
    void session.closed.then(() => {
      this.#lastSessionAtMs = this.parts.clock.monotonicMs();
    });
    return session;
  }

  announceNoc(on: boolean): void {
    this.#nocState = formatNocState({ v: 1, on });
    this.session?.deliver("noc-state", this.#nocState);
  }

  cut(): void {
    this.reachable = false;
    this.session?.close({ reason: "line cut", brokerInitiated: false });
  }

  /** The broker's process dies: sessions end, and whatever the NOC has not PUBACKed is gone. */
  crash(): void {
    this.deliveries.lost += this.#held.size;
    this.#held.clear();
    this.session?.close({ reason: "broker gone", brokerInitiated: false });
  }

  /** The NOC's worker subscribed again (clean start: nothing was kept for it). */
  nocReturned(): void {
    this.deliveries.lost += this.#held.size;
    this.#held.clear();
  }

  /** NOC -> gateway, QoS 0. */
  async sendAck(payload: Uint8Array): Promise<void> {
    const { clock, entropy } = this.parts;
    const session = this.session;
    if (session === undefined || entropy.random() < this.faults.lostAck) return;
    await clock.sleep(this.faults.latencyMs + this.faults.jitterMs * entropy.random(), never);
    session.deliver("ack", payload);
  }

  toNoc(leaf: UplinkLeaf, payload: Uint8Array): void {
    const { tenant, gateway, noc, entropy } = this.parts;
    this.deliveries.sent += 1;
    const offer = noc();
    if (offer === undefined || entropy.random() < this.faults.lostBehindBroker) {
      this.deliveries.lost += 1;
      return;
    }
    const id = this.#nextHeld++;
    const delivery: Delivery = { tenant, gateway, leaf, payload, retained: false, puback: () => void this.#held.delete(id) };
    this.#held.set(id, delivery);
    if (!offer(delivery)) this.#held.delete(id);
  }
}

export class SimSession implements UplinkSession {
  readonly limits: UplinkLimits = { receiveMaximum: 16, maxPayloadBytes: 200_000 };
  readonly connection: number;
  readonly closed: Promise<SessionEnd>;
  readonly #broker: SimBroker;
  readonly #onMessage: (message: InboundMessage) => void | Promise<void>;
  readonly #settle: (end: SessionEnd) => void;
  readonly #pending = new Set<(error: GatewayError) => void>();
  #ended = false;
  /** When the last message arrives: TCP keeps the order. */
  #arrivesAtMs = 0;

  constructor(broker: SimBroker, onMessage: (message: InboundMessage) => void | Promise<void>, connection: number) {
    const closed = Promise.withResolvers<SessionEnd>();
    this.closed = closed.promise;
    this.#settle = closed.resolve;
    this.#broker = broker;
    this.#onMessage = onMessage;
    this.connection = connection;
  }

  publish(leaf: UplinkLeaf, payload: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.reject(new GatewayError("uplink.lost"));
    if (this.#pending.size >= this.limits.receiveMaximum) throw new Error("the window was exceeded");
    return new Promise((resolve, reject) => {
      const failed = (error: GatewayError) => {
        this.#pending.delete(failed);
        reject(error);
      };
      this.#pending.add(failed);
      void this.#carry(leaf, payload).then((done) => {
        if (done && this.#pending.delete(failed)) resolve();
      });
    });
  }

  close(end: SessionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#broker.session === this) this.#broker.session = undefined;
    for (const fail of [...this.#pending]) fail(new GatewayError("uplink.lost", { fields: { reason: end.reason } }));
    this.#settle(end);
  }

  async end(why: string): Promise<void> {
    this.close({ reason: why, brokerInitiated: false });
  }

  deliver(leaf: InboundMessage["leaf"], payload: Uint8Array, retained = false): void {
    if (!this.#ended) void this.#onMessage({ leaf, payload, retained });
  }

  async #carry(leaf: UplinkLeaf, payload: Uint8Array): Promise<boolean> {
    const { clock, entropy } = this.#broker.parts;
    const { faults } = this.#broker;
    const nowMs = clock.monotonicMs();
    const carryingMs = (payload.length / faults.bytesPerSecond) * 1_000;
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, nowMs + faults.latencyMs + faults.jitterMs * entropy.random()) + carryingMs;
    await clock.sleep(this.#arrivesAtMs - nowMs, never);
    if (this.#ended) return false;
    if (entropy.random() < faults.breaks) {
      if (entropy.random() < 0.5) this.#broker.toNoc(leaf, payload);
      this.close({ reason: "line broke", brokerInitiated: false });
      return false;
    }
    this.#broker.toNoc(leaf, payload);
    if (entropy.random() < faults.duplicated) this.#broker.toNoc(leaf, payload);
    if (entropy.random() < faults.noPuback) {
      await clock.sleep(pubackTimeoutMs, never);
      this.close({ reason: "no PUBACK in time", brokerInitiated: false });
      return false;
    }
    await clock.sleep(faults.latencyMs, never);
    return !this.#ended;
  }
}

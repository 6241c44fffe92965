import type { StreamId } from "../../../runtime/model/chunk.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import type { Entropy } from "../../../runtime/ports/entropy.ts";
import type {
  InboundMessage,
  NocAcknowledgement,
  NocMessages,
  SessionEnd,
  Uplink,
  UplinkLeaf,
  UplinkLimits,
  UplinkSession,
} from "../../../runtime/ports/uplink.ts";
import type { NocStub } from "./noc-stub.ts";

/** Likelihoods per message and milliseconds; all 0 = a perfect line and broker. */
export interface Faults {
  /** Broker to NOC: lost after PUBACK (a broker that crashed, a worker that died). */
  lostBehindBroker: number;
  /** NOC to gateway: an ack lost. */
  lostAck: number;
  /** The line breaks while a message is under way; before or after the broker got it. */
  lineBreaks: number;
  /** A message is delivered twice. */
  duplicated: number;
  latencyMs: number;
  /** Uniform on top of the latency. */
  jitterMs: number;
  commitMs: number;
  /** What the line carries upwards; 0 = any amount. */
  bytesPerS: number;
}

export const noFaults: Faults = {
  lostBehindBroker: 0,
  lostAck: 0,
  lineBreaks: 0,
  duplicated: 0,
  latencyMs: 5,
  jitterMs: 0,
  commitMs: 20,
  bytesPerS: 0,
};

export interface FakeUplinkParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly noc: NocStub;
  /** Finds (stream, seq) of what was published; undefined = no chunk. */
  readonly identify: (payload: Uint8Array) => { readonly stream: StreamId; readonly seq: number } | undefined;
}

const never = new AbortController().signal;

/** A broker and the NOC behind it, in memory, on a clock that may be virtual, with seeded faults. One object, many sessions. */
export class FakeUplink implements Uplink {
  readonly #parts: FakeUplinkParts;
  faults: Faults = { ...noFaults };
  limits: UplinkLimits = { receiveMaximum: 16, maxPayloadBytes: 262_000 };
  /** false: every attempt fails and the session of the moment is gone. */
  reachable = true;
  /** CONNACK reason code of refused attempts. */
  refusesWith: number | undefined;
  /** PUBACK reason code per message; 0 = success, undefined = never a PUBACK. */
  puback: (leaf: UplinkLeaf, payload: Uint8Array) => number | undefined = () => 0;
  /** The NOC does not acknowledge. */
  silentNoc = false;
  /** false: the NOC's workers are away; what is published is gone, and the broker says so. */
  nocListens = true;
  /** A broker that hands everything to a rule: no subscriber, and yet it arrives. */
  saysUnmatched = false;
  readonly attemptsAtMs: number[] = [];
  readonly published: { readonly leaf: UplinkLeaf; readonly atMs: number; readonly bytes: number }[] = [];
  maxInFlightSeen = 0;
  session: FakeSession | undefined;
  #connections = 0;

  constructor(parts: FakeUplinkParts) {
    this.#parts = parts;
  }

  get parts(): FakeUplinkParts {
    return this.#parts;
  }

  async connect(onMessage: (message: InboundMessage) => void | Promise<void>, signal: AbortSignal): Promise<UplinkSession> {
    const { clock } = this.#parts;
    this.attemptsAtMs.push(clock.monotonicMs());
    await clock.sleep(this.faults.latencyMs, signal);
    if (!this.reachable) throw new GatewayError("uplink.unreachable", { fields: { reason: "ECONNREFUSED" } });
    if (this.refusesWith !== undefined) throw new GatewayError("uplink.refused", { fields: { reasonCode: this.refusesWith } });
    this.#connections += 1;
    this.session = new FakeSession(this, onMessage, this.#connections);
    return this.session;
  }

  /** The line goes away, as by a cable or a carrier. */
  cut(): void {
    this.reachable = false;
    this.session?.close({ reason: "line cut", brokerInitiated: false });
  }

  restore(): void {
    this.reachable = true;
  }
}

export class FakeSession implements UplinkSession {
  readonly limits: UplinkLimits;
  readonly connection: number;
  readonly closed: Promise<SessionEnd>;
  readonly #broker: FakeUplink;
  readonly #onMessage: (message: InboundMessage) => void | Promise<void>;
  readonly #settle: (end: SessionEnd) => void;
  readonly #pending = new Set<(error: GatewayError) => void>();
  #end: SessionEnd | undefined;
  #acking = false;
  #lineFreeAtMs = 0;
  /** When the last thing sent up, or down, arrives: TCP keeps the order. */
  readonly #arrivesAtMs = { up: 0, down: 0 };

  constructor(broker: FakeUplink, onMessage: (message: InboundMessage) => void | Promise<void>, connection: number) {
    const closed = Promise.withResolvers<SessionEnd>();
    this.closed = closed.promise;
    this.#settle = closed.resolve;
    this.#broker = broker;
    this.#onMessage = onMessage;
    this.connection = connection;
    this.limits = broker.limits;
  }

  publish(leaf: UplinkLeaf, payload: Uint8Array, options: { readonly onUnmatched?: () => void } = {}): Promise<void> {
    const broker = this.#broker;
    if (this.#end !== undefined) return Promise.reject(new GatewayError("uplink.lost"));
    if (payload.length > this.limits.maxPayloadBytes) return Promise.reject(new GatewayError("uplink.too-large"));
    if (this.#pending.size >= this.limits.receiveMaximum) throw new Error("window exceeded");
    broker.published.push({ leaf, atMs: broker.parts.clock.monotonicMs(), bytes: payload.length });
    return new Promise((resolve, reject) => {
      const failed = (error: GatewayError) => {
        this.#pending.delete(failed);
        reject(error);
      };
      this.#pending.add(failed);
      broker.maxInFlightSeen = Math.max(broker.maxInFlightSeen, this.#pending.size);
      void this.#carry(leaf, payload).then((code) => {
        if (!this.#pending.delete(failed) || code === undefined) return;
        if (code < 0x80) {
          if (!broker.nocListens || broker.saysUnmatched) options.onUnmatched?.();
          resolve();
        } else reject(new GatewayError("uplink.rejected", { fields: { leaf, reasonCode: code } }));
      });
    });
  }

  close(end: SessionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const fail of [...this.#pending]) fail(new GatewayError("uplink.lost"));
    this.#settle(end);
  }

  end(why: string): Promise<void> {
    this.close({ reason: why, brokerInitiated: false });
    return Promise.resolve();
  }

  /** Something from the NOC, parsed already: tests hand structures through the payload by `structuredMessages`. */
  deliver(leaf: InboundMessage["leaf"], value: unknown): void {
    this.deliverText(leaf, JSON.stringify(value));
  }

  deliverText(leaf: InboundMessage["leaf"], text: string): void {
    if (this.#end !== undefined) return;
    void this.#onMessage({ leaf, payload: new TextEncoder().encode(text), retained: false });
  }

  async #carry(leaf: UplinkLeaf, payload: Uint8Array): Promise<number | undefined> {
    const { clock, entropy } = this.#broker.parts;
    const { faults } = this.#broker;
    await this.#travel("up", payload.length);
    if (entropy.random() < faults.lineBreaks) {
      // Half of the time the broker had it already: the gateway cannot know.
      if (entropy.random() < 0.5) this.#reachNoc(leaf, payload);
      this.close({ reason: "line broke", brokerInitiated: false });
      return undefined;
    }
    const code = this.#broker.puback(leaf, payload);
    if (code === undefined) {
      await clock.sleep(30_000, never);
      this.close({ reason: "no PUBACK in time", brokerInitiated: false });
      return undefined;
    }
    if (code < 0x80) {
      this.#reachNoc(leaf, payload);
      if (entropy.random() < faults.duplicated) this.#reachNoc(leaf, payload);
    }
    await this.#travel("down");
    return code;
  }

  #reachNoc(leaf: UplinkLeaf, payload: Uint8Array): void {
    const { noc, clock, entropy, identify } = this.#broker.parts;
    const chunk = identify(payload);
    if (chunk === undefined || !this.#broker.nocListens || entropy.random() < this.#broker.faults.lostBehindBroker) return;
    noc.store(chunk.stream, chunk.seq, leaf, clock.monotonicMs());
    if (!this.#acking) void this.#acknowledgeSoon();
  }

  /** At most one ack per `commitMs`; coalesced, as the NOC does. */
  async #acknowledgeSoon(): Promise<void> {
    const { clock, entropy, noc } = this.#broker.parts;
    this.#acking = true;
    await clock.sleep(this.#broker.faults.commitMs, never);
    this.#acking = false;
    if (this.#broker.silentNoc || this.#end !== undefined) return;
    const ack = noc.acknowledgement();
    if (ack === undefined || entropy.random() < this.#broker.faults.lostAck) return;
    await this.#travel("down");
    this.deliver("ack", ack);
  }

  #travel(way: "up" | "down", bytes = 0): Promise<void> {
    const { clock, entropy } = this.#broker.parts;
    const { latencyMs, jitterMs, bytesPerS } = this.#broker.faults;
    const nowMs = clock.monotonicMs();
    if (bytesPerS > 0) this.#lineFreeAtMs = Math.max(this.#lineFreeAtMs, nowMs) + ((bytes + 100) / bytesPerS) * 1_000;
    const leavesAtMs = bytes > 0 ? Math.max(this.#lineFreeAtMs, nowMs) : nowMs;
    this.#arrivesAtMs[way] = Math.max(this.#arrivesAtMs[way], leavesAtMs + latencyMs + jitterMs * entropy.random());
    return clock.sleep(this.#arrivesAtMs[way] - nowMs, never);
  }
}

/** Parse functions for messages that `FakeSession.deliver` wrote. */
export const structuredMessages: NocMessages = {
  parseAck: (payload) => {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    if (typeof value !== "object" || value === null || !("streams" in value)) throw new GatewayError("codec.malformed");
    return value as NocAcknowledgement;
  },
  parseNocState: (payload) => {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    if (typeof value !== "object" || value === null || !("on" in value)) throw new GatewayError("codec.malformed");
    return { on: value.on === true };
  },
};

import assert from "node:assert/strict";
import type { IConnackPacket } from "mqtt";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { UplinkLeaf, UplinkLimits, UplinkSession } from "#ports/uplink.ts";
import { gatewayTopic, leafRules } from "../protocol/topics.ts";
import type { BrokerConnection, PublishOptions } from "./connection.ts";
import { maxPacketBytes, ownReceiveMaximum } from "./limits.ts";
import { statePayload } from "./presence.ts";
import { reasonName } from "./reason-codes.ts";

const goodbyeMs = 2_000;
/** The slowest line that is still a line, bytes per millisecond: what was sent ahead of a message adds to the time its PUBACK may take. */
const slowestBytesPerMs = 4;
/** Unsent bytes beyond which QoS 0 messages are refused: nothing else bounds them. */
const maxUnsentBytes = 1_048_576;

export interface SessionSettings {
  readonly tenant: string;
  readonly gateway: string;
  readonly clock: Clock;
  /** A PUBACK older than this, plus the time that the bytes need on a slow line, means that the connection is dead, whatever keep-alive says. */
  readonly pubackTimeoutMs: number;
}

interface InFlight {
  readonly bytes: number;
  /** When its PUBACK is overdue. */
  readonly dueAtMs: number;
  readonly settle: (error: unknown) => void;
}

/** The connection after CONNACK: publishes, watches PUBACKs, says goodbye. The caller keeps the window; exceeding it is a bug. */
export class MqttSession implements UplinkSession {
  readonly limits: UplinkLimits;
  readonly connection: number;
  readonly closed: UplinkSession["closed"];
  readonly #settings: SessionSettings;
  readonly #broker: BrokerConnection;
  readonly #retainAvailable: boolean;
  readonly #inFlight = new Set<InFlight>();
  readonly #over = new AbortController();
  #inFlightBytes = 0;
  #watching = false;
  #room: (() => void) | undefined;

  constructor(settings: SessionSettings, broker: BrokerConnection, connack: IConnackPacket, connection: number) {
    this.#settings = settings;
    this.#broker = broker;
    this.connection = connection;
    this.closed = broker.closed;
    this.limits = limitsOf(connack, settings);
    this.#retainAvailable = connack.properties?.retainAvailable !== false;
    void broker.closed.then(() => this.#ended());
  }

  publish(leaf: UplinkLeaf, payload: Uint8Array, options: NonNullable<Parameters<UplinkSession["publish"]>[2]> = {}): Promise<void> {
    if (this.#broker.ending !== undefined) return Promise.reject(this.#broker.lostError());
    if (payload.length > this.limits.maxPayloadBytes) {
      const fields = { leaf, bytes: payload.length, maxPayloadBytes: this.limits.maxPayloadBytes };
      return Promise.reject(new GatewayError("uplink.too-large", { fields }));
    }
    const rule = leafRules[leaf];
    const qos = options.qos ?? rule.qos;
    const contentType = options.contentType ?? contentTypeOf(leaf);
    const wire: PublishOptions = {
      qos,
      retain: (options.retain ?? rule.retain) && this.#retainAvailable,
      properties: {
        ...(contentType === undefined ? {} : { contentType }),
        ...(rule.expirySeconds === undefined ? {} : { messageExpiryInterval: rule.expirySeconds }),
      },
    };
    return qos === 0 ? this.#publishUnconfirmed(leaf, payload, wire) : this.#publishConfirmed(leaf, payload, wire, options.onUnmatched);
  }

  traffic(): { readonly bytesIn: number; readonly bytesOut: number } {
    return { bytesIn: this.#broker.stream.bytesIn, bytesOut: this.#broker.stream.bytesOut };
  }

  async end(why: "shutdown" | "reboot" | "update" | "drop"): Promise<void> {
    if (this.#broker.ending !== undefined) return;
    if (why === "drop") {
      this.#broker.fail("uplink.lost", { reason: "dropped" });
      return;
    }
    const { clock } = this.#settings;
    const late = clock.sleep(goodbyeMs, this.#over.signal).then(
      () => undefined,
      () => undefined,
    );
    // Without a confirmed `off` there is no DISCONNECT either: then the will must speak for us.
    await Promise.race([this.#sayGoodbye(why), late]);
    this.#broker.fail("uplink.lost", { reason: why });
  }

  async #sayGoodbye(why: string): Promise<void> {
    while (this.#inFlight.size >= this.limits.receiveMaximum && this.#broker.ending === undefined) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
    try {
      await this.publish("state", statePayload(this.#settings.clock, this.connection, { on: false, why }));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#broker.stream.once("finish", () => resolve());
      this.#broker.stream.once("close", () => resolve());
      this.#broker.goodbye();
    });
  }

  #publishUnconfirmed(leaf: UplinkLeaf, payload: Uint8Array, wire: PublishOptions): Promise<void> {
    if (this.#broker.stream.writableLength > maxUnsentBytes) {
      return Promise.reject(
        new GatewayError("uplink.rejected", { message: "the line is congested", fields: { leaf, reason: "congested" } }),
      );
    }
    this.#broker.publish(this.#topic(leaf), payload, wire, () => undefined);
    return Promise.resolve();
  }

  #publishConfirmed(leaf: UplinkLeaf, payload: Uint8Array, wire: PublishOptions, onUnmatched: (() => void) | undefined): Promise<void> {
    assert(this.#inFlight.size < this.limits.receiveMaximum, "more publications than the broker's Receive Maximum");
    return new Promise((resolve, reject) => {
      const { clock, pubackTimeoutMs } = this.#settings;
      const entry: InFlight = {
        bytes: payload.length,
        dueAtMs: clock.monotonicMs() + pubackTimeoutMs + (this.#inFlightBytes + payload.length) / slowestBytesPerMs,
        settle: (error) => {
          if (!this.#inFlight.delete(entry)) return;
          this.#inFlightBytes -= entry.bytes;
          if (error === undefined || error === null) resolve();
          else reject(error instanceof GatewayError ? error : rejectionOf(leaf, error));
          this.#room?.();
        },
      };
      this.#inFlight.add(entry);
      this.#inFlightBytes += entry.bytes;
      this.#broker.publish(this.#topic(leaf), payload, wire, (error, unmatched) => {
        if (unmatched) onUnmatched?.();
        entry.settle(error);
      });
      if (!this.#watching) void this.#watch();
    });
  }

  /** Ends the connection when the oldest PUBACK is overdue; runs only while something is in flight. */
  async #watch(): Promise<void> {
    const { clock } = this.#settings;
    this.#watching = true;
    while (this.#broker.ending === undefined) {
      const [oldest] = this.#inFlight;
      if (oldest === undefined) break;
      const dueInMs = oldest.dueAtMs - clock.monotonicMs();
      if (dueInMs <= 0) {
        this.#broker.fail("uplink.no-puback", { reason: "no PUBACK in time" });
        break;
      }
      try {
        await clock.sleep(dueInMs, this.#over.signal);
      } catch (reason) {
        if (!this.#over.signal.aborted) throw reason;
      }
    }
    this.#watching = false;
  }

  #ended(): void {
    this.#over.abort(new Error("connection closed"));
    const error = this.#broker.lostError();
    for (const entry of [...this.#inFlight]) entry.settle(error);
    this.#room?.();
  }

  #topic(leaf: UplinkLeaf): string {
    return gatewayTopic(this.#settings, leaf);
  }
}

function rejectionOf(leaf: UplinkLeaf, error: unknown): GatewayError {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (typeof code !== "number") return new GatewayError("uplink.lost", { message: "not published", fields: { leaf } });
  return new GatewayError("uplink.rejected", { message: reasonName(code), fields: { leaf, reasonCode: code, reason: reasonName(code) } });
}

/** Chunks identify themselves by their first bytes; properties would cost 68 bytes on each. */
function contentTypeOf(leaf: UplinkLeaf): string | undefined {
  switch (leaf) {
    case "tm":
    case "bf":
    case "ev":
    case "inv":
    case "sla":
    case "chk":
      return undefined;
    case "eds":
      return "application/octet-stream";
    case "log":
      return "text/plain";
    default:
      return "application/json";
  }
}

function limitsOf(connack: IConnackPacket, settings: SessionSettings): UplinkLimits {
  const announced = connack.properties?.receiveMaximum ?? 65_535;
  const packetBytes = Math.min(connack.properties?.maximumPacketSize ?? maxPacketBytes, maxPacketBytes);
  // Fixed header 5, topic 2 + n (the longest leaf has 5 letters), packet id 2, properties at most 64.
  const overheadBytes = 5 + 2 + gatewayTopic(settings, "hello").length + 2 + 64;
  return {
    receiveMaximum: Math.max(1, Math.min(ownReceiveMaximum, announced)),
    maxPayloadBytes: Math.max(0, packetBytes - overheadBytes),
  };
}

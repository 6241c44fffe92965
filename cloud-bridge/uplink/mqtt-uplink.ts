import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import type { InboundMessage, Uplink, UplinkSession } from "#ports/uplink.ts";
import { gatewaySubscriptions, gatewayTopic, nocStateTopic } from "../protocol/topics.ts";
import type { BrokerConnection } from "./connection.ts";
import { Inbound } from "./inbound.ts";
import { ConnectionCounter, statePayload, willPayload } from "./presence.ts";
import { MqttSession } from "./session.ts";
import { NameLookup, openSocket, parseBrokerUrl, type TlsSettings } from "./socket.ts";

export interface MqttUplinkOptions {
  /** `mqtt://host[:port]` or `mqtts://host[:port]` (TLS 1.3). */
  readonly url: string;
  readonly tenant: string;
  /** Also the MQTT client id. */
  readonly gateway: string;
  /** A function is asked anew at each attempt: a renewed certificate serves from the next connection on. */
  readonly tls?: TlsSettings | (() => TlsSettings);
  /** Default: the gateway's id, which brokers bind the client id to. */
  readonly username?: string;
  readonly password?: string;
  /** Seconds; 60 by default, up to 240 on metered lines. The broker's own wish wins. */
  readonly keepAliveS?: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps the connection counter. */
  readonly state: State;
  /** Why this process runs: goes into the first `state` of the process; later ones say `connect`. */
  readonly startedBecause?: "connect" | "reboot" | "update";
  /** Milliseconds without PUBACK before the connection is replaced; 30 s by default. */
  readonly pubackTimeoutMs?: number;
  /** Milliseconds to CONNACK; 20 s by default. Twice as long to the end of the attempt. */
  readonly connectTimeoutMs?: number;
  readonly names?: NameLookup;
}

/** The gateway's end of the bridge over MQTT 5. @throws GatewayError config.invalid for a URL that is none */
export function createMqttUplink(options: MqttUplinkOptions): Uplink {
  const attempts = new MqttAttempts(options);
  return { connect: (onMessage, signal) => attempts.connect(onMessage, signal) };
}

class MqttAttempts {
  readonly #options: MqttUplinkOptions;
  readonly #address: ReturnType<typeof parseBrokerUrl>;
  readonly #names: NameLookup;
  readonly #counter: ConnectionCounter;
  #established = 0;

  constructor(options: MqttUplinkOptions) {
    this.#options = options;
    this.#address = parseBrokerUrl(options.url);
    this.#counter = new ConnectionCounter(options.state);
    this.#names = options.names ?? new NameLookup();
    // Ids are checked here once rather than at the first attempt.
    gatewayTopic(options, "state");
  }

  get #connectTimeoutMs(): number {
    return this.#options.connectTimeoutMs ?? 20_000;
  }

  async connect(onMessage: (message: InboundMessage) => void | Promise<void>, signal: AbortSignal): Promise<UplinkSession> {
    signal.throwIfAborted();
    const { clock, tenant, gateway } = this.#options;
    const connection = this.#counter.next();
    // The library costs memory and start time, which a gateway without an uplink and the first poll need not wait for.
    const { BrokerConnection: Connection } = await import("./connection.ts");
    signal.throwIfAborted();
    const broker = this.#open(Connection, connection, onMessage);
    const settled = new AbortController();
    const abort = () => broker.fail("uplink.lost", { reason: "given up" });
    signal.addEventListener("abort", abort, { once: true });
    broker.guardAttempt(clock, 2 * this.#connectTimeoutMs, settled.signal);
    try {
      const connack = await broker.opened;
      if (connack.properties?.maximumQoS === 0) throw new GatewayError("uplink.refused", { fields: { reason: "the broker has no qos 1" } });
      await broker.subscribe(this.#subscriptions());
      const session = new MqttSession(
        { tenant, gateway, clock, pubackTimeoutMs: this.#options.pubackTimeoutMs ?? 30_000 },
        broker,
        connack,
        connection,
      );
      const why = this.#established === 0 ? (this.#options.startedBecause ?? "connect") : "connect";
      await session.publish("state", statePayload(clock, connection, { on: true, why }));
      this.#established += 1;
      return session;
    } catch (error) {
      broker.fail("uplink.lost", { reason: "attempt failed" });
      signal.throwIfAborted();
      throw error;
    } finally {
      settled.abort(new Error("attempt finished"));
      signal.removeEventListener("abort", abort);
    }
  }

  #open(
    Connection: typeof BrokerConnection,
    connection: number,
    onMessage: (message: InboundMessage) => void | Promise<void>,
  ): BrokerConnection {
    const { clock, logger, tenant, gateway, tls, password } = this.#options;
    const inbound = new Inbound({
      tenant,
      gateway,
      clock,
      logger,
      onMessage,
      onStalled: () => broker.fail("uplink.lost", { reason: "messages of the noc cannot be staged" }),
    });
    const broker: BrokerConnection = new Connection(
      {
        clientId: gateway,
        username: this.#options.username ?? gateway,
        ...(password === undefined ? {} : { password }),
        keepAliveS: this.#options.keepAliveS ?? 60,
        will: { topic: gatewayTopic({ tenant, gateway }, "state"), payload: willPayload(connection, clock.now().bootId) },
        secure: this.#address.secure,
        connectTimeoutMs: this.#connectTimeoutMs,
      },
      openSocket(this.#address, typeof tls === "function" ? tls() : tls, this.#names),
      inbound,
    );
    return broker;
  }

  /** A fresh process asks for the retained NOC state even if the broker kept the session; afterwards a resumed session brings what changed. */
  #subscriptions(): ReturnType<typeof gatewaySubscriptions> {
    const { tenant } = this.#options;
    const all = gatewaySubscriptions(this.#options);
    if (this.#established > 0) return all;
    const nocState = nocStateTopic(tenant);
    return all.map((entry) => (entry.filter === nocState ? { ...entry, retainHandling: 0 as const } : entry));
  }
}

import { Socket } from "node:net";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { UplinkLeaf } from "#ports/uplink.ts";
import { formatNocState } from "../../protocol/messages/presence.ts";
import { gatewayTopic, leafFilter, leafRules, nocStateTopic, parseTopic, sharedFilter } from "../../protocol/topics.ts";
import type { Delivery } from "./delivery.ts";
import type { IngestLimits } from "./limits.ts";

export interface BrokerLinkOptions {
  readonly brokerUrl: string;
  /** Tenants served; empty = all. */
  readonly tenants: readonly string[];
  readonly limits: IngestLimits;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** User, password, CA, client certificate; as mqtt.js takes them. */
  readonly credentials?: Pick<IClientOptions, "username" | "password" | "ca" | "cert" | "key" | "servername">;
  /** False = no room; the broker breaks its Receive Maximum. */
  readonly onDelivery: (delivery: Delivery) => boolean;
  readonly onConnection?: (connected: boolean) => void;
}

/** Leaves that carry work to be shared between workers, and leaves whose retained copies every worker must see. */
const sharedLeaves: readonly UplinkLeaf[] = ["tm", "bf", "ev", "chk", "inv", "sla"];
const retainedLeaves: readonly UplinkLeaf[] = ["state", "hello", "rep"];

const connectTimeoutMs = 20_000;
const firstRetryMs = 500;
/** One client, no crowd: while this end is away no gateway can prove a change, and goes back (authority.confirmWindowMs). */
const maxRetryMs = 3_000;
/** A connection that lasted this long was a good one: the next attempt starts without delay history. */
const stableMs = 60_000;
const ackExpirySeconds = leafRules.ack.expirySeconds ?? 60;

/**
 * The NOC's MQTT connection: one client object per attempt, no reconnection and no queue of the library's own. Incoming QoS 1 messages are
 * not PUBACKed by the library but by `Delivery.puback`, after the commit.
 */
export class BrokerLink {
  readonly #options: BrokerLinkOptions;
  #client: MqttClient | undefined;
  #failures = 0;

  constructor(options: BrokerLinkOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#client?.connected === true;
  }

  /** QoS 0, within its expiry; false = no connection. */
  sendAck(tenant: string, gateway: string, payload: Uint8Array): boolean {
    const client = this.#client;
    if (client?.connected !== true) return false;
    const properties = { messageExpiryInterval: ackExpirySeconds, contentType: "application/json" };
    client.publish(gatewayTopic({ tenant, gateway }, "ack"), Buffer.from(payload), { qos: 0, properties }, ignoreOutcome);
    return true;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, entropy, logger } = this.#options;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const end = await this.#attempt(signal);
      if (signal.aborted) return;
      if (clock.monotonicMs() - startedMs > stableMs) this.#failures = 0;
      if (this.#failures === 0) logger.warn({ reason: end }, "no connection to the broker, trying again");
      const delayMs = entropy.random() * Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 20));
      this.#failures += 1;
      await clock.sleep(delayMs, signal);
    }
  }

  /** One client from connect to close; resolves with the reason in words. */
  async #attempt(signal: AbortSignal): Promise<string> {
    const client = mqtt.connect(this.#options.brokerUrl, this.#clientOptions());
    // Nagle would hold back all but the first PUBACK of a batch until the broker's delayed TCP acknowledgement, 40 ms later.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    let reason = "closed";
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    client.on("error", (error) => {
      reason = error.message;
      // A parser error leaves the library "connected" to a stream it no longer reads.
      client.stream.destroy();
    });
    const abort = () => this.#leave(client);
    signal.addEventListener("abort", abort, { once: true });
    try {
      this.#receive(client);
      client.on("connect", (connack) => {
        this.#arrive(client, connack.properties?.sharedSubscriptionAvailable !== false).catch((error: unknown) => {
          reason = error instanceof Error ? error.message : "subscribe failed";
          client.stream.destroy();
        });
      });
      await closed;
      return reason;
    } finally {
      signal.removeEventListener("abort", abort);
      if (this.#client === client) {
        this.#client = undefined;
        this.#options.onConnection?.(false);
      }
      client.end(true);
    }
  }

  #clientOptions(): IClientOptions {
    const { limits, entropy, credentials } = this.#options;
    return {
      ...credentials,
      protocolVersion: 5,
      clientId: `gatehouse-noc-${Buffer.from(entropy.bytes(6)).toString("hex")}`,
      clean: true,
      keepalive: 30,
      connectTimeout: connectTimeoutMs,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      properties: {
        sessionExpiryInterval: 0,
        receiveMaximum: limits.receiveMaximum,
        maximumPacketSize: limits.maxMessageBytes + 1_024,
        topicAliasMaximum: 0,
      },
    };
  }

  async #arrive(client: MqttClient, sharedAvailable: boolean): Promise<void> {
    const { tenants, logger } = this.#options;
    const scopes = tenants.length === 0 ? [undefined] : tenants;
    const plain = (leaves: readonly UplinkLeaf[]) => scopes.flatMap((tenant) => leaves.map((leaf) => leafFilter(leaf, tenant)));
    const work = plain(sharedLeaves);
    // Work first: retained hellos make the NOC answer, and gateways then send.
    await subscribe(client, sharedAvailable ? work.map((filter) => sharedFilter("ing", filter)) : work);
    await subscribe(client, plain(retainedLeaves));
    this.#client = client;
    logger.info({ sharedSubscriptions: sharedAvailable }, "connected to the broker");
    this.#options.onConnection?.(true);
    this.#announce(client, true);
  }

  #announce(client: MqttClient, on: boolean): void {
    const at = Math.round(this.#options.clock.now().wallMs);
    const accept = ["tcc+cbor;zstd", "tcc+cbor;gzip", "tcc+json"];
    const state = formatNocState({ v: 1, on, at, accept, proto: { min: 1, max: 1 }, ack: "app", max_chunk: 98_304, kf_min: 60 });
    for (const tenant of this.#options.tenants) {
      client.publish(nocStateTopic(tenant), Buffer.from(state), { qos: 1, retain: true }, ignoreOutcome);
    }
  }

  /** Says goodbye: telemetry is better kept at the gateways than queued at the broker while nobody reads. */
  #leave(client: MqttClient): void {
    if (!client.connected) {
      client.end(true);
      client.stream.destroy();
      return;
    }
    this.#announce(client, false);
    client.end(false);
    this.#options.clock.sleep(1_000, new AbortController().signal).then(() => client.stream.destroy(), ignoreOutcome);
  }

  #receive(client: MqttClient): void {
    client.handleMessage = (packet, done) => {
      const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
      const topic = parseTopic(packet.topic);
      const puback = () => {
        if (packet.qos === 1 && client.connected) sendPuback(client, packet.messageId);
      };
      if (topic?.kind !== "gateway" || leafRules[topic.leaf].direction !== "up" || !this.#serves(topic.tenant)) puback();
      else {
        // Checked by `direction`: every leaf that goes up is an UplinkLeaf.
        const leaf = topic.leaf as UplinkLeaf;
        const delivery: Delivery = { tenant: topic.tenant, gateway: topic.gateway, leaf, payload, retained: packet.retain, puback };
        if (!this.#options.onDelivery(delivery)) client.stream.destroy();
      }
      // An error makes the library skip its own PUBACK and read on (tested by noc-ingest.test.ts); QoS 0 has none.
      done(packet.qos === 1 ? new Error("deferred") : undefined);
    };
  }

  #serves(tenant: string): boolean {
    const { tenants } = this.#options;
    return tenants.length === 0 || tenants.includes(tenant);
  }
}

function ignoreOutcome(): void {
  // Acks and presence repeat themselves; a connection that is gone is noticed by its close.
}

/** mqtt.js keeps this private; the version is pinned, and the integration test fails when it changes its meaning. */
function sendPuback(client: MqttClient, messageId: number | undefined): void {
  const border = client as unknown as { _sendPacket(packet: { cmd: "puback"; messageId: number | undefined; reasonCode: number }): void };
  border._sendPacket({ cmd: "puback", messageId, reasonCode: 0 });
}

async function subscribe(client: MqttClient, filters: readonly string[]): Promise<void> {
  const granted = await client.subscribeAsync([...filters], { qos: 1 });
  const refused = granted.filter((grant) => grant.qos === 128);
  if (granted.length < filters.length || refused.length > 0) {
    throw new GatewayError("uplink.refused", {
      message: "the broker refused a subscription",
      fields: { filters: filters.length, granted: granted.length },
    });
  }
}

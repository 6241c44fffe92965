import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import { gatewayTopic, type Leaf, leafFilter, leafRules, parseTopic } from "../../protocol/topics.ts";

export interface AuthorityLineOptions {
  readonly brokerUrl: string;
  /** Tenants served; empty = all. */
  readonly tenants: readonly string[];
  /** Of the role that orders: at the broker it is another one than ingest's, which may not write `des` and `cmd`. */
  readonly credentials?: Pick<IClientOptions, "username" | "password" | "ca" | "cert" | "key" | "servername">;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** Must not throw; what it stores is stored when it returns, and only then the message is PUBACKed. */
  readonly onMessage: (message: {
    readonly tenant: string;
    readonly gateway: string;
    readonly leaf: Leaf;
    readonly payload: Uint8Array;
    readonly retained: boolean;
  }) => void;
  readonly onConnected: () => void;
}

const readLeaves: readonly Leaf[] = ["hello", "state", "rep", "rsp", "blobq"];
const contentTypes = {
  des: "application/jose",
  cmd: "application/jose",
  blob: "application/cbor",
  edq: "application/octet-stream",
} as const;
/** One client, no crowd: while this end is away no gateway can prove a change, and goes back (authority.confirmWindowMs). */
const maxRetryMs = 3_000;
const firstRetryMs = 500;
const stableMs = 60_000;
/** Publications that may wait for their PUBACK; beyond it they are refused and come again with the next round. */
const maxInFlight = 512;

/** The line over which the NOC orders: a client of its own, so that ingest needs no right to write and this one none to read telemetry. */
export class AuthorityLine {
  readonly #options: AuthorityLineOptions;
  #client: MqttClient | undefined;
  #inFlight = 0;
  #failures = 0;

  constructor(options: AuthorityLineOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#client?.connected === true;
  }

  /** False = there is no line, or too much is on its way: come again. The outcome shows in what the gateway reports. */
  publish(
    address: { readonly tenant: string; readonly gateway: string },
    leaf: "des" | "cmd" | "blob" | "edq",
    payload: Uint8Array | string,
    expirySeconds?: number,
  ): boolean {
    const client = this.#client;
    if (client?.connected !== true || this.#inFlight >= maxInFlight) return false;
    const rule = leafRules[leaf];
    const expiry = expirySeconds ?? rule.expirySeconds;
    const contentType = contentTypes[leaf];
    this.#inFlight += 1;
    client.publish(
      gatewayTopic(address, leaf),
      Buffer.from(payload),
      { qos: 1, retain: rule.retain, properties: { contentType, ...(expiry === undefined ? {} : { messageExpiryInterval: expiry }) } },
      () => {
        this.#inFlight = Math.max(0, this.#inFlight - 1);
      },
    );
    return true;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, entropy, logger } = this.#options;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const reason = await this.#attempt(signal);
      if (signal.aborted) return;
      if (clock.monotonicMs() - startedMs > stableMs) this.#failures = 0;
      if (this.#failures === 0) logger.warn({ reason }, "no line for orders to the broker, trying again");
      const delayMs = entropy.random() * Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 20));
      this.#failures += 1;
      await clock.sleep(delayMs, signal);
    }
  }

  async #attempt(signal: AbortSignal): Promise<string> {
    const client = mqtt.connect(this.#options.brokerUrl, this.#clientOptions());
    let reason = "closed";
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    client.on("error", (error) => {
      reason = error.message;
      client.stream.destroy();
    });
    const abort = () => {
      client.end(true);
      client.stream.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    client.handleMessage = (packet, done) => {
      const topic = parseTopic(packet.topic);
      const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
      if (topic?.kind === "gateway")
        this.#options.onMessage({ tenant: topic.tenant, gateway: topic.gateway, leaf: topic.leaf, payload, retained: packet.retain });
      done();
    };
    client.on("connect", () => {
      this.#arrive(client).catch((error: unknown) => {
        reason = error instanceof Error ? error.message : "subscribe failed";
        client.stream.destroy();
      });
    });
    try {
      await closed;
      return reason;
    } finally {
      signal.removeEventListener("abort", abort);
      if (this.#client === client) this.#client = undefined;
      client.end(true);
    }
  }

  #clientOptions(): IClientOptions {
    const { entropy, credentials } = this.#options;
    return {
      ...credentials,
      protocolVersion: 5,
      clientId: `gatehouse-authority-${Buffer.from(entropy.bytes(6)).toString("hex")}`,
      clean: true,
      keepalive: 30,
      connectTimeout: 20_000,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      properties: { sessionExpiryInterval: 0, receiveMaximum: 128, maximumPacketSize: 262_144, topicAliasMaximum: 0 },
    };
  }

  async #arrive(client: MqttClient): Promise<void> {
    const { tenants, onConnected, logger } = this.#options;
    const scopes = tenants.length === 0 ? [undefined] : tenants;
    this.#client = client;
    this.#inFlight = 0;
    await client.subscribeAsync(
      scopes.flatMap((tenant) => readLeaves.map((leaf) => leafFilter(leaf, tenant))),
      { qos: 1 },
    );
    onConnected();
    try {
      await client.subscribeAsync(
        scopes.map((tenant) => leafFilter("eds", tenant)),
        { qos: 1 },
      );
    } catch (error) {
      // A broker whose rules are older than the remote editor: everything else works all the same.
      logger.warn(
        { error: error instanceof Error ? error.message : "unknown" },
        "the broker does not let this role read eds: no remote editors",
      );
    }
  }
}

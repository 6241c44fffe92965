import type { SnmpCredential } from "#model/equipment.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Event } from "#model/observation.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Unit } from "#ports/unit.ts";
import { type Datagram, DatagramPort, type ReceiverCounters, type ReceiverOptions } from "./datagram-port.ts";
import { decodeCommunityMessage, type Notification, openMessage, respondInPlace } from "./notification.ts";
import { TrapDefinitions } from "./trap-definitions.ts";
import { type Origin, trapEvent } from "./trap-event.ts";
import { UsmReceiver } from "./usm.ts";
import { NotificationUser } from "./usm-keys.ts";

export interface TrapReceiverOptions extends ReceiverOptions {
  readonly entropy: Entropy;
  /** Communities that are accepted; absent = any, since a community is no protection against a forged source anyway. */
  readonly communities?: readonly string[];
  /** Users of v3; entries of other versions are ignored. A user that cannot be had is logged and left out. */
  readonly credentials?: readonly SnmpCredential[];
  /** Identifies this gateway's engine to senders of informs, 5 to 32 octets; must not change. */
  readonly engineId: Uint8Array;
  /**
   * snmpEngineBoots: must grow with each start. Absent = minutes since 2020 at the start, which grows as long as the clock does not go
   * back; a persistent counter is better.
   */
  readonly engineBoots?: number;
  readonly definitions?: TrapDefinitions;
}

/** Retransmitted informs are answered again and not reported again: remembered this long, and this many. */
const informMemoryMs = 60_000;
const maxRememberedInforms = 1_024;
const year2020Ms = 1_577_836_800_000;

/** Receives traps and informs of SNMPv1, v2c and v3, and makes events of them. */
export class TrapReceiver implements Unit {
  readonly name = "traps";
  /** Resolves with the port once it is bound. */
  readonly listening: Promise<number>;
  readonly definitions: TrapDefinitions;
  readonly #options: TrapReceiverOptions;
  readonly #port: DatagramPort;
  readonly #usm: UsmReceiver;
  readonly #communities: ReadonlySet<string> | undefined;
  readonly #informs = new Map<string, number>();
  #announce: (port: number) => void = () => undefined;

  constructor(options: TrapReceiverOptions) {
    this.#options = options;
    this.definitions = options.definitions ?? new TrapDefinitions();
    this.#communities = options.communities === undefined ? undefined : new Set(options.communities);
    this.#usm = this.#createUsm();
    this.#port = new DatagramPort("trap", options, (datagram) => this.handle(datagram));
    this.listening = new Promise((resolve) => {
      this.#announce = resolve;
    });
  }

  get counters(): ReceiverCounters {
    return this.#port.counters;
  }

  /** @throws GatewayError host.port-in-use | host.denied */
  async run(signal: AbortSignal): Promise<void> {
    await this.#port.serve(signal, (port) => {
      this.#options.logger.info({ port, definitions: this.definitions.size }, "listening for traps");
      this.#announce(port);
    });
  }

  /** One datagram, without a socket: for fuzzing and replay. @throws GatewayError driver.bad-answer */
  handle(datagram: Datagram): { readonly event?: Event; readonly refused?: string } {
    const { version, body } = openMessage(datagram.bytes);
    if (version === "3") return this.#handleV3(datagram, body);
    const { community, notification, pduOffset } = decodeCommunityMessage(body, version);
    if (this.#communities !== undefined && !this.#communities.has(community)) return { refused: "community" };
    if (notification.confirmed) {
      datagram.reply(respondInPlace(datagram.bytes, pduOffset));
      if (this.#isRepeated(datagram, notification)) return {};
    }
    return { event: this.#event(datagram, notification) };
  }

  #handleV3(datagram: Datagram, body: Parameters<UsmReceiver["receive"]>[1]): { readonly event?: Event; readonly refused?: string } {
    const { reply, refused, notification, user, engineId } = this.#usm.receive(datagram.bytes, body);
    if (reply !== undefined) datagram.reply(reply);
    // Discovery is how an inform begins, not a refusal.
    if (notification === undefined) return refused === undefined || refused === "unknownEngineIds" ? {} : { refused };
    if (notification.confirmed && this.#isRepeated(datagram, notification)) return {};
    const secured = { ...(user === undefined ? {} : { user }), ...(engineId === undefined ? {} : { engineId }) };
    return { event: this.#event(datagram, notification, secured) };
  }

  #event(datagram: Datagram, notification: Notification, secured?: { readonly user?: string; readonly engineId?: string }): Event {
    const relayedFor =
      datagram.equipment === undefined && notification.agentAddress !== undefined
        ? this.#options.lookup(notification.agentAddress, 161)
        : undefined;
    const origin: Origin = {
      address: datagram.address,
      port: datagram.port,
      equipment: datagram.equipment ?? relayedFor,
      relayed: relayedFor !== undefined,
    };
    return trapEvent(notification, this.definitions, origin, this.#options.clock.now(), secured);
  }

  #isRepeated({ address, port }: Datagram, { requestId, trapOid }: Notification): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const key = `${address}|${port}|${requestId}|${trapOid}`;
    const seenAtMs = this.#informs.get(key);
    this.#informs.delete(key);
    if (this.#informs.size >= maxRememberedInforms) {
      const [oldest] = this.#informs.keys();
      if (oldest !== undefined) this.#informs.delete(oldest);
    }
    this.#informs.set(key, nowMs);
    return seenAtMs !== undefined && nowMs - seenAtMs < informMemoryMs;
  }

  #createUsm(): UsmReceiver {
    const { clock, credentials = [], engineId, entropy, logger } = this.#options;
    const users: NotificationUser[] = [];
    for (const credential of credentials) {
      if (credential.version !== "3") continue;
      try {
        users.push(new NotificationUser(credential));
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        logger.warn({ user: credential.user, reason: error.message }, "traps of this user cannot be received");
      }
    }
    const startS = clock.monotonicMs() / 1_000;
    const nowS = () => clock.monotonicMs() / 1_000;
    const boots = this.#options.engineBoots ?? Math.max(1, Math.floor((clock.now().wallMs - year2020Ms) / 60_000));
    const engine = { id: engineId, boots, timeS: () => Math.floor(nowS() - startS) };
    return new UsmReceiver(engine, users, nowS, Buffer.from(entropy.bytes(8)).readBigUInt64BE());
  }
}

import { type IClientOptions, type IConnackPacket, type ISubscriptionMap, MqttClient, type Packet } from "mqtt";
import { type ErrorCode, GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { SessionEnd } from "#ports/uplink.ts";
import type { Subscription } from "../protocol/topics.ts";
import { type GuardedSocket, GuardedStream, isGateFault } from "./guarded-stream.ts";
import type { Inbound } from "./inbound.ts";
import { maxPacketBytes, ownReceiveMaximum } from "./limits.ts";
import { createNoStore } from "./no-store.ts";
import { noMatchingSubscribers, readPuback } from "./puback.ts";
import { reasonName } from "./reason-codes.ts";
import { socketErrorCode } from "./socket.ts";

const sessionExpiryS = 900;
const willDelayS = 60;
const presenceExpiryS = 90 * 86_400;

export interface ConnectionSettings {
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly keepAliveS: number;
  readonly will: { readonly topic: string; readonly payload: Uint8Array };
  readonly secure: boolean;
  readonly connectTimeoutMs: number;
}

interface Ending extends SessionEnd {
  readonly code: ErrorCode;
}

/**
 * One mqtt.js client over one socket, from CONNECT to close, and the only file that knows the library. It never reconnects, keeps no
 * store, and treats every complaint of the library as the end: 5.16 goes on using a socket after a parser error.
 */
export class BrokerConnection {
  /** Resolves with the CONNACK. @throws GatewayError uplink.* */
  readonly opened: Promise<IConnackPacket>;
  readonly closed: Promise<SessionEnd>;
  readonly stream: GuardedStream;
  readonly #client: MqttClient;
  readonly #inbound: Inbound;
  readonly #secure: boolean;
  #ending: Ending | undefined;
  #settleOpened: { resolve(packet: IConnackPacket): void; reject(error: unknown): void };
  #settleClosed: (end: SessionEnd) => void;
  #refusedWith: number | undefined;
  #isOpen = false;
  /** Of the PUBACK that the library handles at this moment. */
  #pubackCode = 0;
  #abandon: ((error: GatewayError) => void) | undefined;

  constructor(settings: ConnectionSettings, guarded: GuardedSocket, inbound: Inbound) {
    const opened = Promise.withResolvers<IConnackPacket>();
    const closed = Promise.withResolvers<SessionEnd>();
    opened.promise.catch(() => undefined);
    this.opened = opened.promise;
    this.closed = closed.promise;
    this.#settleOpened = opened;
    this.#settleClosed = closed.resolve;
    this.#inbound = inbound;
    this.#secure = settings.secure;
    this.stream = new GuardedStream(guarded, maxPacketBytes, (packet) => this.#inspect(packet));
    this.stream.on("error", (error: NodeJS.ErrnoException) => this.#socketFailed(error));
    this.#client = new MqttClient(() => this.stream, clientOptions(settings));
    this.#client.handleMessage = (packet, done) => {
      this.#inbound
        .take(packet)
        .then((staged) => done(staged ? undefined : new Error("not staged")))
        // The library answers in `done`, and throws on a packet id that its own parser let through.
        .catch(() => this.fail("uplink.lost", { reason: "broker sent what cannot be answered" }));
    };
    this.#client.on("connect", (packet) => {
      this.#isOpen = true;
      this.#settleOpened.resolve(packet);
    });
    this.#client.on("packetreceive", (packet) => this.#received(packet));
    this.#client.on("error", (error) => this.#libraryFailed(error));
    this.#client.on("close", () => this.fail("uplink.lost", { reason: "connection closed by the peer", byPeer: true }));
  }

  get ending(): SessionEnd | undefined {
    return this.#ending;
  }

  /** What a call on a closed connection gets. */
  lostError(): GatewayError {
    const ending = this.#ending;
    const code = ending?.code ?? "uplink.lost";
    return new GatewayError(code, {
      message: ending?.reason ?? "connection closed",
      fields: { reason: ending?.reason, reasonCode: ending?.reasonCode, brokerInitiated: ending?.brokerInitiated },
    });
  }

  /** Ends the connection at once; the first reason given is the one that counts. */
  fail(code: ErrorCode, end: Omit<SessionEnd, "brokerInitiated"> & { readonly brokerInitiated?: boolean }): void {
    if (this.#ending !== undefined) return;
    this.#ending = { code: this.#effectiveCode(code), brokerInitiated: false, ...end };
    this.#inbound.stop();
    this.stream.destroy();
    this.#client.end(true);
    const error = this.lostError();
    this.#settleOpened.reject(error);
    this.#abandon?.(error);
    const { code: _, ...sessionEnd } = this.#ending;
    this.#settleClosed(sessionEnd);
  }

  /** Callers of an open session know only `lost` and `no-puback`; before CONNACK a lost connection is a broker out of reach. */
  #effectiveCode(code: ErrorCode): ErrorCode {
    if (this.#isOpen) return code === "uplink.no-puback" ? code : "uplink.lost";
    return code === "uplink.lost" ? "uplink.unreachable" : code;
  }

  /** Gives up when CONNACK, SUBACK and the PUBACK of `state` are not there in time. */
  guardAttempt(clock: Clock, timeoutMs: number, signal: AbortSignal): void {
    clock.sleep(timeoutMs, signal).then(
      () => this.fail("uplink.unreachable", { reason: "no answer in time" }),
      () => undefined,
    );
  }

  /** One SUBSCRIBE for all; every reason code is checked. @throws GatewayError uplink.refused | uplink.* */
  subscribe(subscriptions: readonly Subscription[]): Promise<void> {
    // Between CONNACK and here the connection may have ended; the library would queue the packet for a reconnection that never comes.
    if (this.#ending !== undefined) return Promise.reject(this.lostError());
    const map: ISubscriptionMap = {};
    for (const { filter, qos, retainHandling } of subscriptions) map[filter] = { qos, rh: retainHandling };
    return new Promise((resolve, reject) => {
      this.#abandon = reject;
      this.#client.subscribe(map, (_error, _granted, packet) => {
        const granted = (packet?.granted ?? []).map(Number);
        const refused = granted.find((code) => !(code < 0x80));
        if (granted.length === subscriptions.length && refused === undefined) resolve();
        else if (this.#ending !== undefined) reject(this.lostError());
        else reject(subscriptionRefused(refused));
      });
    });
  }

  /** `done` gets the PUBACK's verdict; after the connection's end it is never called. */
  publish(topic: string, payload: Uint8Array, options: PublishOptions, done: (error: unknown, unmatched: boolean) => void): void {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const { qos, retain, properties } = options;
    this.#client.publish(topic, bytes, { qos, retain, properties }, (error) => {
      const code = this.#pubackCode;
      if (error === null || error === undefined) done(undefined, code === noMatchingSubscribers);
      else done(code < 0x80 ? error : Object.assign(error, { code }), false);
    });
  }

  /** DISCONNECT 0x00 (section 3.14), which discards the will, and a close that flushes it. The library's `end` would wait for every PUBACK. */
  goodbye(): void {
    if (this.#ending === undefined) this.stream.write(Uint8Array.of(0xe0, 0x00));
    this.stream.end();
  }

  #inspect(packet: Buffer): Buffer {
    const puback = readPuback(packet);
    this.#pubackCode = puback?.reasonCode ?? 0;
    return puback?.packet ?? packet;
  }

  #received(packet: Packet): void {
    if (packet.cmd === "connack" && packet.reasonCode !== undefined && packet.reasonCode !== 0) this.#refusedWith = packet.reasonCode;
    if (packet.cmd !== "disconnect") return;
    const reasonCode = packet.reasonCode ?? 0;
    this.fail("uplink.lost", { reason: `broker disconnected: ${reasonName(reasonCode)}`, reasonCode, brokerInitiated: true });
  }

  #socketFailed(error: NodeJS.ErrnoException): void {
    const code = typeof error.code === "string" ? error.code : undefined;
    if (isGateFault(code)) this.fail("uplink.lost", { reason: `broker sent what it must not: ${code}` });
    else
      this.fail(socketErrorCode(code, this.#secure), {
        reason: code ?? "socket error",
        ...(code === "ECONNRESET" ? { byPeer: true } : {}),
      });
  }

  #libraryFailed(error: Error & { readonly code?: unknown }): void {
    if (this.#refusedWith !== undefined) {
      this.fail("uplink.refused", { reason: reasonName(this.#refusedWith), reasonCode: this.#refusedWith });
    } else if (typeof error.code === "string") {
      this.#socketFailed(error as NodeJS.ErrnoException);
    } else {
      // The library's own sentences (keep-alive, timeout, protocol errors) name no secret; they are cut short all the same.
      this.fail("uplink.lost", { reason: error.message.slice(0, 120) });
    }
  }
}

export interface PublishOptions {
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly properties: { readonly contentType?: string; readonly messageExpiryInterval?: number };
}

function subscriptionRefused(reasonCode: number | undefined): GatewayError {
  const reason = reasonCode === undefined ? "subscription not confirmed" : `subscription refused: ${reasonName(reasonCode)}`;
  return new GatewayError("uplink.refused", { message: reason, fields: { reason, reasonCode } });
}

function clientOptions(settings: ConnectionSettings): IClientOptions {
  return {
    protocolVersion: 5,
    clientId: settings.clientId,
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    clean: false,
    keepalive: settings.keepAliveS,
    connectTimeout: settings.connectTimeoutMs,
    reconnectPeriod: 0,
    queueQoSZero: false,
    resubscribe: false,
    reschedulePings: true,
    // The number cache costs megabytes and saves nothing at our rates.
    writeCache: false,
    outgoingStore: createNoStore(),
    incomingStore: createNoStore(),
    // No subscription of ours is QoS 2; a broker that sends it gets an error, and the connection ends.
    customHandleAcks: (_topic, _message, packet: { readonly qos: number }, done) =>
      packet.qos === 2 ? done(new Error("qos 2 was not subscribed")) : done(0),
    properties: {
      sessionExpiryInterval: sessionExpiryS,
      receiveMaximum: ownReceiveMaximum,
      maximumPacketSize: maxPacketBytes,
      topicAliasMaximum: 0,
      requestProblemInformation: true,
    },
    will: {
      topic: settings.will.topic,
      payload: Buffer.from(settings.will.payload),
      qos: 1,
      retain: true,
      properties: { willDelayInterval: willDelayS, contentType: "application/json", messageExpiryInterval: presenceExpiryS },
    },
  };
}

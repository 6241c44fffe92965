import type { RemoteInfo } from "node:dgram";
import { DgramAsPromised, type SocketAsPromised } from "dgram-as-promised";
import { type EquipmentId, isEquipmentId } from "#model/equipment.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Event } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { Logger } from "#ports/logger.ts";
import { allowedSources, type SourceCheck } from "./allowed-sources.ts";
import { defaultStormLimits, StormGuard, type StormLimits } from "./storm-guard.ts";

/** Bursts wait here while the loop is busy; beyond it the kernel drops. */
const receiveBufferBytes = 1_048_576;
const reportTickMs = 1_000;

/** Which equipment sends from there; `port` tells apart what shares an address (a site of simulated devices). */
export type SourceLookup = (address: string, port: number) => EquipmentId | undefined;

/** What both receivers are given. */
export interface ReceiverOptions {
  /** 0.0.0.0 and :: mean all. */
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sink: EventSink;
  readonly lookup: SourceLookup;
  readonly limits?: StormLimits;
  /** Addresses and networks that are listened to; absent = all. Others are counted as refused, before anything is decoded. */
  readonly sources?: readonly string[];
}

export interface ReceiverCounters {
  readonly received: number;
  /** Held back by the storm limits, before decoding. */
  readonly suppressed: number;
  readonly malformed: number;
  /** Source is not allowed, or community, user, digest or level is wrong. */
  readonly refused: number;
  readonly events: number;
  readonly sendErrors: number;
}

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly address: string;
  readonly port: number;
  readonly equipment: EquipmentId | undefined;
  /** Sends back to where it came from; errors are counted. */
  readonly reply: (bytes: Uint8Array) => void;
}

/** What a receiver makes of a datagram: events, or why there are none. Throws only GatewayError driver.bad-answer. */
export type DatagramHandler = (datagram: Datagram) => { readonly event?: Event; readonly refused?: string };

/**
 * One UDP socket of a passive receiver: storm limits before anything is decoded, malformed input counted, every storm reported as one event.
 * Nothing that arrives can throw beyond it, and nothing it keeps grows with what arrives.
 */
export class DatagramPort {
  readonly #options: ReceiverOptions;
  readonly #kind: "trap" | "syslog";
  readonly #guard: StormGuard;
  readonly #handle: DatagramHandler;
  readonly #isAllowed: SourceCheck | undefined;
  #received = 0;
  #malformed = 0;
  #refused = 0;
  #events = 0;
  #sendErrors = 0;
  #refusing = false;

  constructor(kind: "trap" | "syslog", options: ReceiverOptions, handle: DatagramHandler) {
    this.#kind = kind;
    this.#options = options;
    this.#handle = handle;
    this.#guard = new StormGuard(options.limits ?? defaultStormLimits);
    this.#isAllowed = options.sources === undefined ? undefined : allowedSources(options.sources);
  }

  get counters(): ReceiverCounters {
    return {
      received: this.#received,
      suppressed: this.#guard.suppressed,
      malformed: this.#malformed,
      refused: this.#refused,
      events: this.#events,
      sendErrors: this.#sendErrors,
    };
  }

  /** Until the signal aborts. @throws GatewayError host.port-in-use | host.denied */
  async serve(signal: AbortSignal, onListening: (port: number) => void): Promise<void> {
    const { host, port, clock } = this.#options;
    const type = host.includes(":") ? "udp6" : "udp4";
    const socket = DgramAsPromised.createSocket({ type, recvBufferSize: receiveBufferBytes }, (bytes, remote) => {
      this.#take(socket, bytes, remote);
    });
    try {
      const bound = await bind(socket, host, port);
      onListening(bound);
      while (!signal.aborted) {
        await clock.sleep(reportTickMs, signal).catch((reason: unknown) => {
          if (!signal.aborted) throw reason;
        });
        this.reportStorms();
      }
    } finally {
      await close(socket);
    }
  }

  /** One event per source that was held back; called every second, by tests at will. */
  reportStorms(): void {
    const { clock, logger } = this.#options;
    for (const { source, count, fromMs, toMs } of this.#guard.due(clock.monotonicMs())) {
      const id = source.slice(equipmentMark.length);
      const equipment = source.startsWith(equipmentMark) && isEquipmentId(id) ? id : undefined;
      const address = equipment === undefined && source !== "*" ? source : undefined;
      const from = equipment ?? address ?? "several sources";
      logger.warn({ from, count, kind: this.#kind }, "storm of notifications held back");
      this.#offer({
        kind: "event",
        type: `${this.#kind}.storm`,
        ...(equipment === undefined ? {} : { equipment }),
        source: this.#kind,
        severity: "warning",
        text: `${count} ${this.#kind === "trap" ? "traps" : "syslog messages"} from ${from} held back`,
        observedAt: clock.now(),
        attributes: {
          ...(address === undefined ? {} : { sourceAddress: address }),
          sourceKnown: equipment !== undefined,
          suppressed: count,
          durationMs: Math.round(toMs - fromMs),
        },
      });
    }
  }

  #take(socket: SocketAsPromised, bytes: Uint8Array, remote: RemoteInfo): void {
    this.#received += 1;
    const address = plainAddress(remote.address);
    if (this.#isAllowed?.(address) === false) {
      this.#noteRefusal("source", address);
      return;
    }
    const equipment = this.#options.lookup(address, remote.port);
    // A bucket per equipment or address, never per port: a sender may change that with each datagram.
    const source = equipment === undefined ? address : `${equipmentMark}${equipment}`;
    if (!this.#guard.admits(source, equipment !== undefined, this.#options.clock.monotonicMs())) return;
    try {
      const reply = (answer: Uint8Array) => this.#reply(socket, answer, remote);
      const { event, refused } = this.#handle({ bytes, address, port: remote.port, equipment, reply });
      if (event !== undefined) this.#offer(event);
      this.#noteRefusal(refused, address);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#malformed += 1;
    }
  }

  #offer(event: Event): void {
    this.#events += 1;
    this.#options.sink.offer(event);
  }

  /** Logged on the first refusal after things were in order, not for each. */
  #noteRefusal(reason: string | undefined, address: string): void {
    if (reason === undefined) {
      this.#refusing = false;
      return;
    }
    this.#refused += 1;
    if (this.#refusing) return;
    this.#refusing = true;
    this.#options.logger.warn({ address, reason, kind: this.#kind }, "notification refused");
  }

  #reply(socket: SocketAsPromised, answer: Uint8Array, remote: RemoteInfo): void {
    socket.socket.send(answer, remote.port, remote.address, (error) => {
      if (error !== null) this.#sendErrors += 1;
    });
  }
}

/** Marks a bucket that belongs to an equipment; no address begins with it. */
const equipmentMark = "=";

/** `::ffff:10.0.0.1` and `fe80::1%eth0` as an administrator would write them. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? address.split("%")[0] ?? address;
}

async function bind(socket: SocketAsPromised, host: string, port: number): Promise<number> {
  try {
    return (await socket.bind({ port, address: host, exclusive: true })).port;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const help = code === "EACCES" && port < 1_024 ? "; ports below 1024 need CAP_NET_BIND_SERVICE or a redirection" : "";
    throw new GatewayError(code === "EADDRINUSE" ? "host.port-in-use" : "host.denied", {
      message: `cannot receive on UDP ${host}:${port}${help}`,
      cause: error,
      fields: { host, port },
    });
  }
}

async function close(socket: SocketAsPromised): Promise<void> {
  // A socket that could not be bound is closed all the same; closing twice cannot happen, since serve owns it.
  await socket.close();
}

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIP } from "node:net";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { type ResponderCounts, readHead, turnIntoReply } from "./packet.ts";

export const responderPort = 8442;

export interface ResponderOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Answers per second and source address; more is swallowed. */
  readonly packetsPerSecondPerSource: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called once it listens. */
  readonly onListening?: (at: { readonly address: string; readonly port: number }) => void;
}

const maxSources = 1_024;
const maxSessions = 1_024;
const idleMs = 60_000;
/** A check sends at most 1,000 packets. */
const maxSequence = 1_023;

interface Source {
  tokens: number;
  atMs: number;
}

interface Session {
  readonly seen: Uint8Array;
  received: number;
  duplicates: number;
  reordered: number;
  highest: number;
  atMs: number;
}

/**
 * Answers the datagrams of udp checks. Never an amplifier: one answer per question and never longer; a bounded rate per source address; whatever is
 * not of this protocol is swallowed. State is bounded: the longest idle source or session makes room.
 */
export class UdpResponder implements Unit {
  readonly name = "probe-responder";
  readonly #options: ResponderOptions;
  readonly #sources = new Map<string, Source>();
  readonly #sessions = new Map<string, Session>();
  #answered = 0;
  #swallowed = 0;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  get counters(): { readonly answered: number; readonly swallowed: number } {
    return { answered: this.#answered, swallowed: this.#swallowed };
  }

  /** @throws GatewayError host.port-in-use | host.denied */
  async run(signal: AbortSignal): Promise<void> {
    const { host, port, onListening, logger } = this.#options;
    const socket = createSocket({ type: isIP(host) === 6 ? "udp6" : "udp4", recvBufferSize: 1_048_576 });
    try {
      await bind(socket, host, port);
      const { address, port: bound } = socket.address();
      // ICMP errors about answers that nobody waits for any more.
      socket.on("error", (error) => logger.debug({ error: error.message }, "responder socket error"));
      socket.on("message", (packet, from) => this.#serve(socket, packet, from));
      onListening?.({ address, port: bound });
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      socket.close();
    }
  }

  #serve(socket: Socket, packet: Buffer, from: RemoteInfo): void {
    const nowMs = this.#options.clock.monotonicMs();
    const head = readHead(packet);
    if (
      head === undefined ||
      head.kind === "reply" ||
      head.kind === "summary" ||
      head.sequence > maxSequence ||
      !this.#mayAnswer(from.address, nowMs)
    ) {
      this.#swallowed += 1;
      return;
    }
    const session = this.#session(`${from.address} ${from.port} ${head.session}`, nowMs);
    if (head.kind === "probe") count(session, head.sequence);
    const counts: ResponderCounts = { received: session.received, duplicates: session.duplicates, reordered: session.reordered };
    turnIntoReply(packet, head.kind === "probe" ? "reply" : "summary", nowMs, counts);
    socket.send(packet, from.port, from.address);
    this.#answered += 1;
  }

  /** A bucket of one second's worth per source. */
  #mayAnswer(address: string, nowMs: number): boolean {
    const perSecond = this.#options.packetsPerSecondPerSource;
    const source = this.#sources.get(address) ?? { tokens: perSecond, atMs: nowMs };
    source.tokens = Math.min(perSecond, source.tokens + ((nowMs - source.atMs) / 1_000) * perSecond);
    source.atMs = nowMs;
    remember(this.#sources, address, source, maxSources);
    if (source.tokens < 1) return false;
    source.tokens -= 1;
    return true;
  }

  #session(key: string, nowMs: number): Session {
    const known = this.#sessions.get(key);
    const session =
      known !== undefined && nowMs - known.atMs < idleMs
        ? known
        : { seen: new Uint8Array((maxSequence + 1) / 8), received: 0, duplicates: 0, reordered: 0, highest: -1, atMs: nowMs };
    session.atMs = nowMs;
    remember(this.#sessions, key, session, maxSessions);
    return session;
  }
}

function count(session: Session, sequence: number): void {
  const byte = sequence >> 3;
  const bit = 1 << (sequence & 7);
  const before = session.seen[byte] ?? 0;
  if ((before & bit) !== 0) {
    session.duplicates += 1;
    return;
  }
  session.seen[byte] = before | bit;
  session.received += 1;
  // RFC 4737: reordered is what comes after something that was sent later.
  if (sequence < session.highest) session.reordered += 1;
  else session.highest = sequence;
}

/** A Map keeps the order of insertion: the first is the longest idle. */
function remember<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

function bind(socket: Socket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const code = error.code === "EADDRINUSE" ? "host.port-in-use" : "host.denied";
      reject(
        new GatewayError(code, { message: `cannot listen on UDP port ${port} of ${host} (${error.code})`, cause: error, fields: { port } }),
      );
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners("error");
      resolve();
    });
  });
}

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { DatagramBunches, TakeDatagram } from "#ports/datagrams.ts";
import type { Logger } from "#ports/logger.ts";
import { Bunch } from "./bunch.ts";
import type { EngineLimits } from "./limits.ts";
import type { Peer } from "./peer.ts";

/** What takes datagrams: one by one as the loop tells of them, or out of a bunch, whose bytes are there during the call only. */
export interface DatagramHandler {
  single(bytes: Buffer, from: RemoteInfo): void;
  readonly bunched: TakeDatagram;
}

interface OpenSocket {
  readonly socket: Socket;
  /** IPv4 where the platform has bunches. */
  readonly bunch: Bunch | undefined;
  /** Frames of the answers to requests sent lately and not answered; kept by the dispatcher. */
  fresh: number;
  /** As many answers as its receive buffer can hold at once. */
  maxFresh: number;
}

/** Kernel memory that one full-sized answer takes in a receive buffer, with a margin. */
const answerFootprintBytes = 3072;
const minFresh = 32;

/** The engine's UDP sockets: one per address family, more only for many sessions. Opened on first use, replaced when the kernel breaks one. */
export class Sockets {
  /** IPv4 first, then IPv6; `maxSockets` places each. */
  readonly #open: (OpenSocket | undefined)[] = [];
  readonly #limits: EngineLimits;
  readonly #logger: Logger;
  readonly #handler: DatagramHandler;
  readonly #bunches: DatagramBunches | undefined;
  #closed = false;
  /** Why the last socket could not be opened or broke; undefined when all is well. */
  failure: string | undefined;

  constructor(parts: { limits: EngineLimits; logger: Logger; handler: DatagramHandler; bunches: DatagramBunches | undefined }) {
    this.#limits = parts.limits;
    this.#logger = parts.logger;
    this.#handler = parts.handler;
    this.#bunches = parts.bunches;
  }

  get count(): number {
    return this.#open.filter((socket) => socket !== undefined).length;
  }

  /** `bunched` as soon as one socket has bunches. */
  datagrams(): "bunched" | "single" | "none" {
    if (this.count === 0) return "none";
    return this.#open.some((socket) => socket?.bunch !== undefined) ? "bunched" : "single";
  }

  /** The socket of a family; undefined after `close`. */
  get(family: 4 | 6, index: number): OpenSocket | undefined {
    const place = family === 4 ? index : this.#limits.maxSockets + index;
    const known = this.#open[place];
    if (known !== undefined || this.#closed) return known;
    const { socket, bunch, descriptor } = this.#create(family, place);
    const opened: OpenSocket = { socket, bunch, fresh: 0, maxFresh: minFresh };
    this.#open[place] = opened;
    socket.once("listening", () => {
      this.failure = undefined;
      const answers = Math.floor(socket.getRecvBufferSize() / answerFootprintBytes);
      opened.maxFresh = Math.min(this.#limits.maxFreshPerSocket, Math.max(minFresh, answers));
    });
    // It listens within this call.
    if (descriptor !== undefined) socket.bind({ fd: descriptor });
    return opened;
  }

  #create(family: 4 | 6, place: number): Pick<OpenSocket, "socket" | "bunch"> & { descriptor: number | undefined } {
    const socket = createSocket({
      type: family === 4 ? "udp4" : "udp6",
      ...(family === 6 ? { ipv6Only: true } : {}),
      recvBufferSize: this.#limits.receiveBufferBytes,
      // Addresses are literals by now. The default lookup would defer every single datagram.
      lookup: (address, _options, done) => done(null, address, family),
    });
    // A socket that broke was perhaps one of a bunch: the next does without.
    const kernel = family === 4 && this.failure === undefined ? this.#bunches?.open() : undefined;
    const bunch = kernel === undefined ? undefined : new Bunch(kernel, (bytes, peer) => sendAlone(socket, bytes, peer));
    const { single, bunched } = this.#handler;
    socket.on(
      "message",
      bunch === undefined
        ? single
        : (bytes: Buffer, from: RemoteInfo) => {
            single(bytes, from);
            bunch.receive(bunched);
          },
    );
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // Said once: it is opened again for every request, and may fail each time.
      if (this.failure === undefined) this.#logger.warn({ family, reason: error.code }, "udp socket failed and is replaced");
      this.failure = error.code ?? error.message;
      if (this.#open[place]?.socket === socket) this.#open[place] = undefined;
      bunch?.close();
      socket.close();
    });
    return { socket, bunch, descriptor: kernel?.descriptor };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const sockets = this.#open.splice(0).filter((socket) => socket !== undefined);
    for (const { bunch } of sockets) bunch?.close();
    await Promise.all(sockets.map(({ socket }) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
}

/** Sends one datagram and notes at its peer whether the kernel took it. */
export function sendAlone(socket: Socket, bytes: Uint8Array, peer: Peer): void {
  socket.send(bytes, peer.target.port, peer.address, (error) => {
    peer.sendError = error === null ? undefined : "code" in error ? String(error.code) : error.message;
  });
}
